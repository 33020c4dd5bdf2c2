"""The daemon asks where a real broker's certificate points: a real responder, a list, or one that never answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.demo.pki import Issued, issue
from tests.support.brokers import Mosquitto
from tests.support.daemon import MonitorProcess, run_command
from tests.support.faults import FaultServer
from tests.support.pki import TestPki, write_chain
from tests.support.ports import wait_until
from tests.support.responder import Responder, pointing_at


class Watch:
    """Brokers that serve a leaf each, and a daemon that watches them."""

    def __init__(self, stack: ExitStack, directory: Path, pki: TestPki) -> None:
        self._stack = stack
        self._directory = directory
        self._pki = pki

    def leaf(self, **points: tuple[str, ...]) -> Issued:
        return issue(now=self._pki.now, issuer=self._pki.intermediate, extensions=pointing_at(**points))

    def start(self, brokers: Mapping[str, tuple[Issued, Mapping[str, Any]]], *, interval: str = "1s") -> MonitorProcess:
        """Watch brokers, each with what it serves and its `revocation` settings."""
        watched = [self._watched(name, leaf, revocation) for name, (leaf, revocation) in brokers.items()]
        pace = {"interval": interval, "timeout": interval}
        return self._stack.enter_context(MonitorProcess(self._directory / "monitor", watched, defaults=pace))

    def _watched(self, name: str, leaf: Issued, revocation: Mapping[str, Any]) -> dict[str, Any]:
        files = write_chain(self._directory, name, (leaf, self._pki.intermediate))
        broker = self._stack.enter_context(Mosquitto(self._directory / name, certificate=files))
        return {
            "name": name,
            "host": "127.0.0.1",
            "port": broker.port,
            "tls": {"ca_file": str(self._pki.ca_file), "server_name": "localhost"},
            "revocation": {"fetch": "both", "refresh": "1s", **revocation},
        }


@pytest.fixture
def watch(tmp_path: Path, pki: TestPki) -> Iterator[Watch]:
    with ExitStack() as stack:
        yield Watch(stack, tmp_path, pki)


@pytest.fixture
def responder(pki: TestPki) -> Iterator[Responder]:
    with Responder(pki.intermediate) as responder:
        yield responder


def test_certificate_that_is_revoked_is_seen_within_one_refresh(watch: Watch, responder: Responder) -> None:
    leaf = watch.leaf(ocsp=(responder.uri,), crl=(f"{responder.uri}ca.crl",))
    daemon = watch.start({"b": (leaf, {"allow": [f"127.0.0.1:{responder.port}"]})})
    for source in ("ocsp", "crl"):
        daemon.wait_for(1, "revocation_status", "b", source, "good")
        assert daemon.value("revocation_status", "b", source, "revoked") == 0
    daemon.wait_for(1, "probe_success", "b")
    daemon.wait_for_series({}, "findings")

    responder.revoked.add(leaf.certificate.serial_number)
    for source in ("ocsp", "crl"):
        daemon.wait_for(1, "revocation_status", "b", source, "revoked")
    daemon.wait_for(1, "probe_failure_info", "b", "verify", "verify_certificate_revoked")
    # So does a probe by hand, which asks behind its one connection and waits for the answers.
    daemon.config.write_text(daemon.config.read_text().replace(": 1s\n", ": 10s\n"))  # for a process that only starts
    probed = run_command("probe", "--config", str(daemon.config), "--json")
    assert (probed.returncode, probed.stderr) == (2, "")
    document = json.loads(probed.stdout)
    assert document["success"]
    assert {each["source"]: each["status"] for each in document["revocation"]} == {
        "staple": "not_offered", "ocsp": "revoked", "crl": "revoked"
    }  # fmt: skip
    assert {each["code"] for each in document["findings"]} == {"certificate_revoked"}

    # Whoever stops answering takes nothing back; and what is refused is asked about all the same.
    responder.refuses = True
    daemon.wait_for_log('"reason": "status"')
    assert daemon.value("revocation_status", "b", "crl", "revoked") == 1
    assert daemon.value("revocation_status", "b", "ocsp", "revoked") == 1
    assert daemon.value("monitor_internal_errors_total") == 0


def test_responder_is_asked_only_as_far_as_it_may_be_and_holds_up_no_probe(
    watch: Watch, responder: Responder, pki: TestPki
) -> None:
    expired = issue(
        now=pki.now, issuer=pki.intermediate, not_after=pki.now - timedelta(hours=1), extensions=responder.extensions
    )
    with FaultServer(lambda peer: peer.stall()) as stalling, FaultServer(lambda peer: peer.stall()) as forbidden:
        allowed: dict[str, Any] = {"allow": [f"127.0.0.1:{responder.port}", f"127.0.0.1:{stalling.port}"]}
        brokers = {
            "stalls": (watch.leaf(ocsp=(f"http://127.0.0.1:{stalling.port}/",)), allowed),
            "forbidden": (watch.leaf(ocsp=(f"http://127.0.0.1:{forbidden.port}/",)), allowed),
            "unwanted": (watch.leaf(ocsp=(responder.uri,)), {**allowed, "fetch": "crl"}),
            "expired": (expired, allowed),
        }
        daemon = watch.start(brokers, interval="500ms")  # a tenth of the time that a responder is given
        wait_until(lambda: bool(stalling.peers), "the responder is asked")
        before = daemon.value("probes_total", "stalls") or 0
        daemon.wait_for(1, "findings", "forbidden", "revocation_unavailable", "warning")
        daemon.wait_for_probes(before + 3, "stalls")
        # Three whole probes, and the responder still had not answered.
        assert not stalling.peers[0].ended.is_set()
        success = {(name,): float(name != "expired") for name in brokers}
        daemon.wait_for_series(success, "probe_success")
        assert daemon.value("revocation_status", "forbidden", "ocsp", "unavailable") == 1
        assert (responder.asked, forbidden.peers) == ([], [])
        daemon.stop()
        stalling.wait_until_left()
