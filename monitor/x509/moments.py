"""Moments as whole unix seconds: the grain in which certificates are valid (RFC 5280 4.1.2.5)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from monitor.model.facts import CertificateFacts

_SECOND = timedelta(seconds=1)


def unix_second(moment: datetime) -> int:
    """Return the unix second that an aware moment lies in."""
    return math.floor(moment.timestamp())


def whole_second(moment: datetime) -> datetime:
    """Return the beginning of the second that an aware moment lies in, in UTC."""
    return moment.astimezone(UTC).replace(microsecond=0)


def second_after(moment: datetime) -> datetime | None:
    """Return the moment one second later; None at the end of time, where certificates without an end end."""
    try:
        return moment + _SECOND
    except OverflowError:
        return None


def boundaries(certificates: Iterable[CertificateFacts]) -> set[int]:
    """Return the unix seconds in which one of the certificates begins to be valid, or is no more."""
    moments: set[int] = set()
    for facts in certificates:
        if facts.not_before is not None:
            moments.add(unix_second(facts.not_before))
        if facts.not_after is not None:
            # notAfter is the last valid second.
            moments.add(unix_second(facts.not_after) + 1)
    return moments
