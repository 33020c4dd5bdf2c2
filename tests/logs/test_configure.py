"""How lines look on a terminal, in a file and in systemd's journal."""

import json
import os
import pty
import socket
import subprocess
import sys
from contextlib import suppress
from typing import IO

from tests.support.ports import PATIENCE_S

SCRIPT = """
import asyncio, logging, os, sys
import structlog
from aiohttp.http_exceptions import BadStatusLine
from monitor import logs
from monitor.model.config import LogFormat

logs.complain(["monitor.yml:3: brokers: expected"], os.environ)
logs.configure("info", LogFormat(sys.argv[1]), os.environ)
log = structlog.stdlib.get_logger()
said = {"message": "It ends.", "reason": None, "since": "now", "fix": "Do it."}
log.warning("broker has a warning", broker="north", address=None, **said)
log.debug("left out")
logging.getLogger("library").info("a forged\\n<0>line \\x1b[31m")
try:
    local = "a local variable"
    raise ValueError("first\\nsecond \\x1b[31m")
except ValueError:
    log.exception("broken")
for error in (BadStatusLine("junk"), ValueError("real")):
    logging.getLogger("aiohttp.server").error("Error handling request from %s", "192.0.2.1", exc_info=error)
"""

Stream = int | IO[bytes]


def run(log_format: str, stderr: Stream, journal: str | None) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "JOURNAL_STREAM"}
    if journal is not None:
        environment["JOURNAL_STREAM"] = journal
    subprocess.run(
        [sys.executable, "-c", SCRIPT, log_format], stderr=stderr, env=environment, check=True, timeout=PATIENCE_S
    )


def name_of(stream: socket.socket) -> str:
    status = os.fstat(stream.fileno())
    return f"{status.st_dev}:{status.st_ino}"


def in_journal(log_format: str) -> list[str]:
    """Return what is written to a stream that systemd says leads to the journal."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            run(log_format, theirs.fileno(), name_of(theirs))
        with ours.makefile("r", encoding="utf-8") as lines:
            return lines.read().splitlines()


def in_pipe(log_format: str, journal: str | None = None) -> list[str]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "r") as lines:
        with os.fdopen(writing, "wb") as stream:
            run(log_format, stream, journal)
        return lines.read().splitlines()


def on_terminal() -> str:
    ours, theirs = pty.openpty()
    run("auto", theirs, None)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # Linux's way to say that the other side is closed
        while piece := os.read(ours, 65536):
            shown += piece
    os.close(ours)
    return shown.decode()


def test_journal_gets_readable_lines_each_with_its_priority() -> None:
    lines = in_journal("auto")
    assert lines[0] == "<3>monitor.yml:3: brokers: expected"
    assert lines[1] == "<4>broker has a warning: north: It ends. since=now fix='Do it.'"
    assert lines[2] == r"<6>a forged\n<0>line \x1b[31m"
    assert lines[3] == "<3>broken"
    assert lines[4] == "<3>Traceback (most recent call last):"
    assert lines[-2:] == ["<3>Error handling request from 192.0.2.1", "<3>ValueError: real"]
    assert all(line.startswith("<3>") for line in lines[3:])
    text = "\n".join(lines)
    assert "<3>ValueError: first\n<3>second \\x1b[31m" in text
    assert "a local variable" not in text.replace('local = "a local variable"', "")
    assert "junk" not in text
    assert "\x1b" not in text


def test_journal_gets_json_where_that_is_asked_for() -> None:
    _, *lines = in_journal("json")
    assert [line[:3] for line in lines] == ["<4>", "<6>", "<3>", "<3>"]
    warning = json.loads(lines[0][3:])
    assert warning["event"] == "broker has a warning"
    assert (warning["broker"], warning["message"], warning["level"]) == ("north", "It ends.", "warning")
    assert warning["timestamp"].endswith("Z")
    assert "ValueError: first\nsecond" in json.loads(lines[2][3:])["exception"]


def test_file_or_pipe_gets_json_without_priorities() -> None:
    complaint, *lines = in_pipe("auto", journal="8:1234")
    assert complaint == "monitor.yml:3: brokers: expected"
    assert [json.loads(line)["level"] for line in lines] == ["warning", "info", "error", "error"]


def test_console_has_time_and_level_and_colours_on_a_terminal_alone() -> None:
    plain = in_pipe("console")
    assert plain[1].endswith("Z [warning  ] broker has a warning: north: It ends. since=now fix='Do it.'")
    assert "\x1b" not in "".join(plain)
    shown = on_terminal()
    assert "\x1b[33m" in shown
    assert r"line \x1b[31m" in shown
