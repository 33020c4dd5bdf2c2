"""Nested blocks of keys and values: HOCON as EMQX 5 and NanoMQ write it, and nats-server's own dialect of it.

Only what these brokers' files need: objects, dotted keys, strings, lists as text, comments, includes. Whatever else
there is becomes a note, and reading goes on behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from monitor.discover.files import Tree
from monitor.discover.listener import Discovery, Place
from monitor.discover.sysctl import Setting

_TOKEN: Final = re.compile(
    r"""
      (?P<space>[ \t\r]+)
    | (?P<comment>(?:\#|//)[^\n]*)
    | (?P<newline>\n)
    | (?P<text>\"\"\".*?\"\"\"|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')
    | (?P<mark>[{}\[\]=:,])
    | (?P<word>(?:(?!//)[^\s{}\[\]=:,#"'])(?:(?!//)[^\s{}\[\],"'=\#])*)
    """,
    re.VERBOSE | re.DOTALL,
)
# A file that includes itself must end.
_MOST_FILES = 32
_DEEPEST = 32


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def settings(tree: Tree, path: Path, discovery: Discovery) -> dict[str, Setting]:
    """Return every value of a file and its includes by its dotted key; a later one wins."""
    reader = _Reader(tree, discovery)
    reader.read(path, prefix=(), because=None)
    return reader.found


class _Reader:
    def __init__(self, tree: Tree, discovery: Discovery) -> None:
        self._tree = tree
        self._discovery = discovery
        self.found: dict[str, Setting] = {}
        self._files = 0

    def read(self, path: Path, prefix: tuple[str, ...], because: Place | None) -> None:
        self._files += 1
        if self._files > _MOST_FILES:
            return
        text = "\n".join(self._tree.lines(path, self._discovery, because=because))
        stack = [prefix]
        tokens = list(_tokens(text))
        at = 0
        while at < len(tokens):
            at = self._step(path, tokens, at, stack)

    def _step(self, path: Path, tokens: list[_Token], at: int, stack: list[tuple[str, ...]]) -> int:
        token = tokens[at]
        place = Place(file=path, line=token.line)
        if token.text == "}":
            if len(stack) > 1:
                stack.pop()
            return at + 1
        if token.text == "{" and at == 0:
            stack.append(stack[-1])
            return at + 1
        if token.kind not in {"word", "text"}:
            if token.kind == "other":
                self._discovery.note(place, f"not understood: {token.text!r}")
            return at + 1
        key, following = _key(tokens, at)
        if key == "include":
            return self._include(path, tokens, following, place, stack[-1])
        if following < len(tokens) and tokens[following].text in {"=", ":"} and tokens[following].kind == "mark":
            following += 1
            while following < len(tokens) and tokens[following].kind == "newline":
                following += 1
        if following < len(tokens) and tokens[following].text == "{" and len(stack) < _DEEPEST:
            stack.append((*stack[-1], key))
            return following + 1
        value, following = _value(tokens, following)
        self.found[".".join((*stack[-1], key))] = Setting(value, place)
        return following

    def _include(self, path: Path, tokens: list[_Token], at: int, place: Place, prefix: tuple[str, ...]) -> int:
        name, following = _value(tokens, at)
        # nats-server and HOCON both look beside the file that includes.
        self.read(path.parent / name, prefix, because=place)
        return following


def _key(tokens: list[_Token], at: int) -> tuple[str, int]:
    token = tokens[at]
    if token.kind != "word" or ":" not in token.text:
        return _plain(token), at + 1
    # nats-server lets the colon stand next to the key, and the value next to that.
    key, _, rest = token.text.partition(":")
    tokens[at] = _Token("word", rest, token.line)
    return key, at if rest else at + 1


def _value(tokens: list[_Token], at: int) -> tuple[str, int]:
    parts: list[str] = []
    depth = 0
    while at < len(tokens):
        token = tokens[at]
        if depth == 0 and (token.kind == "newline" or token.text in {",", "}"}):
            break
        if token.kind == "mark":
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token.text, 0)
        parts.append(_plain(token))
        at += 1
    return "".join(parts).strip(), at


def _plain(token: _Token) -> str:
    if token.kind != "text":
        return token.text
    return token.text[3:-3] if token.text.startswith('"""') else token.text[1:-1]


def _tokens(text: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            yield _Token("other", text[at], line)
            at += 1
            continue
        kind = found.lastgroup or "other"
        if kind not in {"space", "comment"}:
            yield _Token(kind, found.group(), line)
        line += found.group().count("\n")
        at = found.end()
