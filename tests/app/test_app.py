"""The daemon as its users have it: a process with a file, signals, a log and an HTTP port; real brokers to watch."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from monitor.demo.pki import issue
from tests.support.brokers import Mosquitto, OpensslServer
from tests.support.daemon import MonitorProcess
from tests.support.pki import TestPki, write_chain
from tests.support.ports import closed_port, is_listening, silent_port, wait_until
from tests.support.revocation import revocation_list

Start = Callable[..., MonitorProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a daemon that ends with the test."""
    with ExitStack() as stack:

        def enter(brokers: Sequence[Mapping[str, Any]], **settings: Any) -> MonitorProcess:
            return stack.enter_context(MonitorProcess(tmp_path / "monitor", brokers, **settings))

        yield enter


def watched(name: str, port: int, pki: TestPki, **options: Any) -> dict[str, Any]:
    """Return an item of `brokers`."""
    tls = {"ca_file": str(pki.ca_file), "server_name": "localhost"}
    common = {"name": name, "host": "127.0.0.1", "port": port, "interval": "1s", "timeout": "1s", "tls": tls}
    return {**common, **options}


# Starting


def test_started_daemon_tells_of_every_broker(start: Start, mosquitto: Mosquitto, pki: TestPki) -> None:
    with closed_port() as nobody:
        daemon = start([watched("good", mosquitto.port, pki), watched("down", nobody, pki)])
        daemon.wait_until_ready()
        daemon.wait_for(1, "probe_success", "good")
        daemon.wait_for(1, "probe_failure_info", "down", "connect", "connect_refused")
        assert daemon.value("probe_success", "down") == 0
        assert daemon.value("monitor_config_last_reload_successful") == 1
        assert daemon.value("monitor_brokers") == 2
        assert daemon.value("monitor_internal_errors_total") == 0
    assert len(daemon.wait_for_lines("listening", url=f"http://127.0.0.1:{daemon.port}/")) == 1


def test_daemon_is_not_ready_before_it_knows_something_of_every_broker(start: Start, pki: TestPki) -> None:
    with silent_port() as silent:
        daemon = start([watched("silent", silent, pki, interval="5s", timeout="5s")])
        status, body = daemon.get("/-/ready")
        assert status == 503
        assert "silent" in body
        assert daemon.get("/-/healthy")[0] == 200
        daemon.wait_until_ready()
        assert daemon.value("probe_success", "silent") == 0


def test_port_in_use_is_one_plain_line_and_status_1(start: Start, pki: TestPki, tmp_path: Path) -> None:
    with closed_port() as nobody:
        first = start([watched("a", nobody, pki)])
        second = MonitorProcess(tmp_path / "second", [watched("a", nobody, pki)])
        second.port = first.port
        second.configure([watched("a", nobody, pki)])
        second.is_up = lambda: False  # type: ignore[method-assign]  # its port is the first one's
        with pytest.raises(RuntimeError, match="ended with 1"):
            second.start()
    assert [line["event"] for line in second.lines(level="error")] == ["cannot listen"]
    [line] = second.lines("cannot listen", error="Address already in use")
    assert "`ss -ltnp`" in line["fix"]
    assert "Traceback" not in second.log


def test_unusable_configuration_is_told_line_by_line(tmp_path: Path) -> None:
    daemon = MonitorProcess(tmp_path, [{"name": "a", "host": "mqtt://a", "prot": 1}, {"name": "a", "host": "b"}])
    with pytest.raises(RuntimeError, match="ended with 1"):
        daemon.start()
    lines = daemon.log.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"{daemon.config}:") for line in lines)


# Brokers that change


def test_broker_stopped_and_restarted_is_seen_by_the_next_probes(
    start: Start, mosquitto: Mosquitto, pki: TestPki
) -> None:
    daemon = start([watched("b", mosquitto.port, pki)])
    daemon.wait_for(1, "probe_success", "b")
    expiry = daemon.series("certificate_not_after_timestamp_seconds")
    mosquitto.stop()
    before = daemon.value("probes_total", "b") or 0
    # One probe may have been under way when the broker went.
    daemon.wait_for_by(before + 2, ("b",), 1, "probe_failure_info", "b", "connect", "connect_refused")
    assert daemon.value("probe_success", "b") == 0
    assert daemon.series("certificate_not_after_timestamp_seconds") == expiry
    mosquitto.start()
    daemon.wait_for(1, "probe_success", "b")
    wait_until(
        lambda: [line.get("verdict") for line in daemon.lines(broker="b")][-2:] == ["critical", "ok"],
        "the log says that all is well again",
    )
    events = [(line["verdict"], line["reason"]) for line in daemon.lines(broker="b") if "verdict" in line]
    assert events[0] == ("ok", None)
    assert events[-1] == ("ok", None)
    assert "connect_refused" in [reason for _, reason in events]
    assert all(one != another for one, another in pairwise(events))


def test_blocked_broker_is_a_timeout_until_it_goes_on(start: Start, mosquitto: Mosquitto, pki: TestPki) -> None:
    daemon = start([watched("b", mosquitto.port, pki)])
    daemon.wait_for(1, "probe_success", "b")
    mosquitto.pause()
    try:
        daemon.wait_for(1, "probe_failure_info", "b", "handshake", "handshake_timeout")
        assert daemon.value("probe_success", "b") == 0
    finally:
        mosquitto.resume()
    daemon.wait_for(1, "probe_success", "b")
    daemon.wait_for_series({}, "probe_failure_info")


def test_change_for_the_worse_is_logged_with_what_to_do(start: Start, pki: TestPki) -> None:
    with closed_port() as nobody:
        daemon = start([watched("down", nobody, pki)])
        daemon.wait_for_probes(3, "down")
    [line] = daemon.wait_for_lines(broker="down", verdict="critical")
    assert line["level"] == "error"
    assert line["reason"] == "connect_refused"
    assert line["since"]
    assert line["message"] == "The connection was refused."
    assert line["detail"] == "127.0.0.1: Connection refused"
    assert line["fix"].startswith("Is the broker running")
    assert "Mosquitto" not in line["fix"]


# Certificates that change


def test_rotated_issuer_is_counted_and_found_within_one_interval(
    start: Start, mosquitto: Mosquitto, pki: TestPki, tmp_path: Path
) -> None:
    root = issue(now=pki.now, is_ca=True, subject="New Root")
    both, old = tmp_path / "both.pem", tmp_path / "old.pem"
    both.write_bytes(pki.root.pem + root.pem)
    old.write_bytes(pki.root.pem)
    tls = {"ca_file": str(both), "server_name": "localhost", "trust_profiles": {"devices-2022": str(old)}}
    daemon = start([watched("b", mosquitto.port, pki, tls=tls)])
    daemon.wait_for(1, "probe_success", "b")
    assert daemon.series("certificate_changes_total") == {("b", what): 0 for what in ("leaf", "key", "issuer", "root")}
    assert daemon.series("chain_valid") == {("b", "configured"): 1, ("b", "devices-2022"): 1}
    daemon.wait_for_series({}, "findings")
    assert daemon.series("next_break_timestamp_seconds") == {
        ("b", "leaf"): pki.leaf.certificate.not_valid_after_utc.timestamp()
    }

    short = issue(now=pki.now, issuer=root, is_ca=True, subject="New CA", not_after=pki.now + timedelta(days=60))
    mosquitto.replace_certificate(write_chain(tmp_path, "rotated", (issue(now=pki.now, issuer=short), short)))
    mosquitto.reload()
    before = daemon.value("probes_total", "b") or 0
    # One probe may have been under way when the broker read its files.
    daemon.wait_for_by(before + 2, ("b",), 1, "certificate_changes_total", "b", "issuer")
    assert set(daemon.series("certificate_changes_total").values()) == {1}
    told = {("b", "issuer_changed", "warning"): 1, ("b", "profile_untrusted", "warning"): 1}
    daemon.wait_for_series(told, "findings")
    daemon.wait_for(1, "probe_success", "b")
    assert daemon.series("chain_valid") == {("b", "configured"): 1, ("b", "devices-2022"): 0}
    assert daemon.series("next_break_timestamp_seconds") == {
        ("b", "intermediate"): short.certificate.not_valid_after_utc.timestamp()
    }
    [line] = daemon.wait_for_lines("certificate changed", broker="b")
    assert (line["level"], line["what"]) == ("warning", ["leaf", "key", "issuer", "root"])
    assert (line["issuer_before"], line["issuer_after"]) == ("CN=Test Intermediate", "CN=New CA")
    assert (line["root_before"], line["root_after"]) == ("CN=Test Root", "CN=New Root")
    [event] = json.loads(daemon.get("/api/v1/brokers/b")[1])["changes"]
    assert line["chain_before"] == event["before"]["chain"]
    assert line["chain_before"][0] == line["fingerprint_before"] == pki.leaf.certificate.fingerprint(SHA256()).hex()
    assert (line["key_before"], line["key_after"]) == (event["before"]["spki_sha256"], event["after"]["spki_sha256"])
    assert event["last_seen_at"] < event["at"]
    # It stays told, and is counted once.
    daemon.wait_for_probes((daemon.value("probes_total", "b") or 0) + 2, "b")
    assert daemon.value("findings", "b", "issuer_changed", "warning") == 1
    assert daemon.value("certificate_changes_total", "b", "issuer") == 1
    assert len(daemon.lines("certificate changed")) == 1


# Revocation lists that change


def test_replaced_list_closes_the_gate_within_one_interval_and_a_broken_one_keeps_it_closed(
    start: Start, mosquitto: Mosquitto, pki: TestPki, tmp_path: Path
) -> None:
    lists = tmp_path / "ca.crl"

    def put(data: bytes) -> float:
        fresh = tmp_path / "ca.crl.new"
        fresh.write_bytes(data)
        fresh.replace(lists)
        return daemon.value("probes_total", "b") or 0

    lists.write_bytes(revocation_list(pki.intermediate, now=pki.now))
    tls = {"ca_file": str(pki.ca_file), "server_name": "localhost", "crl_files": [str(lists)]}
    daemon = start([watched("b", mosquitto.port, pki, tls=tls)])
    daemon.wait_for(1, "probe_success", "b")
    assert daemon.value("revocation_status", "b", "crl_file", "good") == 1
    assert daemon.value("revocation_status", "b", "staple", "not_offered") == 1
    assert daemon.series("next_break_timestamp_seconds").keys() == {("b", "crl")}
    daemon.wait_for_series({}, "findings")

    before = put(revocation_list(pki.intermediate, pki.leaf, now=pki.now))
    # One probe may have been under way when the file was replaced.
    daemon.wait_for_by(before + 2, ("b",), 1, "probe_failure_info", "b", "verify", "verify_certificate_revoked")
    daemon.wait_for_series({("b", "certificate_revoked", "critical"): 1}, "findings")

    put(b"half a")
    daemon.wait_for(1, "findings", "b", "crl_invalid", "warning")
    assert daemon.value("revocation_status", "b", "crl_file", "revoked") == 1

    put(revocation_list(pki.intermediate, now=pki.now))
    daemon.wait_for(1, "probe_success", "b")
    daemon.wait_for_series({}, "findings")


# Reloading


def test_good_reload_adds_and_removes_and_leaves_the_rest_alone(
    start: Start, mosquitto: Mosquitto, pki: TestPki
) -> None:
    with closed_port() as nobody:
        daemon = start([watched("kept", mosquitto.port, pki), watched("gone", nobody, pki)])
        daemon.wait_for(1, "probe_success", "kept")
        daemon.wait_for(0, "probe_success", "gone")
        before = daemon.value("probes_total", "kept") or 0
        daemon.configure([watched("new", mosquitto.port, pki), watched("kept", mosquitto.port, pki)])
        daemon.reload()
        daemon.wait_for(1, "probe_success", "new")
    assert not [labels for labels in daemon.series("broker_info") if "gone" in labels]
    assert "gone" not in daemon.get("/metrics")[1]
    assert (daemon.value("probes_total", "kept") or 0) >= before
    assert daemon.value("monitor_config_last_reload_successful") == 1
    [line] = daemon.lines("configuration in use", added=["new"])
    assert (line["removed"], line["replaced"]) == (["gone"], [])


def test_bad_reload_keeps_the_running_configuration_and_names_every_problem(
    start: Start, mosquitto: Mosquitto, pki: TestPki
) -> None:
    good = [watched("b", mosquitto.port, pki)]
    daemon = start(good)
    daemon.wait_for(1, "probe_success", "b")
    loaded_at = daemon.value("monitor_config_last_reload_success_timestamp_seconds")
    daemon.configure([watched("x", 0, pki), {"name": "y"}])
    daemon.reload(succeeds=False)
    assert daemon.value("monitor_config_last_reload_successful") == 0
    assert daemon.value("monitor_config_last_reload_success_timestamp_seconds") == loaded_at
    problems = [line["problem"] for line in daemon.lines("configuration problem")]
    assert len(problems) == 2
    assert "brokers[0].port" in problems[0]
    assert "brokers[1].host" in problems[1]
    after = daemon.value("probes_total", "b") or 0
    daemon.wait_for_probes(after + 2, "b")
    daemon.configure(good)
    daemon.reload()
    assert daemon.value("monitor_config_last_reload_successful") == 1


def test_reload_over_http_answers_what_is_wrong(start: Start, mosquitto: Mosquitto, pki: TestPki) -> None:
    good = [watched("b", mosquitto.port, pki)]
    daemon = start(good)
    daemon.config.write_text("brokers: 7\n")
    status, body = daemon.get("/-/reload", method="POST")
    assert status == 500
    assert f"{daemon.config}:1: brokers" in body
    daemon.configure(good)
    assert daemon.get("/-/reload", method="POST")[0] == 200


def test_other_address_in_a_reload_waits_for_a_restart_and_says_so(
    start: Start, mosquitto: Mosquitto, pki: TestPki
) -> None:
    brokers = [watched("b", mosquitto.port, pki)]
    daemon = start(brokers)
    daemon.configure(brokers, listen="127.0.0.1:1", max_in_flight=3)
    daemon.reload()
    assert daemon.lines("some settings take effect only after a restart", settings=["listen_port", "max_in_flight"])
    assert daemon.get("/-/healthy")[0] == 200


def test_replaced_brokers_old_probe_never_reports(start: Start, mosquitto: Mosquitto, pki: TestPki) -> None:
    with silent_port() as silent:
        daemon = start([watched("b", silent, pki, interval="60s", timeout="60s")])
        daemon.wait_for(1, "monitor_probes_in_flight")
        daemon.configure([watched("b", mosquitto.port, pki, interval="5s", timeout="5s")])
        daemon.reload()
        daemon.wait_for(1, "probe_success", "b")
        assert sum(daemon.series("probe_failures_total").values()) == 0


# The end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_signal_drains_and_exits_with_0(start: Start, pki: TestPki, number: int) -> None:
    with silent_port() as silent:
        daemon = start([watched("silent", silent, pki, interval="5s", timeout="5s")])
        daemon.wait_for(1, "monitor_probes_in_flight")
        os.kill(daemon.pid, number)
        assert daemon.wait_for_end() == 0
    # The probe was not cut off: its result came after the order to stop.
    ends = [(line["event"], line.get("reason")) for line in daemon.lines()][-3:]
    assert ends[0][0].startswith("stopping")
    assert ends[1][1] == "connect_timeout"
    assert ends[2][0] == "stopped"
    assert "Traceback" not in daemon.log
    assert not is_listening(daemon.port)


def test_second_stop_signal_ends_at_once(start: Start, pki: TestPki) -> None:
    with silent_port() as silent:
        daemon = start([watched("silent", silent, pki, interval="60s", timeout="60s")])
        daemon.wait_for(1, "monitor_probes_in_flight")
        os.kill(daemon.pid, signal.SIGTERM)
        daemon.wait_for_log("stopping")
        os.kill(daemon.pid, signal.SIGTERM)
        assert daemon.wait_for_end() == -signal.SIGTERM
    assert "Traceback" not in daemon.log


# What must be refused


def test_round_of_attempts_comes_beside_the_probes_and_anew_with_new_settings(
    start: Start, pki: TestPki, tmp_path: Path
) -> None:
    users = {"monitor": "secret"}
    password = tmp_path / "password"
    password.write_text("secret")
    password.chmod(0o600)

    def plant(*checks: str) -> dict[str, Any]:
        mqtt = {"username": "monitor", "password_file": str(password)}
        return watched("plant", server.port, pki, mqtt=mqtt, refusals={"checks": list(checks)})

    with Mosquitto(tmp_path / "mosquitto", certificate=pki.server_files, users=users) as server:
        daemon = start([plant("anonymous", "foreign_client_certificate")])
        daemon.wait_for(1, "refusal_enforced", "plant", "anonymous")
        daemon.wait_for(0, "refusal_enforced", "plant", "foreign_client_certificate")
        daemon.wait_for(1, "findings", "plant", "refusal_not_enforced", "critical")
        daemon.wait_for(1, "probe_success", "plant")
        assert server.log.count(" as mqtt-monitor-refusal-") == 2, (
            "one ordinary connection, and who should not be let in"
        )
        daemon.wait_for_probes(2, "plant")
        daemon.configure([plant("wrong_password")])
        daemon.reload()
        daemon.wait_for(1, "refusal_enforced", "plant", "wrong_password")
        daemon.wait_for(None, "refusal_enforced", "plant", "anonymous")
        assert daemon.value("monitor_internal_errors_total") == 0
        assert "secret" not in daemon.log


# Scans


def test_scan_comes_beside_the_probes_and_leaves_with_its_setting(start: Start, pki: TestPki, tmp_path: Path) -> None:
    options = ("-cipher", "ALL:@SECLEVEL=0", "-no_tls1_3")
    with OpensslServer(tmp_path / "s_server", certificate=pki.server_files, options=options) as server:
        tls_only = {"protocol": "tls"}
        daemon = start([watched("plant", server.port, pki, **tls_only, scan={"interval": "1h"})])
        daemon.wait_for(1, "findings", "plant", "tls_version_old_accepted", "warning")
        daemon.wait_for(1, "findings", "plant", "cipher_weak_accepted", "warning")
        daemon.wait_for(1, "probe_success", "plant")
        assert daemon.value("last_scan_timestamp_seconds", "plant") is not None
        daemon.configure([watched("plant", server.port, pki, **tls_only)])
        daemon.reload()
        daemon.wait_for(None, "findings", "plant", "tls_version_old_accepted", "warning")
        assert daemon.value("monitor_internal_errors_total") == 0
