"""Sharing one configuration among several processes: which brokers, which port and which state file are whose."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import PurePath

from monitor.model.config import Config, ConfigError, Problem, Settings, Shard

_LAST_PORT = 65535


def part(config: Config, shard: Shard) -> Config:
    """Return what one shard has of the whole; no brokers, if it happens to be given none.

    Raises:
        ConfigError: there is no port left for it.
    """
    return replace(
        config,
        shard=shard,
        brokers=tuple(broker for broker in config.brokers if _owner(broker.host, shard.total) == shard.number),
        settings=replace(
            config.settings,
            listen_port=_port(config, shard),
            state_file=_state_file(config.settings, shard),
        ),
    )


def _owner(host: str, total: int) -> int:
    """Return the shard that watches a host: with all its listeners, as these are compared with each other.

    The shard that draws the highest number for it (rendezvous hashing): with one shard more, the new one takes its
    share of the hosts from all the others, and no host moves among those.
    """
    return max(range(total), key=lambda number: sha256(f"{number} {host}".encode()).digest())


def _port(config: Config, shard: Shard) -> int:
    port = config.settings.listen_port
    if port == 0:
        return 0  # each finds a free one
    if port + shard.number > _LAST_PORT:
        expected = f"expected a port of at most {_LAST_PORT - shard.number}, as shard {shard.number} adds its number"
        raise ConfigError((Problem(file=config.file, line=None, key="listen", message=f"{expected}, found {port}"),))
    return port + shard.number


def _state_file(settings: Settings, shard: Shard) -> str | None:
    if settings.state_file is None:
        return None
    path = PurePath(settings.state_file)
    return str(path.parent / f"{path.stem}-{shard.number}{path.suffix}")
