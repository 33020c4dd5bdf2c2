"""`status`: what is said of a running daemon's brokers, and of what is no daemon."""

import json
import os
import pty
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from monitor.export.document import document, pending
from monitor.export.standing import standing
from tests.support.brokers import Mosquitto, OpensslServer
from tests.support.daemon import COMMAND, MonitorProcess, run_command
from tests.support.pki import TestPki
from tests.support.ports import closed_port
from tests.support.records import NOW, a_break, a_broker, a_finding, a_report, an_assessment


@pytest.fixture(scope="module")
def daemon(pki: TestPki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitorProcess]:
    """A daemon that watches a broker that is well, and a port that refuses."""
    directory = tmp_path_factory.mktemp("status")
    with Mosquitto(directory / "mosquitto", certificate=pki.server_files) as mosquitto, closed_port() as nobody:
        brokers = [
            {"name": name, "host": "127.0.0.1", "port": port, "interval": "7d", "tls": {"ca_file": str(pki.ca_file)}}
            for name, port in (("well", mosquitto.port), ("down", nobody))
        ]
        with MonitorProcess(directory / "monitor", brokers) as running:
            running.wait_until_ready()
            yield running


class Answering(BaseHTTPRequestHandler):
    """Answers every request with one status and body."""

    status: ClassVar = 200
    body: ClassVar = b""
    content_type: ClassVar = "text/html"

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Type", self.content_type)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class calls it so
        """Say nothing."""


@contextmanager
def answering(status: int, body: bytes, content_type: str = "text/html") -> Iterator[str]:
    """Yield the URL of a web server that is none of ours."""
    handler = type("Handler", (Answering,), {"status": status, "body": body, "content_type": content_type})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def url_of(daemon: MonitorProcess) -> str:
    return f"http://{daemon.host}:{daemon.port}"


def test_all_brokers_gravest_first_and_the_worst_counts(daemon: MonitorProcess) -> None:
    result = run_command("status", "--url", url_of(daemon))
    assert (result.returncode, result.stderr) == (2, "")
    down, well = result.stdout.split("\n\n")
    assert down.startswith("CRITICAL  down\n  fails         connect with connect_refused: ")
    assert "  failing since " in down
    assert "  last success  none since the daemon was started\n" in down
    assert well.startswith("OK        well at 127.0.0.1\n  last success  ")
    assert "  breaks next   " in well
    assert "failing since" not in well


def test_one_broker_answers_for_itself(daemon: MonitorProcess) -> None:
    result = run_command("status", "well", "--url", f"{url_of(daemon)}/")
    assert (result.returncode, result.stderr) == (0, "")
    assert "down" not in result.stdout


def test_on_a_terminal_lines_fit_and_the_way_on_is_named(daemon: MonitorProcess) -> None:
    ours, theirs = pty.openpty()
    command = [*COMMAND, "status", "--url", url_of(daemon)]
    subprocess.run(command, stdout=theirs, env={**os.environ, "COLUMNS": "60"}, check=False)
    os.close(theirs)
    text = os.read(ours, 65_536).decode()
    os.close(ours)
    lines = text.splitlines()
    assert lines[-1] == "What to do about a finding: mqtt-tls-monitor explain CODE"
    assert max(map(len, lines)) <= 60


def test_json_is_the_apis_documents_one_on_a_line_in_its_order(daemon: MonitorProcess) -> None:
    result = run_command("status", "--json", "--url", url_of(daemon))
    assert result.returncode == 2
    assert [json.loads(line) for line in result.stdout.splitlines()] == json.loads(daemon.get("/api/v1/brokers")[1])
    well, down = map(json.loads, result.stdout.splitlines())
    assert (well["broker"], well["failing_since"]) == ("well", None)
    assert down["failing_since"] >= down["started_at"]
    assert down["last_success_at"] is None


def test_misspelt_broker_is_answered_with_the_right_one(daemon: MonitorProcess) -> None:
    result = run_command("status", "wel", "--url", url_of(daemon))
    assert (result.returncode, result.stdout) == (3, "")
    assert "no broker named 'wel'; did you mean 'well'?" in result.stderr
    assert "it watches well, down" in run_command("status", "x/y?z", "--url", url_of(daemon)).stderr


def test_no_daemon_is_told_as_that() -> None:
    with closed_port() as nobody:
        result = run_command("status", "--url", f"http://127.0.0.1:{nobody}")
    assert (result.returncode, result.stdout) == (3, "")
    assert "nothing listens there" in result.stderr


@pytest.mark.parametrize(
    ("status", "body", "content_type", "said"),
    [
        (401, b"Unauthorized", "text/plain", "wants a user name and a password"),
        (403, b"Forbidden", "text/plain", "refuses this client"),
        (404, b"not found", "text/plain", "is no mqtt-tls-monitor"),
        (503, b"", "text/plain", "cannot answer now (503"),
        (200, b"<html>", "text/html", "is no mqtt-tls-monitor"),
        (200, b"{}", "application/json", "none of mqtt-tls-monitor"),
        (200, b'["x"]', "application/json", "none of mqtt-tls-monitor"),
        (200, b'[{"schema_version": 2}]', "application/json", "another form"),
        (200, b'[{"schema_version": 1}]', "application/json", "none of mqtt-tls-monitor"),
        (404, b'{"error": 1}', "application/json", "none of mqtt-tls-monitor"),
    ],
)
def test_what_is_no_daemon_is_told_as_that(status: int, body: bytes, content_type: str, said: str) -> None:
    with answering(status, body, content_type) as url:
        result = run_command("status", "--url", url)
    assert (result.returncode, result.stdout) == (3, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_tls_where_http_is_asked_for_and_the_other_way_round(
    openssl_server: OpensslServer, daemon: MonitorProcess
) -> None:
    assert "try https://" in run_command("status", "--url", f"http://127.0.0.1:{openssl_server.port}").stderr
    assert "is not accepted" in run_command("status", "--url", f"https://127.0.0.1:{openssl_server.port}").stderr
    assert "try http://" in run_command("status", "--url", f"https://{daemon.host}:{daemon.port}").stderr


@pytest.mark.parametrize("url", ["localhost:9883", "ftp://localhost", "http://", "http://u:p@localhost", "http://h:x"])
def test_unusable_urls_are_refused_without_repeating_them(url: str) -> None:
    result = run_command("status", "--url", url)
    assert (result.returncode, result.stdout) == (3, "")
    assert "--url: expected" in result.stderr
    assert "u:p" not in result.stderr
    assert ("begins with http:// or https://" in result.stderr) is ("://" not in url)


def test_every_part_is_a_line() -> None:
    report = a_report(reason="connect_refused")
    assessment = an_assessment(report, a_finding(), next_break=a_break())
    shown = document(report, assessment, failing_since=NOW, last_success_at=NOW)
    later = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    lines = list(standing(shown, later))
    assert [line[2:16].strip() for line in lines[1:]] == [
        "fails", "failing since", "last success", "warning", "breaks next"
    ]  # fmt: skip
    assert "2026-11-23 12:00:00 UTC, 1 hour ago" in lines[2]


def test_lines_wrap_below_what_they_say_where_there_is_a_width() -> None:
    report = a_report(reason="connect_refused")
    message = "The broker's certificate (CN=a-name-that-is-too-long-to-be-broken-at-its-hyphens) has ended, and more."
    shown = document(report, an_assessment(report, a_finding(message=message)))
    lines = list(standing(shown, NOW, width=60))
    assert max(map(len, lines)) <= 80
    [at] = [number for number, line in enumerate(lines) if line.startswith("  warning  ")]
    assert lines[at + 1].startswith(" " * 16 + "certificate")
    assert lines[at + 2] == " " * 16 + "(CN=a-name-that-is-too-long-to-be-broken-at-its-hyphens)"


def test_what_a_finding_tells_is_not_told_twice() -> None:
    report = a_report(reason="connect_refused", detail="gone away")
    shown = document(report, an_assessment(report, a_finding(message="The broker has gone away.")))
    fails = next(line for line in standing(shown, NOW) if line.startswith("  fails"))
    assert fails.endswith(" with connect_refused")


def test_a_broker_without_a_result_is_waited_for() -> None:
    assert list(standing(pending(a_broker()), NOW)) == [
        "NO RESULT plant-7",
        "  waiting       for the first probe to end",
    ]


def test_what_steers_a_terminal_is_not_repeated() -> None:
    shown = pending(a_broker()) | {"broker": "north\x1b[2J\n"}
    assert "\x1b" not in "".join(standing(shown, NOW))
