"""What a running daemon knows of a broker, as lines of text: how it stands, why, since when, and what breaks next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from monitor.export.words import clean, distance, utc

_WIDTH = 14
NO_RESULT = "no result"
NO_BROKERS = "No brokers: none of the configuration's falls to this shard."
"""A whole configuration has at least one."""


def standing(document: Mapping[str, Any], now: datetime) -> Iterator[str]:
    """Yield the lines about one broker, or one of its addresses.

    Args:
        document: as the API answers it; its text is anybody's.
        now: from when moments are told.
    """
    verdict = document["verdict"] or NO_RESULT
    address = document["address"]
    yield f"{verdict.upper():<9} {clean(document['broker'])}" + (f" at {clean(address)}" if address else "")
    if document["verdict"] is None:
        yield _line("waiting", "for the first probe to end")
        return
    for phase in document["phases"]:
        if phase["outcome"] == "failed":
            yield _line("fails", f"{clean(phase['name'])} with {clean(phase['reason'])}: {clean(phase['detail'])}")
    if document["failing_since"]:
        yield _line("failing since", _told(document["failing_since"], now))
    if document["last_success_at"]:
        yield _line("last success", _told(document["last_success_at"], now))
    else:
        yield _line("last success", "none since the daemon was started")
    for finding in document["findings"]:
        yield _line(clean(finding["severity"]), f"{clean(finding['code'])}: {clean(finding['message'])}")
    if (breaks := document["next_break"]) is not None:
        yield _line("breaks next", f"{_told(breaks['at'], now)}: {clean(breaks['message'])}")


def _line(what: str, said: str) -> str:
    return f"  {what:<{_WIDTH}}{said}"


def _told(moment: str, now: datetime) -> str:
    at = datetime.fromisoformat(moment)
    return f"{utc(at)}, {distance(at, now)}"
