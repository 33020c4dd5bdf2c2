"""Findings with their fixes, as they are shown: every text made safe, and no block of hints twice."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.export.alerts import alert_of
from monitor.export.words import clean
from monitor.model.judgement import Finding, Hints


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """One finding with its fix."""

    code: str
    severity: str
    message: str
    fix: str
    """May have several lines: commands, lines of a configuration."""
    hints: tuple[Hints, ...]
    """A block that an earlier finding has is a caption alone."""
    about: str
    """`certificate 0`, or empty."""
    alert: str
    """Whose runbook says more; empty if none does."""


def finding_views(findings: tuple[Finding, ...]) -> tuple[FindingView, ...]:
    """Word each finding, in order."""
    shown: set[Hints] = set()
    return tuple(
        FindingView(
            code=finding.code,
            severity=finding.severity.label,
            message=clean(finding.message),
            fix=_lines(finding.fix),
            hints=tuple(_hints(block, shown) for block in finding.hints),
            about="" if finding.certificate is None else f"certificate {finding.certificate}",
            alert=alert_of(finding) or "",
        )
        for finding in findings
    )


def _lines(text: str) -> str:
    return "\n".join(clean(line) for line in text.splitlines())


def _hints(block: Hints, shown: set[Hints]) -> Hints:
    # Several findings are mended in the same place: it is told with the first of them.
    if block in shown:
        return Hints(caption=f"{clean(block.caption)}: as above", by_broker=())
    shown.add(block)
    lines = tuple((clean(broker), clean(said)) for broker, said in block.by_broker)
    return Hints(caption=clean(block.caption), by_broker=lines)
