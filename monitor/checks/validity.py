"""Dates: expired, not yet valid, expiring soon; each certificate on its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from monitor.checks.case import Case, capitalised, described, finding, moment, name, span
from monitor.checks.path import End, follow
from monitor.model.broker import Policy
from monitor.model.facts import CertificateFacts
from monitor.model.judgement import Finding, Severity
from monitor.x509.moments import whole_second


def validity(case: Case) -> Iterator[Finding]:
    """Yield a finding for each served certificate, and each anchor it needs, that is out of its dates or nearly."""
    seen: set[bytes] = set()
    for facts in case.chain:
        if facts.der not in seen:
            seen.add(facts.der)
            yield from _served(case, facts)
    yield from _anchors(case, seen)


def is_expired(facts: CertificateFacts, now: datetime) -> bool:
    """Tell whether the last second in which the certificate is valid has passed; False if it is unreadable."""
    return facts.not_after is not None and whole_second(now) > facts.not_after


def is_early(facts: CertificateFacts, now: datetime) -> bool:
    """Tell whether the first second in which the certificate is valid is still to come; False if unreadable."""
    return facts.not_before is not None and whole_second(now) < facts.not_before


def expiry_severity(not_after: datetime, now: datetime, policy: Policy) -> Severity | None:
    """Return how bad it is that something ends then; None if that is far enough away."""
    left_s = (not_after - now).total_seconds()
    if left_s <= policy.expiry_critical_s:
        return Severity.CRITICAL
    return Severity.WARNING if left_s <= policy.expiry_warning_s else None


def expired_sentence(what: str, not_after: datetime, now: datetime) -> str:
    """Say when something expired."""
    return capitalised(f"{what} expired on {moment(not_after)}, {span((now - not_after).total_seconds())} ago.")


def expiring_sentence(what: str, not_after: datetime, now: datetime) -> str:
    """Say when something will expire."""
    return capitalised(f"{what} expires in {span((not_after - now).total_seconds())}, on {moment(not_after)}")


def _served(case: Case, facts: CertificateFacts) -> Iterator[Finding]:
    # Where the chain is trusted all the same, a path was found without this certificate.
    severity = Severity.WARNING if case.judgement.is_trusted else Severity.CRITICAL
    aside = " A valid path was found without it." if case.judgement.is_trusted else ""
    if facts.not_after is not None and is_expired(facts, case.now):
        sentence = expired_sentence(described(facts), facts.not_after, case.now)
        yield finding("certificate_expired", sentence + aside, severity=severity, certificate=facts.position)
    elif facts.not_before is not None and is_early(facts, case.now):
        sentence = _early_sentence(described(facts), facts.not_before, case.now)
        yield finding("certificate_not_yet_valid", sentence + aside, severity=severity, certificate=facts.position)
    elif facts.not_after is not None:
        yield from _expiring(case, facts.not_after, described(facts), facts.position)


def _expiring(case: Case, not_after: datetime, what: str, position: int | None) -> Iterator[Finding]:
    severity = expiry_severity(not_after, case.now, case.broker.policy)
    if severity is None:
        return
    sentence = expiring_sentence(what, not_after, case.now)
    end = case.judgement.path_not_after
    if case.judgement.is_trusted and end is not None and end > not_after:
        # Another path stays valid: worth tidying up, not worth a night.
        severity = Severity.WARNING
        sentence += f"; without it the chain stays valid until {moment(end)}"
    yield finding("certificate_expiring", f"{sentence}.", severity=severity, certificate=position)


def _anchors(case: Case, served: set[bytes]) -> Iterator[Finding]:
    # Anchors that the peer did not send can end a path as well; nobody looks at those but us.
    source = case.broker.tls.trust.source
    if not case.judgement.is_trusted:
        path = follow(case.chain, case.anchors)
        candidates = path.anchors if path.end is End.ANCHOR_BY_NAME else ()
        if any(not is_expired(anchor, case.now) and not is_early(anchor, case.now) for anchor in candidates):
            return
        for anchor in candidates:
            what = _anchor(anchor, source)
            if anchor.not_after is not None and is_expired(anchor, case.now):
                yield finding("certificate_expired", expired_sentence(what, anchor.not_after, case.now))
            elif anchor.not_before is not None:
                yield finding("certificate_not_yet_valid", _early_sentence(what, anchor.not_before, case.now))
        return
    end = case.judgement.path_not_after
    if end is None or any(facts.not_after == end for facts in case.chain):
        return
    for anchor in case.anchors.facts:
        if anchor.not_after == end and anchor.der not in served:
            yield from _expiring(case, end, _anchor(anchor, source), None)
            return


def _anchor(anchor: CertificateFacts, source: str) -> str:
    return f"the trust anchor {name(anchor.subject)} in {source}, which the chain needs,"


def _early_sentence(what: str, not_before: datetime, now: datetime) -> str:
    left = span((not_before - now).total_seconds())
    return capitalised(f"{what} is not valid before {moment(not_before)}, in {left}.")
