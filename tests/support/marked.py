"""Secrets that no text holds by chance, and the search for them in whatever comes out of a program."""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from urllib.parse import quote

_RUN = 10
"""Twice so many characters of a secret in a row are always found; by chance they do not occur."""
_RUNS = {"number": 20, "hex": 16}
"""Where a character tells less, it takes more of them."""
_SEPARATORS = re.compile(rb"\\[nrt]|[\s:,\\]")


class Marked:
    """Secrets by their names."""

    def __init__(self, **values: bytes) -> None:
        self._runs = [
            (f"{name} as {spelling}", [each.lower() for each in _runs(text, _RUNS.get(spelling, _RUN))])
            for name, value in values.items()
            for spelling, text in _spellings(value)
        ]

    def found(self, output: bytes | str) -> list[str]:
        """Return which of them are in it, whole or in part, and how they are spelled there."""
        heard = (output.encode("utf-8", "replace") if isinstance(output, str) else output).lower()
        squeezed = _SEPARATORS.sub(b"", heard)  # wrapped lines and dumps of bytes
        return [name for name, runs in self._runs if any(run in heard or run in squeezed for run in runs)]

    def found_in(self, outputs: Mapping[str, bytes | str]) -> dict[str, list[str]]:
        """Return the outputs that hold any of them, with what they hold."""
        return {name: found for name, output in outputs.items() if (found := self.found(output))}


def _spellings(value: bytes) -> Iterator[tuple[str, bytes]]:
    yield "it is", value
    yield "hex", value.hex().encode()
    yield "repr", repr(value)[2:-1].encode()
    yield "percent", quote(value, safe="").encode()
    yield "number", str(int.from_bytes(value)).encode()
    for before in range(3):
        # In whatever is encoded together: the digits at both ends depend on the neighbours.
        for alphabet, form in (("base64", b64encode), ("base64url", urlsafe_b64encode)):
            yield f"{alphabet} after {before}", form(bytes(before) + value + bytes(3))[4 if before else 0 : -4]
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return
    yield "text's repr", repr(text)[1:-1].encode()
    yield "JSON", json.dumps(text)[1:-1].encode()
    yield "JSON beyond ASCII", json.dumps(text, ensure_ascii=False)[1:-1].encode()


def _runs(text: bytes, length: int) -> list[bytes]:
    """Return pieces side by side: of any stretch of twice their length, one is whole."""
    return [text[at : at + length] for at in range(0, len(text) - length + 1, length)] or [text]
