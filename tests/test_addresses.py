"""A broker that is watched at each address of its name: real nodes, and a resolver that the test answers."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.demo.pki import issue
from tests.support.brokers import Mosquitto
from tests.support.daemon import MonitorProcess, run_command
from tests.support.names import Names
from tests.support.pki import TestPki, write_chain
from tests.support.ports import free_port, silent_port, wait_until

NAME = "cluster.test"
ONE, TWO, THREE, SIX = "127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"

Node = Callable[[str], Mosquitto]


@pytest.fixture
def names(tmp_path: Path) -> Names:
    return Names(tmp_path / "names.json")


@pytest.fixture
def port() -> Iterator[int]:
    """Return a port that is free on each address but the third, where nobody answers."""
    with silent_port(THREE, free_port()) as port:
        yield port


@pytest.fixture
def node(pki: TestPki, tmp_path: Path, port: int) -> Iterator[Node]:
    """Start a node of the cluster at that address."""
    with ExitStack() as stack:

        def start(address: str) -> Mosquitto:
            broker = Mosquitto(tmp_path / address, certificate=pki.server_files, host=address)
            broker.port = port
            return stack.enter_context(broker)

        yield start


def watched(port: int, pki: TestPki, **options: Any) -> dict[str, Any]:
    """Return the cluster as an item of `brokers`."""
    tls = {"ca_file": str(pki.ca_file), "server_name": "localhost"}
    common = {"name": "c", "host": NAME, "port": port, "addresses": "all", "interval": "1s", "timeout": "1s"}
    return {**common, "tls": tls, **options}


def documents(daemon: MonitorProcess) -> dict[str, dict[str, Any]]:
    """Return the documents of the cluster by address."""
    status, body = daemon.get("/api/v1/brokers/c")
    assert status == 200
    return {document["address"]: document for document in json.loads(body)["documents"]}


def test_each_node_is_told_apart_while_addresses_come_and_go(
    names: Names, node: Node, port: int, pki: TestPki, tmp_path: Path
) -> None:
    names.answer(NAME, THREE, TWO, SIX, ONE)
    second = [node(address) for address in (ONE, TWO, SIX)][1]
    cluster = watched(port, pki, interval="1500ms")  # longer than the silent one may take
    with MonitorProcess(tmp_path / "monitor", [cluster], names=names) as daemon:
        daemon.wait_until_ready()
        success = {("127.0.0.1", "c"): 1, ("127.0.0.2", "c"): 1, ("127.0.0.3", "c"): 0, ("::1", "c"): 1}
        wait_until(lambda: daemon.series("probe_success") == success, "each address has its series")
        assert daemon.series("endpoint_info") == dict.fromkeys(success, 1)
        assert list(daemon.series("probe_failure_info")) == [(THREE, "c", "connect", "connect_timeout")]
        assert list(daemon.series("broker_info")) == [("c", NAME, str(port), "mqtt")]
        assert daemon.value("monitor_brokers") == 1
        assert_promtool_accepts(daemon)
        assert list(documents(daemon)) == [ONE, TWO, THREE, SIX]
        assert documents(daemon)[SIX]["success"]
        for address, verdict in ((ONE, "ok"), (TWO, "ok"), (SIX, "ok"), (THREE, "critical")):
            daemon.wait_for_lines(broker="c", address=address, verdict=verdict)

        second.stop()
        daemon.wait_for(0, "probe_success", TWO, "c")
        daemon.wait_for(1, "probe_success", ONE, "c")
        assert len(daemon.series("certificate_not_after_timestamp_seconds")) == 6
        second.start()
        daemon.wait_for(1, "probe_success", TWO, "c")

        names.answer(NAME, TWO, ONE)
        wait_until(lambda: list(documents(daemon)) == [ONE, TWO], "what the name no longer gives is gone")
        body = daemon.get("/metrics")[1]
        assert THREE not in body
        assert SIX not in body
        assert min(daemon.series("probes_total").values()) > 1
        # However long the third keeps silent, turns are taken; a busy machine may miss one or two.
        assert sum(daemon.series("monitor_missed_probes_total").values()) < min(daemon.series("probes_total").values())
        assert daemon.value("monitor_internal_errors_total") == 0


def test_half_rotated_cluster_is_found_within_one_interval(
    names: Names, node: Node, port: int, pki: TestPki, tmp_path: Path
) -> None:
    names.answer(NAME, ONE, TWO)
    old, rotated = node(ONE), node(TWO)
    finding = ("c", "addresses_differ", "warning")
    with MonitorProcess(tmp_path / "monitor", [watched(port, pki)], names=names) as daemon:
        daemon.wait_for(1, "probe_success", TWO, "c")
        daemon.wait_for_series({}, "findings")
        renewed = issue(now=pki.now, issuer=pki.intermediate, not_before=pki.now)
        files = write_chain(tmp_path, "renewed", (renewed, pki.intermediate))
        rotated.replace_certificate(files)
        rotated.reload()
        before = daemon.value("probes_total", ONE, "c") or 0
        # One probe may have been under way when the node read its files.
        daemon.wait_for_by(before + 2, (ONE, "c"), 1, "findings", ONE, *finding)
        daemon.wait_for_series({(ONE, *finding): 1}, "findings")
        daemon.wait_for_series({(ONE, "c"): 1, (TWO, "c"): 1}, "probe_success")
        (told,) = documents(daemon)[ONE]["findings"]
        assert told["message"].startswith(f"{ONE} still serves an older certificate")
        assert f"the one at {TWO}, behind the same name ({NAME}), is valid until" in told["message"]
        assert daemon.wait_for_lines(broker="c", address=ONE, verdict="warning", finding="addresses_differ")
        old.replace_certificate(files)
        old.reload()
        daemon.wait_for(None, "findings", ONE, *finding)
        assert daemon.value("certificate_changes_total", ONE, "c", "leaf") == 1


def test_name_that_cannot_be_resolved_keeps_the_addresses_it_had_and_is_told_once(
    names: Names, node: Node, port: int, pki: TestPki, tmp_path: Path
) -> None:
    names.answer(NAME)
    node(ONE)
    node(TWO)
    with MonitorProcess(tmp_path / "monitor", [watched(port, pki)], names=names) as daemon:
        daemon.wait_until_ready()
        assert daemon.series("probe_success") == {("c",): 0}
        assert list(documents(daemon)) == [None]
        names.answer(NAME, ONE, TWO)
        daemon.wait_for(1, "probe_success", TWO, "c")
        assert set(daemon.series("probe_success")) == {(ONE, "c"), (TWO, "c")}

        known = daemon.series("certificate_info")
        daemon.wait_for_lines(broker="c", address=TWO, verdict="ok")
        before = len(daemon.lines(broker="c"))
        names.answer(NAME)
        failures = {(address, "c", "resolve", "resolve_nxdomain"): 1 for address in (ONE, TWO)}
        daemon.wait_for_series(failures, "probe_failure_info")
        assert daemon.series("certificate_info") == known
        wait_until(lambda: len(daemon.lines(broker="c")) > before, "the log says so")
        [line] = daemon.lines(broker="c")[before:]
        assert line["reason"] == "resolve_nxdomain"
        assert "address" not in line
        names.answer(NAME, ONE, TWO)
        daemon.wait_for(1, "probe_success", TWO, "c")
        assert min(daemon.series("probes_total").values()) > 2


def test_other_choice_of_addresses_takes_effect_on_reload(
    names: Names, node: Node, port: int, pki: TestPki, tmp_path: Path
) -> None:
    names.answer(NAME, ONE, TWO)
    node(ONE)
    node(TWO)
    with MonitorProcess(tmp_path / "monitor", [watched(port, pki, addresses="first")], names=names) as daemon:
        daemon.wait_for(1, "probe_success", "c")
        daemon.configure([watched(port, pki)])
        daemon.reload()
        daemon.wait_for(1, "probe_success", TWO, "c")
        assert set(daemon.series("probe_success")) == {(ONE, "c"), (TWO, "c")}
        daemon.configure([watched(port, pki, addresses="first")])
        daemon.reload()
        daemon.wait_for(1, "probe_success", "c")
        assert set(daemon.series("probe_success")) == {("c",)}


def test_command_prints_one_result_per_address_and_exits_with_the_worst(
    names: Names, node: Node, port: int, pki: TestPki, tmp_path: Path
) -> None:
    names.answer(NAME, TWO, THREE)
    node(TWO)
    options = ("--ca-file", str(pki.ca_file), "--server-name", "localhost", "--timeout", "3s")
    target = f"{NAME}:{port}"
    each = run_command("probe", target, *options, "--addresses", "all", "--json", env=names.environment())
    shown = [json.loads(line) for line in each.stdout.splitlines()]
    assert [(document["address"], document["verdict"]) for document in shown] == [(TWO, "ok"), (THREE, "critical")]
    assert f"1 of the 2 addresses of {NAME} fails, the other works." in shown[1]["findings"][0]["message"]
    assert each.returncode == 2
    first = run_command("probe", target, *options, "--json", env=names.environment())
    assert (json.loads(first.stdout)["address"], first.returncode) == (TWO, 0)

    config = tmp_path / "monitor.yml"
    config.write_text(yaml.safe_dump({"brokers": [watched(port, pki, interval="3s", timeout="3s")]}))
    picture = run_command("probe", "--config", str(config), env=names.environment())
    assert f"{target} ({TWO})" in picture.stdout
    assert f"{target} ({THREE})" in picture.stdout
    assert picture.returncode == 2


def assert_promtool_accepts(daemon: MonitorProcess) -> None:
    body = daemon.get("/metrics")[1].encode()
    checked = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_refusals_and_scan_of_one_node_are_told_of_that_one_alone(
    names: Names, node: Node, port: int, pki: TestPki, tmp_path: Path
) -> None:
    names.answer(NAME, TWO, ONE)
    for address in (ONE, TWO):
        node(address)
    options = {"timeout": "5s", "interval": "10s", "mqtt": {"username": "u"}, "refusals": {"checks": ["anonymous"]}}
    config = tmp_path / "monitor.yml"
    config.write_text(yaml.safe_dump({"brokers": [watched(port, pki, **options)]}))
    command = ("probe", "--config", str(config), "--refusals", "--scan", "--json")
    result = run_command(*command, env=names.environment())
    told = {shown["address"]: shown for shown in map(json.loads, result.stdout.splitlines())}
    assert {address: len(shown["refusals"]) for address, shown in told.items()} == {ONE: 0, TWO: 1}, result.stderr
    assert {address: shown["scan"] is not None for address, shown in told.items()} == {ONE: False, TWO: True}
