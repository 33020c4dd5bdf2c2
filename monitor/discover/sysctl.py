"""`key.with.dots = value`, one a line: RabbitMQ's rabbitmq.conf, EMQX 4's emqx.conf, NanoMQ's before 0.14."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from monitor.discover.files import Tree
from monitor.discover.listener import Discovery, Place
from monitor.discover.options import Setting

_LINE = re.compile(
    r"""\s* (?: (?P<key>[^\s=\#]+) \s*=\s* (?P<value>'''.*|'[^']*'|[^\#]*) | include \s+ (?P<include>[^\s\#]+) )?
        \s* (?:\#.*)? """,
    re.VERBOSE,
)
_LONG = "'''"
# A file that includes itself must end.
_DEEPEST = 8


def settings(tree: Tree, paths: Iterable[Path], discovery: Discovery) -> dict[str, Setting]:
    """Return the settings of some files by their keys; a later one wins, as it does in the brokers."""
    reader = _Reader(tree, discovery)
    for path in paths:
        reader.read(path)
    return reader.found


class _Reader:
    def __init__(self, tree: Tree, discovery: Discovery) -> None:
        self._tree = tree
        self._discovery = discovery
        self._depth = 0
        self.found: dict[str, Setting] = {}

    def read(self, path: Path, because: Place | None = None) -> None:
        is_long = False
        place = Place(file=path, line=1)
        for number, line in enumerate(self._tree.lines(path, self._discovery, because=because), start=1):
            place = Place(file=path, line=number)
            if is_long:  # a value of several lines, none of which is a listener's
                is_long = _LONG not in line
            elif (match := _LINE.fullmatch(line)) is None:
                self._discovery.not_understood(place, line.strip())
            elif match["include"] is not None:
                self._include(place, path.parent / match["include"])
            elif match["key"] is not None:
                value = match["value"]
                is_long = value.startswith(_LONG) and _LONG not in value.removeprefix(_LONG)
                self.found[match["key"]] = Setting(value.strip().strip("'\""), place)
        if is_long:
            self._discovery.note(place, "not understood: a value that does not end")

    def _include(self, place: Place, path: Path) -> None:
        if self._depth == _DEEPEST:
            self._discovery.note(place, f"files include each other too deeply: {path} is not read")
            return
        try:
            paths = self._tree.inside(path.parent, path.name) if "*" in path.name else [path]
        except ValueError as error:
            self._discovery.note(place, f"cannot use {path.parent}: {error}")
            return
        self._depth += 1
        for each in paths:
            self.read(each, because=place)
        self._depth -= 1
