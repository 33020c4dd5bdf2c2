"""The phases of a probe, worded as the bars of a waterfall."""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor.export import words
from monitor.export.words import clean
from monitor.model.outcome import Clock, Confidence, Done, Failed, Outcome, Phase, PhaseReport
from monitor.model.report import ProbeReport


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseView:
    """One bar of the waterfall."""

    name: str
    outcome: str
    """`done`, `failed` or `skipped`."""
    start: float
    """Where the bar begins, as a share of all the waiting, 0 to 1; likewise `length`."""
    length: float
    is_own_work: bool
    """The monitor computed and waited for nobody: not the broker's time, and no part of the waterfall."""
    elapsed: str
    """Empty for a phase that was not tried."""
    note: str
    """What qualifies the number; often empty."""
    reason: str
    """Empty unless failed."""
    detail: str
    """Empty unless failed, and where the sentence on top says it already."""
    blocked_by: str
    """Empty unless skipped."""


def phase_views(report: ProbeReport, said: str) -> tuple[PhaseView, ...]:
    """Word each phase, in order; what is `said` above them already is not repeated as a detail."""
    waits_s = [0.0 if _is_own_work(report, entry.phase) else _elapsed_s(entry.outcome) for entry in report.phases]
    total_s = sum(waits_s) or 1.0
    rows: list[PhaseView] = []
    start_s = 0.0
    for entry, wait_s in zip(report.phases, waits_s, strict=True):
        is_own_work = _is_own_work(report, entry.phase)
        row = _phase(entry, start=start_s / total_s, length=wait_s / total_s, is_own_work=is_own_work)
        rows.append(replace(row, detail="") if row.detail in said else row)
        start_s += wait_s
    return tuple(rows)


def _is_own_work(report: ProbeReport, phase: Phase) -> bool:
    return phase is Phase.VERIFY or (phase is Phase.RESOLVE and report.address == report.host)


def _elapsed_s(outcome: Outcome) -> float:
    return outcome.elapsed_s if isinstance(outcome, Done | Failed) else 0.0


def _phase(entry: PhaseReport, *, start: float, length: float, is_own_work: bool) -> PhaseView:
    elapsed = note = reason = detail = blocked_by = ""
    match entry.outcome:
        case Done() as done:
            word, elapsed = "done", words.duration(done.elapsed_s)
            note = "our own work" if is_own_work else _note(done)
        case Failed() as failed:
            word, elapsed, reason, detail = (
                "failed",
                words.duration(failed.elapsed_s),
                failed.reason,
                clean(failed.detail),
            )
            note = "inferred" if failed.confidence is Confidence.INFERRED else ""
        case skipped:
            word, blocked_by = "skipped", skipped.blocked_by.value
    return PhaseView(
        name=entry.phase.value,
        outcome=word,
        start=start,
        length=length,
        is_own_work=is_own_work,
        elapsed=elapsed,
        note=note,
        reason=reason,
        detail=detail,
        blocked_by=blocked_by,
    )


def _note(outcome: Done) -> str:
    notes = ("at most" if outcome.is_upper_bound else "", "user clock" if outcome.clock is Clock.USER else "")
    return ", ".join(note for note in notes if note)
