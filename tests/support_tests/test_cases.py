"""The table of failures is whole and consistent; that probes see them so is tested with the probe."""

from __future__ import annotations

from collections import Counter

from monitor.model.reasons import REASONS
from tests.support.cases import CASES


def test_every_case_has_a_name_of_its_own_and_a_known_reason() -> None:
    assert not [name for name, count in Counter(case.id for case in CASES).items() if count > 1]
    assert {case.reason for case in CASES} <= REASONS
