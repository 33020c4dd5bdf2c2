"""Nested blocks of keys and values: HOCON as EMQX 5 and NanoMQ write it, and nats-server's own dialect of it.

Only what these brokers' files need: objects, dotted keys, strings, lists as text, comments, includes. Whatever else
there is becomes a note, and reading goes on behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from monitor.discover.files import Tree
from monitor.discover.listener import Discovery, Place
from monitor.discover.options import Setting


def _pattern(inside_word: str) -> re.Pattern[str]:
    return re.compile(
        rf"""
          (?P<space>[ \t\r]+)
        | (?P<comment>(?:\#|//)[^\n]*)
        | (?P<newline>\n)
        | (?P<text>\"\"\".*?\"\"\"|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')
        | (?P<unclosed>["'][^\n]*)
        | (?P<mark>[{{}}\[\]=:,;])
        | (?P<word>[^\s{{}}\[\]=:,;\#"']{inside_word}*)
        """,
        re.VERBOSE | re.DOTALL,
    )


HOCON: Final = _pattern(r"(?:(?!//)[^\s{}\[\]=,;\#\"'])")
# In nats-server's words, `#` and `//` begin no comment: passwords and addresses need no quotes there.
NATS: Final = _pattern(r"[^\s{}\[\]=,;\"']")
_NAMED = re.compile(r"(?:required|file)\((.*)\)")
# A file that includes itself must end.
_MOST_FILES = 32
_DEEPEST = 32


class _Token(NamedTuple):
    kind: str
    text: str
    line: int

    def is_mark(self, marks: str) -> bool:
        return self.kind == "mark" and self.text in marks


def settings(tree: Tree, path: Path, discovery: Discovery, *, tokens: re.Pattern[str] = HOCON) -> dict[str, Setting]:
    """Return every value of a file and its includes by its dotted key; a later one wins."""
    reader = _Reader(tree, discovery, tokens)
    reader.read(path, prefix=(), because=None)
    return reader.found


def note_values(found: Mapping[str, Setting], keys: re.Pattern[str], discovery: Discovery) -> None:
    """Take down each value where a block is expected: what it stands for, a variable perhaps, is not known here."""
    for key, setting in found.items():
        if keys.fullmatch(key) and setting.value:
            discovery.note(setting.place, f"not understood: the value of {key}")


class _Reader:
    def __init__(self, tree: Tree, discovery: Discovery, tokens: re.Pattern[str]) -> None:
        self._tree = tree
        self._discovery = discovery
        self._pattern = tokens
        self.found: dict[str, Setting] = {}
        self._files = 0

    def read(self, path: Path, prefix: tuple[str, ...], because: Place | None) -> None:
        self._files += 1
        if self._files > _MOST_FILES:
            self._discovery.note(because or Place(file=path, line=1), f"too many files: {path} is not read")
            return
        text = "\n".join(self._tree.lines(path, self._discovery, because=because))
        stack = [prefix]
        tokens = list(_tokens(self._pattern, text))
        for token in tokens:
            if token.kind in {"unclosed", "other"}:
                what = "a quotation mark alone" if token.kind == "unclosed" else repr(token.text)
                self._discovery.note(Place(file=path, line=token.line), f"not understood: {what}")
        at = 0
        while at < len(tokens):
            at = self._step(path, tokens, at, stack)
        if len(stack) > 1:
            self._discovery.note(Place(file=path, line=tokens[-1].line), "not understood: a block that does not end")

    def _step(self, path: Path, tokens: list[_Token], at: int, stack: list[tuple[str, ...]]) -> int:
        token = tokens[at]
        place = Place(file=path, line=token.line)
        if token.is_mark("}"):
            if len(stack) > 1:
                stack.pop()
            else:
                self._discovery.note(place, "not understood: the end of no block")
            return at + 1
        if token.is_mark("{"):
            if at != _past_newlines(tokens, 0):  # the outermost one has no name
                self._discovery.note(place, "not understood: a block without a name")
            stack.append(stack[-1])
            return at + 1
        if token.kind in {"word", "text"}:
            return self._setting(path, tokens, at, stack)
        return at + 1

    def _setting(self, path: Path, tokens: list[_Token], at: int, stack: list[tuple[str, ...]]) -> int:
        place = Place(file=path, line=tokens[at].line)
        key, following = _key(tokens, at)
        if key.lower() == "include" and not (following < len(tokens) and tokens[following].is_mark("=:{")):
            return self._include(path, tokens, following, place, stack[-1])
        if following < len(tokens) and tokens[following].is_mark("=:"):
            following = _past_newlines(tokens, following + 1)
        begins = _past_newlines(tokens, following)
        if begins < len(tokens) and tokens[begins].is_mark("{") and len(stack) < _DEEPEST:
            stack.append((*stack[-1], key))
            if self._pattern is NATS:  # a block that comes again replaces the first; HOCON joins them
                self._forget(".".join(stack[-1]))
            return begins + 1
        value, following = _value(tokens, following)
        self.found[".".join((*stack[-1], key))] = Setting(value, place)
        return following

    def _forget(self, block: str) -> None:
        self.found = {key: self.found[key] for key in self.found if not key.startswith(f"{block}.")}

    def _include(self, path: Path, tokens: list[_Token], at: int, place: Place, prefix: tuple[str, ...]) -> int:
        name, following = _value(tokens, at)
        while (wrapped := _NAMED.fullmatch(name)) is not None:
            name = wrapped[1]
        # nats-server and HOCON both look beside the file that includes.
        self.read(path.parent / name, prefix, because=place)
        return following


def _past_newlines(tokens: list[_Token], at: int) -> int:
    while at < len(tokens) and tokens[at].kind == "newline":
        at += 1
    return at


def _key(tokens: list[_Token], at: int) -> tuple[str, int]:
    token = tokens[at]
    if token.kind != "word" or ":" not in token.text:
        return _plain(token), at + 1
    # The colon may stand next to the key, and the value next to that.
    key, _, rest = token.text.partition(":")
    tokens[at] = _Token("word", rest, token.line)
    return key, at if rest else at + 1


def _value(tokens: list[_Token], at: int) -> tuple[str, int]:
    parts: list[str] = []
    depth = 0
    while at < len(tokens):
        token = tokens[at]
        if depth == 0 and (token.kind == "newline" or token.is_mark(",;}")):
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


def _tokens(pattern: re.Pattern[str], text: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        found = pattern.match(text, at)
        if found is None:
            yield _Token("other", text[at], line)
            at += 1
            continue
        kind = found.lastgroup or "other"
        if kind not in {"space", "comment"}:
            yield _Token(kind, found.group(), line)
        line += found.group().count("\n")
        at = found.end()
