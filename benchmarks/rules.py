"""A real Prometheus with a thousand brokers: how long its rules take, scrapes, dashboards; and what is paged then.

Each beside a query of the same Prometheus: counting all series.

The rules are the committed ones, but that alerts wait for a minute before they fire; they are evaluated every five
seconds. A day of history lies behind what looks back.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from benchmarks import history
from benchmarks.fleet_server import INTERVAL_S, FleetServer, World
from tests.support.alertmanager import Alertmanager
from tests.support.alerts import ALERTMANAGER, RULES
from tests.support.dashboards import JSON, filled_in, panels
from tests.support.ports import free_port, wait_until
from tests.support.prometheus import Prometheus
from tests.support.receiver import Page, Receiver

BROKERS: Final = 1000
EVALUATION_S: Final = 5
EVALUATIONS: Final = 6
# Longer than until the first scrape: before, no monitor is known. And as long as until one that has reached no broker
# ever counts as isolated.
WAIT_S: Final = 60
# What looks back three minutes sees nothing of what was before.
GAP_S: Final = 4 * 60
PATIENCE_S: Final = 150.0
RANGE_S: Final = 6 * 3600
# Six hours on a panel of half a screen.
RANGE_STEP_S: Final = 30

# By what is wrong, for each broker: what ends soon is told as a warning and as critical, what has ended by three names.
ALERTS: Final = {World.WELL: 0, World.DOWN: 1, World.ENDING: 2, World.ENDED: 3}


class LargePrometheus(Prometheus):
    """Does not tidy its history up while it is measured."""

    def command(self) -> Sequence[str]:
        """Leave blocks as short as they are."""
        return (*super().command(), "--storage.tsdb.max-block-duration=2h")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Seconds, medians: by group of rules, by rule, by panel."""

    groups: Mapping[str, float]
    rules: Mapping[str, float]
    queries: Mapping[str, float]
    baseline_s: float
    prometheus_cpu_s: float
    """For each evaluation of all groups, a third of a scrape included."""
    scrape_s: float
    samples: int
    plain: int
    packed: int
    firing: int
    pages: Sequence[Page]
    alertmanager_cpu_s: float


def main() -> None:
    """Print the figures of each world."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        port = free_port()
        until = int(time.time() - GAP_S) // history.STEP_S * history.STEP_S
        names = [f"plant-{number:04}" for number in range(BROKERS)]
        written = history.write(directory / "past", names, f"127.0.0.1:{port}", until)
        print(f"{BROKERS} brokers, a history of {written / 1e6:.1f} million samples")
        for world in World:
            _print(world, _measured(directory / world.name, world, directory / "past", port))


def _measured(directory: Path, world: World, past: Path, port: int) -> Measured:
    receiver = Receiver()
    routing = directory / "alertmanager.yml"
    rules = directory / "rules"
    rules.mkdir(parents=True)
    shutil.copytree(past, directory / "prometheus" / "data", copy_function=os.link)
    routing.write_text(ALERTMANAGER.read_text().replace("127.0.0.1:9884", f"127.0.0.1:{receiver.port}"))
    for path in RULES:
        (rules / path.name).write_text(re.sub(r"^( +for:) .*$", rf"\1 {WAIT_S}s", path.read_text(), flags=re.MULTILINE))
    server = FleetServer(directory / "server", BROKERS, world, port)
    alertmanager = Alertmanager(directory / "alertmanager", routing)
    prometheus = LargePrometheus(
        directory / "prometheus",
        [f"127.0.0.1:{port}"],
        settings={
            "global": {"scrape_interval": f"{INTERVAL_S:.0f}s", "evaluation_interval": f"{EVALUATION_S}s"},
            "rule_files": [f"{rules}/*.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}]},
        },
    )
    expected = BROKERS * ALERTS[world]
    with ExitStack() as stack:
        stack.enter_context(receiver.running())
        for process in (server, alertmanager, prometheus):
            stack.enter_context(process)
        firing = 'count(ALERTS{alertstate="firing",broker!=""}) or vector(0)'
        wait_until(lambda: _number(prometheus, firing) == expected, f"{expected} alerts", timeout_s=PATIENCE_S)
        wait_until(lambda: _number(prometheus, "count_over_time(up[10m])") > 2, "scrapes", timeout_s=PATIENCE_S)
        cpu_s = _cpu_s(prometheus.pid)
        groups, each = _evaluations(prometheus)
        cpu_s = (_cpu_s(prometheus.pid) - cpu_s) / EVALUATIONS
        counting = _url(prometheus, "query", {"query": 'count({job="mqtt-tls-monitor"})'})
        queries = dict(_timed(prometheus))
        if expected:
            wait_until(lambda: bool(receiver.pages), "a page", timeout_s=PATIENCE_S)
        plain, packed = (_scraped(port, encoding) for encoding in ("identity", "gzip"))
        return Measured(
            groups=groups,
            rules=each,
            queries=queries,
            baseline_s=statistics.median(_seconds(counting) for _ in range(EVALUATIONS)),
            prometheus_cpu_s=cpu_s,
            scrape_s=_number(prometheus, "quantile_over_time(0.5, scrape_duration_seconds[5m])"),
            samples=int(_number(prometheus, "scrape_samples_scraped")),
            plain=plain,
            packed=packed,
            firing=int(_number(prometheus, firing)),
            pages=tuple(receiver.pages),
            alertmanager_cpu_s=_cpu_s(alertmanager.pid),
        )


def _number(prometheus: Prometheus, expression: str) -> float:
    found = prometheus.query(expression)
    return float(found[0]["value"][1]) if found else 0.0


def _evaluations(prometheus: Prometheus) -> tuple[dict[str, float], dict[str, float]]:
    """Watch some evaluations; return the medians by group, and by rule."""
    groups: dict[str, dict[str, float]] = defaultdict(dict)
    rules: dict[str, dict[str, float]] = defaultdict(dict)
    while not groups or min(map(len, groups.values())) < EVALUATIONS:
        for group in prometheus.api("rules")["groups"]:
            groups[group["name"]][group["lastEvaluation"]] = group["evaluationTime"]
            for number, rule in enumerate(group["rules"]):
                rules[f"{rule['name']} ({number})"][rule["lastEvaluation"]] = rule["evaluationTime"]
        time.sleep(EVALUATION_S / 2)
    return _medians(groups), _medians(rules)


def _medians(found: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {name: statistics.median(times.values()) for name, times in found.items()}


def _timed(prometheus: Prometheus) -> Iterator[tuple[str, float]]:
    """Send every query of every panel three times; the answer is read, but not understood."""
    now = time.time()
    for name in JSON:
        for panel in panels(name):
            for number, target in enumerate(panel["targets"]):
                query = {"query": filled_in(target["expr"], "plant-0000", span=f"{RANGE_S}s")}
                if not target["instant"]:
                    query |= {"start": f"{now - RANGE_S}", "end": f"{now}", "step": f"{RANGE_STEP_S}"}
                path = "query" if target["instant"] else "query_range"
                url = _url(prometheus, path, query)
                yield f"{name}: {panel['title']} ({number})", statistics.median(_seconds(url) for _ in range(3))


def _url(prometheus: Prometheus, path: str, query: Mapping[str, str]) -> str:
    return f"http://127.0.0.1:{prometheus.port}/api/v1/{path}?{urlencode(query)}"


def _seconds(url: str) -> float:
    begin = time.perf_counter()
    with urlopen(url, timeout=60) as answer:
        answer.read()
    return time.perf_counter() - begin


def _scraped(port: int, encoding: str) -> int:
    request = Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept-Encoding": encoding})
    with urlopen(request, timeout=60) as answer:
        return len(answer.read())


def _cpu_s(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _print(world: World, found: Measured) -> None:
    base = found.baseline_s
    print(f"\n{world}: {found.firing} alerts about brokers fire; counting all series takes {base * 1e3:.0f} ms")
    print(
        f"  scrape: {found.samples} samples, {found.plain / 1e6:.2f} MB, {found.packed / 1e6:.3f} MB gzip, "
        f"{found.scrape_s:.2f} s"
    )
    print(f"  an evaluation of all groups: {found.prometheus_cpu_s:.2f} s of CPU; groups, slowest rules, ratio:")
    for title, seconds in (*found.groups.items(), *_slowest(found.rules, 6)):
        print(f"    {title:60} {seconds * 1e3:6.0f} ms {seconds / base:6.1f}")
    print("  dashboards, the slowest queries, ratio:")
    for title, seconds in _slowest(found.queries, 6):
        print(f"    {title:60} {seconds * 1e3:6.0f} ms {seconds / base:6.1f}")
    print(f"  Alertmanager: {found.alertmanager_cpu_s:.1f} s of CPU; {len(found.pages)} pages")
    for page in found.pages:
        told = f"{len(page.alerts)} of {page.total} alerts, {page.size / 1e3:.0f} kB"
        print(f"    {page.receiver}: {', '.join(sorted(page.names))}, {told}")


def _slowest(found: Mapping[str, float], count: int) -> list[tuple[str, float]]:
    return sorted(found.items(), key=lambda each: -each[1])[:count]


if __name__ == "__main__":
    main()
