"""Dates: expired, not yet valid, expiring soon; each certificate on its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from math import inf
from typing import Final

from monitor.checks.belonging import replacement
from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.path import End, follow
from monitor.checks.phrases import capitalised, described, moment, name, span
from monitor.model.broker import Policy
from monitor.model.facts import CertificateFacts
from monitor.model.judgement import Finding, Severity
from monitor.x509.moments import whole_second

# Programs renew at a third of the lifetime left (RFC 8555's clients, Let's Encrypt's advice), or at their next run
# after that, which may be a day later; a warning means that this did not happen. A twelfth is to the quarter what a
# week is to three.
_WARNING_SHARE: Final = 1 / 4
_CRITICAL_SHARE: Final = 1 / 12


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


def expiry_severity(facts: CertificateFacts, now: datetime, policy: Policy) -> Severity | None:
    """Return how bad it is that the certificate ends when it does; None if that is far enough away.

    It is a warning within the policy's time or the last quarter of its lifetime, critical within the policy's time or
    the last twelfth, whichever is shorter: a certificate of six or 47 days is renewed late in its life, as it should.
    """
    if facts.not_after is None:
        return None
    left_s = (facts.not_after - now).total_seconds()
    lifetime_s = inf if facts.not_before is None else (facts.not_after - facts.not_before).total_seconds()
    if left_s <= min(policy.expiry_critical_s, lifetime_s * _CRITICAL_SHARE):
        return Severity.CRITICAL
    return Severity.WARNING if left_s <= min(policy.expiry_warning_s, lifetime_s * _WARNING_SHARE) else None


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
        other = replacement(case, facts) if case.judgement.is_trusted else None
        if other is not None:
            aside = (
                f" The same CA's key has another certificate, issued by {name(other.issuer)}, over which a valid path "
                "was found."
            )
            yield finding("chain_cross_signed_expired", sentence + aside, certificate=facts.position)
            return
        yield finding("certificate_expired", sentence + aside, severity=severity, certificate=facts.position)
    elif facts.not_before is not None and is_early(facts, case.now):
        sentence = _early_sentence(described(facts), facts.not_before, case.now)
        yield finding("certificate_not_yet_valid", sentence + aside, severity=severity, certificate=facts.position)
    elif facts.not_after is not None:
        yield from _expiring(case, facts, described(facts), facts.position)


def _expiring(case: Case, facts: CertificateFacts, what: str, position: int | None) -> Iterator[Finding]:
    severity, not_after = expiry_severity(facts, case.now, case.broker.policy), facts.not_after
    if severity is None or not_after is None:
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
            yield from _expiring(case, anchor, _anchor(anchor, source), None)
            return


def _anchor(anchor: CertificateFacts, source: str) -> str:
    return f"the trust anchor {name(anchor.subject)} in {source}, which the chain needs,"


def _early_sentence(what: str, not_before: datetime, now: datetime) -> str:
    left = span((not_before - now).total_seconds())
    return capitalised(f"{what} is not valid before {moment(not_before)}, in {left}.")
