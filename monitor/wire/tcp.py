"""A non-blocking TCP connection with kernel timestamps. Knows nothing of TLS."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
import time
from dataclasses import dataclass

from monitor.model.outcome import Clock
from monitor.wire.clock import ANCILLARY_BYTES, SO_TIMESTAMPNS, Stamp, arrival, keep_stamping
from monitor.wire.ending import ConnectionEnded, from_os_error

READ_BYTES = 65536

# struct tcp_info of <linux/tcp.h>: tcpi_rtt (microseconds) and tcpi_total_retrans; both stable since Linux 2.6.
_TCP_INFO_BYTES = 104
_TCPI_RTT = struct.Struct("=I")
_TCPI_RTT_AT = 68
_TCPI_TOTAL_RETRANS_AT = 100

SocketAddress = tuple[str, int] | tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """What the kernel knows of a connection."""

    rtt_s: float
    retransmitted_segments: int


class TcpConnection:
    """One connected socket. Whoever opened it closes it."""

    __slots__ = ("_socket", "connect_clock", "connect_s", "fd", "rtt_s")

    def __init__(self, sock: socket.socket, started: float) -> None:
        self._socket = sock
        self.fd = sock.fileno()
        elapsed = time.monotonic() - started
        info = self.info()
        self.rtt_s = info.rtt_s if info else None
        if info and info.retransmitted_segments == 0 and info.rtt_s <= elapsed:
            self.connect_s, self.connect_clock = info.rtt_s, Clock.KERNEL
        else:
            self.connect_s, self.connect_clock = elapsed, Clock.USER

    @classmethod
    async def open(cls, family: socket.AddressFamily, address: SocketAddress) -> TcpConnection:
        """Connect. `address` is as `getaddrinfo` returns it, so that scope ids survive.

        Raises:
            ConnectionEnded: the connection could not be made.
        """
        keep_stamping()
        try:
            sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        except OSError as error:
            raise ConnectionEnded(from_os_error(error)) from None
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _try_option(sock, socket.SOL_SOCKET, SO_TIMESTAMPNS)
            started = time.monotonic()
            code = sock.connect_ex(address)
            if code == errno.EINPROGRESS:
                await _writable(sock)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code))  # noqa: TRY301 - one translation below serves all
            _try_option(sock, socket.IPPROTO_TCP, socket.TCP_QUICKACK)
            return cls(sock, started)
        except OSError as error:
            sock.close()
            raise ConnectionEnded(from_os_error(error)) from None
        except BaseException:
            sock.close()
            raise

    async def readable(self) -> None:
        """Wait until `receive` has something to return; for whoever does not watch the descriptor otherwise."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self.fd, lambda: None if ready.done() else ready.set_result(None))
        try:
            await ready
        finally:
            loop.remove_reader(self.fd)

    def receive(self) -> tuple[bytes, Stamp] | None:
        """Return what has arrived and when its last segment did; None if nothing has; b"" at the end of the stream.

        Raises:
            ConnectionEnded: the connection broke.
        """
        try:
            data, ancillary, _, _ = self._socket.recvmsg(READ_BYTES, ANCILLARY_BYTES)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            raise ConnectionEnded(from_os_error(error)) from None
        # The kernel leaves quick-ack mode by itself; without it, delayed ACKs meet the broker's Nagle for 40 ms.
        _try_option(self._socket, socket.IPPROTO_TCP, socket.TCP_QUICKACK)
        return data, arrival(ancillary)

    def send(self, data: bytes | memoryview) -> int:
        """Return how many bytes the kernel took, perhaps 0.

        Raises:
            ConnectionEnded: the connection broke.
        """
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise ConnectionEnded(from_os_error(error)) from None

    def info(self) -> TcpInfo | None:
        """Return the kernel's TCP_INFO, or None where the platform has none."""
        try:
            raw = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
            return TcpInfo(
                _TCPI_RTT.unpack_from(raw, _TCPI_RTT_AT)[0] / 1e6,
                _TCPI_RTT.unpack_from(raw, _TCPI_TOTAL_RETRANS_AT)[0],
            )
        except (OSError, AttributeError, struct.error):
            return None

    def finish_sending(self) -> None:
        """Send FIN; what the peer still sends can be read."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            return  # already gone: the wish is fulfilled

    def close(self) -> None:
        """Close the descriptor. The caller has removed its readers and writers."""
        self._socket.close()
        self.fd = -1  # the number may be somebody else's from now on


async def _writable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    descriptor = sock.fileno()
    loop.add_writer(descriptor, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_writer(descriptor)


def _try_option(sock: socket.socket, level: int, option: int) -> None:
    try:
        sock.setsockopt(level, option, 1)
    except OSError:
        return  # absent on this platform: the figures say so by naming the user's clock
