"""Certificates rotated under running brokers, with the daemon watching: what is told, when, and when it is over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from monitor.demo.pki import issue
from tests.support.brokers import Mosquitto, NatsServer, TlsServerProcess
from tests.support.daemon import MonitorProcess, run_command
from tests.support.pki import TestPki, write_chain
from tests.support.ports import wait_until


def watched(name: str, broker: TlsServerProcess, pki: TestPki, **options: Any) -> dict[str, Any]:
    """Return an item of `brokers` that names the broker's files."""
    return {
        "name": name,
        "host": "127.0.0.1",
        "port": broker.port,
        "interval": "1s",
        "timeout": "1s",
        "tls": {"ca_file": str(pki.ca_file), "server_name": "localhost"},
        "files": {"certificate": str(broker.certfile), "key": str(broker.keyfile)},
        **options,
    }


def found(daemon: MonitorProcess, name: str) -> Mapping[str, str]:
    """Return the findings of that broker: codes, and how grave they are."""
    return {code: severity for (broker, code, severity) in daemon.series("findings") if broker == name}


def wait_for_findings(daemon: MonitorProcess, name: str, expected: Mapping[str, str]) -> None:
    wait_until(lambda: found(daemon, name) == expected, f"{name} with {expected}")


@pytest.mark.parametrize("kind", [Mosquitto, NatsServer])
def test_rotation_without_reload_is_told_within_an_interval_and_over_after_sighup(
    kind: type[Mosquitto | NatsServer], pki: TestPki, tmp_path: Path
) -> None:
    with (
        kind(tmp_path / "broker", certificate=pki.server_files) as broker,
        MonitorProcess(tmp_path / "monitor", [watched("b", broker, pki)]) as daemon,
    ):
        daemon.wait_for(1, "certificate_file_served", "b")
        wait_for_findings(daemon, "b", {})
        before = daemon.value("probes_total", "b") or 0
        renewed = issue(now=pki.now, issuer=pki.intermediate)
        broker.replace_certificate(write_chain(tmp_path, "renewed", (renewed, pki.intermediate)))
        # One probe may have been under way when the file was replaced.
        daemon.wait_for_by(before + 2, ("b",), 0, "certificate_file_served", "b")
        wait_for_findings(daemon, "b", {"certificate_not_reloaded": "info"})
        daemon.wait_for(1, "probe_success", "b")
        document = json.loads(daemon.get("/api/v1/brokers/b")[1])
        assert document["certificate_file"]["path"] == str(broker.certfile)
        assert document["certificate_file"]["served"] is False
        assert "not served, replaced" in daemon.get("/brokers/b")[1]
        broker.reload()
        daemon.wait_for(1, "certificate_file_served", "b")
        wait_for_findings(daemon, "b", {})
        assert daemon.value("certificate_changes_total", "b", "leaf") == 1


def test_each_trouble_with_the_files_is_told_apart(mosquitto: Mosquitto, pki: TestPki, tmp_path: Path) -> None:
    with MonitorProcess(tmp_path / "monitor", [watched("b", mosquitto, pki)]) as daemon:
        daemon.wait_for(1, "certificate_file_served", "b")
        whole, key = mosquitto.certfile.read_bytes(), mosquitto.keyfile.read_bytes()

        mosquitto.certfile.write_bytes(whole[:400])
        wait_for_findings(daemon, "b", {"certificate_file_damaged": "info"})
        daemon.wait_for(None, "certificate_file_served", "b")
        mosquitto.certfile.unlink()
        wait_for_findings(daemon, "b", {"certificate_file_missing": "info"})
        mosquitto.certfile.mkdir()
        wait_for_findings(daemon, "b", {"certificate_file_unreadable": "info"})
        mosquitto.certfile.rmdir()
        mosquitto.certfile.write_bytes(whole)
        wait_for_findings(daemon, "b", {})

        other = issue(now=pki.now, issuer=pki.intermediate)
        mosquitto.keyfile.write_bytes(other.key_pem)
        wait_for_findings(daemon, "b", {"certificate_file_key_mismatch": "info"})
        daemon.wait_for(1, "certificate_file_served", "b")
        mosquitto.keyfile.write_bytes(key)
        wait_for_findings(daemon, "b", {})
        assert daemon.value("monitor_internal_errors_total") == 0
    assert "PRIVATE" not in daemon.log


def test_new_ca_on_disk_is_not_yet_a_changed_issuer(mosquitto: Mosquitto, pki: TestPki, tmp_path: Path) -> None:
    root = issue(now=pki.now, is_ca=True, subject="New Root")
    both = tmp_path / "both.pem"
    both.write_bytes(pki.root.pem + root.pem)
    tls = {"ca_file": str(both), "server_name": "localhost"}
    with MonitorProcess(tmp_path / "monitor", [watched("b", mosquitto, pki, tls=tls)]) as daemon:
        daemon.wait_for(1, "certificate_file_served", "b")
        mosquitto.replace_certificate(write_chain(tmp_path, "rotated", (issue(now=pki.now, issuer=root),)))
        wait_for_findings(daemon, "b", {"certificate_not_reloaded": "info"})
        mosquitto.reload()
        wait_for_findings(daemon, "b", {"issuer_changed": "warning"})
        daemon.wait_for(1, "certificate_file_served", "b")


def test_listener_that_was_left_behind_is_told_until_it_follows(
    mosquitto: Mosquitto, pki: TestPki, tmp_path: Path
) -> None:
    with (
        Mosquitto(tmp_path / "second", certificate=pki.server_files) as second,
        MonitorProcess(
            tmp_path / "monitor",
            [watched("first", mosquitto, pki, files={}), watched("second", second, pki, files={})],
        ) as daemon,
    ):
        for name in ("first", "second"):
            daemon.wait_for(1, "probe_success", name)
        daemon.wait_for_series({}, "findings")
        renewed = issue(now=pki.now, issuer=pki.intermediate, not_before=pki.now)
        files = write_chain(tmp_path, "renewed", (renewed, pki.intermediate))
        second.replace_certificate(files)
        second.reload()
        wait_for_findings(daemon, "first", {"listener_differs": "info"})
        wait_for_findings(daemon, "second", {})
        (finding,) = json.loads(daemon.get("/api/v1/brokers/first")[1])["findings"]
        assert f"port {second.port}, the broker second" in finding["message"]
        assert "Both served the older one until" in finding["message"]
        mosquitto.replace_certificate(files)
        mosquitto.reload()
        wait_for_findings(daemon, "first", {})


def test_key_in_certificates_of_two_hosts_is_told_at_both(mosquitto: Mosquitto, pki: TestPki, tmp_path: Path) -> None:
    clone = issue(now=pki.now, issuer=pki.intermediate, key=pki.leaf.key, names=("DNS:localhost", "DNS:clone.example"))
    files = write_chain(tmp_path, "clone", (clone, pki.intermediate))
    with (
        Mosquitto(tmp_path / "second", certificate=files) as second,
        MonitorProcess(
            tmp_path / "monitor",
            [
                watched("original", mosquitto, pki, files={}),
                watched("clone", second, pki, files={}, host="localhost"),
            ],
        ) as daemon,
    ):
        for name in ("original", "clone"):
            wait_for_findings(daemon, name, {"key_reused": "warning"})


def test_probe_by_name_compares_the_files_too(mosquitto: Mosquitto, pki: TestPki, tmp_path: Path) -> None:
    daemon = MonitorProcess(tmp_path / "monitor", [watched("b", mosquitto, pki, interval="10s", timeout="10s")])
    shown = run_command("probe", "b", "--config", str(daemon.config), env={"COLUMNS": "300"})
    assert f"{mosquitto.certfile}: served, replaced" in shown.stdout
    mosquitto.replace_certificate(
        write_chain(tmp_path, "renewed", (issue(now=pki.now, issuer=pki.intermediate), pki.intermediate))
    )
    document = json.loads(run_command("probe", "b", "--config", str(daemon.config), "--json").stdout)
    assert [each["code"] for each in document["findings"]] == ["certificate_not_reloaded"]
    assert document["certificate_file"]["served"] is False
