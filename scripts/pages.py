#!/usr/bin/env python3
"""Shows what Alertmanager sends by webhook, as whoever is on call would read it.

usage: pages.py PORT   (on loopback, until it is ended; what is no page is answered with 400)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BAR = "=" * 100


def words(receiver: str, page: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of one page: who is told, and each alert with its sentence and its runbook's link."""
    alerts = page["alerts"]
    yield BAR
    more = f" and {page['truncatedAlerts']} more" if page.get("truncatedAlerts") else ""
    yield f"{page['status'].upper()}, to {receiver}: {len(alerts)} alert{'s' if len(alerts) > 1 else ''}{more}"
    for alert in alerts:
        told = alert["annotations"]
        yield ""
        yield f"{alert['labels']['alertname']}, {alert['labels']['severity']}, {alert['status']}"
        yield from (told[what] for what in ("summary", "description", "runbook_url"))
    yield BAR


class Pages(BaseHTTPRequestHandler):
    """Prints each page; the path is the receiver's name."""

    def do_POST(self) -> None:
        """Take one page."""
        try:
            page = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = "\n".join(words(self.path.strip("/"), page))
        except (TypeError, ValueError, LookupError, AttributeError):
            self.send_error(400)
            return
        # Names of certificates and labels are others' words: nothing of them may steer the terminal.
        shown = "".join(each if each.isprintable() or each == "\n" else "?" for each in text)
        sys.stdout.write(f"\n{shown}\n\n")
        sys.stdout.flush()
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Pages) as server:
        server.serve_forever()
