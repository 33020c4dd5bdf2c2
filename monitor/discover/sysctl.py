"""`key.with.dots = value`, one a line: RabbitMQ's rabbitmq.conf, EMQX 4's emqx.conf, NanoMQ's before 0.14."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from monitor.discover.files import Tree
from monitor.discover.listener import Discovery, Place


class Setting(NamedTuple):
    """One value, and where it stands."""

    value: str
    place: Place


def settings(tree: Tree, paths: list[Path], discovery: Discovery) -> dict[str, Setting]:
    """Return the settings of some files by their keys; a later one wins, as it does in the brokers."""
    found: dict[str, Setting] = {}
    for path in paths:
        for number, line in enumerate(tree.lines(path, discovery), start=1):
            text = line.partition("#")[0].strip() if not line.strip().startswith("##") else ""
            place = Place(file=path, line=number)
            key, sign, value = text.partition("=")
            if sign:
                found[key.strip()] = Setting(value.strip().strip('"'), place)
            elif text and not text.startswith(("include", "[", "]", "{", "}")):
                discovery.not_understood(place, text)
    return found
