"""A phase is called slow against its own past: most of the last times, by much, and never in haste."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat

import pytest

from monitor.checks.assess import Assessor
from monitor.checks.slowness import slow_phases
from monitor.model.judgement import Finding
from monitor.model.known import Known
from monitor.model.outcome import Phase
from monitor.model.pace import Pace
from tests.checks.served import INTERMEDIATE, LEAF, NOW, broker, handshake, report


def after(durations: Sequence[float]) -> Pace:
    pace = Pace()
    for seconds in durations:
        pace = pace.observed(seconds)
    return pace


def said(before: Sequence[float], now: float) -> list[Finding]:
    seen = report(handshake(LEAF, INTERMEDIATE), elapsed_s=now)
    return list(slow_phases(seen, {Phase.HANDSHAKE: after(before)}))


@pytest.mark.parametrize(
    ("usual", "slow", "is_said"),
    [
        (0.001, 0.003, False),  # three times next to nothing
        (0.001, 0.05, False),
        (0.001, 0.15, True),
        (0.04, 0.13, False),  # less than a tenth of a second more
        (0.04, 0.15, True),
        (0.5, 1.4, False),  # less than three times
        (0.5, 1.6, True),
    ],
)
def test_slow_is_three_times_and_a_tenth_of_a_second_more(usual: float, slow: float, is_said: bool) -> None:
    assert bool(said([usual] * 60 + [slow] * 4, slow)) is is_said


@pytest.mark.parametrize(("slow_before", "is_said"), [(0, False), (1, False), (2, True), (4, True)])
def test_one_or_two_slow_probes_are_chance(slow_before: int, is_said: bool) -> None:
    assert bool(said([0.01] * 60 + [1.0] * slow_before, 1.0)) is is_said


def test_it_ends_when_most_of_the_last_times_are_as_usual() -> None:
    before = [0.01] * 60 + [1.0] * 5
    assert said(before, 0.01)
    assert said([*before, 0.01], 0.01)
    assert not said([*before, 0.01, 0.01], 0.01)


def test_message_names_phase_and_both_figures() -> None:
    [found] = said([0.0124] * 60 + [1.5] * 4, 1.5)
    assert found.message == "Slower than usual in the last 5 probes: handshake takes 1.50 s (usually 12 ms)."
    [found] = said([0.0012] * 60 + [0.2] * 4, 0.2)
    assert "takes 200 ms (usually 1.2 ms)" in found.message


def test_nothing_is_said_before_there_is_a_rule() -> None:
    known = next(count for count in range(100) if said([0.01] * count + [1.0] * 4, 1.0))
    assert known == 31
    assert not said([], 1.0)


def test_broker_that_varies_widely_has_to_exceed_that_too() -> None:
    wild = [seconds for seconds in (0.02, 0.06, 0.1, 0.14, 0.18) for _ in range(5)] * 3
    assert not said(wild + [0.4] * 4, 0.4), "though that is four times the usual"
    assert said(wild + [0.6] * 4, 0.6)


def test_rare_outliers_of_the_past_change_nothing() -> None:
    spiky = [0.01, 0.01, 0.01, 0.01, 5.0] * 20
    assert said(spiky + [0.3] * 4, 0.3)


def test_what_lasts_becomes_the_rule() -> None:
    pace = after([0.01] * 400)
    spoken = [bool(found) for found in _following(pace, chain(repeat(1.0, 200)))]
    assert spoken[2:100] == [True] * 98
    assert not any(spoken[150:])


def _following(pace: Pace, durations: chain[float]) -> list[list[Finding]]:
    findings = []
    for seconds in durations:
        findings.append(list(slow_phases(report(None, elapsed_s=seconds), {Phase.CONNECT: pace})))
        pace = pace.observed(seconds)
    return findings


def test_several_slow_phases_are_one_finding_and_failed_ones_are_left_out() -> None:
    slow = after([0.01] * 60 + [1.0] * 4)
    paces = dict.fromkeys(Phase, slow)
    [found] = slow_phases(report(None, reason="mqtt_connect_timeout", elapsed_s=1.0), paces)
    assert "connect takes" in found.message
    assert "handshake takes" in found.message
    assert "mqtt_connect" not in found.message


def test_pace_is_bounded() -> None:
    pace = after([0.001 * number for number in range(10_000)])
    assert len(pace.recent) < 10
    assert len(pace.blocks) == 48


def test_assessment_carries_it_and_knows_nothing_of_a_first_probe() -> None:
    seen = report(handshake(LEAF, INTERMEDIATE), elapsed_s=1.0)
    slow = {Phase.ROUNDTRIP: after([0.01] * 60 + [1.0] * 4)}
    findings = Assessor().assess(seen, broker(), NOW, Known(paces=slow)).findings
    assert [found.code for found in findings] == ["phase_slow"]
    assert Assessor().assess(seen, broker(), NOW).findings == ()
