"""What the broker must refuse, and what came of the latest attempts."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.checks.finding import finding
from monitor.checks.phrases import capitalised, moment
from monitor.checks.words.refusals import WORDS
from monitor.model.judgement import Finding
from monitor.model.refusal import Refusal, RefusalOutcome
from monitor.model.report import ProbeReport


def refusals(report: ProbeReport, latest: tuple[Refusal, ...]) -> Iterator[Finding]:
    """Yield `refusal_not_enforced` for each attempt that was let in, and `refusal_not_told` where nothing was told.

    While the broker itself cannot be used, that nothing was told is no news.
    """
    for refusal in latest:
        words = WORDS[refusal.check]
        if refusal.outcome is RefusalOutcome.ACCEPTED:
            yield finding(
                "refusal_not_enforced",
                f"{capitalised(refusal.detail)}; the broker must refuse that ({refusal.check.value}, tried on "
                f"{moment(refusal.at)}).",
                severity=words.severity,
                advice=words.advice,
            )
        elif refusal.outcome is RefusalOutcome.UNKNOWN and report.success:
            yield finding(
                "refusal_not_told",
                f"Whether the broker refuses {words.who} could not be told on {moment(refusal.at)} "
                f"({refusal.check.value}): {refusal.detail}.",
            )
