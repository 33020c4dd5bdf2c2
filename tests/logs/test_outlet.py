"""Lines into pipes that are slow, full for good, or broken; and without standard error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from monitor.logs.outlet import Outlet
from tests.support.daemon import MonitorProcess
from tests.support.ports import PATIENCE_S

FLOOD = """
import logging, os
from monitor import logs
from monitor.model.config import LogFormat
logs.configure("info", LogFormat.JSON, os.environ)
for number in range(100):
    logging.getLogger("library").error("line %s", number)
logs.catch_up()
"""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe's two ends."""
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        os.close(end)


def fill(descriptor: int) -> None:
    """Leave no room in a pipe."""
    os.set_blocking(descriptor, False)
    try:
        while os.write(descriptor, bytes(4096)):
            pass
    except BlockingIOError:
        os.set_blocking(descriptor, True)


def test_lines_come_out_in_their_order(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1])
    for number in range(3):
        outlet.write(f"{number} \N{SNOWMAN} \udc80\n")
    outlet.close()
    assert os.read(pipe[0], 1000).decode() == "".join(f"{n} \N{SNOWMAN} \\udc80\n" for n in range(3))
    assert outlet.lost() == 0


def test_line_longer_than_the_pipe_comes_out_whole(pipe: tuple[int, int]) -> None:
    outlet, text = Outlet(pipe[1]), "x" * 1_000_000
    outlet.write(text)
    with os.fdopen(os.dup(pipe[0])) as lines:
        assert lines.read(len(text)) == text
    outlet.close()


def test_nobody_waits_for_a_reader_that_does_not_read_and_what_does_not_fit_is_counted() -> None:
    reading, writing = os.pipe()
    fill(writing)
    outlet = Outlet(writing, most_lines=4)
    for _ in range(10):
        outlet.write("line\n")
    assert outlet.lost() in {5, 6}, "one may be on its way"
    assert outlet.lost() == 0
    os.close(reading)
    outlet.close()
    os.close(writing)


def test_broken_pipe_is_no_fault_and_is_counted() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    outlet = Outlet(writing)
    outlet.write("line\n")
    outlet.close()
    assert outlet.lost() == 1
    os.close(writing)


def test_lines_that_had_to_wait_break_nothing_where_nobody_reads() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run([sys.executable, "-c", FLOOD], stderr=writing, check=False, timeout=PATIENCE_S)
    os.close(writing)
    assert result.returncode == 0


class Redirected(MonitorProcess):
    """A daemon whose standard error is as a shell makes it."""

    def __init__(self, directory: Path, redirection: str) -> None:
        super().__init__(directory, [{"name": "b", "host": "127.0.0.1", "port": 1, "interval": "1s", "timeout": "1s"}])
        self._redirection = redirection

    def command(self) -> Sequence[str]:
        return ("/bin/sh", "-c", f'exec "$@" {self._redirection}', "sh", *super().command())


def test_daemon_goes_on_and_stops_though_nobody_reads_its_log(tmp_path: Path) -> None:
    pipe = tmp_path / "log"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR)
    fill(held)
    with Redirected(tmp_path / "monitor", f"2>{pipe}") as daemon:
        daemon.wait_until_ready()
        assert daemon.get("/-/reload", method="POST")[0] == 200
        os.kill(daemon.pid, signal.SIGTERM)
        assert daemon.wait_for_end() == 0
    os.close(held)


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_daemon_without_standard_streams_gives_their_numbers_to_no_socket(
    tmp_path: Path, closed: tuple[int, ...]
) -> None:
    with Redirected(tmp_path, " ".join(f"{number}>&-" for number in closed)) as daemon:
        daemon.wait_until_ready()
        for number in closed:
            assert Path(f"/proc/{daemon.pid}/fd/{number}").readlink() == Path(os.devnull)
        os.kill(daemon.pid, signal.SIGTERM)
        assert daemon.wait_for_end() == 0
