"""Certificates that were revoked, and what should tell and does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Final

from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.phrases import capitalised, described, moment, name, span
from monitor.model.facts import CertificateFacts
from monitor.model.judgement import Finding, Severity
from monitor.model.revocation import Answer, Source, Status


def revocation(case: Case) -> Iterator[Finding]:
    """Yield a finding for each answer that is not good, and for each file or list that cannot be used."""
    evidence = case.revocation
    if evidence is None:
        return
    facts = {each.position: each for each in case.chain}
    for answer in evidence.answers(case.now):
        worded = _WORDS.get((answer.source, answer.status))
        if worded is not None:
            yield from worded(case, facts[answer.certificate], answer)
    for file in case.crl_files:
        if file.problem is not None:
            held = "; the lists that it held before are used until they are out of date" if file.crls else ""
            yield finding(
                "crl_invalid", f"{file.path} should hold lists of revoked certificates: {file.problem}{held}."
            )
    for origin, fault in evidence.faults(case.now):
        yield finding("crl_invalid", f"A list of revoked certificates in {origin} cannot be relied on: {fault}.")


def _revoked(_case: Case, facts: CertificateFacts, answer: Answer) -> Iterator[Finding]:
    who = {
        Source.STAPLE: "the stapled response of the CA",
        Source.OCSP: f"the CA's responder at {answer.origin}",
    }.get(answer.source, f"the CA's list in {answer.origin}")
    when = "" if answer.revoked_at is None else f" on {moment(answer.revoked_at)}"
    why = "" if answer.reason is None else f" (reason: {answer.reason})"
    message = f"{capitalised(described(facts))} was revoked{when}{why}, says {who}."
    yield finding("certificate_revoked", message, certificate=facts.position)


def _no_staple(_case: Case, facts: CertificateFacts, _answer: Answer) -> Iterator[Finding]:
    if facts.must_staple:
        message = f"{capitalised(described(facts))} demands a stapled OCSP response, and the broker sends none."
        yield finding("staple_missing", message, certificate=facts.position)


def _stale_staple(case: Case, facts: CertificateFacts, answer: Answer) -> Iterator[Finding]:
    # That what was seen last has grown old is no fault of a broker that is down.
    if case.is_last_seen:
        return
    message = f"The response that the broker staples for its certificate {_overdue(case, answer)}"
    yield finding("staple_stale", message, severity=_strict(facts), certificate=facts.position)


def _invalid_staple(_case: Case, facts: CertificateFacts, answer: Answer) -> Iterator[Finding]:
    message = f"The response that the broker staples for its certificate cannot be relied on: {answer.detail}."
    yield finding("staple_invalid", message, severity=_strict(facts), certificate=facts.position)


def _unknown(case: Case, facts: CertificateFacts, answer: Answer) -> Iterator[Finding]:
    # Where the chain leads nowhere, its own finding says so.
    if not case.judgement.is_trusted_ignoring_time:
        return
    what = {
        Source.STAPLE: "The stapled response",
        Source.OCSP: f"The responder at {answer.origin}",
    }.get(answer.source, f"The list in {answer.origin}")
    message = f"{what} does not say whether {described(facts)} was revoked: {answer.detail}."
    severity = _strict(facts) if answer.source is Source.STAPLE else None
    yield finding("revocation_unknown", message, severity=severity, certificate=facts.position)


def _stale_list(case: Case, facts: CertificateFacts, answer: Answer) -> Iterator[Finding]:
    message = f"The list of certificates revoked by {name(facts.issuer)}, in {answer.origin}, {_overdue(case, answer)}"
    yield finding("crl_stale", message, certificate=facts.position)


def _no_list(case: Case, facts: CertificateFacts, _answer: Answer) -> Iterator[Finding]:
    is_own = facts is case.leaf
    if is_own or case.broker.policy.remarks:
        yield finding(
            "crl_missing",
            f"None of the lists in the configured files is of {name(facts.issuer)}, which issued {described(facts)}.",
            severity=None if is_own else Severity.INFO,
            certificate=facts.position,
        )


def _invalid_answer(case: Case, facts: CertificateFacts, answer: Answer) -> Iterator[Finding]:
    message = f"What {answer.origin} answers about {described(facts)} cannot be relied on: {answer.detail}."
    yield finding("revocation_invalid", message, severity=_own(case, facts), certificate=facts.position)


def _no_answer(case: Case, facts: CertificateFacts, answer: Answer) -> Iterator[Finding]:
    message = f"{answer.origin}, where {described(facts)} says to ask, gave no answer: {answer.detail}."
    yield finding("revocation_unavailable", message, severity=_own(case, facts), certificate=facts.position)


def _old_answer(case: Case, facts: CertificateFacts, answer: Answer) -> Iterator[Finding]:
    what = "list" if answer.source is Source.CRL else "answer"
    why = f" {capitalised(answer.detail)}." if answer.detail else ""
    message = f"The latest {what} from {answer.origin} about {described(facts)} {_overdue(case, answer)}{why}"
    yield finding("revocation_unavailable", message, severity=_own(case, facts), certificate=facts.position)


def _own(case: Case, facts: CertificateFacts) -> Severity | None:
    # Few clients ask about CAs' certificates; those that do come to another verdict by themselves.
    return None if facts is case.leaf else Severity.INFO


def _overdue(case: Case, answer: Answer) -> str:
    if answer.next_update is None:
        return "is out of date."
    ago = span((case.now - answer.next_update).total_seconds())
    return f"was good until {moment(answer.next_update)}, {ago} ago."


def _strict(facts: CertificateFacts) -> Severity | None:
    # With must-staple, clients were told to insist on a good response.
    return Severity.CRITICAL if facts.must_staple else None


_WORDS: Final[
    MappingProxyType[tuple[Source, Status], Callable[[Case, CertificateFacts, Answer], Iterator[Finding]]]
] = MappingProxyType(
    {
        (Source.STAPLE, Status.REVOKED): _revoked,
        (Source.STAPLE, Status.NOT_OFFERED): _no_staple,
        (Source.STAPLE, Status.STALE): _stale_staple,
        (Source.STAPLE, Status.INVALID): _invalid_staple,
        (Source.STAPLE, Status.UNAVAILABLE): _invalid_staple,
        (Source.STAPLE, Status.UNKNOWN): _unknown,
        (Source.CRL_FILE, Status.REVOKED): _revoked,
        (Source.CRL_FILE, Status.STALE): _stale_list,
        (Source.CRL_FILE, Status.UNKNOWN): _unknown,
        (Source.CRL_FILE, Status.UNAVAILABLE): _no_list,
        (Source.OCSP, Status.REVOKED): _revoked,
        (Source.OCSP, Status.STALE): _old_answer,
        (Source.OCSP, Status.INVALID): _invalid_answer,
        (Source.OCSP, Status.UNAVAILABLE): _no_answer,
        (Source.OCSP, Status.UNKNOWN): _unknown,
        (Source.CRL, Status.REVOKED): _revoked,
        (Source.CRL, Status.STALE): _old_answer,
        (Source.CRL, Status.INVALID): _invalid_answer,
        (Source.CRL, Status.UNAVAILABLE): _no_answer,
        (Source.CRL, Status.UNKNOWN): _unknown,
    }
)
"""An invalid list is told by its fault."""
