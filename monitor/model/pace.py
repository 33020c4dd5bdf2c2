"""How long a phase took lately, and how long it takes as a rule: a bounded memory of durations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BLOCK: Final = 5
"""So many durations count as "lately", and are later remembered by their median."""
_KEPT_BLOCKS: Final = 48
"""With a probe each minute four hours: what lasts for longer than half of that is the rule."""


def median(values: tuple[float, ...]) -> float:
    """Return the middle one (of an even number, the upper of the two); there must be one."""
    return sorted(values)[len(values) // 2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The durations of one phase, in seconds, oldest first. Observing gives a new one, so a snapshot needs no copy."""

    recent: tuple[float, ...] = ()
    """One by one; fewer than two blocks."""
    blocks: tuple[float, ...] = ()
    """The medians of those before, block by block."""

    def observed(self, seconds: float) -> Pace:
        """Return this pace with one more duration in it."""
        recent = (*self.recent, seconds)
        if len(recent) < 2 * BLOCK:
            return Pace(recent=recent, blocks=self.blocks)
        blocks = (*self.blocks, median(recent[:BLOCK]))
        return Pace(recent=recent[BLOCK:], blocks=blocks[-_KEPT_BLOCKS:])

    def lately(self, seconds: float) -> tuple[float, ...] | None:
        """Return the last block of durations, this one included; None before there are as many."""
        recent = (*self.recent, seconds)[-BLOCK:]
        return recent if len(recent) == BLOCK else None
