"""A shard's part of a configuration: its brokers, its port, its state file."""

from __future__ import annotations

import pytest

from monitor.config.shards import part
from monitor.model.config import Config, ConfigError, Settings, Shard
from tests.support.records import a_broker

HOSTS = [f"mqtt-{number}.example.org" for number in range(300)]
FLEET = Config(
    file="monitor.yml",
    brokers=tuple(a_broker(f"{host}-{port}", host=host, port=port) for host in HOSTS for port in (8883, 8884)),
    settings=Settings(listen_host="::1", state_file="/var/lib/mqtt-tls-monitor/state.json"),
)


def hosts(total: int) -> list[set[str]]:
    """Return the hosts of each shard."""
    shards = [part(FLEET, Shard(number=number, total=total)) for number in range(total)]
    return [{broker.host for broker in shard.brokers} for shard in shards]


def settings(number: int, **whole: object) -> Settings:
    """Return what one of nine shards makes of the whole's settings."""
    config = Config(file="monitor.yml", brokers=(), settings=Settings(**whole))  # type: ignore[arg-type]
    return part(config, Shard(number=number, total=9)).settings


@pytest.mark.parametrize("total", [1, 2, 3, 7])
def test_every_broker_is_watched_by_one_shard_and_none_watches_nearly_all(total: int) -> None:
    shards = [part(FLEET, Shard(number=number, total=total)).brokers for number in range(total)]
    names = [broker.name for brokers in shards for broker in brokers]
    assert sorted(names) == sorted(broker.name for broker in FLEET.brokers)
    assert all(0.6 < len(brokers) / (len(names) / total) < 1.4 for brokers in shards)


def test_listeners_of_one_host_stay_together_in_the_files_order() -> None:
    brokers = part(FLEET, Shard(number=1, total=2)).brokers
    assert [broker.port for broker in brokers] == [8883, 8884] * (len(brokers) // 2)
    assert [broker.host for broker in brokers[::2]] == [broker.host for broker in brokers[1::2]]


def test_host_falls_to_the_same_shard_in_every_process_and_release() -> None:
    assert [[host in shard for shard in hosts(3)].index(True) for host in HOSTS[:8]] == [1, 1, 2, 2, 1, 2, 2, 0]


def test_one_shard_more_takes_from_all_and_moves_nothing_among_them() -> None:
    before, after = hosts(3), hosts(4)
    assert all(kept < had for kept, had in zip(after, before, strict=False))
    assert after[3] == set(HOSTS) - after[0] - after[1] - after[2]


def test_shard_may_have_no_broker() -> None:
    small = Config(file="monitor.yml", brokers=(a_broker(),), settings=Settings())
    counts = [len(part(small, Shard(number=number, total=2)).brokers) for number in range(2)]
    assert sorted(counts) == [0, 1]


def test_port_is_the_configured_one_plus_the_number() -> None:
    assert settings(0).listen_port == 9883
    assert settings(8).listen_port == 9891
    assert settings(8, listen_port=0).listen_port == 0
    assert settings(8, listen_port=65527).listen_port == 65535


def test_port_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(ConfigError) as refused:
        settings(8, listen_port=65528)
    expected = "expected a port of at most 65527, as shard 8 adds its number, found 65528"
    assert str(refused.value) == f"monitor.yml: listen: {expected}"


@pytest.mark.parametrize(
    ("state_file", "own"),
    [
        (None, None),
        ("/var/lib/mqtt-tls-monitor/state.json", "/var/lib/mqtt-tls-monitor/state-3.json"),
        ("known", "known-3"),
        ("/", "/-3"),
    ],
)
def test_state_file_bears_the_number(state_file: str | None, own: str | None) -> None:
    assert settings(3, state_file=state_file).state_file == own
