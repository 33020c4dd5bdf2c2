"""Durations as Prometheus writes them: `30s`, `5m`, `1h30m`, `250ms`, `1d`."""

from __future__ import annotations

import re
from collections.abc import Callable

from monitor.config.text import scalar, shown

# Each unit at most once, from the largest down, as in Prometheus' own configuration.
_UNITS_MS = {"y": 31_536_000_000, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_DURATION = re.compile("".join(f"(?:(?P<{unit}>[0-9]{{1,12}}){unit})?" for unit in _UNITS_MS), re.ASCII)


def parse_duration(text: str) -> float:
    """Return seconds.

    Raises:
        ValueError: `text` is no duration.
    """
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        hint = f"; with a unit: {text}s" if text.isascii() and text.isdecimal() else ""
        raise ValueError(f"expected a duration such as 30s, 5m or 1h30m, found {shown(text)}{hint}")
    return sum(int(count) * _UNITS_MS[unit] for unit, count in match.groupdict(default="0").items()) / 1000


def write_duration(seconds: float) -> str:
    """Return `seconds` as a duration, rounded to milliseconds: the inverse of `parse_duration`."""
    left = round(seconds * 1000)
    parts: list[str] = []
    for unit, size in _UNITS_MS.items():
        if unit not in {"y", "w"} and left >= size:  # days are what people say: 21d, not 3w
            parts.append(f"{left // size}{unit}")
            left %= size
    return "".join(parts) or "0s"


def duration(lowest: str, highest: str) -> Callable[[object], float]:
    """Return a reader of a duration in seconds, both bounds included."""

    def read(raw: object) -> float:
        seconds = parse_duration(scalar(raw, "a duration such as 30s, 5m or 1h30m"))
        if not parse_duration(lowest) <= seconds <= parse_duration(highest):
            raise ValueError(f"expected a duration from {lowest} to {highest}, found {shown(raw)}")
        return seconds

    return read
