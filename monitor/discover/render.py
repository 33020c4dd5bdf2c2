"""Discoveries as a configuration of the monitor: YAML, with comments for what a person has to know."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from monitor.discover.access import wanting
from monitor.discover.files import Tree
from monitor.discover.listener import Discovery, Listener
from monitor.discover.trust import Suggestion, suggestion
from monitor.model.broker import Trust


def render(discoveries: Mapping[Path, Discovery], tree: Tree, system: Trust | None, now: datetime) -> str:
    """Return the text of a configuration file; it loads as it is if any listener was found."""
    listeners = [listener for discovery in discoveries.values() for listener in discovery.listeners]
    names = _names(listeners)
    sections: list[Iterable[str]] = []
    for path, discovery in discoveries.items():
        sections.append(_notes(path, discovery))
        for listener in discovery.listeners:
            ca_files = dict.fromkeys(each.ca_file for each in (listener, *discovery.listeners) if each.ca_file)
            found = suggestion(tree, listener, ca_files, system, now)
            sections.append(_broker(listener, names[id(listener)], found, tree))
    body = "\n\n".join(filter(None, ("\n".join(section) for section in sections)))
    head = ["# What the brokers' own configuration on this host says, by `mqtt-tls-monitor discover`."]
    if not tree.is_complete:
        head.append("# Some files could not be read: run it again as root, who sees them all.")
    head.append("brokers:" if listeners else "# No port with TLS was found.")
    return "\n".join((*head, body)) + "\n"


def _notes(path: Path, discovery: Discovery) -> Iterator[str]:
    for note in sorted(discovery.notes, key=lambda note: (str(note.place.file), note.place.line)):
        yield f"  # {_comment(str(note.place))}: {_comment(note.text)}"
    if not discovery.listeners:
        yield f"  # {_comment(str(path))}: no port with TLS"


def _broker(listener: Listener, name: str, found: Suggestion, tree: Tree) -> Iterator[str]:
    yield f"  # {listener.software}, {_comment(str(listener.place))}"
    if listener.remark is not None:
        yield f"  # {_comment(listener.remark)}"
    yield f"  - name: {name}"
    if listener.address is None:
        yield "    host: localhost  # it listens on every address"
    else:
        yield f"    host: {_quoted(listener.address)}"
    yield f"    port: {listener.port}"
    if listener.is_websocket:
        yield "    protocol: tls  # MQTT over WebSocket: TLS and the certificates are watched, not MQTT"
    yield from _tls(listener, found, tree)
    if not listener.is_websocket:
        yield "    # If the broker wants a user name:"
        yield "    # mqtt:"
        yield "    #   username: monitor"
        yield "    #   password_file: /etc/mqtt-tls-monitor/password"
    if listener.certificate is not None:
        yield "    files:"
        yield from _wanting(tree, listener.certificate)
        yield f"      certificate: {_quoted(str(listener.certificate))}"
        if listener.key is not None:
            yield "      # If the monitor may read the key, too; a digest of its public half is all that is kept:"
            yield from _wanting(tree, listener.key)
            yield f"      # key: {_quoted(str(listener.key))}"


def _tls(listener: Listener, found: Suggestion, tree: Tree) -> Iterator[str]:
    yield "    tls:"
    if found.server_name is not None:
        yield f"      server_name: {_quoted(found.server_name)}  # the first name in its certificate"
    if found.pattern is not None:
        yield f"      # its certificate is for {_comment(found.pattern)}: name the one that clients use as server_name"
    if found.remark is not None:
        yield f"      # {_comment(found.remark)}"
    if found.ca_file is not None:
        yield from _wanting(tree, found.ca_file)
        yield f"      ca_file: {_quoted(str(found.ca_file))}"
    else:
        yield "      trust: system"
    if listener.demands_client_certificate:
        yield "      # The broker demands a client certificate; give the monitor one of its own:"
        yield "      # client_certificate: /etc/mqtt-tls-monitor/client.pem"
        yield "      # client_key: /etc/mqtt-tls-monitor/client.key"


def _wanting(tree: Tree, path: Path) -> Iterator[str]:
    sentence = wanting(tree, path)
    if sentence is not None:
        yield f"      # {_comment(sentence)}"


def _names(listeners: list[Listener]) -> dict[int, str]:
    """Name each listener by its software and port, and by a number where these are the same."""
    names: dict[int, str] = {}
    for listener in listeners:
        name = f"{listener.software}-{listener.port}"
        taken = sum(1 for other in names.values() if other == name or other.startswith(f"{name}-"))
        names[id(listener)] = f"{name}-{taken + 1}" if taken else name
    return names


def _quoted(text: str) -> str:
    # JSON's strings are YAML's, but for one character that YAML does not take as it is.
    return json.dumps(text).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in " ".join(text.split()))
