"""Looks where brokers keep their configuration, and asks the right reader about each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from monitor.config.hosts import host
from monitor.config.text import PEM_BEGIN, quoted
from monitor.discover import emqx, mosquitto, nanomq, nats, rabbitmq
from monitor.discover.files import Tree
from monitor.discover.listener import ALL_ADDRESSES, Discovery, Listener

_READERS: tuple[tuple[str, tuple[Path, ...], Callable[[Tree, Path], Discovery]], ...] = (
    ("mosquitto", mosquitto.CANDIDATES, mosquitto.read),
    ("emqx", emqx.CANDIDATES, emqx.read),
    ("rabbitmq", rabbitmq.CANDIDATES, rabbitmq.read),
    ("nats", nats.CANDIDATES, nats.read),
    ("nanomq", nanomq.CANDIDATES, nanomq.read),
)
# Variables and templates, which only the broker or its installer can fill in.
_OPEN = re.compile(r"[$]|{{|<.*>")
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
    found = ((path, read) for _, paths, read in _READERS for path in paths if _is_there(tree, path))
    return {path: _usable(read(tree, path)) for path, read in found}


def _is_there(tree: Tree, path: Path) -> bool:
    return rabbitmq.is_there(tree, path) if path in rabbitmq.CANDIDATES else tree.exists(path)


def _usable(found: Discovery) -> Discovery:
    """Make notes of listeners that the monitor cannot reach, and of files that cannot be found by their names."""
    listeners, found.listeners = found.listeners, []
    for listener in listeners:
        if listener.address in ALL_ADDRESSES:
            listener.address = None
        where = f"{listener.address or ''}:{listener.port}"
        if not 0 < listener.port < 65_536 or (listener.address is not None and not _is_host(listener.address)):
            found.note(listener.place, f"not understood: a listener on {quoted(where)}")
        elif listener.expects_proxy_protocol:
            found.note(listener.place, f"{where} expects the PROXY protocol: watch what is in front of it instead")
        else:
            _keep_files(listener, found)
            found.listeners.append(listener)
    return found


def _keep_files(listener: Listener, found: Discovery) -> None:
    """Forget the files that are not to be found by what they are called, with a note.

    EMQX takes certificates and keys themselves in the place of paths.
    """
    relative: list[str] = []
    odd: list[str] = []
    for name in ("certificate", "key", "ca_file"):
        path: Path | None = getattr(listener, name)
        if path is None:
            continue
        text = str(path)
        if PEM_BEGIN in text or _OPEN.search(text) or not text.isprintable():
            odd.append(quoted(text))
        elif not path.is_absolute():
            relative.append(text)
        else:
            continue
        setattr(listener, name, None)
    if odd:
        found.note(listener.place, f"not understood: the names of files {', '.join(odd)}")
    if relative:
        files = ", ".join(relative)
        found.note(listener.place, f"relative to where the broker is started, which is not known here: {files}")


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
