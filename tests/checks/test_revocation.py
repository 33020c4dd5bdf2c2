"""Revocation as it is told: the gate, the findings, what breaks next; and no memory hides what has changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509

from monitor.checks.assess import Assessor
from monitor.demo.pki import Issued, issue
from monitor.model.broker import Policy
from monitor.model.facts import TlsFacts
from monitor.model.judgement import Assessment, Cause, Finding, Severity
from monitor.model.known import Known
from monitor.model.revocation import CrlFile, Source, Status
from tests.checks.causes import crl, listed, response, stapled
from tests.checks.served import DAY, INTERMEDIATE, LEAF, NOW, ROOT, SECOND, broker, handshake, report
from tests.support.revocation import MUST_STAPLE, REVOKED, UNKNOWN, ocsp_response

SERVED = handshake(LEAF, INTERMEDIATE)
OBLIGED = issue(now=NOW, issuer=INTERMEDIATE, extensions=((MUST_STAPLE, False),))


def assessed(tls: TlsFacts, *files: CrlFile, now: datetime = NOW, remarks: bool = False) -> Assessment:
    of = broker(policy=Policy(remarks=remarks))
    return Assessor().assess(report(tls), of, now, Known(crl_files=files))


def found(tls: TlsFacts, *files: CrlFile, now: datetime = NOW) -> dict[str, Finding]:
    return {each.code: each for each in assessed(tls, *files, now=now).findings}


def verified(tls: TlsFacts, *files: CrlFile) -> Finding | None:
    return Assessor().verify(tls, broker(), NOW, Known(crl_files=files))


def statuses(assessment: Assessment) -> dict[Source, Status]:
    return {answer.source: answer.status for answer in assessment.revocation}


def test_good_staple_and_good_lists_are_no_findings() -> None:
    tls = stapled(response())
    good = assessed(tls, *listed(crl(INTERMEDIATE), crl(ROOT)))
    assert good.findings == ()
    assert statuses(good) == {Source.STAPLE: Status.GOOD, Source.CRL_FILE: Status.GOOD}
    assert verified(tls, *listed(crl(INTERMEDIATE), crl(ROOT))) is None


def test_without_staple_and_lists_nothing_is_said() -> None:
    nothing = assessed(SERVED)
    assert nothing.findings == ()
    assert statuses(nothing) == {Source.STAPLE: Status.NOT_OFFERED}


@pytest.mark.parametrize(
    ("tls", "files", "said", "position"),
    [
        (
            stapled(response(status=REVOKED, reason=x509.ReasonFlags.key_compromise)),
            (),
            "was revoked on 2026-11-23 11:00:00 UTC (reason: keyCompromise), says the stapled response of the CA.",
            0,
        ),
        (
            SERVED,
            listed(crl(INTERMEDIATE, LEAF)),
            "The broker's certificate (CN=broker.test) was revoked on 2026-11-23 11:00:00 UTC, says the CA's list",
            0,
        ),
        (
            SERVED,
            listed(crl(INTERMEDIATE), crl(ROOT, INTERMEDIATE)),
            "The intermediate certificate at position 1 (CN=Test intermediate CA) was revoked on 2026-11-23",
            1,
        ),
    ],
)
def test_revoked_certificate_closes_the_gate_and_is_named(
    tls: TlsFacts, files: tuple[CrlFile, ...], said: str, position: int
) -> None:
    refusal = verified(tls, *files)
    assert refusal is not None
    assert (refusal.code, refusal.severity, refusal.certificate) == ("certificate_revoked", Severity.CRITICAL, position)
    assert said in refusal.message
    assert found(tls, *files)["certificate_revoked"] == refusal
    assert assessed(tls, *files).next_break is None


def test_revoked_and_expired_are_both_told() -> None:
    leaf = issue(now=NOW, issuer=INTERMEDIATE, not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    codes = found(handshake(leaf, INTERMEDIATE), *listed(crl(INTERMEDIATE, leaf)))
    assert {"certificate_revoked", "certificate_expired"} <= set(codes)


@pytest.mark.parametrize(
    ("encoded", "code"),
    [
        (None, "staple_missing"),
        (ocsp_response(leaf=LEAF, issuer=INTERMEDIATE, now=NOW), "staple_invalid"),
        (b"garbage", "staple_invalid"),
        (ocsp_response(leaf=OBLIGED, issuer=INTERMEDIATE, now=NOW - 9 * DAY), "staple_stale"),
        (ocsp_response(leaf=OBLIGED, issuer=INTERMEDIATE, now=NOW, status=UNKNOWN), "revocation_unknown"),
    ],
)
def test_must_staple_makes_it_critical_and_leaves_the_gate_open(encoded: bytes | None, code: str) -> None:
    tls = replace(handshake(OBLIGED, INTERMEDIATE), ocsp_response=encoded)
    assert {each.code: each.severity for each in assessed(tls).findings} == {code: Severity.CRITICAL}
    assert verified(tls) is None


def test_what_is_no_answer_is_a_warning_without_must_staple() -> None:
    for encoded in (b"garbage", response(this_update=NOW - 9 * DAY, next_update=NOW - DAY), response(status=UNKNOWN)):
        (finding,) = assessed(stapled(encoded)).findings
        assert finding.severity is Severity.WARNING


def test_staple_of_a_broker_that_is_down_grows_old_without_a_finding() -> None:
    tls = stapled(response())
    later = Assessor().assess(report(None, reason="connect_refused"), broker(), NOW + 2 * DAY, Known(last_seen=tls))
    assert [each.code for each in later.findings] == ["connect_refused"]
    assert statuses(later) == {Source.STAPLE: Status.STALE}


def test_chain_that_leads_nowhere_is_told_once() -> None:
    codes = {each.code for each in assessed(replace(handshake(LEAF), ocsp_response=response())).findings}
    assert codes == {"chain_incomplete"}


def test_responder_without_exemption_is_looked_up_in_the_lists() -> None:
    by = issue(now=NOW, issuer=INTERMEDIATE, names=None, extended_key_usage=("OCSPSigning",))
    tls = stapled(response(signer=by, certificates=(by,)))
    assert found(tls, *listed(crl(INTERMEDIATE))) == {}
    said = found(tls, *listed(crl(INTERMEDIATE, by)))["staple_invalid"].message
    assert "the certificate that it is signed with has been revoked" in said


def test_missing_list_of_the_root_is_a_remark_and_of_the_leafs_issuer_a_warning() -> None:
    files = listed(crl(INTERMEDIATE))
    assert assessed(SERVED, *files).findings == ()
    (remark,) = (each for each in assessed(SERVED, *files, remarks=True).findings if each.code == "crl_missing")
    assert (remark.severity, remark.certificate) == (Severity.INFO, 1)
    assert found(SERVED, *listed(crl(ROOT)))["crl_missing"].severity is Severity.WARNING
    assert statuses(assessed(SERVED, *listed(crl(ROOT)))) == {
        Source.STAPLE: Status.NOT_OFFERED,
        Source.CRL_FILE: Status.UNAVAILABLE,
    }


def test_file_that_broke_is_told_and_what_it_held_still_counts() -> None:
    (file,) = listed(crl(INTERMEDIATE, LEAF))
    codes = found(SERVED, replace(file, problem="no such file"))
    assert codes["crl_invalid"].message == (
        "/etc/ca.crl should hold lists of revoked certificates: no such file; the lists that it held before are used "
        "until they are out of date."
    )
    assert "certificate_revoked" in codes


def test_list_of_another_ca_with_the_same_name_is_told() -> None:
    codes = found(SERVED, *listed(crl(namesake(), LEAF)))
    assert set(codes) == {"crl_invalid"}
    assert "its signature is wrong" in codes["crl_invalid"].message


def namesake(**deviation: object) -> Issued:
    """Have another certificate of the intermediate CA's name issued, with a key of its own."""
    return issue(**{"now": NOW, "issuer": ROOT, "is_ca": True, **deviation})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("by", "status"),
    [
        (namesake(), Status.GOOD),
        (namesake(not_before=NOW - 2 * DAY, not_after=NOW - DAY), Status.INVALID),
        (namesake(not_before=NOW + DAY), Status.INVALID),
        (namesake(key_usage=("keyCertSign",)), Status.INVALID),
        (namesake(key_usage=None), Status.INVALID),
        (namesake(is_ca=False, subject="Test intermediate CA", key_usage=("cRLSign",)), Status.GOOD),
        (namesake(is_ca=False, subject="Test intermediate CA"), Status.INVALID),
        (namesake(is_ca=False, subject="Test intermediate CA", key_usage=None), Status.INVALID),
        (namesake(issuer=None, subject="Test intermediate CA"), Status.INVALID),
    ],
)
def test_other_certificate_of_the_cas_name_signs_lists_only_while_it_may(by: Issued, status: Status) -> None:
    files = listed(crl(INTERMEDIATE, signer=by), crl(ROOT))
    assert statuses(assessed(handshake(LEAF, INTERMEDIATE, by), *files))[Source.CRL_FILE] is status


def test_of_certificates_of_one_key_the_one_that_is_valid_longest_signs() -> None:
    by = namesake()
    ended = namesake(key=by.key, not_before=NOW - 2 * DAY, not_after=NOW - DAY)
    for served in ((by, ended), (ended, by)):
        files = listed(crl(INTERMEDIATE, signer=by), crl(ROOT))
        assert statuses(assessed(handshake(LEAF, INTERMEDIATE, *served), *files))[Source.CRL_FILE] is Status.GOOD


@pytest.mark.parametrize(
    ("tls", "files", "cause", "code", "position"),
    [
        (stapled(response()), listed(crl(INTERMEDIATE, next_update=NOW + 3 * DAY)), Cause.STAPLE, "staple_stale", 0),
        (
            stapled(response(next_update=NOW + 3 * DAY)),
            listed(crl(INTERMEDIATE), crl(ROOT, next_update=NOW + 2 * DAY)),
            Cause.CRL,
            "crl_stale",
            None,
        ),
    ],
)
def test_what_breaks_next_holds_to_its_last_second(
    tls: TlsFacts, files: tuple[CrlFile, ...], cause: Cause, code: str, position: int | None
) -> None:
    breaks = assessed(tls, *files).next_break
    assert breaks is not None
    assert (breaks.cause, breaks.at, breaks.certificate) == (cause, NOW + DAY, position)
    assert found(tls, *files, now=breaks.at - SECOND) == {}
    assert found(tls, *files, now=breaks.at) == {}
    assert set(found(tls, *files, now=breaks.at + SECOND)) == {code}


def test_what_changed_is_hidden_by_no_memory() -> None:
    assessor, of = Assessor(), broker()
    tls, good = stapled(response()), Known(crl_files=listed(crl(INTERMEDIATE)))
    assert assessor.verify(tls, of, NOW, good) is None
    assert assessor.is_quick(tls, of, NOW, good)
    changed = [
        (stapled(response(status=REVOKED)), good),
        (tls, Known(crl_files=listed(crl(INTERMEDIATE, LEAF)))),
    ]
    for now_served, known in changed:
        assert not assessor.is_quick(now_served, of, NOW, known)
        refusal = assessor.verify(now_served, of, NOW, known)
        assert refusal is not None
        assert refusal.code == "certificate_revoked"
        assert assessor.is_quick(now_served, of, NOW, known)
    assert assessor.verify(tls, of, NOW, good) is None


def test_memory_does_not_keep_old_news_fresh() -> None:
    assessor, of, tls = Assessor(), broker(), stapled(response())
    codes = [
        {each.code for each in assessor.assess(report(tls), of, NOW + after).findings}
        for after in (timedelta(0), DAY, DAY + SECOND)
    ]
    assert codes == [set(), set(), {"staple_stale"}]
