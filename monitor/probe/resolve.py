"""Phase `resolve`: names to addresses, as the system resolves them (/etc/hosts, nsswitch, scope ids included)."""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from monitor.probe.fault import PhaseFault
from monitor.wire.ending import OUR_SHORTAGES
from monitor.wire.tcp import SocketAddress

_THREADS = 32


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect to."""

    family: socket.AddressFamily
    socket_address: SocketAddress
    """As `getaddrinfo` returned it."""

    @property
    def text(self) -> str:
        """The IP address, with its scope id if it has one."""
        return self.socket_address[0]

    @property
    def order(self) -> tuple[int, int, str]:
        """Where it stands among others, whatever the resolver's order: IPv4 first, then by number."""
        number = ip_address(self.text)
        return number.version, int(number), self.text


@dataclass(frozen=True, slots=True)
class Resolution:
    """The addresses, in the system's order of preference (RFC 6724), and how long the resolver took."""

    addresses: tuple[Address, ...]
    elapsed_s: float


class Resolver:
    """Runs `getaddrinfo` in threads of its own, so that slow names hold up neither the loop nor its other work.

    The threads are daemons: one that hangs in a resolver does not keep the process from ending.
    """

    def __init__(self, threads: int = _THREADS) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._limit = threads
        self._started = 0
        self._busy = 0

    async def resolve(self, host: str, port: int) -> Resolution:
        """Look up.

        Raises:
            PhaseFault: the name has no address, or the resolver failed.
        """
        started = time.monotonic()
        try:
            # An IP literal needs no resolver, and no thread.
            return Resolution(_lookup(host, port, socket.AI_NUMERICHOST), time.monotonic() - started)
        except (socket.gaierror, UnicodeError):
            pass
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Resolution] = loop.create_future()

        def job() -> None:
            found: Resolution | None = None
            failure: Exception | None = None
            if not done.cancelled():  # nobody waits for a name whose turn came too late
                began = time.monotonic()
                try:
                    found = Resolution(_lookup(host, port, 0), time.monotonic() - began)
                except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to who waits, not to this thread
                    failure = error
            try:
                loop.call_soon_threadsafe(self._settle, done, found, failure)
            except RuntimeError:
                return  # the loop has ended meanwhile

        self._busy += 1
        if self._started < min(self._busy, self._limit):
            self._started += 1
            threading.Thread(target=self._work, name=f"resolve-{self._started}", daemon=True).start()
        self._jobs.put(job)
        try:
            return await done
        except (OSError, UnicodeError) as error:
            raise _fault(host, error) from None

    def close(self) -> None:
        """Let idle threads end; busy ones end after their look-up."""
        for _ in range(self._started):
            self._jobs.put(None)

    def _settle(self, done: asyncio.Future[Resolution], found: Resolution | None, failure: Exception | None) -> None:
        # Only now: a look-up that nobody waits for any more still holds its thread.
        self._busy -= 1
        if done.done():
            return
        if found is not None:
            done.set_result(found)
        elif failure is not None:
            done.set_exception(failure)

    def _work(self) -> None:
        while job := self._jobs.get():
            job()


def _lookup(host: str, port: int, flags: int) -> tuple[Address, ...]:
    # As bytes, since the host is an A-label already: given text, Python would encode it by its own older IDNA first.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM, flags=flags)
    return tuple(
        dict.fromkeys(Address(family, socket_address) for family, _, _, _, socket_address in found)  # type: ignore[arg-type]
    )


def _fault(host: str, error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno in OUR_SHORTAGES:
        return error
    if not isinstance(error, socket.gaierror):
        return PhaseFault("failed", f"{host!r} cannot be looked up: {error}")
    word = {
        socket.EAI_NONAME: "nxdomain",
        socket.EAI_NODATA: "no_address",
        socket.EAI_ADDRFAMILY: "no_address",
        socket.EAI_AGAIN: "temporary_failure",
    }.get(error.errno or 0, "failed")
    return PhaseFault(word, f"{host!r}: {error.strerror}")
