"""What the log says of brokers and of configurations. A broker has a line when its state changes, and no other."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from monitor.export.view import headline, sentence
from monitor.export.words import clean
from monitor.model.config import Problem
from monitor.model.judgement import Assessment, CertificateChange, Verdict
from monitor.model.outcome import Phase
from monitor.model.report import ProbeReport
from monitor.store import Change

_LINES = {
    Verdict.OK: (logging.INFO, "broker is ok"),
    Verdict.WARNING: (logging.WARNING, "broker has a warning"),
    Verdict.CRITICAL: (logging.ERROR, "broker is critical"),
}

_NAME_LIMIT = 256

log = structlog.stdlib.get_logger()


def log_turn(results: Sequence[tuple[Change, ProbeReport, Assessment]]) -> None:
    """Say what is news of a broker, or of each of its addresses."""
    for change, report, assessment in results:
        if report.failure is not None and report.failure.phase is Phase.RESOLVE:
            _log_change(replace(change, address=None), report, assessment)
            if change.is_change:
                return  # the same of every address: said once, of the name
        else:
            _log_change(change, report, assessment)
        if assessment.change is not None:
            _log_certificate_change(change, assessment.change)


def _log_change(change: Change, report: ProbeReport, assessment: Assessment) -> None:
    """Say what is wrong with a broker since when, and what to do, if that is news; at `debug`, every probe."""
    after = change.after
    log.debug("probed", **_who(change), verdict=assessment.verdict, duration_s=round(report.duration_s, 4))
    if not change.is_change or after is None:
        return
    finding = headline(report, assessment)
    failed = report.failed
    message = sentence(report, assessment)
    fields = {
        **_who(change),
        "message": message,
        "verdict": after.verdict.value,
        "reason": after.reason,
        "since": _moment(change.since),
    }
    if change.before is not None:
        fields |= {
            "before": change.before.verdict.value,
            "before_reason": change.before.reason,
            "before_since": _moment(change.before_since),
        }
    if failed is not None and failed.detail not in message:
        fields["detail"] = clean(failed.detail)
    if finding is not None:
        # Without the hints for each kind of broker: a line of a log is for one thing to do.
        fields |= {"finding": finding.code, "fix": " ".join(finding.fix.splitlines())}
    level, event = _LINES[after.verdict]
    log.log(level, event, **fields)


def _log_certificate_change(change: Change, certificates: CertificateChange) -> None:
    """Say that a broker serves something else than before; a warning where devices may hold on to the old CA."""
    before, after, seen = certificates.before, certificates.after, certificates.last_seen_at
    log.log(
        logging.WARNING if certificates.concerns_pins else logging.INFO,
        "certificate changed",
        **_who(change),
        what=[what.value for what in certificates.what],
        last_seen=_moment(seen),
        fingerprint_before=before.fingerprint_sha256,
        fingerprint_after=after.fingerprint_sha256,
        key_before=before.spki_sha256,
        key_after=after.spki_sha256,
        issuer_before=_name(before.issuer),
        issuer_after=_name(after.issuer),
        root_before=_name(before.root),
        root_after=_name(after.root),
        chain_before=list(before.chain),
        chain_after=list(after.chain),
    )


def _who(change: Change) -> dict[str, str]:
    where = {} if change.address is None else {"address": change.address}
    return {"broker": change.broker, **where}


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def _name(name: str | None) -> str | None:
    return None if name is None else clean(name, limit=_NAME_LIMIT)


def log_problems(problems: Sequence[Problem], *, level: int) -> None:
    """Write one line for each problem of a configuration; `level` as `logging` numbers them."""
    for problem in problems:
        log.log(level, "configuration problem", problem=str(problem))
