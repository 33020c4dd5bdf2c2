"""How many lines a log gets. What comes too often waits, and gives way to the next of its kind. No clock, no output."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

KIND_AT_ONCE = 5
"""Lines of one kind that are written as they come; then one in `KIND_EVERY_S`."""
KIND_EVERY_S = 600.0
LEVEL_AT_ONCE = 1000
"""Likewise lines of one level, whatever their kind: a fleet's first results are written as they come."""
LEVEL_EVERY_S = 0.6
MOST_WAITING = 10_000
"""Lines that wait: more than a fleet has brokers, unless these have other names or addresses all the time."""


class Rate:
    """Knows which line may be written. Times are seconds of one clock that nobody sets; levels as in `logging`."""

    def __init__(self) -> None:
        self._kinds: dict[Hashable, _Allowance] = {}
        self._levels: dict[int, _Allowance] = {}
        self._waiting: dict[Hashable, _Line] = {}
        self._left_out = 0

    def admits(self, kind: Hashable, level: int, at: float) -> bool:
        """Tell whether a line may be written now; then it counts, and whatever waits of its kind is out of date."""
        if not self._take(kind, level, at):
            self._left_out += 1
            return False
        self._waiting.pop(kind, None)
        return True

    def wait(self, kind: Hashable, level: int, text: str) -> None:
        """Keep a line that was not admitted; the one that waits of its kind gives way, or of too many the oldest."""
        self._waiting.pop(kind, None)
        self._waiting[kind] = _Line(level=level, text=text)
        if len(self._waiting) > MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]

    def due(self, at: float) -> list[str]:
        """Return what waited and may be written now, the gravest first, and of those the oldest."""
        due = []
        for kind, line in sorted(self._waiting.items(), key=lambda item: -item[1].level):
            if self._take(kind, line.level, at):
                due.append(line.text)
                del self._waiting[kind]
        self._kinds = {kind: each for kind, each in self._kinds.items() if not each.is_whole(at)}
        return due

    def left_out(self) -> int:
        """Return how many lines were not admitted since this was last asked."""
        count, self._left_out = self._left_out, 0
        return count

    def _take(self, kind: Hashable, level: int, at: float) -> bool:
        of_kind = self._kinds.setdefault(kind, _Allowance(KIND_AT_ONCE, KIND_EVERY_S))
        of_level = self._levels.setdefault(level, _Allowance(LEVEL_AT_ONCE, LEVEL_EVERY_S))
        if of_kind.has_one(at) and of_level.has_one(at):
            of_kind.take()
            of_level.take()
            return True
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    level: int
    text: str


class _Allowance:
    """So many at once, and then one in so many seconds: a token bucket, full at first."""

    def __init__(self, at_once: int, every_s: float) -> None:
        self._at_once = at_once
        self._every_s = every_s
        self._left = float(at_once)
        self._at: float | None = None

    def has_one(self, at: float) -> bool:
        since_s = 0.0 if self._at is None else at - self._at
        self._left = min(float(self._at_once), self._left + since_s / self._every_s)
        self._at = at
        return self._left >= 1.0

    def take(self) -> None:
        self._left -= 1.0

    def is_whole(self, at: float) -> bool:
        self.has_one(at)
        return self._left == self._at_once
