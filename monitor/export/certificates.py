"""A chain of certificates, worded: served, or in a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.export import words
from monitor.export.words import clean
from monitor.model.facts import CertificateFacts

# A subject alternative name list can hold thousands; the eye needs the first, and how many more there are.
_SHOWN_NAMES = 8
# RFC 5280 bounds a commonName to 64 characters; a whole name beyond this is an attack or a mistake.
NAME_LIMIT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateView:
    """One certificate of the chain."""

    position: int
    role: str
    subject: str
    issuer: str
    names: str
    """Empty where there are none."""
    key: str
    ends: str
    is_past: bool
    """It is no longer valid."""
    is_issuer_of_previous: bool
    """By name; True for the first, which has none before it."""
    is_self_issued: bool
    serial: str
    fingerprint_sha256: str


def certificate_views(chain: tuple[CertificateFacts, ...], now: datetime) -> tuple[CertificateView, ...]:
    """Word each certificate as seen from `now`, in the chain's order."""
    return tuple(_certificate(facts, chain[index - 1] if index else None, now) for index, facts in enumerate(chain))


def _certificate(facts: CertificateFacts, previous: CertificateFacts | None, now: datetime) -> CertificateView:
    key = words.key(facts.key) or "unreadable key"
    return CertificateView(
        position=facts.position,
        role=facts.role.value,
        subject=_name(facts.subject),
        issuer=_name(facts.issuer),
        names=_names(facts.names),
        key=clean(key if facts.signature is None else f"{key}, signed with {facts.signature}"),
        ends=ends(facts.not_before, facts.not_after, now),
        is_past=facts.not_after is not None and facts.not_after < now,
        is_issuer_of_previous=previous is None or previous.issuer_der == facts.subject_der,
        is_self_issued=bool(facts.is_self_issued),
        serial=clean(facts.serial or "unreadable"),
        fingerprint_sha256=facts.fingerprint_sha256,
    )


def _name(name: str | None) -> str:
    if name is None:
        return "(unreadable name)"
    return clean(name, limit=NAME_LIMIT) or "(empty name)"


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return clean(shown if more <= 0 else f"{shown} and {more} more", limit=NAME_LIMIT * 2)


def ends(not_before: datetime | None, not_after: datetime | None, now: datetime) -> str:
    """Word when something ends or ended; of what is not valid yet, when it begins."""
    if not_before is not None and not_before > now:
        return f"begins {words.utc(not_before)}, {words.distance(not_before, now)}"
    if not_after is None:
        return "end unreadable"
    verb = "ended" if not_after < now else "ends"
    return f"{verb} {words.utc(not_after)}, {words.distance(not_after, now)}"
