"""The daemon in its own process, its configuration written by the test, and what it answers over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.names import Names
from tests.support.ports import PATIENCE_S, wait_until
from tests.support.processes import ServerProcess

COMMAND = (sys.executable, "-m", "monitor")

Metrics = dict[str, dict[tuple[str, ...], float]]
"""Samples by their names without the prefix of ours, and by their label values in the order of the label names."""


class MonitorProcess(ServerProcess):
    """`mqtt-tls-monitor run` on a loopback port, logging JSON."""

    def __init__(
        self, directory: Path, brokers: Sequence[Mapping[str, Any]], *, names: Names | None = None, **settings: Any
    ) -> None:
        """Write the configuration: items of `brokers`, and further top-level keys; `names` answers for the resolver."""
        super().__init__(directory)
        self._names = names
        self.config = directory / "monitor.yml"
        self.configure(brokers, **settings)

    def configure(self, brokers: Sequence[Mapping[str, Any]], **settings: Any) -> None:
        """Write the file anew; the daemon reads it when it is told to."""
        content = {"listen": f"{self.host}:{self.port}", **settings, "brokers": list(brokers)}
        self.config.write_text(yaml.safe_dump(content, sort_keys=False))

    def command(self) -> Sequence[str]:
        """Run what is installed here."""
        return (*COMMAND, "run", "--config", str(self.config))

    def environment(self) -> Mapping[str, str]:
        """Ask the test's names, where it has some."""
        return {} if self._names is None else self._names.environment()

    def get(self, path: str, *, method: str = "GET") -> tuple[int, str]:
        """Return status and body."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def scraped(self) -> Metrics:
        """Return every metric of one scrape."""
        status, body = self.get("/metrics")
        assert status == 200, body
        metrics: Metrics = {}
        for family in text_string_to_metric_families(body):
            for sample in family.samples:
                labels = tuple(value for _, value in sorted(sample.labels.items()))
                metrics.setdefault(sample.name.removeprefix("mqtt_tls_"), {})[labels] = sample.value
        return metrics

    def series(self, name: str) -> dict[tuple[str, ...], float]:
        """Return a metric's samples by their label values, those in the order of the label names."""
        return self.scraped().get(name, {})

    def value(self, name: str, *labels: str) -> float | None:
        """Return one sample's value, or None if there is no such series."""
        return self.series(name).get(labels)

    def wait_for(self, value: float | None, name: str, *labels: str) -> None:
        """Return once the sample has that value."""
        wait_until(lambda: self.value(name, *labels) == value, f"{name}{labels} == {value}")

    def wait_for_probes(self, count: float, *labels: str) -> None:
        """Return once the broker has had that many probes, or more by the time of a scrape."""
        wait_until(lambda: (self.value("probes_total", *labels) or 0) >= count, f"{count:g} probes of {labels}")

    def wait_for_by(self, probes: float, of: tuple[str, ...], value: float | None, name: str, *labels: str) -> None:
        """Return once the sample has that value, as it must from that many probes of the broker on.

        Both are of one scrape: so it does not matter how many probes there are between two of them.
        """

        def is_there() -> bool:
            metrics = self.scraped()
            if metrics.get(name, {}).get(labels) == value:
                return True
            assert metrics["probes_total"][of] < probes, f"{name}{labels} != {value} after so many probes"
            return False

        wait_until(is_there, f"{name}{labels} == {value}")

    def wait_for_series(self, expected: Mapping[Any, float], name: str) -> None:
        """Return once the metric has these samples and no others."""
        wait_until(lambda: self.series(name) == expected, f"{name} == {expected}")

    def wait_until_ready(self) -> None:
        """Return once `/-/ready` says so."""
        wait_until(lambda: self.get("/-/ready")[0] == 200, "ready")

    def reload(self, *, succeeds: bool = True) -> None:
        """Make the daemon read its file again (SIGHUP), and return when it has judged it."""
        before = len(self.log)
        os.kill(self.pid, signal.SIGHUP)
        self.wait_for_log("configuration in use" if succeeds else "configuration not reloaded", after=before)

    def lines(self, event: str | None = None, **fields: object) -> list[dict[str, Any]]:
        """Return the log's lines with that event and those fields."""
        entries = [json.loads(line) for line in self.log.splitlines() if line.endswith("}")]
        return [
            entry
            for entry in entries
            if (event is None or entry["event"] == event)
            and all(entry.get(key) == value for key, value in fields.items())
        ]

    def wait_for_lines(self, event: str | None = None, **fields: object) -> list[dict[str, Any]]:
        """Return those lines once there are any: the log may come later than the metrics that tell of the same."""
        wait_until(lambda: bool(self.lines(event, **fields)), f"{event} {fields} in {self.log_path}")
        return self.lines(event, **fields)

    def wait_for_end(self) -> int:
        """Return the exit status once the process has ended by itself."""
        assert self._process is not None
        return self._process.wait(PATIENCE_S)


def run_command(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command of the monitor to its end."""
    environment = {**os.environ, "NO_COLOR": "1", **(env or {})}
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE_S, env=environment
    )
