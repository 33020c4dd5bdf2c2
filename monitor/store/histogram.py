"""A frozen histogram: observing gives a new one, so a snapshot needs no copy."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

# One set of bounds for everything a broker answers; part of the contract with dashboards.
LATENCY_BOUNDS_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 5.0)
# How late a probe started: a healthy daemon stays in the first buckets, a stuck one reaches an interval.
DELAY_BOUNDS_S = (0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How often a duration fell between which bounds."""

    bounds_s: tuple[float, ...]
    """Upper bounds, inclusive, ascending."""
    counts: tuple[int, ...]
    """Per bucket, not cumulated; one more than bounds, the last for everything above them."""
    total_s: float = 0.0
    """Sum of everything observed."""

    @classmethod
    def empty(cls, bounds_s: tuple[float, ...]) -> Histogram:
        """Return a histogram that has seen nothing."""
        return cls(bounds_s=bounds_s, counts=(0,) * (len(bounds_s) + 1))

    @property
    def count(self) -> int:
        """How many durations were observed."""
        return sum(self.counts)

    def observed(self, seconds: float) -> Histogram:
        """Return this histogram with one more duration in it."""
        bucket = bisect_left(self.bounds_s, seconds)
        counts = (*self.counts[:bucket], self.counts[bucket] + 1, *self.counts[bucket + 1 :])
        return Histogram(bounds_s=self.bounds_s, counts=counts, total_s=self.total_s + seconds)
