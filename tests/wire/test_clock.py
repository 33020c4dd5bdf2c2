"""Arrival stamps and the arithmetic of waits."""

from __future__ import annotations

import socket
import struct
import time

import pytest

from monitor.model.outcome import Clock
from monitor.wire.clock import ANCILLARY_BYTES, SO_TIMESTAMPNS, Stamp, Waits, arrival, keep_stamping
from tests.support.loop_state import descriptors
from tests.support.tls_peer import loopback_pair


def _control(age_s: float, *, level: int = socket.SOL_SOCKET, kind: int = SO_TIMESTAMPNS) -> tuple[int, int, bytes]:
    seconds, nanoseconds = divmod(time.time_ns() - int(age_s * 1e9), 1_000_000_000)
    return level, kind, struct.pack("@ll", seconds, nanoseconds)


def test_without_a_control_message_it_is_the_users_clock() -> None:
    before = time.monotonic()
    stamp = arrival([])
    assert stamp.clock is Clock.USER
    assert before <= stamp.at <= time.monotonic()


def test_a_stamp_of_the_past_is_carried_over_to_the_monotonic_clock() -> None:
    before = time.monotonic()
    stamp = arrival([_control(0.25)])
    after = time.monotonic()
    assert stamp.clock is Clock.KERNEL
    # The control message was made between the two, and the clocks are read one after the other.
    assert before - 0.25 - (after - before) - 0.001 <= stamp.at <= after - 0.25 + 0.001


def test_a_stamp_of_the_future_is_a_stepped_clock_and_not_believed() -> None:
    before = time.monotonic()
    stamp = arrival([_control(-3600)])
    assert stamp.clock is Clock.USER
    assert before <= stamp.at <= time.monotonic()


@pytest.mark.parametrize(
    "message",
    [
        _control(0.1, level=socket.IPPROTO_TCP),
        _control(0.1, kind=SO_TIMESTAMPNS + 1),
        (socket.SOL_SOCKET, SO_TIMESTAMPNS, b"\0" * 15),
        (socket.SOL_SOCKET, SO_TIMESTAMPNS, b""),
    ],
)
def test_other_and_truncated_control_messages_are_passed_over(message: tuple[int, int, bytes]) -> None:
    assert arrival([message]).clock is Clock.USER
    assert arrival([message, _control(0.1)]).clock is Clock.KERNEL


def test_the_kernel_has_room_for_its_stamp() -> None:
    assert socket.CMSG_SPACE(struct.calcsize("@ll")) <= ANCILLARY_BYTES


def test_stamping_is_kept_up_with_one_descriptor_however_often_it_is_asked_for() -> None:
    keep_stamping()
    before = descriptors()
    for _ in range(3):
        keep_stamping()
    assert descriptors() == before


async def test_no_connection_comes_too_early_for_its_stamps() -> None:
    # Each of these is the only one at its time: without a socket that stays, the kernel would stop in between.
    for _ in range(50):
        async with loopback_pair() as (tcp, peer):
            peer.send(b"x")
            while (arrived := tcp.receive()) is None:
                pass
            assert arrived[1].clock is Clock.KERNEL


def test_waits_add_up_and_what_lies_between_them_does_not_count() -> None:
    waits = Waits()
    waits.begin(100.0)
    waits.end(Stamp(100.5, Clock.KERNEL))
    waits.begin(107.0)
    waits.end(Stamp(107.25, Clock.KERNEL))
    assert waits.elapsed_s == 0.75
    assert waits.clock is Clock.KERNEL


def test_the_first_of_several_sends_begins_the_wait() -> None:
    waits = Waits()
    waits.begin(100.0)
    waits.begin(100.4)
    waits.end(Stamp(101.0, Clock.KERNEL))
    assert waits.elapsed_s == 1.0


def test_an_end_without_a_beginning_is_nothing() -> None:
    waits = Waits()
    waits.end(Stamp(5.0, Clock.USER))
    assert (waits.elapsed_s, waits.clock) == (0.0, Clock.KERNEL)


def test_one_wait_by_the_users_clock_marks_the_sum() -> None:
    waits = Waits()
    waits.begin(100.0)
    waits.end(Stamp(100.5, Clock.USER))
    waits.begin(101.0)
    waits.end(Stamp(101.5, Clock.KERNEL))
    assert (waits.elapsed_s, waits.clock) == (1.0, Clock.USER)


def test_a_stamp_from_before_the_wait_counts_by_the_users_clock() -> None:
    waits = Waits()
    began = time.monotonic()
    waits.begin(began)
    waits.end(Stamp(began - 5.0, Clock.KERNEL))
    assert waits.clock is Clock.USER
    assert 0 <= waits.elapsed_s <= time.monotonic() - began
