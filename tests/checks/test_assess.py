"""Findings: each caused by a real certificate, all of them at once, and told apart truly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from monitor.checks.assess import Assessor
from monitor.checks.words.hints import BROKER_LOGS, LISTENERS
from monitor.demo.pki import Issued, issue
from monitor.model.broker import Broker, Policy
from monitor.model.facts import MqttFacts, TlsFacts
from monitor.model.judgement import Finding, Severity, Verdict
from monitor.model.known import Known
from monitor.model.reasons import REASONS, VERIFY_FINDINGS
from tests.checks.causes import public_leaf
from tests.checks.served import DAY, INTERMEDIATE, LEAF, NOW, ROOT, SECOND, broker, handshake, report
from tests.x509 import odd

CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO


def findings(tls: TlsFacts, of: Broker | None = None, *, now: object = NOW) -> tuple[Finding, ...]:
    """Assess, and hold `verify` to what it promises on the way."""
    assessor, of = Assessor(), of or broker()
    assessment = assessor.assess(report(tls), of, now)  # type: ignore[arg-type]
    verified = assessor.verify(tls, of, now)  # type: ignore[arg-type]
    assert assessment.judgement is not None
    if assessment.judgement.accepted:
        assert verified is None
        forbidding = [each for each in assessment.findings if each.code in VERIFY_FINDINGS]
        assert all(each.severity < CRITICAL for each in forbidding)
    else:
        assert verified is not None
        assert verified.severity is CRITICAL
        assert verified in assessment.findings
        present = [code for code in VERIFY_FINDINGS if any(each.code == code for each in assessment.findings)]
        assert verified.code in present
        assert f"verify_{verified.code}" in REASONS
    order = [each.severity for each in assessment.findings]
    assert order == sorted(order, reverse=True)
    return assessment.findings


def codes(found: tuple[Finding, ...]) -> list[tuple[str, Severity, int | None]]:
    return [(each.code, each.severity, each.certificate) for each in found]


def only(found: tuple[Finding, ...], code: str) -> Finding:
    (match,) = [each for each in found if each.code == code]
    return match


def test_sound_chain_has_no_findings() -> None:
    assert findings(handshake(LEAF, INTERMEDIATE)) == ()
    assert findings(handshake(LEAF, INTERMEDIATE, ROOT)) == ()


# Dates.


@pytest.mark.parametrize(
    ("offset", "code"),
    [(-SECOND, "certificate_expiring"), (timedelta(0), "certificate_expiring"), (SECOND, "certificate_expired")],
)
def test_certificate_expires_after_its_last_second(offset: timedelta, code: str) -> None:
    leaf = issue(now=NOW, issuer=INTERMEDIATE, not_after=NOW)
    found = findings(handshake(leaf, INTERMEDIATE), now=NOW + offset)
    assert codes(found) == [(code, CRITICAL, 0)]


@pytest.mark.parametrize(
    ("offset", "expected"),
    [(-SECOND, [("certificate_not_yet_valid", CRITICAL, 0)]), (timedelta(0), []), (SECOND, [])],
)
def test_certificate_is_valid_from_its_first_second(offset: timedelta, expected: object) -> None:
    leaf = issue(now=NOW, issuer=INTERMEDIATE, not_before=NOW)
    assert codes(findings(handshake(leaf, INTERMEDIATE), now=NOW + offset)) == expected


def test_expired_sentence_names_certificate_date_and_days() -> None:
    leaf = issue(now=NOW, issuer=INTERMEDIATE, not_before=NOW - 30 * DAY, not_after=NOW - 3 * DAY)
    message = only(findings(handshake(leaf, INTERMEDIATE)), "certificate_expired").message
    assert message == ("The broker's certificate (CN=broker.test) expired on 2026-11-20 12:00:00 UTC, 3 days ago.")


def test_each_expired_certificate_is_named_on_its_own() -> None:
    ca = issue(now=NOW, issuer=ROOT, is_ca=True, not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    leaf = issue(now=NOW, issuer=ca, not_before=NOW - 9 * DAY, not_after=NOW - 2 * DAY)
    assert codes(findings(handshake(leaf, ca))) == [
        ("certificate_expired", CRITICAL, 0),
        ("certificate_expired", CRITICAL, 1),
    ]


def test_expired_certificate_that_the_path_does_not_need_is_a_warning() -> None:
    stale = issue(
        now=NOW,
        issuer=issue(now=NOW, is_ca=True, subject="Old root"),
        is_ca=True,
        key=INTERMEDIATE.key,
        not_before=NOW - 9 * DAY,
        not_after=NOW - DAY,
    )
    found = findings(handshake(LEAF, INTERMEDIATE, stale))
    assert ("chain_cross_signed_expired", WARNING, 2) in codes(found)
    assert only(found, "chain_cross_signed_expired").message.endswith("over which a valid path was found.")
    assert all(each.severity < CRITICAL for each in found)


def test_expired_stranger_beside_a_valid_path_is_a_warning() -> None:
    stray = issue(now=NOW, is_ca=True, subject="Stray", not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    found = findings(handshake(LEAF, INTERMEDIATE, stray))
    assert codes(found) == [("certificate_expired", WARNING, 2), ("chain_foreign", WARNING, 2)]
    assert only(found, "certificate_expired").message.endswith("A valid path was found without it.")


def test_expired_anchor_is_named_though_nobody_served_it() -> None:
    old = issue(now=NOW, is_ca=True, subject="Old root", not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    found = findings(handshake(issue(now=NOW, issuer=old)), broker(old))
    assert codes(found) == [("certificate_expired", CRITICAL, None)]
    assert "CN=Old root in /etc/ca.pem" in found[0].message


@pytest.mark.parametrize(
    ("days", "severity"), [(90, None), (21.01, None), (21, WARNING), (7.01, WARNING), (7, CRITICAL), (0.5, CRITICAL)]
)
def test_certificate_that_ends_soon_is_a_finding_by_policy(days: float, severity: Severity | None) -> None:
    leaf = issue(now=NOW, issuer=INTERMEDIATE, not_before=NOW - 90 * DAY, not_after=NOW + days * DAY)
    expected = [] if severity is None else [("certificate_expiring", severity, 0)]
    assert codes(findings(handshake(leaf, INTERMEDIATE))) == expected


def test_policy_is_the_brokers() -> None:
    leaf = issue(now=NOW, issuer=INTERMEDIATE, not_after=NOW + 5 * DAY)
    brief = Policy(expiry_warning_s=2 * 86_400.0, expiry_critical_s=86_400.0)
    assert findings(handshake(leaf, INTERMEDIATE), broker(policy=brief)) == ()


def test_expiring_sentence_names_certificate_days_and_date() -> None:
    ca = issue(now=NOW, issuer=ROOT, is_ca=True, not_before=NOW - 90 * DAY, not_after=NOW + 10 * DAY)
    leaf = issue(now=NOW, issuer=ca, not_after=NOW + 30 * DAY)
    (found,) = findings(handshake(leaf, ca))
    assert found.message == (
        "The intermediate certificate at position 1 (CN=Test intermediate CA) expires in 10 days, "
        "on 2026-12-03 12:00:00 UTC."
    )


def test_anchor_that_ends_soon_is_named_though_nobody_served_it() -> None:
    root = issue(now=NOW, is_ca=True, subject="Ending root", not_before=NOW - 90 * DAY, not_after=NOW + 10 * DAY)
    found = findings(handshake(issue(now=NOW, issuer=root, not_after=NOW + 30 * DAY)), broker(root))
    assert codes(found) == [("certificate_expiring", WARNING, None)]
    assert "Ending root" in found[0].message


def test_expiring_certificate_beside_a_longer_path_is_only_a_warning() -> None:
    short = issue(
        now=NOW, issuer=ROOT, is_ca=True, key=INTERMEDIATE.key, not_before=NOW - 90 * DAY, not_after=NOW + DAY
    )
    found = findings(handshake(LEAF, short, INTERMEDIATE))
    assert codes(found) == [("certificate_expiring", WARNING, 1)]
    assert "without it the chain stays valid until 2027-02-21" in found[0].message


# The way to the trust.


def test_leaf_alone_with_unknown_issuer_is_incomplete_and_says_what_it_may_be() -> None:
    found = findings(handshake(LEAF))
    assert codes(found) == [("chain_incomplete", CRITICAL, 0)]
    message = found[0].message
    assert "CN=Test intermediate CA" in message
    assert "or it is a private CA that is not trusted here" in message


def test_incomplete_chain_says_where_the_missing_certificate_is() -> None:
    leaf = issue(now=NOW, issuer=INTERMEDIATE, ca_issuers="http://ca.test/i.der")
    message = findings(handshake(leaf))[0].message
    assert "can be had from http://ca.test/i.der" in message
    assert "private CA" not in message


def test_chain_that_ends_in_a_served_root_that_is_no_anchor_is_untrusted() -> None:
    other = issue(now=NOW, is_ca=True, subject="Other root")
    found = findings(handshake(LEAF, INTERMEDIATE, ROOT), broker(other))
    assert codes(found) == [("chain_untrusted", CRITICAL, 2)]
    assert "CN=Test root CA" in found[0].message
    assert "/etc/ca.pem" in found[0].message


def test_chain_that_ends_below_a_root_that_is_no_anchor_is_untrusted() -> None:
    found = findings(handshake(LEAF, INTERMEDIATE), broker(issue(now=NOW, is_ca=True, subject="Other root")))
    assert codes(found) == [("chain_untrusted", CRITICAL, 1)]
    assert "CN=Test root CA" in found[0].message


@pytest.mark.parametrize("is_root_served", [True, False])
def test_ca_made_anew_under_its_old_name_is_untrusted_and_said_so(is_root_served: bool) -> None:
    anew = issue(now=NOW, is_ca=True)
    served = (LEAF, INTERMEDIATE, ROOT) if is_root_served else (LEAF, INTERMEDIATE)
    found = findings(handshake(*served), broker(anew))
    assert [each.code for each in found] == ["chain_untrusted"]
    assert "as after a CA was made anew" in found[0].message


def test_self_signed_leaf_that_is_no_anchor_is_self_signed() -> None:
    alone = issue(now=NOW)
    assert codes(findings(handshake(alone))) == [("leaf_self_signed", CRITICAL, 0)]
    as_ca = issue(now=NOW, is_ca=True, names=("DNS:localhost",))
    assert codes(findings(handshake(as_ca))) == [("leaf_self_signed", CRITICAL, 0)]


def test_self_signed_leaf_that_is_the_anchor_is_accepted() -> None:
    alone = issue(now=NOW, is_ca=True, names=("DNS:localhost",), key_usage=None)
    found = findings(handshake(alone), broker(alone))
    assert all(each.severity is INFO for each in found)


def test_leaf_named_like_the_ca_that_signed_it_is_not_called_self_signed() -> None:
    ca = issue(now=NOW, is_ca=True, subject="broker.test")
    found = findings(handshake(issue(now=NOW, issuer=ca)))
    assert codes(found) == [("chain_untrusted", CRITICAL, 0)]
    assert "the same name as the CA that signed it" in found[0].message


def test_signature_of_another_key_is_invalid_in_the_validators_words() -> None:
    impostor = issue(now=NOW, issuer=ROOT, is_ca=True)
    found = findings(handshake(LEAF, impostor))
    assert codes(found) == [("chain_invalid", CRITICAL, 0)]
    assert "was not signed by that certificate's key" in found[0].message
    assert "OpenSSL says: " in found[0].message


def test_issuer_that_is_no_ca_is_named() -> None:
    no_ca = issue(now=NOW, issuer=ROOT, subject="no CA")
    found = findings(handshake(issue(now=NOW, issuer=no_ca), no_ca))
    assert codes(found) == [("chain_issuer_not_ca", CRITICAL, 1)]
    assert "CN=no CA" in found[0].message
    assert "basicConstraints without CA:TRUE" in found[0].message


def test_certificates_beyond_the_bound_are_said_to_be_left_out() -> None:
    pile = [issue(now=NOW, issuer=ROOT, subject=f"pile {number}") for number in range(16)]
    found = findings(handshake(LEAF, *pile, INTERMEDIATE))
    assert "2 of 18 certificates were too many or too large" in only(found, "chain_left_out").message


# The order.


def test_file_that_begins_with_the_ca_is_named_and_nothing_that_only_follows_from_it() -> None:
    found = findings(handshake(ROOT, issue(now=NOW, issuer=ROOT)))
    assert codes(found) == [("chain_ca_first", CRITICAL, 0)]
    assert "CN=Test root CA" in found[0].message
    assert "CN=broker.test, at position 1" in found[0].message


@pytest.mark.parametrize("served", [(INTERMEDIATE, LEAF), (ROOT, INTERMEDIATE, LEAF), (INTERMEDIATE, ROOT, LEAF)])
def test_any_ca_in_front_of_the_leaf_is_ca_first(served: tuple[Issued, ...]) -> None:
    assert codes(findings(handshake(*served))) == [("chain_ca_first", CRITICAL, 0)]


def test_faults_behind_a_ca_in_front_are_named_as_well() -> None:
    leaf = issue(now=NOW, issuer=ROOT, names=("DNS:other.example",), not_before=NOW - 80 * DAY, not_after=NOW + DAY)
    assert codes(findings(handshake(ROOT, leaf))) == [
        ("chain_ca_first", CRITICAL, 0),
        ("name_mismatch", CRITICAL, 1),
        ("certificate_expiring", CRITICAL, 1),
    ]


def test_disorder_that_still_yields_a_path_is_a_warning() -> None:
    found = findings(handshake(LEAF, ROOT, INTERMEDIATE))
    assert codes(found) == [("chain_order", WARNING, 1)]


def test_certificate_that_belongs_to_no_other_is_a_warning() -> None:
    found = findings(handshake(LEAF, INTERMEDIATE, issue(now=NOW, is_ca=True, subject="Stray")))
    assert codes(found) == [("chain_foreign", WARNING, 2)]
    assert "it issued none of the certificates on it" in found[0].message


def test_cross_signed_twin_is_in_order() -> None:
    other = issue(now=NOW, is_ca=True, subject="Other root")
    key = ec.generate_private_key(ec.SECP256R1())
    one = issue(now=NOW, issuer=ROOT, is_ca=True, key=key)
    two = issue(now=NOW, issuer=other, is_ca=True, key=key)
    assert findings(handshake(issue(now=NOW, issuer=one), one, two)) == ()


# Name, use, encoding.


@pytest.mark.parametrize(
    ("names", "reference", "code", "expected"),
    [
        (("DNS:other.example",), "localhost", "name_mismatch", "is not for localhost: it names DNS:other.example."),
        (None, "localhost", "name_common_name_only", "it holds no subjectAltName at all."),
        (None, "broker.test", "name_common_name_only", "clients no longer look at common names"),
        (("DNS:localhost",), "127.0.0.1", "name_mismatch", "an IP address is only matched by an entry of kind IP"),
        (("DNS:127.0.0.1",), "127.0.0.1", "name_ip_as_dns", "with the address written as a DNS name"),
        (
            tuple(f"DNS:h{number}.example" for number in range(15)),
            "localhost",
            "name_mismatch",
            "DNS:h9.example and 5 more",
        ),
    ],
)
def test_wrong_name_says_what_is_named_instead(
    names: tuple[str, ...] | None, reference: str, code: str, expected: str
) -> None:
    leaf = issue(now=NOW, issuer=INTERMEDIATE, names=names)
    found = findings(handshake(leaf, INTERMEDIATE), broker(server_name=reference))
    assert codes(found) == [(code, CRITICAL, 0)]
    assert expected in found[0].message


def test_certificate_for_clients_is_not_for_servers() -> None:
    leaf = issue(now=NOW, issuer=INTERMEDIATE, extended_key_usage=("clientAuth", "1.2.3.4"))
    found = findings(handshake(leaf, INTERMEDIATE))
    assert codes(found) == [("leaf_not_for_servers", CRITICAL, 0)]
    assert "clientAuth, 1.2.3.4 only" in found[0].message


def test_fields_that_cannot_be_read_are_named() -> None:
    encoded = odd.certificate(
        not_before=odd.tlv(0x17, b"2601010000Z"), extensions=(odd.LOCALHOST, odd.CLIENT_AUTH, odd.SERVER_AUTH)
    )
    found = findings(handshake(encoded))
    assert "notBefore, extKeyUsage" in only(found, "certificate_unreadable").message
    assert only(found, "certificate_unreadable").severity is WARNING
    assert "cannot be read" in only(found, "leaf_not_for_servers").message


def test_chain_that_strict_clients_refuse_is_worth_an_information_if_a_public_ca_issued_it() -> None:
    ca = issue(now=NOW, is_ca=True, key_usage=None)
    private, of_public_ca = handshake(issue(now=NOW, issuer=ca)), handshake(public_leaf(issuer=ca))
    known = broker(ca, server_name="mqtt.example.org")
    system = replace(known, tls=replace(known.tls, trust=replace(known.tls.trust, includes_system=True)))
    assert findings(private, broker(ca)) == findings(of_public_ca, known) == ()
    # Operators put their own CA into the system's trust store, too.
    in_system = replace(system, tls=replace(system.tls, server_name="localhost"))
    assert findings(private, in_system) == ()
    found = findings(of_public_ca, system)
    assert codes(found) == [("validators_disagree", INFO, 0)]
    assert "keyUsage" in found[0].message


def test_chain_that_openssl_does_not_find_is_worth_a_warning() -> None:
    # Two certificates of one CA, the one in front signed by nobody we know: OpenSSL does not turn back.
    key = ec.generate_private_key(ec.SECP256R1())
    stranger = issue(now=NOW, is_ca=True, subject="Stranger")
    dead_end, way = (issue(now=NOW, issuer=above, is_ca=True, key=key, subject="I") for above in (stranger, ROOT))
    found = findings(handshake(issue(now=NOW, issuer=way), dead_end, way))
    assert codes(found) == [("validators_disagree", WARNING, 0)]
    assert "OpenSSL says: unable to get local issuer certificate (error 20 at depth 1)" in found[0].message


# All at once.


def test_five_faults_at_once_are_all_named() -> None:
    leaf = issue(
        now=NOW,
        issuer=INTERMEDIATE,
        names=("DNS:other.example",),
        extended_key_usage=("clientAuth",),
        not_before=NOW - 9 * DAY,
        not_after=NOW - DAY,
    )
    stale = issue(now=NOW, is_ca=True, subject="Stray", not_before=NOW + DAY)
    found = findings(handshake(leaf, stale), broker(source="system"))
    assert codes(found) == [
        ("certificate_expired", CRITICAL, 0),
        ("certificate_not_yet_valid", CRITICAL, 1),
        ("chain_incomplete", CRITICAL, 0),
        ("leaf_not_for_servers", CRITICAL, 0),
        ("name_mismatch", CRITICAL, 0),
        ("chain_foreign", WARNING, 1),
    ]


def test_same_chain_gives_the_same_findings_in_the_same_order() -> None:
    tls = handshake(issue(now=NOW, names=None, not_after=NOW + DAY), ROOT, INTERMEDIATE)
    assert findings(tls) == findings(tls)


# Around the chain.


def own_certificate(**deviation: Any) -> Issued:
    made = {"now": NOW, "subject": "monitor", "names": None, "extended_key_usage": ("clientAuth",), **deviation}
    return issue(**made)


def test_own_client_certificate_is_watched_as_well() -> None:
    expired = own_certificate(not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    found = findings(handshake(LEAF, INTERMEDIATE), broker(client=(expired,)))
    assert codes(found) == [("client_certificate_expired", CRITICAL, None)]
    assert "/etc/client.pem" in found[0].message
    ending = own_certificate(not_before=NOW - 80 * DAY, not_after=NOW + 10 * DAY)
    found = findings(handshake(LEAF, INTERMEDIATE), broker(client=(ending,)))
    assert codes(found) == [("client_certificate_expiring", WARNING, None)]


def test_own_expired_certificate_is_a_warning_where_nobody_asks_for_it() -> None:
    expired = own_certificate(not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    tls = handshake(LEAF, INTERMEDIATE, client_certificate_requested=False)
    assert codes(findings(tls, broker(client=(expired,)))) == [("client_certificate_expired", WARNING, None)]


@pytest.mark.parametrize("usage", [None, ("clientAuth",), ("serverAuth", "clientAuth"), ("anyExtendedKeyUsage",)])
def test_own_certificate_that_clients_may_show_is_well(usage: tuple[str, ...] | None) -> None:
    own = own_certificate(extended_key_usage=usage)
    assert findings(handshake(LEAF, INTERMEDIATE), broker(client=(own,))) == ()


def test_own_certificate_that_is_not_for_clients_says_what_it_is_for() -> None:
    own = own_certificate(extended_key_usage=("serverAuth",))
    asked = handshake(LEAF, INTERMEDIATE, client_certificate_requested=True)
    found = findings(asked, broker(client=(own,)))
    assert codes(found) == [("client_certificate_not_for_clients", WARNING, None)]
    assert "(/etc/client.pem) may be used for serverAuth only" in found[0].message
    idle = handshake(LEAF, INTERMEDIATE, client_certificate_requested=False)
    assert codes(findings(idle, broker(client=(own,)))) == [("client_certificate_not_for_clients", INFO, None)]


@pytest.mark.parametrize(
    ("policy", "is_public"),
    [("2.23.140.1.2.1", True), ("2.23.140.1.1", True), ("2.23.140.1.5.1.1", False), ("1.3.6.1.4.1.99999.1", False)],
)
def test_own_certificate_of_a_public_ca_will_not_be_renewed_for_clients(policy: str, is_public: bool) -> None:
    policies = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(policy), None)])
    own = own_certificate(extended_key_usage=("serverAuth", "clientAuth"), extensions=((policies, False),))
    found = findings(handshake(LEAF, INTERMEDIATE), broker(client=(own,)))
    assert codes(found) == ([("client_certificate_public", WARNING, None)] if is_public else [])


@pytest.mark.parametrize(("granted", "expected"), [(0, ["qos_downgraded"]), (1, []), (2, []), (0x80, []), (None, [])])
def test_lower_quality_of_service_than_asked_for_is_said(granted: int | None, expected: list[str]) -> None:
    seen = report(handshake(LEAF, INTERMEDIATE), mqtt=MqttFacts(suback_code=granted))
    found = Assessor().assess(seen, broker(qos=1), NOW).findings
    assert [each.code for each in found] == expected


def test_failed_phase_is_a_critical_finding_with_its_detail_and_fix() -> None:
    seen = report(None, reason="connect_failed", detail="127.0.0.1: Too many open files")
    assessment = Assessor().assess(seen, broker(), NOW)
    assert codes(assessment.findings) == [("connect_failed", CRITICAL, None)]
    assert assessment.findings[0].message == "The connection could not be made: 127.0.0.1: Too many open files."
    assert "files or buffers" in assessment.findings[0].fix
    assert assessment.judgement is None
    assert assessment.verdict is Verdict.CRITICAL


def test_detail_that_only_repeats_the_title_is_left_out_of_the_sentence() -> None:
    seen = report(None, reason="connect_refused", detail="127.0.0.1: Connection refused")
    (found,) = Assessor().assess(seen, broker(), NOW).findings
    assert found.message == "The connection was refused."
    assert found.hints == (LISTENERS, BROKER_LOGS)


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_becomes_a_finding(reason: str) -> None:
    found = Assessor().assess(report(None, reason=reason), broker(), NOW).findings
    words = reason.removeprefix("verify_")
    assert [each.code for each in found] == [words if words in VERIFY_FINDINGS else reason]


def test_failed_verify_is_not_said_twice() -> None:
    tls = handshake(LEAF, INTERMEDIATE)
    wrong = broker(server_name="other.example")
    found = Assessor().assess(report(tls, reason="verify_name_mismatch"), wrong, NOW).findings
    assert [each.code for each in found] == ["name_mismatch"]


def test_broker_that_is_down_keeps_being_judged_by_what_was_last_seen() -> None:
    leaf = issue(now=NOW, issuer=INTERMEDIATE, not_before=NOW - 80 * DAY, not_after=NOW + 3 * DAY)
    last = handshake(leaf, INTERMEDIATE)
    down = report(None, reason="connect_timeout")
    assessor = Assessor()
    now = assessor.assess(down, broker(), NOW, Known(last_seen=last))
    assert [each.code for each in now.findings] == ["certificate_expiring", "connect_timeout"]
    assert now.judgement is not None
    later = assessor.assess(down, broker(), NOW + 4 * DAY, Known(last_seen=last))
    assert [each.code for each in later.findings] == ["certificate_expired", "connect_timeout"]


def test_handshake_without_a_certificate_is_not_trusted() -> None:
    refusal = Assessor().verify(handshake(), broker(), NOW)
    assert refusal is not None
    assert refusal.code == "chain_invalid"


def test_verify_names_the_gravest_fault() -> None:
    leaf = issue(now=NOW, issuer=INTERMEDIATE, names=("DNS:x.example",), not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    refusal = Assessor().verify(handshake(leaf, INTERMEDIATE), broker(), NOW)
    assert refusal is not None
    assert refusal.code == "certificate_expired"
