"""Failures of the resolver, and those of TCP that loopback can show: `resolve_*`, `connect_*`."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from tests.support.case import SHORT_S, Case, Server
from tests.support.pki import TestPki
from tests.support.ports import closed_port, silent_port


@contextmanager
def _nobody(_: TestPki) -> Iterator[int]:
    yield 8883


@contextmanager
def _closed(_: TestPki) -> Iterator[int]:
    with closed_port() as port:
        yield port


@contextmanager
def _silent(_: TestPki) -> Iterator[int]:
    with silent_port() as port:
        yield port


@contextmanager
def _reset_while_connecting(_: TestPki) -> Iterator[int]:
    """Reset each connection after the SYN is answered and before the client learns of it.

    Works on asyncio's own event loop, which has to run: there, what was scheduled before the kernel is asked comes
    before what the kernel tells.
    """
    loop = asyncio.get_running_loop()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        handle: asyncio.Handle

        def reset_arrivals() -> None:
            nonlocal handle
            handle = loop.call_soon(reset_arrivals)
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                return
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        handle = loop.call_soon(reset_arrivals)
        try:
            yield listener.getsockname()[1]
        finally:
            handle.cancel()


@contextmanager
def _unroutable(_: TestPki) -> Iterator[int]:
    """Let connect() say EHOSTUNREACH. The kernel says so for a route that only root can set, or for a router's ICMP."""
    with patch.object(socket.socket, "connect_ex", lambda *_: errno.EHOSTUNREACH):
        yield 8883


def _resolver_says(code: int) -> Server:
    """Let the system's resolver end with that error. No test may depend on what a machine's real one says."""

    def fail() -> None:
        raise socket.gaierror(code, "as the test wants it")

    return _resolver_does(fail)


def _resolver_does(act: Callable[[], object]) -> Server:
    real: Callable[..., Any] = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *further: Any, flags: int = 0, **options: Any) -> Any:
        if not flags & socket.AI_NUMERICHOST:
            act()
        return real(host, port, *further, flags=flags, **options)

    @contextmanager
    def start(_: TestPki) -> Iterator[int]:
        with patch.object(socket, "getaddrinfo", getaddrinfo):
            yield 8883

    return start


@contextmanager
def _silent_resolver(pki: TestPki) -> Iterator[int]:
    over = threading.Event()

    def wait() -> None:
        over.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "the test is over")  # never on to the machine's real resolver

    try:
        with _resolver_does(wait)(pki) as port:
            yield port
    finally:
        over.set()


CASES = (
    Case(id="no-such-name", reason="resolve_nxdomain", server=_resolver_says(socket.EAI_NONAME), host="broker.test"),
    Case(
        id="name-without-address",
        reason="resolve_no_address",
        server=_resolver_says(socket.EAI_NODATA),
        host="broker.test",
    ),
    Case(
        id="resolver-unreachable",
        reason="resolve_temporary_failure",
        server=_resolver_says(socket.EAI_AGAIN),
        host="broker.test",
    ),
    Case(id="resolver-broken", reason="resolve_failed", server=_resolver_says(socket.EAI_FAIL), host="broker.test"),
    Case(
        id="resolver-silent",
        reason="resolve_timeout",
        server=_silent_resolver,
        host="broker.test",
        timeout_s=SHORT_S,
    ),
    # glibc answers for a scope id that names no interface, without asking anybody.
    Case(id="scope-without-interface", reason="resolve_nxdomain", server=_nobody, host="fe80::1%nosuch"),
    Case(id="port-closed", reason="connect_refused", server=_closed),
    Case(id="syn-unanswered", reason="connect_timeout", server=_silent, timeout_s=SHORT_S),
    Case(id="reset-while-connecting", reason="connect_reset", server=_reset_while_connecting),
    Case(id="no-route-to-host", reason="connect_host_unreachable", server=_unroutable),
    # A broadcast address: Linux routes no TCP there, even on loopback.
    Case(id="broadcast-address", reason="connect_network_unreachable", server=_nobody, host="127.255.255.255"),
    # A link-local address needs a scope id (RFC 4007 6): EINVAL.
    Case(id="scope-id-missing", reason="connect_failed", server=_nobody, host="fe80::1"),
)
