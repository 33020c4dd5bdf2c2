"""What the service manager is told, and what the unit allows the service."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from monitor.app.service import ServiceManager
from tests.support.brokers import Mosquitto
from tests.support.daemon import MonitorProcess
from tests.support.pki import TestPki
from tests.support.ports import PATIENCE_S

SYSTEMD = Path(__file__).parents[2] / "systemd"
UNITS = ("mqtt-tls-monitor.service", "mqtt-tls-monitor@.service")
# What systemd-analyze calls the exposure, 0.0 to 10.0.
MOST_EXPOSED = 1.5


class Manager:
    """Listens where a service manager would."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.settimeout(PATIENCE_S)

    def wait_for(self, assignment: str) -> dict[str, str]:
        """Return the first message from now on that begins so."""
        while True:
            message = self._socket.recv(4096).decode()
            if message.startswith(assignment):
                return dict(line.split("=", 1) for line in message.splitlines())

    def close(self) -> None:
        self._socket.close()


class ManagedMonitor(MonitorProcess):
    """The daemon, started by a service manager."""

    manager = ""

    def environment(self) -> Mapping[str, str]:
        """Tell it where the manager listens."""
        return {"NOTIFY_SOCKET": self.manager}


@pytest.fixture
def manager() -> Iterator[Manager]:
    listening = Manager(f"@mqtt-tls-monitor-test-{os.getpid()}")
    yield listening
    listening.close()


def test_manager_is_told_of_each_step_of_the_daemons_life(
    manager: Manager, mosquitto: Mosquitto, pki: TestPki, tmp_path: Path
) -> None:
    tls = {"ca_file": str(pki.ca_file), "server_name": "localhost"}
    broker = {"name": "plant-7", "host": "127.0.0.1", "port": mosquitto.port, "interval": "1s", "timeout": "1s"}
    monitor = ManagedMonitor(tmp_path / "monitor", [{**broker, "tls": tls}])
    monitor.manager = manager.address
    with monitor:
        assert manager.wait_for("READY=1")["STATUS"] == "1 broker: 1 not probed yet."
        monitor.wait_for(1, "probe_success", "plant-7")
        status = ""
        while not status.startswith("1 broker: 1 ok"):
            status = manager.wait_for("WATCHDOG=1")["STATUS"]
        assert re.search(r"; next to break: plant-7 in \d+ days\.$", status), status

        monitor.config.write_text("brokers: 7\n")
        os.kill(monitor.pid, signal.SIGHUP)
        assert int(manager.wait_for("RELOADING=1")["MONOTONIC_USEC"]) > 0
        assert manager.wait_for("READY=1")["STATUS"].startswith("1 broker: 1 ok")
        monitor.wait_for_log("configuration not reloaded")

        os.kill(monitor.pid, signal.SIGTERM)
        manager.wait_for("STOPPING=1")


def test_manager_is_asked_for_the_time_that_the_longest_probe_needs(manager: Manager, tmp_path: Path) -> None:
    broker = {"name": "slow", "host": "127.0.0.1", "port": 1, "interval": "10m", "timeout": "5m"}
    monitor = ManagedMonitor(tmp_path / "monitor", [broker])
    monitor.manager = manager.address
    with monitor:
        manager.wait_for("READY=1")
        os.kill(monitor.pid, signal.SIGTERM)
        asked_us = int(manager.wait_for("STOPPING=1")["EXTEND_TIMEOUT_USEC"])
    assert asked_us > 5 * 60 * 1_000_000


def test_manager_may_listen_at_a_path(tmp_path: Path) -> None:
    manager = Manager(str(tmp_path / "notify"))
    ServiceManager({"NOTIFY_SOCKET": manager.address}).alive("fine")
    assert manager.wait_for("WATCHDOG=1") == {"WATCHDOG": "1", "STATUS": "fine"}
    manager.close()


def test_nobody_listening_is_no_fault(tmp_path: Path) -> None:
    ServiceManager({}).ready("fine")
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("fine")
    assert not ServiceManager({}).listens


@pytest.mark.parametrize("name", UNITS)
def test_unit_is_understood_and_as_closed_as_can_be(name: str, tmp_path: Path) -> None:
    # What it starts exists only where it is installed.
    unit = tmp_path / name
    text = (SYSTEMD / name).read_text().replace("/opt/mqtt-tls-monitor/bin/mqtt-tls-monitor", "/bin/true")
    unit.write_text(re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE))
    understood = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (understood.returncode, understood.stderr) == (0, "")
    closed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={round(MOST_EXPOSED * 10)}", SYSTEMD / name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert closed.returncode == 0, closed.stdout


def test_shard_is_served_and_closed_as_the_whole_is() -> None:
    """The template differs in what names the shard, and in nothing else."""
    whole, shard = ((SYSTEMD / name).read_text() for name in UNITS)
    for extra in (
        ", shard %i",
        "Conflicts=mqtt-tls-monitor.service\n",
        "Environment=TOTAL_SHARDS=1\n",
        " --shard %i --total-shards ${TOTAL_SHARDS}",
    ):
        assert shard.count(extra) == 1
        shard = shard.replace(extra, "")
    assert settings(shard) == settings(whole)


def settings(unit: str) -> list[str]:
    return [line for line in unit.splitlines() if line and not line.startswith("#")]
