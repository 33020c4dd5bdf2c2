"""Phases that take longer than they do as a rule with this very broker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from monitor.checks.finding import finding
from monitor.model.judgement import Finding
from monitor.model.outcome import Done, Phase
from monitor.model.pace import BLOCK, Pace, median
from monitor.model.report import ProbeReport

# Below it nobody minds, however many times the usual it is.
_FLOOR_S: Final = 0.1
_TIMES: Final = 3.0
# Of the median absolute deviation; for durations that vary evenly, six standard deviations.
_DEVIATIONS: Final = 9.0
# Half an hour at the default interval: before, there is no rule.
_LEAST_BLOCKS: Final = 6


def slow_phases(report: ProbeReport, paces: Mapping[Phase, Pace]) -> Iterator[Finding]:
    """Yield `phase_slow` if phases took much longer than usual, most of the last times and not only once.

    Much is more than three times the usual, and a tenth of a second above it, and beyond what it varies by.
    """
    slow = []
    for entry in report.phases:
        pace = paces.get(entry.phase)
        if pace is None or not isinstance(entry.outcome, Done) or len(pace.blocks) < _LEAST_BLOCKS:
            continue
        lately = pace.lately(entry.outcome.elapsed_s)
        if lately is None or (now_s := median(lately)) <= _FLOOR_S:
            continue
        usual_s = median(pace.blocks)
        deviation_s = median(tuple(abs(block_s - usual_s) for block_s in pace.blocks))
        if now_s > max(_TIMES * usual_s, _FLOOR_S + usual_s, usual_s + _DEVIATIONS * deviation_s):
            slow.append(f"{entry.phase.value} takes {_shown(now_s)} (usually {_shown(usual_s)})")
    if slow:
        yield finding("phase_slow", f"Slower than usual in the last {BLOCK} probes: {', '.join(slow)}.")


def _shown(seconds: float) -> str:
    if seconds >= 1.0:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.{0 if seconds >= 0.01 else 1}f} ms"
