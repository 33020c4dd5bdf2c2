"""Every failure reason, caused for real: by a server that misbehaves in just that way."""

from __future__ import annotations

import asyncio
import gc

import pytest

from monitor.judging import Judging
from monitor.model.outcome import Done, Failed, Phase, Skipped
from monitor.model.reasons import INTERNAL
from tests.support.case import Case
from tests.support.cases import CASES, reasons_without_case
from tests.support.loop_state import descriptors
from tests.support.pki import TestPki
from tests.support.probing import failure, run_probe

ELSEWHERE = frozenset({INTERNAL, "verify_timeout"})
"""Caused in test_pipeline.py, as it takes a fault of ours; and in test_judging.py, as it takes a queue of others."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_reason(case: Case, pki: TestPki) -> None:
    before = descriptors()
    with case.broker(pki) as broker:
        judging = Judging()
        report = await run_probe(broker, judging.verify)
    outcome = failure(report)
    assert outcome.reason == case.reason, outcome.detail
    assert "\n" not in outcome.detail
    assert report.failure is not None
    # Exactly one phase failed, and it blocks the ones behind it. (Where our certificate was held back in TLS 1.2,
    # `verify` was done before the handshake could fail.)
    phases = {entry.phase: entry.outcome for entry in report.phases}
    assert [phase for phase, seen in phases.items() if isinstance(seen, Failed)] == [report.failure.phase]
    for seen in list(phases.values())[list(phases).index(report.failure.phase) + 1 :]:
        assert seen == Skipped(blocked_by=report.failure.phase) or isinstance(phases[Phase.VERIFY], Done)
    # The failure has a sentence and a fix.
    assessment = await judging.assess(report, broker, report.started_at)
    judging.close()
    assert assessment.findings
    assert assessment.findings[0].fix
    # Nothing is left of it, but for the thread of a look-up that nobody can interrupt.
    gc.collect()
    assert len(asyncio.all_tasks()) == 1
    assert outcome.reason == "resolve_timeout" or descriptors() <= before


def test_every_reason_is_caused() -> None:
    assert reasons_without_case() == ELSEWHERE
