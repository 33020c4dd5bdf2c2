"""What counts as said back: any spelling, any surroundings, and a piece that a cut left."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote

import pytest

from monitor.model.broker import Secret
from monitor.probe.echo import repeats

VALUE = 'märked "pässword"\\7f+?/>'
SECRET = Secret(VALUE.encode())

SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "upper case": bytes.upper,
    "JSON": lambda said: json.dumps(said.decode()).encode(),
    "JSON beyond ASCII": lambda said: json.dumps(said.decode(), ensure_ascii=False).encode(),
    "repr": lambda said: repr(said.decode()).encode(),
    "base64": b64encode,
    "base64 for URLs": urlsafe_b64encode,
    "percent": lambda said: quote(said, safe="").encode(),
    "hex": lambda said: said.hex().encode(),
    "dump": lambda said: said.hex(" ").upper().encode(),
    "colons": lambda said: said.hex(":").encode(),
}


@pytest.mark.parametrize("before", ["", "a", "ab", "user:", "login failed: "])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_any_spelling_in_any_surroundings_is_noticed(spelling: str, before: str) -> None:
    said = SPELLINGS[spelling](f"{before}{VALUE} is wrong".encode())
    assert repeats(said, SECRET)
    assert repeats(b"The broker says: " + said + b".", SECRET)


@pytest.mark.parametrize("cut", [slice(0, 20), slice(30, 60)])
def test_piece_of_a_long_token_is_noticed(cut: slice) -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtb25pdG9yIn0.c2lnbmF0dXJlLW9mLXRoaXM"
    assert repeats(f"refused: {token[cut]}".encode(), Secret(token.encode()))


@pytest.mark.parametrize("said", ["", "not authorized", "bad user name or password", "monitor"])
@pytest.mark.parametrize("value", ["pw1", "hunter2", VALUE])
def test_what_brokers_say_otherwise_is_no_echo(said: str, value: str) -> None:
    assert not repeats(said.encode(), Secret(value.encode()))


def test_short_secret_counts_as_a_whole() -> None:
    assert repeats(b"wrong: pw1", Secret(b"pw1"))
    assert not repeats(b"wrong: pw", Secret(b"pw1"))


def test_nothing_was_told_and_so_nothing_is_repeated() -> None:
    assert not repeats(b"anything", None)
