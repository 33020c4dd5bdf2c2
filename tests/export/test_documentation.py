"""docs/metrics.md explains what the monitor exposes, with its labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import ProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from monitor.export.families import FAMILIES
from monitor.model.broker import Protocol
from tests.export.test_metrics import everything
from tests.support.exposed import exposition, samples
from tests.support.fleet import Fleet
from tests.support.records import NOW

TEXT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
ROWS: dict[str, str] = dict(re.findall(r"^\| `(mqtt_tls_\w+)` \| (.*?) \|", TEXT, re.MULTILINE))


def test_every_metric_has_a_row_in_the_documentation() -> None:
    assert {family.name for family in FAMILIES} - set(ROWS) == set(), "docs/metrics.md explains every metric"


def test_documented_labels_are_those_exposed() -> None:
    # On every metric about a broker: its name, its configured labels, and the address where all of them are probed.
    for family in text_string_to_metric_families(exposition(everything()).decode()):
        for sample in family.samples:
            name = re.sub(r"_(bucket|sum|count)$", "", sample.name) if family.type == "histogram" else sample.name
            documented = set(re.findall(r"`(\w+)`", ROWS[name]))
            assert {*sample.labels} - {"address", "broker", "line", "site"} <= documented, sample


AMOUNTS = re.findall(r"^\| (.*) \| (\d+) \| ([\d.]+) \|$", TEXT, re.MULTILINE)
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"protocol": Protocol.TLS},
    {"labels": (("line", "3"), ("site", "north")), "is_all_on": True},
)
"""In the order in which the page has them."""


@pytest.mark.parametrize(
    ("kind", "stated"), [*zip(KINDS, AMOUNTS, strict=True)], ids=[f"{number} series" for _, number, _ in AMOUNTS]
)
def test_stated_amounts_are_those_of_a_healthy_broker(kind: dict[str, Any], stated: tuple[str, str, str]) -> None:
    fleet = Fleet(1, now=NOW, **kind)
    fleet.probe(NOW)
    (state,) = fleet.snapshot().brokers
    assert state.assessment is not None
    assert state.assessment.success
    _, series, kilobytes = stated
    lines = [line for line in exposition(fleet.snapshot()).splitlines(keepends=True) if b'broker="' in line]
    assert len(lines) == int(series)
    # Names and numbers are not everywhere as long as here.
    assert sum(map(len, lines)) / 1000 == pytest.approx(float(kilobytes), rel=0.1)


def test_stated_amounts_are_those_of_the_monitor_itself() -> None:
    stated = re.search(r"The monitor\s+itself has (\d+), with a state file (\d+)\.", TEXT)
    assert stated is not None
    of_process = [sample for family in ProcessCollector(registry=None).collect() for sample in family.samples]
    own = [sample.name for sample in (*samples(everything()), *of_process) if "broker" not in sample.labels]
    assert len(own) == int(stated[2])
    assert len([name for name in own if "_state_" not in name]) == int(stated[1])
