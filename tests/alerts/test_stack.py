"""`make stack` as it comes: the demo, Prometheus, Alertmanager and the pages that are shown, in real time.

A minute takes a minute here: about half an hour of them in all. tests/alerts/test_pages.py does the like within one.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.support.alerts import ROOT
from tests.support.ports import wait_until
from tests.support.processes import ServerProcess

PAGES = ROOT / "scripts" / "pages.py"
QUARTER_S = 900.0
BAR = "=" * 100


@dataclass(frozen=True)
class Shown:
    """One page as it is shown."""

    status: str
    receiver: str
    alerts: tuple[tuple[str, ...], ...]
    """Of each alert the lines: name, severity and status; summary; sentence; link."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(lines[0].partition(",")[0] for lines in self.alerts)


def shown(output: str) -> list[Shown]:
    """Return the pages in what was printed, in their order."""
    found = []
    for block in re.findall(rf"^{BAR}\n(.*?)^{BAR}$", output, re.MULTILINE | re.DOTALL):
        head, *alerts = block.strip("\n").split("\n\n")
        status, receiver = re.match(r"(\w+), to ([\w-]+): \d+ alerts?$", head).groups()  # type: ignore[union-attr]
        found.append(Shown(status, receiver, tuple(tuple(alert.splitlines()) for alert in alerts)))
    return found


class Pages(ServerProcess):
    """What the stack shows pages with."""

    def command(self) -> Sequence[str]:
        return (sys.executable, str(PAGES), str(self.port))

    def post(self, path: str, content: bytes) -> int:
        try:
            with urlopen(Request(f"http://127.0.0.1:{self.port}{path}", content), timeout=15) as answer:
                return int(answer.status)
        except HTTPError as error:
            with error:
                return error.code


def test_page_is_shown_with_receiver_sentence_and_link(tmp_path: Path) -> None:
    alert = {
        "status": "firing",
        "labels": {"alertname": "MqttTlsBrokerDown", "severity": "critical", "broker": "north"},
        "annotations": {
            "summary": "North is down.",
            "description": "Wh\x1b[2Jy.",
            "runbook_url": "http://localhost/runbook",
        },
    }
    with Pages(tmp_path) as pages:
        assert pages.post("/on-call", json.dumps({"status": "firing", "alerts": [alert]}).encode()) == 200
        assert [pages.post("/team", junk) for junk in (b"", b"{}", b"[", b'{"status": 7, "alerts": [{}]}')] == [400] * 4
        line = ("MqttTlsBrokerDown, critical, firing", "North is down.", "Wh?[2Jy.", "http://localhost/runbook")
        assert shown(pages.log) == [Shown("FIRING", "on-call", (line,))]


class Stack:
    """`make stack`, which is typed into, and what it prints."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    def type(self, order: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n".encode())
        self._process.stdin.flush()

    @property
    def pages(self) -> list[Shown]:
        """Those for whoever is on call."""
        return [page for page in shown(self._log.read_text()) if page.receiver == "on-call"]

    def wait_for(self, status: str, alert: str, broker: str) -> tuple[str, ...]:
        """Return the lines of the first such alert whose summary names that broker."""

        def found() -> Iterator[tuple[str, ...]]:
            for page in self.pages:
                for lines in page.alerts:
                    if page.status == status and lines[0].startswith(f"{alert},") and broker in lines[1]:
                        yield lines

        self.wait_until(lambda: any(True for _ in found()), f"{alert} {broker} {status}")
        return next(found())

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        def holds() -> bool:
            assert self._process.poll() is None, self._log.read_text()
            return condition()

        wait_until(holds, f"{what}; shown were {self.pages}", timeout_s=QUARTER_S)


@contextmanager
def running(log: Path) -> Iterator[Stack]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", "--silent", "stack"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield Stack(process, log)
        finally:
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
            process.communicate(timeout=30)


FIRST = [
    ("MqttTlsCertificateExpired", "expired"),
    ("MqttTlsNameMismatch", "wrong-name"),
    ("MqttTlsChainInvalid", "incomplete-chain"),
    ("MqttTlsRoundTripFailing", "client-certificate-required"),
    ("MqttTlsBrokerDown", "plain-tcp"),
    ("MqttTlsBrokerDown", "black-hole"),
]


@pytest.mark.stack
@pytest.mark.timeout(4 * QUARTER_S)
def test_each_trouble_is_one_page_with_its_sentence_and_runbook_and_resolves(tmp_path: Path) -> None:
    with running(tmp_path / "log") as stack:
        _, _, sentence, link = stack.wait_for("FIRING", "MqttTlsCertificateExpired", "expired")
        assert "Clients refuse broker expired: its leaf certificate" in sentence
        with urlopen(link, timeout=15) as answer:
            assert "MqttTlsCertificateExpired" in answer.read().decode()
        for alert, broker in FIRST:
            stack.wait_for("FIRING", alert, broker)

        stack.type("stop healthy")
        _, _, sentence, _ = stack.wait_for("FIRING", "MqttTlsBrokerDown", "healthy")
        assert "Probes of broker healthy fail in phase connect with connect_refused" in sentence
        stack.type("mend all")
        told = [*FIRST, ("MqttTlsBrokerDown", "healthy")]
        for alert, broker in told:
            stack.wait_for("RESOLVED", alert, broker)

        stack.type("stop all")
        _, summary, sentence, _ = stack.wait_for("FIRING", "MqttTlsMonitorIsolated", "")
        assert "reaches none of its brokers" in summary
        assert "8 with connect_refused" in sentence
        stack.type("start all")
        stack.wait_for("RESOLVED", "MqttTlsMonitorIsolated", "")

        # Each by itself, and none twice. (What ends is told with whatever of its group was held back.)
        names = sorted(page.names for page in stack.pages if page.status == "FIRING")
        assert names == sorted([(alert,) for alert, _ in told] + [("MqttTlsMonitorIsolated",)])
