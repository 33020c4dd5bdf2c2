"""The border at which OS errors become endings."""

from __future__ import annotations

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.wire.ending import OUR_SHORTAGES, ConnectionEnded, End, Ending, from_os_error, printable


@pytest.mark.parametrize(
    ("number", "end"),
    [
        (errno.ECONNREFUSED, End.REFUSED_CONNECTION),
        (errno.ECONNRESET, End.RESET),
        (errno.EPIPE, End.RESET),
        (errno.ECONNABORTED, End.RESET),
        (errno.ETIMEDOUT, End.TIMED_OUT),
        (errno.ENETUNREACH, End.NETWORK_UNREACHABLE),
        (errno.EHOSTUNREACH, End.HOST_UNREACHABLE),
        (errno.EHOSTDOWN, End.HOST_UNREACHABLE),
        (errno.EACCES, End.OS_ERROR),
        (errno.EADDRNOTAVAIL, End.OS_ERROR),
    ],
)
def test_every_os_error_has_its_ending(number: int, end: End) -> None:
    ending = from_os_error(OSError(number, os.strerror(number)))
    assert ending.end is end
    assert ending.alert is None
    assert ending.detail


@pytest.mark.parametrize("number", sorted(OUR_SHORTAGES))
def test_a_shortage_of_ours_is_no_word_about_the_peer(number: int) -> None:
    with pytest.raises(OSError, match=os.strerror(number)):
        from_os_error(OSError(number, os.strerror(number)))


def test_an_os_error_without_number_and_text_is_named_by_its_class() -> None:
    assert from_os_error(OSError()) == Ending(end=End.OS_ERROR, detail="OSError")
    assert from_os_error(TimeoutError()) == Ending(end=End.TIMED_OUT, detail="TimeoutError")


def test_the_exception_carries_the_ending_and_reads_like_it() -> None:
    ending = Ending(end=End.EOF, detail="closed by the peer")
    assert ConnectionEnded(ending).ending is ending
    assert str(ConnectionEnded(ending)) == "closed by the peer"


@given(st.text())
def test_a_peers_text_becomes_one_line_without_control_characters(text: str) -> None:
    shown = printable(text)
    assert (
        shown.isprintable()
        or not shown.replace("\N{REPLACEMENT CHARACTER}", "")
        or "\N{REPLACEMENT CHARACTER}" in shown
    )
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown


def test_plain_text_stays_as_it_is() -> None:
    assert printable("Nicht berechtigt: ünïcode ✓") == "Nicht berechtigt: ünïcode ✓"
