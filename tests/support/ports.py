"""Loopback ports: free ones, closed ones, ones that answer no SYN; and waiting with a deadline."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from itertools import cycle, islice
from pathlib import Path

PATIENCE_S = 60.0
"""How long anything on this machine may take before a test gives up: many times what it needs when it is busy."""

_SERVERS = (16384, 32768)  # below net.ipv4.ip_local_port_range as Linux has it
_BLOCK = 256  # a port comes round again only after so many others
_claims: list[socket.socket] = []  # abstract names, gone with the process

_POLL_S = 0.005
_TCP_LISTEN = "0A"  # include/net/tcp_states.h


def family_of(host: str) -> socket.AddressFamily:
    """Return the family of an IP literal."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port on which nothing listens and nobody else of these tests will.

    The kernel's own choice would be a port that it also gives to clients: one of them, or its remains in TIME_WAIT,
    may hold the port by the time a server wants it, at once or after a restart.
    """
    for port in islice(_own_ports(), _BLOCK):
        with suppress(OSError), socket.socket(family_of(host)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return port
    raise RuntimeError("every port of this process is taken")


@cache
def _own_ports() -> Iterator[int]:
    """Yield over and over the ports of a block that no other process of any test run has."""
    for start in range(*_SERVERS, _BLOCK):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0mqtt-tls-monitor-tests-ports-{start}")
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return cycle(range(start, start + _BLOCK))
    raise RuntimeError("no block of ports is left")


def wait_until(condition: Callable[[], bool], what: str, *, timeout_s: float = PATIENCE_S) -> None:
    """Return as soon as the condition holds.

    Raises:
        TimeoutError: it did not hold in time; the message names `what`.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s:g} s: {what}")
        time.sleep(_POLL_S)


def is_listening(port: int) -> bool:
    """Tell whether a TCP port listens, from the kernel's table: unlike a connection, it leaves no line in a log."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        path = Path(table)
        if not path.exists():
            continue
        for line in path.read_text("ascii").splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == _TCP_LISTEN and int(local.rpartition(":")[2], 16) == port:
                return True
    return False


@contextmanager
def closed_port(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Yield a port that refuses: bound, so that nobody else takes it, and not listening."""
    with socket.socket(family_of(host)) as holder:
        holder.bind((host, port))
        yield holder.getsockname()[1]


@contextmanager
def silent_port(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Yield a port that answers no SYN: its accept queue is full, and Linux drops what comes then."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(family_of(host)))
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(4):  # one fills a queue of length zero; more only if the kernel rounds it up
            filler = stack.enter_context(socket.socket(family_of(host)))
            filler.settimeout(0.1)
            try:
                filler.connect(listener.getsockname())
            except TimeoutError:
                break
        else:
            raise RuntimeError("the accept queue cannot be filled")
        yield listener.getsockname()[1]
