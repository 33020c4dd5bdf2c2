"""Every query of every panel and variable has an answer, from a real Prometheus that scrapes the demo."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.dashboards.test_form import JSON, panels
from tests.support.daemon import COMMAND
from tests.support.processes import ServerProcess
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
        Prometheus(tmp_path_factory.mktemp("prometheus"), [f"127.0.0.1:{demo.port}"]) as prometheus,
    ):
        # A rate needs two scrapes, and every broker its first result.
        prometheus.wait_for("count(mqtt_tls_probe_success) == count(mqtt_tls_broker_info)")
        prometheus.wait_for(f'count_over_time(mqtt_tls_phase_duration_seconds{{broker="{HEALTHY}"}}[1m]) > 3')
        prometheus.wait_for("count_over_time(mqtt_tls_monitor_event_loop_lag_seconds[1m]) > 3")
        prometheus.wait_for("count_over_time(scrape_samples_scraped[1m]) > 3")
        # What comes after the first probe, or beside it.
        prometheus.wait_for("mqtt_tls_refusal_enforced and on () mqtt_tls_certificate_file_served")
        yield prometheus


def filled_in(expression: str, broker: str) -> str:
    values = {
        "broker": ".*" if "=~" in expression else broker,
        "by": "instance",
        "job": ".*",
        "instance": ".*",
        "__rate_interval": "1m",
        "__interval": "1s",
    }
    text = re.sub(r"\$\{?(\w+)\}?", lambda found: values[found[1]], expression)
    assert "$" not in text
    return text


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


@pytest.mark.parametrize("name", JSON)
def test_annotations_are_understood(name: str, prometheus: Prometheus) -> None:
    for annotation in JSON[name].get("annotations", {}).get("list", []):
        prometheus.query(filled_in(annotation["expr"], HEALTHY))


def test_values_of_the_demo_stand_where_a_reader_looks(prometheus: Prometheus) -> None:
    fleet = {panel["title"]: panel["targets"][0]["expr"] for panel in panels("fleet")}
    red = {series["metric"]["broker"] for series in prometheus.query(filled_in(fleet["Failing now"], ""))}
    assert FAILING in red
    assert HEALTHY not in red
    breaking = prometheus.query(filled_in(fleet["What breaks next"], ""))
    assert breaking[0]["metric"]["broker"] == "expiring-soon"
    assert 9 < float(breaking[0]["value"][1]) < 11
