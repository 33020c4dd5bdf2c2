"""Looks where brokers keep their configuration, and asks the right reader about each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from monitor.config.hosts import host
from monitor.config.text import PEM_BEGIN, quoted
from monitor.discover import emqx, mosquitto, nanomq, nats, rabbitmq
from monitor.discover.files import Tree
from monitor.discover.listener import Discovery

_READERS: tuple[tuple[str, tuple[Path, ...], Callable[[Tree, Path], Discovery]], ...] = (
    ("mosquitto", mosquitto.CANDIDATES, mosquitto.read),
    ("emqx", emqx.CANDIDATES, emqx.read),
    ("rabbitmq", rabbitmq.CANDIDATES, rabbitmq.read),
    ("nats", nats.CANDIDATES, nats.read),
    ("nanomq", nanomq.CANDIDATES, nanomq.read),
)
CANDIDATES = tuple(path for _, paths, _ in _READERS for path in paths)


class UnknownBrokerError(Exception):
    """A file's name does not say which broker it is for."""


def discover(tree: Tree, files: Iterable[Path] = ()) -> dict[Path, Discovery]:
    """Return what each broker's configuration says, by its main file.

    Args:
        tree: the host's files.
        files: main files, the broker told by the name (`mosquitto.conf`, ...); none: where packages put them.

    Raises:
        UnknownBrokerError: a file's name begins with no broker's.
    """
    given = list(files)
    if given:
        return {path: _usable(_reader(path)(tree, path)) for path in given}
    found = ((path, read) for _, paths, read in _READERS for path in paths if tree.exists(path))
    return {path: _usable(read(tree, path)) for path, read in found}


def _usable(found: Discovery) -> Discovery:
    """Make notes of listeners that no client could reach, and of paths that no configuration could name.

    EMQX takes certificates and keys themselves in the place of paths.
    """
    listeners, found.listeners = found.listeners, []
    for listener in listeners:
        for name in ("certificate", "key", "ca_file"):
            path = getattr(listener, name)
            if path is not None and (PEM_BEGIN in str(path) or not str(path).isprintable()):
                setattr(listener, name, None)
                found.note(listener.place, f"not understood: a file called {quoted(str(path))}")
        if 0 < listener.port < 65_536 and (listener.address is None or _is_host(listener.address)):
            found.listeners.append(listener)
        else:
            where = f"{listener.address or ''}:{listener.port}"
            found.note(listener.place, f"not understood: a listener on {quoted(where)}")
    return found


def _is_host(address: str) -> bool:
    try:
        return bool(host(address))
    except ValueError:
        return False


def _reader(path: Path) -> Callable[[Tree, Path], Discovery]:
    for name, _, read in _READERS:
        if path.name.startswith(name):
            return read
    raise UnknownBrokerError(str(path))
