"""Takes the pages that Alertmanager sends by webhook."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from tests.support.ports import wait_until


@dataclass(frozen=True)
class Page:
    """What a receiver was told: once for each group, and again when that changed."""

    receiver: str
    status: str
    alerts: tuple[dict[str, Any], ...]
    total: int
    """How many alerts there are, those included that were left out."""
    size: int
    """Bytes of what was posted."""

    @property
    def names(self) -> set[str]:
        """Of the alerts that fire."""
        return {alert["labels"]["alertname"] for alert in self.alerts if alert["status"] == "firing"}

    @property
    def brokers(self) -> set[str]:
        return {alert["labels"].get("broker", "") for alert in self.alerts}


class Receiver:
    """Takes pages by webhook."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told = json.loads(body)
                name = self.path.strip("/")
                alerts = tuple(told["alerts"])
                total = len(alerts) + told["truncatedAlerts"]
                receiver.pages.append(Page(name, told["status"], alerts, total, len(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def wait_for(self, status: str, alert: str, broker: str = "") -> Page:
        """Return the first page for somebody on call with that status and alert."""

        def found() -> list[Page]:
            return [
                page
                for page in self.pages
                if page.receiver == "on-call"
                and page.status == status
                and any(each["labels"]["alertname"] == alert for each in page.alerts)
                and (not broker or broker in page.brokers)
            ]

        wait_until(lambda: bool(found()), f"{alert} {broker} {status}; told were {self.pages}")
        return found()[0]
