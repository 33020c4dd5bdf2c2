"""What counts as a change of leaf, key, issuer and root, and how long the CA's is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.checks.assess import Assessor
from monitor.demo.pki import Issued, issue
from monitor.model.judgement import Assessment, CertificateChange, Changed, Finding, Served, Severity
from monitor.model.known import Known
from tests.checks.served import DAY, INTERMEDIATE, LEAF, NOW, ROOT, SECOND, broker, handshake, report

RENEWED = issue(now=NOW, issuer=INTERMEDIATE)
SAME_KEY = issue(now=NOW, issuer=INTERMEDIATE, key=LEAF.key)
REISSUED = issue(now=NOW, issuer=ROOT, is_ca=True, key=INTERMEDIATE.key)
OTHER_INTERMEDIATE = issue(now=NOW, issuer=ROOT, is_ca=True, subject="Second CA")
OF_OTHER_INTERMEDIATE = issue(now=NOW, issuer=OTHER_INTERMEDIATE)
OTHER_ROOT = issue(now=NOW, is_ca=True, subject="New Root")
UNDER_OTHER_ROOT = issue(now=NOW, issuer=OTHER_ROOT, is_ca=True, subject="Third CA")
OF_OTHER_ROOT = issue(now=NOW, issuer=UNDER_OTHER_ROOT)
CROSS_SIGNED = issue(now=NOW, issuer=OTHER_ROOT, is_ca=True, key=INTERMEDIATE.key)

LEAF_, KEY_, ISSUER_, ROOT_ = Changed
BROKER = broker(ROOT, OTHER_ROOT)


def after(before: tuple[Issued, ...], now: tuple[Issued, ...]) -> Assessment:
    return Assessor().assess(report(handshake(*now)), BROKER, NOW, Known(last_seen=handshake(*before)))


@pytest.mark.parametrize(
    ("before", "now", "what"),
    [
        ((LEAF, INTERMEDIATE), (RENEWED, INTERMEDIATE), (LEAF_, KEY_)),
        ((LEAF, INTERMEDIATE), (SAME_KEY, INTERMEDIATE), (LEAF_,)),
        ((LEAF, INTERMEDIATE), (LEAF, REISSUED), (ISSUER_,)),
        ((LEAF, INTERMEDIATE), (OF_OTHER_INTERMEDIATE, OTHER_INTERMEDIATE), (LEAF_, KEY_, ISSUER_)),
        ((LEAF, INTERMEDIATE), (OF_OTHER_ROOT, UNDER_OTHER_ROOT), (LEAF_, KEY_, ISSUER_, ROOT_)),
        ((LEAF, INTERMEDIATE), (LEAF, CROSS_SIGNED), (ISSUER_, ROOT_)),
        ((LEAF, INTERMEDIATE), (LEAF, INTERMEDIATE, ROOT), ()),
        ((LEAF,), (LEAF, INTERMEDIATE), ()),
        ((INTERMEDIATE, LEAF), (LEAF, INTERMEDIATE), ()),
    ],
)
def test_what_changed(before: tuple[Issued, ...], now: tuple[Issued, ...], what: tuple[Changed, ...]) -> None:
    found = after(before, now)
    assert found.change is not None
    assert found.change.what == what
    concerns = ISSUER_ in what or ROOT_ in what
    assert [each.code for each in found.findings] == (["issuer_changed"] if concerns else [])


def test_change_says_what_was_served_before_and_after() -> None:
    known = Known(last_seen=handshake(LEAF, INTERMEDIATE), last_seen_at=NOW - DAY)
    served = handshake(OF_OTHER_ROOT, UNDER_OTHER_ROOT)
    found = Assessor().assess(report(served), BROKER, NOW, known).change
    assert found is not None
    assert (found.at, found.last_seen_at) == (NOW, NOW - DAY)
    assert known.last_seen is not None
    for said, tls, issuer, root in (
        (found.before, known.last_seen, "CN=Test intermediate CA", "CN=Test root CA"),
        (found.after, served, "CN=Third CA", "CN=New Root"),
    ):
        assert said == Served(
            fingerprint_sha256=tls.certificates[0].fingerprint_sha256,
            spki_sha256=tls.certificates[0].spki_sha256,
            chain=tuple(facts.fingerprint_sha256 for facts in tls.certificates),
            issuer=issuer,
            root=root,
        )


def test_leaf_is_known_wherever_it_stands() -> None:
    found = after((INTERMEDIATE, LEAF), (LEAF, INTERMEDIATE)).change
    assert found is not None
    assert found.before.fingerprint_sha256 == found.after.fingerprint_sha256
    assert found.before.chain == found.after.chain[::-1]


def test_same_chain_is_no_change() -> None:
    assert after((LEAF, INTERMEDIATE), (LEAF, INTERMEDIATE)).change is None
    assert Assessor().assess(report(handshake(LEAF, INTERMEDIATE)), BROKER, NOW).change is None


def test_other_ca_is_a_warning_that_names_both() -> None:
    (found,) = after((LEAF, INTERMEDIATE), (OF_OTHER_ROOT, UNDER_OTHER_ROOT)).findings
    assert found.severity is Severity.WARNING
    assert found.message == (
        "Since 2026-11-23 12:00:00 UTC the broker's certificate is one issued by CN=Third CA, before by CN=Test "
        "intermediate CA, and the chain ends at CN=New Root, before at CN=Test root CA. The chain is valid, but "
        "devices that hold on to the old CA will refuse the broker when they next connect."
    )


def test_reissued_ca_is_worded_as_such() -> None:
    (found,) = after((LEAF, INTERMEDIATE), (LEAF, REISSUED)).findings
    assert "another certificate of the issuing CA CN=Test intermediate CA is in use." in found.message


def test_change_to_a_chain_that_is_refused_is_counted_and_left_to_the_refusals_finding() -> None:
    seen = report(handshake(OF_OTHER_ROOT, UNDER_OTHER_ROOT), reason="verify_chain_untrusted")
    found = Assessor().assess(seen, broker(ROOT), NOW, Known(last_seen=handshake(LEAF, INTERMEDIATE)))
    assert found.change is not None
    assert Changed.ISSUER in found.change.what
    assert [each.code for each in found.findings] == ["chain_untrusted"]


@pytest.mark.parametrize(("later", "told"), [(SECOND, True), (DAY - SECOND, True), (DAY, False), (-SECOND, False)])
def test_change_is_told_for_a_day(later: timedelta, told: bool) -> None:
    change = after((LEAF, INTERMEDIATE), (OF_OTHER_ROOT, UNDER_OTHER_ROOT)).change
    assert [each.code for each in at(NOW + later, change)] == (["issuer_changed"] if told else [])


def at(now: object, change: CertificateChange | None) -> tuple[Finding, ...]:
    seen = handshake(OF_OTHER_ROOT, UNDER_OTHER_ROOT)
    found = Assessor().assess(report(seen), BROKER, now, Known(last_seen=seen, last_change=change))  # type: ignore[arg-type]
    assert found.change is None
    return found.findings


def test_change_stays_told_while_the_broker_is_down_and_when_the_leaf_is_renewed() -> None:
    change = after((LEAF, INTERMEDIATE), (OF_OTHER_ROOT, UNDER_OTHER_ROOT)).change
    seen, later = handshake(OF_OTHER_ROOT, UNDER_OTHER_ROOT), NOW + SECOND
    down = report(None, reason="connect_refused")
    found = Assessor().assess(down, BROKER, later, Known(last_seen=seen, last_change=change))
    assert [each.code for each in found.findings] == ["connect_refused", "issuer_changed"]
    renewed = handshake(issue(now=NOW, issuer=UNDER_OTHER_ROOT), UNDER_OTHER_ROOT)
    found = Assessor().assess(report(renewed), BROKER, later, Known(last_seen=seen, last_change=change))
    assert found.change is not None
    assert found.change.what == (LEAF_, KEY_)
    assert [each.code for each in found.findings] == ["issuer_changed"]
