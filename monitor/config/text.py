"""Reading single values: what a setting may hold, and how a wrong one is shown.

Every reader takes the value as it was written (text from YAML, or an option) and returns the parsed one, or raises
`ValueError` whose text is `expected ..., found ...`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

_LONGEST_SHOWN = 100
PEM_BEGIN = "-----BEGIN "
_WORD = re.compile(r"[^\s:=]+")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


def quoted(text: str) -> str:
    """Return `text` in quotes on one line: control characters escaped, the end cut off when it is long.

    What may be a secret in the wrong place is left out: a PEM block, and a user with a password before a host.
    """
    has_password = ":" in text.rpartition("@")[0]
    cut = without_pem(without_user(text) if has_password else text)
    cut = cut if len(cut) <= _LONGEST_SHOWN else cut[: _LONGEST_SHOWN - 3] + "..."
    clean = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in cut
    )
    return f"'{clean}'"


def without_user(text: str) -> str:
    """Return the text without what stands before an @, but for a URL's scheme: it may hold a password."""
    before, at, host = text.rpartition("@")
    scheme, separator, _ = before.partition("://")
    return f"{scheme if separator else ''}{separator}...@{host}" if at else text


def without_value(key: str) -> str:
    """Return the key without what may be its value, a secret perhaps: `password:...` lacks a blank to be two."""
    word = _WORD.match(key)
    return key if word is None or word[0] == key else f"{word[0]}..."


def without_pem(text: str) -> str:
    """Return the text up to a PEM block, which may be a private key."""
    before, begin, _ = text.partition(PEM_BEGIN)
    return f"{before}{begin}..." if begin else text


def shown(raw: object) -> str:
    """Return a value as messages name it: `'text'`, `70000`, `nothing`, `a list`, `a mapping`."""
    if raw is None:
        return "nothing"
    if isinstance(raw, Mapping):
        return "a mapping"
    if isinstance(raw, list | tuple):
        return "a list"
    text = str(raw)
    if not text:
        return "an empty text"
    return text if _WHOLE.fullmatch(text) else quoted(text)


def refused(expected: str, raw: object) -> ValueError:
    """Return the error to raise for a value that is not what was expected."""
    return ValueError(f"expected {expected}, found {shown(raw)}")


def scalar(raw: object, expected: str) -> str:
    """Return `raw` as text; refuse lists, mappings, nothing, and control characters."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | os.PathLike):
        raise refused(expected, raw)
    text = os.fspath(raw) if isinstance(raw, os.PathLike) else str(raw)
    if not text:
        raise refused(expected, text)
    if any(character < " " or character == "\x7f" for character in text):
        raise ValueError(f"expected {expected}, found control characters in {quoted(text)}")
    return text


def reader(expected: str, *, most_bytes: int = 65535) -> Callable[[object], str]:
    """Return a reader of any non-empty text of at most `most_bytes` in UTF-8."""

    def read(raw: object) -> str:
        text = scalar(raw, expected)
        if (length := len(text.encode("utf-8", "surrogatepass"))) > most_bytes:
            raise ValueError(f"expected {expected} of at most {most_bytes} bytes, found {length} bytes")
        return text

    return read


def hidden_reader(expected: str) -> Callable[[object], str]:
    """Return a reader whose messages never show the value: it may be a password put in the wrong place."""

    def read(raw: object) -> str:
        try:
            return scalar(raw, expected)
        except ValueError:
            what = shown(raw) if raw is None or isinstance(raw, Mapping | list) else "something else"
            raise ValueError(f"expected {expected}, found {what}") from None

    return read


def whole_number(lowest: int, highest: int, what: str) -> Callable[[object], int]:
    """Return a reader of a decimal number without sign or leading zero, both bounds included."""
    expected = f"{what} from {lowest} to {highest}"

    def read(raw: object) -> int:
        text = scalar(raw, expected)
        if not _WHOLE.fullmatch(text) or not lowest <= int(text) <= highest:
            raise refused(expected, text)
        return int(text)

    return read


def one_of(choices: type[E], what: str) -> Callable[[object], E]:
    """Return a reader of one of an enumeration's words."""
    words = [choice.value for choice in choices]
    expected = f"{what} ({', '.join(words[:-1])} or {words[-1]})"

    def read(raw: object) -> E:
        text = scalar(raw, expected)
        if text not in words:
            raise refused(expected, text)
        return choices(text)

    return read


def flag(expected: str) -> Callable[[object], bool]:
    """Return a reader of `true` or `false`."""

    def read(raw: object) -> bool:
        if isinstance(raw, bool):
            return raw
        text = scalar(raw, expected)
        if text not in {"true", "false"}:
            raise refused(expected, text)
        return text == "true"

    return read


def list_of(item: Callable[[object], T], expected: str) -> Callable[[object], tuple[T, ...]]:
    """Return a reader of a list, each item read by `item`."""

    def read(raw: object) -> tuple[T, ...]:
        if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
            raise refused(f"{expected} (['a', 'b'])", raw)
        return tuple(item(each) for each in raw)

    return read
