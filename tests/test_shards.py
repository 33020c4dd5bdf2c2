"""Several daemons that share one configuration, as an operator starts them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from monitor.export.standing import NO_BROKERS
from tests.support.daemon import MonitorProcess, run_command
from tests.support.pki import TestPki
from tests.support.ports import closed_port, free_port

# By their hosts, the first two fall to shard 0 of 2 and the last to shard 1.
HOSTS = ("127.0.0.3", "127.0.0.5", "127.0.0.1")


class ShardProcess(MonitorProcess):
    """One of two that share the file of their directory."""

    def __init__(self, directory: Path, number: int, first_port: int, brokers: Sequence[Mapping[str, Any]]) -> None:
        self.number = number
        self.first_port = first_port
        super().__init__(directory, brokers)
        self.port = first_port + number
        self.log_path = directory / f"log-{number}"

    def configure(self, brokers: Sequence[Mapping[str, Any]], **settings: Any) -> None:
        """Write what is the same for both."""
        super().configure(brokers, listen=f"{self.host}:{self.first_port}", state_file="state.json", **settings)

    def command(self) -> Sequence[str]:
        """Name the shard."""
        return (*super().command(), "--shard", str(self.number), "--total-shards", "2")


def first_of_two_ports() -> int:
    """Return a free port that another one follows."""
    port = free_port()
    while (following := free_port()) != port + 1:
        port = following
    return port


def usage(*arguments: str) -> tuple[int, str]:
    ended = run_command("run", "--config", "/nowhere/monitor.yml", *arguments)
    return ended.returncode, ended.stderr.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--shard", "0"), "--shard and --total-shards go together: expected both or neither"),
        (("--total-shards", "2"), "--shard and --total-shards go together: expected both or neither"),
        (("--shard", "2", "--total-shards", "2"), "--shard: expected 0 to 1, as there are 2 in all, found 2"),
        (("--shard", "x", "--total-shards", "2"), "Invalid value for '--shard': Input should be a valid integer"),
        (("--shard", "0", "--total-shards", ""), "Invalid value for '--total-shards': Input should be a valid integer"),
        (("--shard", "-1", "--total-shards", "2"), "Invalid value for '--shard': Input should be greater"),
        (
            ("--shard", "0", "--total-shards", "0"),
            "Invalid value for '--total-shards': Input should be greater",
        ),
        (
            ("--shard", "0", "--total-shards", "1025"),
            "Invalid value for '--total-shards': Input should be less",
        ),
    ],
)
def test_shard_that_cannot_be_is_refused(arguments: tuple[str, ...], message: str) -> None:
    status, told = usage(*arguments)
    assert status == 1
    assert told.startswith(f"mqtt-tls-monitor: {message}")


def test_shards_of_one_file_watch_each_their_own_and_keep_to_it_over_a_reload(pki: TestPki, tmp_path: Path) -> None:
    with closed_port() as nobody:
        common = {"port": nobody, "interval": "1s", "timeout": "1s", "tls": {"ca_file": str(pki.ca_file)}}
        brokers = [{"name": host, "host": host, **common} for host in HOSTS]
        port = first_of_two_ports()
        first, second = (ShardProcess(tmp_path, number, port, brokers[:1]) for number in (0, 1))
        with first, second:
            first.wait_for(0, "probe_success", HOSTS[0])
            assert first.wait_for_lines("configuration in use", shard=0, total_shards=2, brokers=1)

            # Nothing yet for the second: it waits for the fleet to grow.
            second.wait_until_ready()
            assert second.value("monitor_brokers") == 0
            assert second.wait_for_lines("configuration in use", shard=1, total_shards=2, brokers=0)
            told = run_command("status", "--url", f"http://{second.host}:{second.port}/")
            assert (told.returncode, told.stdout) == (0, f"{NO_BROKERS}\n")
            assert "no brokers" in second.get("/")[1]

            first.configure(brokers)
            first.reload()
            second.reload()
            assert second.get("/-/reload", method="POST")[0] == 200
            for daemon, names in ((first, HOSTS[:2]), (second, HOSTS[2:])):
                assert {labels[0] for labels in daemon.series("probe_interval_seconds")} == set(names)
                assert not daemon.lines("some settings take effect only after a restart")
            first.wait_for(0, "probe_success", HOSTS[1])
            second.wait_for(0, "probe_success", HOSTS[2])
        for number, names in ((0, HOSTS[:2]), (1, HOSTS[2:])):
            saved = json.loads((tmp_path / f"state-{number}.json").read_text())["brokers"]
            assert {entry["broker"] for entry in saved} == set(names)
