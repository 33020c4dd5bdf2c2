"""A daemon that is stopped or killed and started again, with a broker that does not wait for it."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.demo.pki import issue
from tests.support.brokers import Mosquitto
from tests.support.daemon import MonitorProcess
from tests.support.pki import TestPki, write_chain
from tests.support.ports import wait_until

PASSWORD = "marked-password"


class Restartable(MonitorProcess):
    """A daemon with a state file, and nothing else that survives it."""

    def __init__(self, directory: Path, brokers: Sequence[dict[str, Any]]) -> None:
        self.state_file = directory / "state" / "state.json"
        self.state_file.parent.mkdir(parents=True)
        super().__init__(directory, brokers, state_file="state/state.json")

    def saved(self) -> dict[str, Any]:
        """Return what is in the file of the one broker; nothing while there is none."""
        if not self.state_file.exists():
            return {}
        found: list[dict[str, Any]] = json.loads(self.state_file.read_text())["brokers"]
        return found[0] if found else {}

    def since_start(self) -> list[dict[str, Any]]:
        """Return the lines of the log since the latest start."""
        lines = self.lines()
        begin = max(index for index, line in enumerate(lines) if line["event"] == "configuration in use")
        return lines[begin:]


@pytest.fixture
def both(pki: TestPki, tmp_path: Path) -> tuple[Path, Path, Path]:
    """Trust in the old and a new root, and a chain below the new one."""
    root = issue(now=pki.now, is_ca=True, subject="New Root")
    trust = tmp_path / "both.pem"
    trust.write_bytes(pki.root.pem + root.pem)
    files = write_chain(tmp_path, "rotated", (issue(now=pki.now, issuer=root), root))
    return trust, files.chain, files.key


@pytest.fixture
def daemon(tmp_path: Path, mosquitto: Mosquitto, pki: TestPki, both: tuple[Path, Path, Path]) -> Iterator[Restartable]:
    """A daemon that has seen a healthy broker, and saved that."""
    tls = {"ca_file": str(both[0]), "server_name": "localhost"}
    tls |= {"client_certificate": str(pki.client_files.chain), "client_key": str(pki.client_files.key)}
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "password").chmod(0o600)
    broker = {
        "name": "b", "host": "127.0.0.1", "port": mosquitto.port, "interval": "1s", "timeout": "1s", "tls": tls,
        "mqtt": {"username": "monitor", "password_file": str(tmp_path / "password")},
    }  # fmt: skip
    with Restartable(tmp_path / "monitor", [broker]) as started:
        started.wait_for(1, "probe_success", "b")
        wait_until(lambda: started.saved().get("standing") == {"verdict": "ok", "reason": None}, "state saved")
        yield started


def test_restart_forgets_nothing(
    daemon: Restartable, mosquitto: Mosquitto, pki: TestPki, both: tuple[Path, Path, Path]
) -> None:
    seen = daemon.saved()
    daemon.kill()
    mosquitto.certfile.write_bytes(both[1].read_bytes())
    mosquitto.keyfile.write_bytes(both[2].read_bytes())
    mosquitto.restart()

    # What changed meanwhile is found by the first probe.
    daemon.start()
    daemon.wait_for(1, "certificate_changes_total", "b", "issuer")
    assert daemon.value("findings", "b", "issuer_changed", "warning") == 1
    [line] = daemon.wait_for_lines("certificate changed")
    assert (line["issuer_before"], line["issuer_after"]) == ("CN=Test Intermediate", "CN=New Root")
    assert line["last_seen"] >= seen["tls_seen_at"][:19]
    assert [entry["event"] for entry in daemon.since_start() if "verdict" in entry] == ["broker has a warning"]
    daemon.stop()

    # While the broker is down, its certificates are there from the first scrape on, with their own age.
    kept = daemon.saved()
    mosquitto.stop()
    daemon.start()
    assert len(daemon.series("certificate_not_after_timestamp_seconds")) == 2
    assert daemon.value("certificate_changes_total", "b", "issuer") == 1
    seen_at = daemon.value("certificate_last_seen_timestamp_seconds", "b")
    assert datetime.fromisoformat(kept["tls_seen_at"]).timestamp() == pytest.approx(seen_at, abs=1e-3)
    assert daemon.value("last_success_timestamp_seconds", "b") == seen_at
    daemon.wait_for(0, "probe_success", "b")
    assert daemon.value("certificate_last_seen_timestamp_seconds", "b") == seen_at
    assert daemon.value("findings", "b", "issuer_changed", "warning") == 1
    [change] = json.loads(daemon.get("/api/v1/brokers/b")[1])["changes"]
    assert set(change["after"]["chain"]) == {labels[1] for labels in daemon.series("certificate_info")}
    wait_until(lambda: daemon.saved()["failing_since"] is not None, "failure saved")
    failing_since = daemon.saved()["failing_since"]
    daemon.kill()

    # Since when it fails is known still, and no news.
    daemon.start()
    daemon.wait_for_probes(2, "b")
    assert not [entry for entry in daemon.since_start() if "verdict" in entry]
    daemon.stop()
    assert daemon.saved()["failing_since"] == daemon.saved()["standing_since"] == failing_since

    assert sorted(path.name for path in daemon.state_file.parent.iterdir()) == ["state.json", "state.json.lock"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in daemon.state_file.parent.iterdir()} == {0o600}
    key = pki.client.key_pem.decode().splitlines()
    for secret in (PASSWORD, "password", "monitor", *key[1:-1]):
        assert secret not in daemon.state_file.read_text()

    # Half a file is no reason not to start.
    damaged = daemon.state_file.read_bytes()[:-100]
    daemon.state_file.write_bytes(damaged)
    daemon.start()
    assert daemon.value("monitor_state_last_read_successful") == 0
    [line] = daemon.wait_for_lines("state could not be restored", level="warning")
    assert Path(line["kept_as"]).read_bytes() == damaged
    daemon.wait_for(1, "monitor_state_last_write_successful")
    wait_until(lambda: (daemon.saved().get("standing") or {}).get("verdict") == "critical", "failure saved again")
    assert "Traceback" not in daemon.log


def test_daemon_without_a_state_file_writes_nothing(tmp_path: Path, mosquitto: Mosquitto) -> None:
    broker = {"name": "b", "host": "127.0.0.1", "port": mosquitto.port, "interval": "1s", "timeout": "1s"}
    with MonitorProcess(tmp_path / "monitor", [broker]) as daemon:
        daemon.wait_for_probes(2, "b")
        daemon.stop()
    assert sorted(path.name for path in (tmp_path / "monitor").iterdir()) == ["log", "monitor.yml"]
