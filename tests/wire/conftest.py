"""Fixtures of the wire's tests."""

from __future__ import annotations

import socket

import pytest

from monitor.wire.clock import ANCILLARY_BYTES, SO_TIMESTAMPNS, keep_stamping
from tests.support.ports import wait_until


@pytest.fixture(scope="session", autouse=True)
def _kernel_stamps() -> None:
    """Return when the kernel stamps: it begins a moment after the first socket has asked for it."""
    keep_stamping()
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        client.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        server, _ = listener.accept()
        with server:

            def is_stamped() -> bool:
                server.send(b"x")
                return bool(client.recvmsg(1, ANCILLARY_BYTES)[1])

            wait_until(is_stamped, "the kernel stamps what arrives")
