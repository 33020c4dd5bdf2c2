"""Every query of every panel and variable has an answer, from a real Prometheus that scrapes the demo."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.test_labels import promtool, written
from tests.support.alerts import ROOT, RULES
from tests.support.daemon import COMMAND
from tests.support.dashboards import JSON, filled_in, headings, panels
from tests.support.processes import ServerProcess, tool
from tests.support.prometheus import Prometheus

HEALTHY, FAILING = "healthy", "expired"


class DemoProcess(ServerProcess):
    """`mqtt-tls-monitor demo` on a loopback port."""

    def command(self) -> Sequence[str]:
        """Run what is installed here."""
        return (*COMMAND, "demo", "--port", str(self.port))


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with (
        DemoProcess(tmp_path_factory.mktemp("demo")) as demo,
        Prometheus(
            tmp_path_factory.mktemp("prometheus"),
            [f"127.0.0.1:{demo.port}"],
            settings={"rule_files": [*map(str, RULES)]},
        ) as prometheus,
    ):
        # A rate needs two scrapes, and every broker its first result.
        prometheus.wait_for("count(mqtt_tls_probe_success) == count(mqtt_tls_broker_info)")
        prometheus.wait_for(f'count_over_time(mqtt_tls_phase_duration_seconds{{broker="{HEALTHY}"}}[1m]) > 3')
        prometheus.wait_for("count_over_time(mqtt_tls_monitor_event_loop_lag_seconds[1m]) > 3")
        prometheus.wait_for("count_over_time(scrape_samples_scraped[1m]) > 3")
        # What comes after the first probe, or beside it.
        prometheus.wait_for("mqtt_tls_refusal_enforced and on () mqtt_tls_certificate_file_served")
        prometheus.wait_for(f'ALERTS{{alertstate="firing",broker="{FAILING}"}}')
        yield prometheus


QUERIES = [
    pytest.param(target, id=f"{name}: {panel['title']} {target.get('refId', place)}")
    for name in JSON
    for panel in panels(name)
    for place, target in enumerate(panel["targets"])
]


@pytest.mark.parametrize("target", QUERIES)
def test_panel_has_data(target: dict[str, Any], prometheus: Prometheus) -> None:
    answers = [answer(prometheus, target, broker) for broker in (HEALTHY, FAILING)]
    assert any(answers), target["expr"]


def answer(prometheus: Prometheus, target: dict[str, Any], broker: str) -> list[dict[str, Any]]:
    expression = filled_in(target["expr"], broker)
    if target["instant"]:
        return prometheus.query(expression)
    now = time.time()
    found: list[dict[str, Any]] = prometheus.api(
        "query_range", [("query", expression), ("start", f"{now - 60}"), ("end", f"{now}"), ("step", "1")]
    )["result"]
    return found


@pytest.mark.parametrize(
    "panel",
    [
        pytest.param(panel, id=f"{name}: {panel['title']}")
        for name in JSON
        for panel in panels(name)
        if panel["type"] == "table"
    ],
)
def test_every_column_of_a_table_is_in_the_answer(panel: dict[str, Any], prometheus: Prometheus) -> None:
    targets = panel["targets"]
    names = {"Value"} if len(targets) == 1 else {f"Value #{target['refId']}" for target in targets}
    labels = [
        {
            label
            for broker in (HEALTHY, FAILING)
            for series in answer(prometheus, target, broker)
            for label in series["metric"]
        }
        for target in targets
    ]
    # Only where each address is probed, as nothing of the demo is.
    assert set(headings(panel)) - {"address"} <= set().union(*labels) | names
    # Several are merged by what they have in common: all of it.
    assert len(targets) == 1 or all(each == labels[0] for each in labels)


def test_every_alert_that_fires_has_a_runbook_to_lead_to(prometheus: Prometheus) -> None:
    (expression,) = {
        target["expr"] for panel in panels("fleet") if panel["title"] == "Alerts" for target in panel["targets"]
    }
    fires = {series["metric"]["alertname"] for series in prometheus.query(filled_in(expression, ""))}
    assert "MqttTlsCertificateExpired" in fires
    assert fires <= {path.stem for path in (ROOT / "docs/runbooks").glob("*.md")}


def test_legends_that_have_a_colour_are_in_the_answer(prometheus: Prometheus) -> None:
    for panel in panels("broker"):
        if panel["type"] == "timeseries":
            coloured = {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]}
            drawn = {
                legend(target["legendFormat"], series["metric"])
                for target in panel["targets"]
                for series in answer(prometheus, target, HEALTHY)
            }
            assert coloured <= drawn, panel["title"]


def legend(form: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), form)


@pytest.mark.parametrize("name", JSON)
def test_variables_have_values(name: str, prometheus: Prometheus) -> None:
    for variable in JSON[name]["templating"]["list"]:
        if variable["type"] == "query":
            values = choices(prometheus, variable)
            assert values, variable["name"]


def choices(prometheus: Prometheus, variable: dict[str, Any]) -> list[str]:
    query = variable["query"]
    if found := re.fullmatch(r"label_values\((.*), (\w+)\)", query):
        series, label = filled_in(found[1], ""), found[2]
        values: list[str] = prometheus.api(f"label/{label}/values", [("match[]", series)])
        return values
    found = re.fullmatch(r"label_names\((.*)\)", query)
    assert found is not None, query
    pattern = re.compile(variable["regex"].strip("/"))
    return [name for name in prometheus.api("labels", [("match[]", found[1])]) if pattern.search(name)]


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("Began to fail", 'mqtt_tls_probe_success{broker="healthy"} 1 1 1 0 0 0'),
        ("Certificate changed", 'mqtt_tls_certificate_changes_total{broker="healthy",what="leaf"} 0 0 0 1 1 1'),
    ],
)
def test_annotation_stands_where_it_happened_with_a_value_that_grafana_draws(
    name: str, series: str, tmp_path: Path
) -> None:
    (asked,) = (each for each in JSON["broker"]["annotations"]["list"] if each["name"] == name)
    assert asked["target"]["expr"] == asked["expr"]
    happened = f"count({filled_in(asked['expr'], HEALTHY)} > 0)"
    selector, values = series.split("} ")
    test = {
        "interval": "15s",
        "input_series": [{"series": selector + "}", "values": values}],
        "promql_expr_test": [
            {"expr": happened, "eval_time": "30s", "exp_samples": []},
            {"expr": happened, "eval_time": "45s", "exp_samples": [{"labels": "{}", "value": 1}]},
        ],
    }
    file = tmp_path / "tests.yml"
    file.write_text(json.dumps({"evaluation_interval": "15s", "tests": [test]}))
    tested = subprocess.run([tool("promtool"), "test", "rules", file], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize(
    ("name", "title", "labels"),
    [
        ("fleet", "Brokers", {}),
        ("fleet", "Failing", {}),
        ("fleet", "With warning findings", {}),
        ("fleet", "How many break within", {}),
        ("certificates", "Brokers, by issuer", {"issuer": "CN=CA"}),
        ("certificates", "Brokers, by the month in which their certificate ends", {"month": "1970-01"}),
    ],
)
def test_a_broker_counts_once_however_many_monitors_watch_however_many_addresses_of_it(
    name: str, title: str, labels: Mapping[str, str], tmp_path: Path
) -> None:
    told: dict[str, tuple[dict[str, str], int]] = {
        "broker_info": ({}, 1),
        "probe_success": ({}, 0),
        "findings": ({"code": "addresses_differ", "finding_severity": "warning"}, 1),
        "next_break_timestamp_seconds": ({"cause": "leaf"}, 3600),
        "certificate_info": ({"position": "0", "issuer": "CN=CA"}, 1),
        "certificate_not_after_timestamp_seconds": ({"position": "0", "role": "leaf"}, 3600),
    }
    seen = [
        {"instance": monitor, "broker": "north", "address": address}
        for monitor in ("here", "elsewhere")
        for address in ("192.0.2.1", "192.0.2.2")
    ]
    (panel,) = (each for each in panels(name) if each["title"] == title)
    expected = {"labels": written("", labels), "value": 1}
    test = {
        "input_series": [
            {"series": written(f"mqtt_tls_{metric}", place | more), "values": str(value)}
            for metric, (more, value) in told.items()
            for place in seen
        ],
        "promql_expr_test": [{"expr": filled_in(panel["targets"][0]["expr"], "north"), "exp_samples": [expected]}],
    }
    promtool(tmp_path, (), test)


@pytest.mark.parametrize(("interval_s", "overdue_s"), [(60, 2940), (3600, 0)])
def test_probe_is_overdue_by_the_interval_of_its_broker(interval_s: int, overdue_s: int, tmp_path: Path) -> None:
    (panel,) = (each for each in panels("broker") if each["title"] == "Overdue")
    told = {"last_probe_timestamp_seconds": "0x50", "probe_interval_seconds": f"{interval_s}x50"}
    labels = {"instance": "here", "broker": "north"}
    test = {
        "interval": "1m",
        "input_series": [
            {"series": written(f"mqtt_tls_{metric}", labels), "values": values} for metric, values in told.items()
        ],
        "promql_expr_test": [
            {
                "expr": filled_in(panel["targets"][0]["expr"], "north"),
                "eval_time": "50m",
                "exp_samples": [{"labels": written("", labels), "value": overdue_s}],
            }
        ],
    }
    promtool(tmp_path, (), test)


def test_values_of_the_demo_stand_where_a_reader_looks(prometheus: Prometheus) -> None:
    fleet = {panel["title"]: panel["targets"][0]["expr"] for panel in panels("fleet")}
    red = {series["metric"]["broker"] for series in prometheus.query(filled_in(fleet["Failing now"], ""))}
    assert FAILING in red
    assert HEALTHY not in red
    breaking = prometheus.query(filled_in(fleet["What breaks next"], ""))
    assert breaking[0]["metric"]["broker"] == "expiring-soon"
    assert 9 < float(breaking[0]["value"][1]) < 11
