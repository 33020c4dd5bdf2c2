"""Trust profiles: other clients' opinions of the same served chain."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from monitor.checks.assess import Assessor
from monitor.demo.pki import issue
from monitor.model.broker import Trust, TrustProfile
from monitor.model.judgement import Severity, Verdict
from monitor.model.known import Known
from tests.checks.served import DAY, INTERMEDIATE, LEAF, NOW, ROOT, broker, handshake, report

OTHER_ROOT = issue(now=NOW, is_ca=True, subject="Other Root")
SHORT_ROOT = issue(now=NOW, is_ca=True, subject="Test root CA", key=ROOT.key, not_after=NOW + 30 * DAY)


def test_profiles_that_agree_are_listed_and_no_finding() -> None:
    assessment = Assessor().assess(report(handshake(LEAF, INTERMEDIATE)), broker(profiles={"gateway": ROOT}), NOW)
    (opinion,) = assessment.profiles
    assert (opinion.name, opinion.is_trusted, opinion.error) == ("gateway", True, None)
    assert opinion.path_not_after == LEAF.certificate.not_valid_after_utc
    assert assessment.findings == ()


def test_refusing_profile_is_a_warning_that_names_its_clients_and_quotes_the_validators() -> None:
    of = broker(profiles={"devices-2022": OTHER_ROOT, "gateway": ROOT})
    assessment = Assessor().assess(report(handshake(LEAF, INTERMEDIATE)), of, NOW)
    assert [(each.name, each.is_trusted) for each in assessment.profiles] == [
        ("devices-2022", False),
        ("gateway", True),
    ]
    (found,) = assessment.findings
    assert (found.code, found.severity, found.certificate) == ("profile_untrusted", Severity.WARNING, 0)
    assert found.message.startswith(
        "Clients of the trust profile devices-2022 (they trust devices-2022.pem) refuse this chain, while the "
        "configured trust accepts it. OpenSSL says: "
    )
    assert assessment.profiles[0].error is not None
    assert assessment.profiles[0].error in found.message
    assert assessment.verdict is Verdict.WARNING


def test_profile_refuses_from_the_second_on_in_which_its_root_has_ended() -> None:
    of = broker(profiles={"old": SHORT_ROOT})
    assessor, seen = Assessor(), report(handshake(LEAF, INTERMEDIATE))
    last, first = (assessor.assess(seen, of, NOW + 30 * DAY + timedelta(seconds=late)) for late in (0, 1))
    assert (last.profiles[0].is_trusted, last.findings) == (True, ())
    assert [found.code for found in first.findings] == ["profile_untrusted"]
    assert "expired" in first.findings[0].message


def test_chain_that_only_a_profile_accepts_has_the_configured_trusts_finding_alone() -> None:
    of = broker(OTHER_ROOT, profiles={"gateway": ROOT, "other": OTHER_ROOT})
    assessment = Assessor().assess(report(handshake(LEAF, INTERMEDIATE), reason="verify_chain_untrusted"), of, NOW)
    assert [each.is_trusted for each in assessment.profiles] == [True, False]
    assert "profile_untrusted" not in [found.code for found in assessment.findings]


def test_profile_that_is_the_systems_trust_is_worded_as_such() -> None:
    of = broker()
    system = TrustProfile(name="gateway", trust=Trust(source="system", anchors=(OTHER_ROOT.der,)))
    of = replace(of, tls=replace(of.tls, trust_profiles=(system,)))
    (found,) = Assessor().assess(report(handshake(LEAF, INTERMEDIATE)), of, NOW).findings
    assert found.message.startswith("Clients of the trust profile gateway (they trust what the system trusts) refuse")


def test_profiles_of_a_broker_that_is_down_are_judged_by_what_was_last_seen() -> None:
    of, down = broker(profiles={"old": SHORT_ROOT}), report(None, reason="connect_refused")
    seen = handshake(LEAF, INTERMEDIATE)
    assert Assessor().assess(down, of, NOW).profiles == ()
    assert Assessor().assess(down, of, NOW, Known(last_seen=seen)).profiles[0].is_trusted
    assert not Assessor().assess(down, of, NOW + 31 * DAY, Known(last_seen=seen)).profiles[0].is_trusted
