"""Whether a certificate was revoked: what was had to find out, and what it came to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from monitor.model.unavailable import Unavailable

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Source(StrEnum):
    """Who was heard. Closed: it is a metric's label."""

    STAPLE = "staple"
    """The OCSP response that the broker sends along (RFC 6066 8)."""
    CRL_FILE = "crl_file"
    """Lists of revoked certificates in files that the configuration names (RFC 5280 5)."""
    OCSP = "ocsp"
    """The responder that the certificate names, asked by the monitor (RFC 6960)."""
    CRL = "crl"
    """The list that the certificate names, fetched by the monitor."""


class Status(StrEnum):
    """What a source says, gravest first. Closed: it is a metric's label."""

    REVOKED = "revoked"
    INVALID = "invalid"
    """What it says cannot be relied on: a wrong signature, a signer without the right, of another certificate."""
    STALE = "stale"
    """A newer one was due."""
    UNKNOWN = "unknown"
    """It is authentic and does not say whether the certificate was revoked."""
    UNAVAILABLE = "unavailable"
    """There should be something, and there is nothing."""
    NOT_OFFERED = "not_offered"
    GOOD = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one source says of one certificate, at one moment."""

    source: Source
    status: Status
    certificate: int
    """Position in the served chain."""
    detail: str
    """Says why, as the end of a sentence; empty for what its status says already."""
    origin: str
    """For people: `the stapled response`, the path of a file, or the URI that was asked."""
    this_update: datetime | None = None
    """When it was true. None where there is nothing, or nothing to be relied on. Likewise the next."""
    next_update: datetime | None = None
    """The last second in which it is fresh; None as well where it does not say."""
    revoked_at: datetime | None = None
    """Of one that was revoked; likewise the next."""
    reason: str | None = None
    """RFC 5280 5.3.1: `keyCompromise`, ...; None where none is given."""
    problem: Unavailable | None = None
    """Of what is fetched: what was wrong when it was asked for last."""


@dataclass(frozen=True, slots=True)
class EncodedCrl:
    """A certificate revocation list, DER."""

    der: bytes = field(repr=False, compare=False)
    sha256: str
    """Stands for the whole in comparisons: such lists reach megabytes."""

    @classmethod
    def of(cls, der: bytes) -> EncodedCrl:
        """Return the list with its digest."""
        return cls(der, hashlib.sha256(der).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlFile:
    """One file of revocation lists, as it was read last."""

    path: str
    crls: tuple[EncodedCrl, ...] = ()
    """In file order. Where the file is broken or gone now: what it held before."""
    problem: str | None = None
    """What is wrong with the file now, as the end of a sentence."""


def gravest(answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """Return one answer for each source: the gravest, and of alike ones that which first ceases to be fresh.

    That there is no list for a CA above the broker's own certificate counts for nothing: few collect those.
    """
    order = list(Status)
    found: list[Answer] = []
    for source in Source:
        ours = [
            answer
            for answer in answers
            if answer.source is source and not (answer.status is Status.UNAVAILABLE and answer.certificate > 0)
        ]
        if ours:
            found.append(min(ours, key=lambda answer: (order.index(answer.status), answer.next_update or _NEVER)))
    return tuple(found)
