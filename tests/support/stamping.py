"""Waiting until the kernel stamps what arrives, which it begins to do a moment after a first socket has asked."""

from __future__ import annotations

import socket

from monitor.wire.clock import ANCILLARY_BYTES, SO_TIMESTAMPNS, keep_stamping
from tests.support.ports import wait_until


def await_kernel_stamps() -> None:
    """Return when every segment is stamped; it stays so, and the descriptor that it takes is open from now on."""
    keep_stamping()
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        client.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        server, _ = listener.accept()
        with server:

            def is_stamped() -> bool:
                server.send(b"x")
                return bool(client.recvmsg(1, ANCILLARY_BYTES)[1])

            wait_until(is_stamped, "the kernel stamps what arrives")
