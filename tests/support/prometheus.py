"""A real Prometheus that scrapes what a test runs, and what it answers to queries."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.support.ports import PATIENCE_S, wait_until
from tests.support.processes import ServerProcess, tool


class Prometheus(ServerProcess):
    """Prometheus on a loopback port, its data in a directory of its own, scraping every half second."""

    def __init__(self, directory: Path, targets: Sequence[str], *, settings: Mapping[str, Any] | None = None) -> None:
        """Scrape the targets (`host:port`) as the job `mqtt-tls-monitor`; `settings` are further top-level keys."""
        super().__init__(directory)
        self._settings = {
            "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
            "scrape_configs": [{"job_name": "mqtt-tls-monitor", "static_configs": [{"targets": list(targets)}]}],
            **(settings or {}),
        }

    def command(self) -> Sequence[str]:
        """Keep everything below the directory."""
        config = self.directory / "prometheus.yml"
        config.write_text(yaml.safe_dump(self._settings))
        return (
            tool("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address={self.host}:{self.port}",
        )

    def is_up(self) -> bool:
        """Tell whether it has read its data and answers queries."""
        try:
            return self._get("/-/ready")[0] == 200
        except OSError:
            return False

    def api(self, path: str, parameters: Sequence[tuple[str, str]] = ()) -> Any:
        """Return the data of an answer below `/api/v1/`; fails the test on an error."""
        status, body = self._get(f"/api/v1/{path}?{urlencode(parameters)}")
        answer = json.loads(body)
        assert status == 200, f"{path} {parameters}: {answer}"
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that the expression has now."""
        found: list[dict[str, Any]] = self.api("query", [("query", expression)])["result"]
        return found

    def wait_for(self, expression: str) -> None:
        """Return once the expression has any series."""
        wait_until(lambda: bool(self.query(expression)), expression)

    def _get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()
