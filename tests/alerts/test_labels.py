"""The alert rules with labels that their own tests do not carry: operators' own, addresses, names of any kind."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.test_rules import OWN
from tests.export.test_metrics import everything
from tests.support.alerts import RULES, Timeline, timelines
from tests.support.exposed import samples
from tests.support.processes import tool

PLACE = {"job": "mqtt-tls-monitor", "instance": "mon:9883"}
TEAM = {"region": "eu", "team": "plants"}
SUFFIX = ' "quoted" {{ $x }} \\é<b>%s'
ADDRESSES = ("192.0.2.1", "2001:db8::2")
CONFIGURED = {"mqtt_tls_probe_interval_seconds", "mqtt_tls_client_certificate_not_after_timestamp_seconds"}
"""What is there once for a broker, whatever its addresses."""

Labels = Mapping[str, str]


def written(name: str, labels: Labels) -> str:
    """Write a series as promtool reads it."""
    return name + "{" + ", ".join(f"{key}={json.dumps(value)}" for key, value in labels.items()) + "}"


def promtool(
    tmp_path: Path, rules: tuple[Path, ...], *tests: Mapping[str, Any], evaluation_interval: str = "1m"
) -> None:
    file = tmp_path / "tests.yml"
    document = {"rule_files": [*map(str, rules)], "evaluation_interval": evaluation_interval, "tests": tests}
    file.write_text(json.dumps(document))
    tested = subprocess.run([tool("promtool"), "test", "rules", file], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def labelled(labels: Labels, addresses: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the labels that stand for these: several, if there is one for each address."""
    if "broker" not in labels:
        return [dict(labels)]
    named = {**labels, **TEAM, "broker": labels["broker"] + SUFFIX}
    return [named | {"address": address} for address in addresses] or [named]


def told(annotations: Labels, address: str | None) -> dict[str, str]:
    at = "" if address is None else f" at {address}"
    return {
        name: re.sub(r"\b(north|south)\b", lambda found: f"{found[0]}{SUFFIX}{at}", text)
        for name, text in annotations.items()
    }


def relabelled(timeline: Timeline) -> dict[str, Any]:
    """Return the promtool test that expects the same of brokers with further labels, at two addresses each."""
    addresses = () if any("address" in series.labels for series in timeline.series) else ADDRESSES
    return {
        "name": timeline.name,
        "interval": "1m",
        "input_series": [
            {"series": written(series.name, labels), "values": series.values}
            for series in timeline.series
            for labels in labelled(series.labels, () if series.name in CONFIGURED else addresses)
        ],
        "alert_rule_test": [
            {
                "alertname": timeline.alert,
                "eval_time": f"{minute}m",
                "exp_alerts": [
                    {
                        "exp_labels": labels,
                        "exp_annotations": told(alert["exp_annotations"], labels["address"] if addresses else None),
                    }
                    for alert in fired
                    for labels in labelled(alert["exp_labels"], addresses)
                ],
            }
            for minute, fired in timeline.fires.items()
        ],
    }


def firing_brokers() -> dict[tuple[Path, ...], list[Timeline]]:
    """Return the timelines in which an alert about a broker fires, by the rules they test."""
    found: dict[tuple[Path, ...], list[Timeline]] = {}
    for timeline in timelines():
        if any("broker" in alert["exp_labels"] for fired in timeline.fires.values() for alert in fired):
            found.setdefault(timeline.rule_files, []).append(timeline)
    return found


@pytest.mark.parametrize("rules", firing_brokers(), ids=lambda rules: "-".join(file.stem for file in rules))
def test_alerts_keep_the_labels_of_their_broker_for_routing(rules: tuple[Path, ...], tmp_path: Path) -> None:
    promtool(tmp_path, rules, *map(relabelled, firing_brokers()[rules]))


def test_no_rule_fails_while_brokers_get_other_labels(tmp_path: Path) -> None:
    def scraped() -> Iterator[dict[str, str]]:
        for name, labels, value, *_ in samples(everything()):
            if "broker" in labels:
                after = {key: text for key, text in labels.items() if key not in OWN} | TEAM
                yield {"series": written(name, {**PLACE, **labels}), "values": f"{value}x9 stale"}
                yield {"series": written(name, {**PLACE, **after}), "values": "_x10 " + f"{value}x30"}

    never_fails = {"expr": "vector(1)", "eval_time": "30m", "exp_samples": [{"labels": "{}", "value": 1}]}
    promtool(tmp_path, RULES, {"interval": "1m", "input_series": [*scraped()], "promql_expr_test": [never_fails]})
