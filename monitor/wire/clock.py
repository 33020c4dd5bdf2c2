"""Kernel receive timestamps on the monotonic clock, and sums of waits."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from monitor.model.outcome import Clock

SO_TIMESTAMPNS = getattr(socket, "SO_TIMESTAMPNS", 35)
"""Linux's asm-generic number; Python 3.11 does not name it. The control message has the same one."""

_TIMESPEC = struct.Struct("@ll")
_AT_ONCE_S = 20e-6
"""Reading three clocks takes well under a microsecond."""
_ATTEMPTS = 4
ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment on the monotonic clock, in seconds, and the clock that saw it."""

    at: float
    clock: Clock


@cache
def keep_stamping() -> None:
    """Have the kernel stamp what arrives for as long as this process lives, at the price of one descriptor.

    Linux begins to stamp when a first socket asks for it and stops with the last, each time a little later. Without
    a socket that stays, a probe's own would often come too early for its first segments.
    """
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.detach()  # stays open, with nobody to close it


def arrival(ancillary: list[tuple[int, int, bytes]]) -> Stamp:
    """Return when the last segment just read arrived.

    The kernel stamps in real time. Both clocks are read here, back to back, so a step of the real-time clock can
    only spoil the reads it falls into; such a stamp lies in the future and the user's clock is taken instead.
    """
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            now, real = _both_clocks()
            age = (real - seconds * 1_000_000_000 - nanoseconds) / 1e9
            if age >= 0:
                return Stamp(now - age, Clock.KERNEL)
    return Stamp(time.monotonic(), Clock.USER)


def _both_clocks() -> tuple[float, int]:
    """Read the monotonic and the real-time clock as one moment, again where this process was interrupted between."""
    attempt = 0
    while True:
        before = time.monotonic()
        real = time.time_ns()
        after = time.monotonic()
        attempt += 1
        if after - before < _AT_ONCE_S or attempt == _ATTEMPTS:
            return after, real


class Waits:
    """The time spent waiting for the peer: from just before our `send()` to the arrival of what we needed."""

    __slots__ = ("_began", "clock", "elapsed_s")

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self.clock = Clock.KERNEL
        self._began: float | None = None

    def begin(self, at: float) -> None:
        """Start waiting, unless a wait is already running: the first of several sends counts."""
        if self._began is None:
            self._began = at

    def end(self, stamp: Stamp) -> None:
        """Stop waiting. A stamp from before the wait (a stepped clock) counts by the user's clock."""
        if self._began is None:
            return
        if stamp.at < self._began:
            stamp = Stamp(time.monotonic(), Clock.USER)
        self.elapsed_s += stamp.at - self._began
        if stamp.clock is Clock.USER:
            self.clock = Clock.USER
        self._began = None
