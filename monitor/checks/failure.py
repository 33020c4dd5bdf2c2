"""A failed phase as a finding, so that every failure has a sentence and a fix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.checks.catalogue import entry
from monitor.checks.finding import finding
from monitor.checks.siblings import share
from monitor.model.judgement import Finding, Severity
from monitor.model.outcome import Failed, Phase
from monitor.model.reasons import VERIFY_FINDINGS
from monitor.model.report import ProbeReport


def failure(
    report: ProbeReport, findings: tuple[Finding, ...], siblings: Sequence[ProbeReport] = ()
) -> Iterator[Finding]:
    """Yield the report's failure, and at how many of the name's addresses there is one, where each is probed.

    `verify` fails with a finding's code; that finding is repeated only if it is no longer among `findings`, as
    where it was judged a moment earlier.
    """
    failed = report.failure
    if failed is None or not isinstance(failed.outcome, Failed):
        return
    reason, detail = failed.outcome.reason, failed.outcome.detail
    code = reason
    if failed.phase is Phase.VERIFY and (judged := reason.removeprefix("verify_")) in VERIFY_FINDINGS:
        code = judged
        if any(each.code == code for each in findings):
            return
    words = entry(code)
    said = words.title if words.title_says_all or not detail else f"{words.title}: {detail.removesuffix('.')}"
    yield finding(code, f"{said}. {share(report, siblings)}".rstrip(), severity=Severity.CRITICAL)
