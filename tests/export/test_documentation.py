"""docs/metrics.md explains what the monitor exposes, with its labels."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from monitor.export.families import FAMILIES
from monitor.export.metrics import exposition
from tests.export.test_metrics import everything

TEXT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
ROWS: dict[str, str] = dict(re.findall(r"^\| `(mqtt_tls_\w+)` \| (.*?) \|", TEXT, re.MULTILINE))


def test_every_metric_has_a_row_in_the_documentation() -> None:
    assert {family.name for family in FAMILIES} - set(ROWS) == set(), "docs/metrics.md explains every metric"


def test_documented_labels_are_those_exposed() -> None:
    body, _ = exposition(everything())
    # On every metric about a broker: its name, its configured labels, and the address where all of them are probed.
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            name = re.sub(r"_(bucket|sum|count)$", "", sample.name) if family.type == "histogram" else sample.name
            documented = set(re.findall(r"`(\w+)`", ROWS[name]))
            assert {*sample.labels} - {"address", "broker", "line", "site"} <= documented, sample
