"""YAML text as a tree of nodes that know their line. No tags, no types but text, bounded in size and depth.

Values stay text, as written: `version: 3.10`, `name: on` and `port: 010` mean what they say, and each setting's own
reader decides what they are worth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same events, ten times as fast
_MOST_NODES = 500_000
_DEEPEST = 20
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
# YAML 1.2, 5.1: c-printable; libyaml reports any other by its offset alone.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Path = tuple[str | int, ...]
"""Keys and list indices from the top: `("brokers", 2, "tls", "ca_file")`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One value and the line of its key (its own line, in a list)."""

    line: int
    value: str | dict[str, Node] | list[Node] | None

    def plain(self) -> Any:
        """Return the value as nested dicts, lists, texts and None."""
        match self.value:
            case dict():
                return {key: node.plain() for key, node in self.value.items()}
            case list():
                return [node.plain() for node in self.value]
            case _:
                return self.value

    def child(self, step: str | int) -> Node | None:
        """Return the node one step down, or None."""
        if isinstance(self.value, dict) and isinstance(step, str):
            return self.value.get(step)
        if isinstance(self.value, list) and isinstance(step, int) and step < len(self.value):
            return self.value[step]
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with the text as YAML."""

    line: int | None
    path: Path = ()
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The tree, None for an empty or unreadable text, and every fault that was found on the way."""

    root: Node | None
    faults: tuple[Fault, ...] = ()


def parse_document(text: str) -> Document:
    """Read one YAML document; never raises. After a syntax error nothing is left of the tree."""
    if unprintable := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, unprintable.start()) + 1
        return Document(root=None, faults=(Fault(line=line, message=f"expected text, found {_code(unprintable[0])}"),))
    reader = _Reader(text)
    try:
        root = reader.read()
    except yaml.MarkedYAMLError as error:
        return Document(root=None, faults=(*reader.faults, _syntax_fault(error, text)))
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        return Document(root=None, faults=(*reader.faults, Fault(line=None, message=f"expected YAML, found: {reason}")))
    except _StopError as stop:
        return Document(root=None, faults=(*reader.faults, stop.fault))
    return Document(root=root, faults=tuple(reader.faults))


class _StopError(Exception):
    """The document is not worth reading on."""

    def __init__(self, line: int, path: Path, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(line=line, path=path, message=message)


@dataclass(slots=True)
class _Anchor:
    """What an alias stands for; without node as long as the anchored value is not closed."""

    node: Node | None = None
    nodes: int = 0
    height: int = 0


class _Reader:
    """Turns parser events into nodes, counting what aliases expand to."""

    def __init__(self, text: str) -> None:
        self.faults: list[Fault] = []
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._anchors: dict[str, _Anchor] = {}
        self._nodes = 0
        self._deepest = 0

    def read(self) -> Node | None:
        next(self._events)  # StreamStart
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        event = next(self._events)
        root = self._node(event, _line(event), (), 0)
        next(self._events)  # DocumentEnd
        if not isinstance(another := next(self._events), yaml.StreamEndEvent):
            raise _StopError(_line(another), (), "expected one YAML document, found a second one")
        return root

    def _node(self, event: Any, line: int, path: Path, depth: int) -> Node:
        """Return the node that begins with `event`; its line is the given one."""
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line, path, depth)
        self._count(1, depth, line, path)
        if event.tag is not None:
            self.faults.append(Fault(line=line, path=path, message="expected a plain value, found a YAML tag (!...)"))
        nodes_before, deepest_before = self._nodes, self._deepest
        self._deepest = depth
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor()
        node: Node
        if isinstance(event, yaml.MappingStartEvent):
            node = Node(line=line, value=self._mapping(path, depth))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Node(line=line, value=self._sequence(path, depth))
        else:
            is_null = event.implicit[0] and event.value in _NULLS
            node = Node(line=line, value=None if is_null else event.value)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(node, self._nodes - nodes_before + 1, self._deepest - depth)
        self._deepest = max(self._deepest, deepest_before)
        return node

    def _mapping(self, path: Path, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                self.faults.append(Fault(line=line, path=path, message="expected a text as key, found something else"))
                self._node(event, line, path, depth + 1)
                self._node(next(self._events), line, path, depth + 1)
                continue
            here = (*path, event.value)
            node = self._node(next(self._events), line, here, depth + 1)
            if (first := found.setdefault(event.value, node)) is not node:
                message = f"expected each key once, found it again (first on line {first.line})"
                self.faults.append(Fault(line=line, path=here, message=message))
        return found

    def _sequence(self, path: Path, depth: int) -> list[Node]:
        found: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._node(event, _line(event), (*path, len(found)), depth + 1))
        return found

    def _alias(self, event: Any, line: int, path: Path, depth: int) -> Node:
        # The alias is not named: it may be a secret that begins with `*` and was not quoted.
        anchor = self._anchors.get(event.anchor)
        if anchor is None or anchor.node is None:
            self.faults.append(
                Fault(
                    line=line,
                    path=path,
                    message="expected an alias (*...) of an anchor (&...) above, found none of that name; "
                    "quote a text that begins with *",
                )
            )
            return Node(line=line, value=None)
        self._count(anchor.nodes, depth + anchor.height, line, path)
        return Node(line=line, value=anchor.node.value)

    def _count(self, nodes: int, depth: int, line: int, path: Path) -> None:
        self._nodes += nodes
        self._deepest = max(self._deepest, depth)
        if self._nodes > _MOST_NODES:
            raise _StopError(line, path[:1], f"expected at most {_MOST_NODES} values, aliases expanded, found more")
        if depth > _DEEPEST:
            raise _StopError(line, path[:1], f"expected values nested at most {_DEEPEST} deep, found deeper ones")


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _code(character: str) -> str:
    return f"the control character U+{ord(character):04X}"


def _syntax_fault(error: yaml.MarkedYAMLError, text: str) -> Fault:
    """Return libyaml's complaint with its line, and the line where the broken part began."""
    mark = error.problem_mark or error.context_mark
    line = None if mark is None else mark.line + 1
    # PyYAML without libyaml quotes what stands between two !, which may be a secret that begins so.
    problem, _, _ = str(error.problem or error.context).partition(" '!")
    message = f"expected YAML, found an error: {problem}"
    begun = None if error.context_mark is None else error.context_mark.line + 1
    if begun is not None and begun != line and error.context:
        message += f" ({error.context} that begins on line {begun})"
    lines = text.splitlines()
    here = lines[line - 1] if line is not None and line <= len(lines) else ""
    if re.search(r":\s*\[[0-9a-fA-F]*:", here):
        message += "; an IPv6 address in brackets needs quotes: '[::1]'"
    elif re.match(r" *\t", here):
        message += "; indent with spaces, not with tabs"
    return Fault(line=line, message=message)
