"""What a running daemon knows of a broker, as lines of text: how it stands, why, since when, and what breaks next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from textwrap import wrap
from typing import Any

from monitor.export.words import clean, distance, utc

_WIDTH = 14
NO_RESULT = "no result"
NO_BROKERS = "No brokers: none of the configuration's falls to this shard."
"""A whole configuration has at least one."""


def standing(document: Mapping[str, Any], now: datetime, *, width: int | None = None) -> Iterator[str]:
    """Yield the lines about one broker, or one of its addresses.

    Args:
        document: as the API answers it; its text is anybody's.
        now: from when moments are told.
        width: how many characters a line may have; None, as for programs that read lines: any number.
    """
    for what, said in _facts(document, now):
        yield from _lines(what, said, width) if what else (said,)


def _facts(document: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, str]]:
    """Yield what each line is about, and what it says."""
    verdict = document["verdict"] or NO_RESULT
    address = document["address"]
    yield "", f"{verdict.upper():<9} {clean(document['broker'])}" + (f" at {clean(address)}" if address else "")
    if document["verdict"] is None:
        yield "waiting", "for the first probe to end"
        return
    for phase in document["phases"]:
        if phase["outcome"] == "failed":
            # Findings come below: what one of them tells is not told twice.
            is_told = any(phase["detail"] in finding["message"] for finding in document["findings"])
            why = "" if is_told else f": {clean(phase['detail'])}"
            yield "fails", f"{clean(phase['name'])} with {clean(phase['reason'])}{why}"
    if document["failing_since"]:
        yield "failing since", _told(document["failing_since"], now)
    if document["last_success_at"]:
        yield "last success", _told(document["last_success_at"], now)
    else:
        yield "last success", "none since the daemon was started"
    for finding in document["findings"]:
        yield clean(finding["severity"]), f"{clean(finding['code'])}: {clean(finding['message'])}"
    if (breaks := document["next_break"]) is not None:
        yield "breaks next", f"{_told(breaks['at'], now)}: {clean(breaks['message'])}"


def _lines(what: str, said: str, width: int | None) -> list[str]:
    begin = f"  {what:<{_WIDTH}}"
    if width is None:
        return [f"{begin}{said}"]
    # Names and addresses are to be copied whole.
    return wrap(
        said,
        max(width, 2 * len(begin)),
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _told(moment: str, now: datetime) -> str:
    at = datetime.fromisoformat(moment)
    return f"{utc(at)}, {distance(at, now)}"
