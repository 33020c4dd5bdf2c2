"""What the log says of brokers and of configurations. A broker has a line when its state changes, and no other."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import structlog

from monitor.export.view import headline
from monitor.model.config import Problem
from monitor.model.judgement import Assessment, Verdict
from monitor.model.outcome import Failed
from monitor.model.report import ProbeReport
from monitor.store import Change

_LINES = {
    Verdict.OK: (logging.INFO, "broker is ok"),
    Verdict.WARNING: (logging.WARNING, "broker is worth a warning"),
    Verdict.CRITICAL: (logging.ERROR, "broker is in a critical state"),
}

log = structlog.stdlib.get_logger()


def log_change(change: Change, report: ProbeReport, assessment: Assessment) -> None:
    """Say what is wrong with a broker since when, and what to do, if that is news; at `debug`, every probe."""
    after = change.after
    who = {"broker": change.broker}
    if change.address is not None:
        who["address"] = change.address
    log.debug("probed", **who, verdict=assessment.verdict, duration_s=round(report.duration_s, 4))
    if not change.is_change or after is None:
        return
    fields = {
        **who,
        "verdict": after.verdict.value,
        "before": None if change.before is None else change.before.verdict.value,
        "reason": after.reason,
        "since": None if change.since is None else change.since.isoformat(timespec="seconds"),
    }
    finding = headline(report, assessment)
    failed = None if report.failure is None else report.failure.outcome
    if isinstance(failed, Failed) and (finding is None or failed.detail not in finding.message):
        fields["detail"] = failed.detail
    if finding is not None:
        # Without the hints for each kind of broker: a line of a log is for one thing to do.
        fields |= {"finding": finding.code, "message": finding.message, "fix": finding.fix}
    level, event = _LINES[after.verdict]
    log.log(level, event, **fields)


def log_problems(problems: Sequence[Problem], *, level: int) -> None:
    """Write one line for each problem of a configuration; `level` as `logging` numbers them."""
    for problem in problems:
        log.log(level, "configuration problem", problem=str(problem))
