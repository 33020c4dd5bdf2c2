"""What fetched answers come to: verified like a staple or a file's list, each source on its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from monitor.checks.assess import Assessor
from monitor.demo.pki import issue
from monitor.model.fetched import Fetched
from monitor.model.judgement import Assessment, Severity
from monitor.model.known import Known
from monitor.model.revocation import Answer, Source, Status
from monitor.model.unavailable import Unavailable
from tests.checks.causes import OTHER_ROOT, crl, fetched, response, stapled
from tests.checks.served import DAY, INTERMEDIATE, LEAF, NOW, ROOT, broker, handshake, report
from tests.support.revocation import REVOKED, UNKNOWN

CHAIN = handshake(LEAF, INTERMEDIATE)
OLD = {"this_update": NOW - 2 * DAY, "next_update": NOW - DAY}
SAME_NAME = issue(now=NOW, is_ca=True, subject="Test intermediate CA")
SOME_REASONS = x509.IssuingDistributionPoint(
    full_name=None,
    relative_name=None,
    only_contains_user_certs=False,
    only_contains_ca_certs=False,
    only_some_reasons=frozenset({x509.ReasonFlags.key_compromise}),
    indirect_crl=False,
    only_contains_attribute_certs=False,
)


def assessed(has: Sequence[Fetched], *, at: datetime = NOW) -> Assessment:
    return Assessor().assess(report(CHAIN), broker(), at, Known(fetched=tuple(has)))


def answers(has: Sequence[Fetched], *, at: datetime = NOW) -> list[Answer]:
    return [each for each in assessed(has, at=at).revocation if each.source is not Source.STAPLE]


@pytest.mark.parametrize("source", [Source.OCSP, Source.CRL])
@pytest.mark.parametrize(
    ("status", "codes"),
    [
        (Status.GOOD, []),
        (Status.REVOKED, ["certificate_revoked"]),
        (Status.STALE, ["revocation_unavailable"]),
        (Status.INVALID, ["revocation_invalid"]),
        (Status.UNKNOWN, ["revocation_unknown"]),
    ],
)
def test_each_status_of_each_source_is_kept_apart(source: Source, status: Status, codes: list[str]) -> None:
    responses = {
        Status.GOOD: response(),
        Status.REVOKED: response(status=REVOKED),
        Status.STALE: response(**OLD),
        Status.INVALID: response(signer=OTHER_ROOT),
        Status.UNKNOWN: response(status=UNKNOWN),
    }
    lists = {
        Status.GOOD: crl(INTERMEDIATE),
        Status.REVOKED: crl(INTERMEDIATE, LEAF),
        Status.STALE: crl(INTERMEDIATE, **OLD),
        Status.INVALID: crl(SAME_NAME, LEAF),
        Status.UNKNOWN: crl(INTERMEDIATE, extensions=((SOME_REASONS, True),)),
    }
    has = fetched(source, (responses if source is Source.OCSP else lists)[status])
    (answer,) = answers(has)
    assert (answer.source, answer.status, answer.origin) == (source, status, f"http://{source}.test/")
    found = assessed(has).findings
    assert [each.code for each in found] == codes
    assert all(answer.origin in each.message for each in found)


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"\x30\x82\xff\xff", response()[:-1], crl(OTHER_ROOT), b"\0" * 70_000]
)
@pytest.mark.parametrize("source", [Source.OCSP, Source.CRL])
def test_content_of_another_kind_is_never_good(source: Source, content: bytes) -> None:
    (answer,) = answers(fetched(source, content, problem=Unavailable.UNUSABLE))
    assert answer.status is Status.INVALID


def test_fetched_list_by_another_certificate_of_the_cas_name_is_never_good() -> None:
    namesake = issue(now=NOW, issuer=ROOT, is_ca=True)
    has = fetched(Source.CRL, crl(INTERMEDIATE, signer=namesake), problem=Unavailable.UNUSABLE)
    tls = handshake(LEAF, INTERMEDIATE, namesake)
    found = Assessor().assess(report(tls), broker(), NOW, Known(fetched=has)).revocation
    assert {each.source: each.status for each in found}[Source.CRL] is Status.INVALID


def test_revoked_certificate_closes_the_gate_whoever_says_so() -> None:
    known = Known(fetched=fetched(Source.OCSP, response(status=REVOKED)))
    refusal = Assessor().verify(CHAIN, broker(), NOW, known)
    assert refusal is not None
    assert refusal.code == "certificate_revoked"
    assert "the CA's responder at http://ocsp.test/" in refusal.message
    # And yet the chain counts as accepted where it is decided what to ask about: else it would be forgotten again.
    judgement = Assessor().assess(report(CHAIN), broker(), NOW, known).judgement
    assert judgement is not None
    assert judgement.accepted


def test_what_is_still_to_come_says_nothing() -> None:
    assert answers(fetched(Source.OCSP, problem=Unavailable.NOT_ASKED_YET)) == []
    assert assessed(fetched(Source.OCSP, problem=Unavailable.NOT_ASKED_YET)).findings == ()


def test_nothing_had_is_unavailable_and_says_why() -> None:
    has = fetched(Source.CRL, problem=Unavailable.REDIRECT)
    (answer,) = answers(has)
    assert (answer.status, answer.problem, answer.detail) == (
        Status.UNAVAILABLE,
        Unavailable.REDIRECT,
        "the redirect of it",
    )
    (found,) = assessed(has).findings
    assert found.message == (
        "http://crl.test/, where the broker's certificate (CN=broker.test) says to ask, gave no answer: "
        "the redirect of it."
    )


def test_failure_beside_an_answer_that_is_still_good_is_no_finding() -> None:
    has = fetched(Source.OCSP, response(), problem=Unavailable.TIMEOUT)
    (answer,) = answers(has)
    assert (answer.status, answer.problem) == (Status.GOOD, Unavailable.TIMEOUT)
    assert assessed(has).findings == ()
    (late,) = assessed(has, at=NOW + 2 * DAY).findings
    assert (late.code, late.severity) == ("revocation_unavailable", Severity.WARNING)
    assert "No newer one could be had: the timeout of it." in late.message


def test_what_could_not_be_relied_on_when_it_came_is_never_good() -> None:
    (had,) = fetched(Source.OCSP, response(), problem=Unavailable.UNUSABLE)
    (answer,) = answers([replace(had, is_usable=False)])
    assert (answer.status, answer.problem) == (Status.INVALID, Unavailable.UNUSABLE)
    (had,) = fetched(Source.OCSP, response(status=REVOKED), problem=Unavailable.UNUSABLE)
    (answer,) = answers([replace(had, is_usable=False)])
    assert answer.status is Status.REVOKED


def test_refusing_responder_gave_no_answer() -> None:
    refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    content = refusal.public_bytes(Encoding.DER)
    (answer,) = answers(fetched(Source.OCSP, content, problem=Unavailable.UNUSABLE))
    assert answer.status is Status.UNAVAILABLE
    assert "tryLater" in answer.detail


def test_answer_about_a_certificate_above_is_told_as_its_own() -> None:
    has = fetched(Source.CRL, crl(ROOT, INTERMEDIATE), of=INTERMEDIATE)
    (answer,) = answers(has)
    assert (answer.status, answer.certificate) == (Status.REVOKED, 1)
    down = assessed(fetched(Source.CRL, problem=Unavailable.TIMEOUT, of=INTERMEDIATE))
    assert [(each.code, each.severity) for each in down.findings] == [("revocation_unavailable", Severity.INFO)]


def test_answer_about_a_certificate_that_is_not_served_says_nothing() -> None:
    other = issue(now=NOW, issuer=INTERMEDIATE)
    assert answers(fetched(Source.OCSP, response(leaf=other, status=REVOKED), of=other)) == []


def test_sources_do_not_answer_for_each_other() -> None:
    tls = stapled(response())
    known = Known(fetched=(*fetched(Source.OCSP, problem=Unavailable.STATUS), *fetched(Source.CRL, crl(INTERMEDIATE))))
    found = Assessor().assess(report(tls), broker(), NOW, known).revocation
    assert {each.source: each.status for each in found} == {
        Source.STAPLE: Status.GOOD,
        Source.OCSP: Status.UNAVAILABLE,
        Source.CRL: Status.GOOD,
    }


def test_end_of_a_fetched_answer_is_no_break_as_it_is_asked_for_anew() -> None:
    without, with_answer = assessed(()), assessed(fetched(Source.CRL, crl(INTERMEDIATE)))
    assert with_answer.next_break == without.next_break


def test_what_was_read_once_is_remembered_without_its_content() -> None:
    assessor, known = Assessor(), Known(fetched=fetched(Source.CRL, crl(INTERMEDIATE)))
    assert not assessor.is_quick(CHAIN, broker(), NOW, known)
    assessor.assess(report(CHAIN), broker(), NOW, known)
    assert assessor.is_quick(CHAIN, broker(), NOW, known)
    again = Known(fetched=tuple(replace(each, problem=Unavailable.TIMEOUT) for each in known.fetched))
    assert not assessor.is_quick(CHAIN, broker(), NOW, again)
    assert all(each.content is None for key in assessor._revocation._found for each in key[-1])
