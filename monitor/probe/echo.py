"""Whether a peer says back what it was told in confidence: as it is, or in a spelling that software logs bytes in."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote

from monitor.model.broker import Secret

_TELLING = 8
"""So many bytes in a row are no chance: words of a peer may be cut off in the middle of a long token."""
_SEPARATORS = re.compile(rb"[\s:,-]")
_FIRST_DIGIT_OF_ITS_OWN = (0, 2, 3)
"""How many digits of base64 depend on what stands before, by how many bytes of a group of three that is."""


def repeats(said: bytes, secret: Secret | None) -> bool:
    """Tell whether the secret, or a piece of it that gives much of it away, is in what was said.

    Takes time in proportion to the length of both: a peer may say a lot.
    """
    if secret is None:
        return False
    spellings = [spelling.lower() for spelling in _spellings(secret.reveal())]
    short = [spelling for spelling in spellings if len(spelling) < _TELLING]
    telling = {piece for spelling in spellings for piece in _pieces(spelling)}
    heard = said.lower()
    squeezed = _SEPARATORS.sub(b"", heard)  # as dumps of bytes are written
    return any(
        any(spelling in words for spelling in short) or not telling.isdisjoint(_pieces(words))
        for words in (heard, squeezed)
    )


def _spellings(value: bytes) -> Iterator[bytes]:
    yield value
    text = value.decode()
    others = (
        json.dumps(text)[1:-1].encode(),
        json.dumps(text, ensure_ascii=False)[1:-1].encode(),
        quote(value, safe="").encode(),
        value.hex().encode(),
        *_in_base64(value),
    )
    yield from (spelling for spelling in others if len(spelling) >= _TELLING)


def _in_base64(value: bytes) -> Iterator[bytes]:
    """Yield the digits that are the value's alone, wherever it stands in what was encoded."""
    for before, first in enumerate(_FIRST_DIGIT_OF_ITS_OWN):
        digits = b64encode(bytes(before) + value)[first : (before + len(value)) * 8 // 6]
        yield digits
        yield digits.translate(bytes.maketrans(b"+/", b"-_"))


def _pieces(words: bytes) -> Iterator[bytes]:
    return (words[at : at + _TELLING] for at in range(len(words) - _TELLING + 1))
