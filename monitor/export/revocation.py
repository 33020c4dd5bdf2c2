"""What is known of revocation, in a line for people."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from typing import Final

from monitor.export import words
from monitor.export.words import clean
from monitor.model.revocation import Answer, Source, Status

_SOURCES: Final = MappingProxyType(
    {Source.STAPLE: "staple", Source.CRL_FILE: "list", Source.OCSP: "responder", Source.CRL: "fetched list"}
)
_WORDS: Final = MappingProxyType(
    {
        Status.REVOKED: "REVOKED",
        Status.INVALID: "not to be relied on",
        Status.STALE: "out of date",
        Status.UNKNOWN: "does not tell",
        Status.UNAVAILABLE: "missing",
        Status.GOOD: "good",
    }
)


def revocation(answers: tuple[Answer, ...], now: datetime) -> str:
    """Word what each source says; empty where none was heard."""
    return "; ".join(_worded(answer, now) for answer in answers if answer.status is not Status.NOT_OFFERED)


def _worded(answer: Answer, now: datetime) -> str:
    said = f"{_SOURCES[answer.source]} {_WORDS[answer.status]}"
    if answer.status is Status.GOOD and answer.next_update is not None:
        return f"{said} until {words.utc(answer.next_update)}, {words.distance(answer.next_update, now)}"
    return clean(said)
