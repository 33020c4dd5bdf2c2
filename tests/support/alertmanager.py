"""A real Alertmanager that is handed alerts, and the pages it would make of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.support.ports import PATIENCE_S, wait_until
from tests.support.processes import ServerProcess, tool


class Alertmanager(ServerProcess):
    """Alertmanager on a loopback port, alone, its data in a directory of its own."""

    def __init__(self, directory: Path, config: Path) -> None:
        """Run with this configuration file as it is."""
        super().__init__(directory)
        self._config = config

    def command(self) -> Sequence[str]:
        """Look for no peers."""
        return (
            tool("prometheus-alertmanager"),
            f"--config.file={self._config}",
            f"--storage.path={self.directory / 'data'}",
            f"--web.listen-address={self.host}:{self.port}",
            "--cluster.listen-address=",
        )

    def is_up(self) -> bool:
        """Tell whether it takes alerts."""
        try:
            return self._api("status") is not None
        except OSError:
            return False

    def fire(self, alerts: Sequence[Mapping[str, str]]) -> None:
        """Hand it these alerts, each a set of labels of its own, and return when it has sorted them all into groups."""
        expected = self._count() + len(alerts)
        self._api("alerts", [{"labels": labels} for labels in alerts])
        wait_until(lambda: self._count() == expected, f"{expected} alerts in groups")

    def end(self, alerts: Sequence[Mapping[str, str]]) -> None:
        """Tell it that these alerts are over."""
        now = datetime.now(UTC).isoformat()
        self._api("alerts", [{"labels": labels, "endsAt": now} for labels in alerts])

    def pages(self, receiver: str) -> list[tuple[tuple[str, ...], int]]:
        """Return what the receiver is told: for each group the names of its alerts, sorted, and how many there are.

        Alerts that are inhibited count for nothing.
        """
        told = (
            [alert["labels"]["alertname"] for alert in group["alerts"] if alert["status"]["state"] != "suppressed"]
            for group in self._groups()
            if group["receiver"]["name"] == receiver
        )
        return sorted((tuple(sorted(set(names))), len(names)) for names in told if names)

    def _count(self) -> int:
        return sum(len(group["alerts"]) for group in self._groups())

    def _groups(self) -> Iterable[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self._api("alerts/groups")
        return found

    def _api(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://{self.host}:{self.port}/api/v2/{path}", data, {"Content-Type": "application/json"})
        with urlopen(request, timeout=PATIENCE_S) as answer:
            text = answer.read()
        return json.loads(text) if text else None
