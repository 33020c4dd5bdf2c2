"""A server on loopback that misbehaves as a script tells it, in any phase of TCP, TLS and MQTT.

    def refuse(peer: Peer) -> None:
        peer.handshake()
        peer.read_packet(PacketType.CONNECT)
        peer.send(connack(peer.level, 5))

    with FaultServer(refuse, tls=ServerTls(chain=pki.chain)) as server:
        ...  # a client of server.port
    assert server.saw_password

A script is a plain function, run for each connection in a thread of its own: it acts when it should even while the
client's event loop is blocked. When it returns, the client is given the last word. Leaving the context closes every
socket, joins every thread, and raises what a script raised by mistake.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.support.mqtt_bytes import Packet
from tests.support.peer import Peer
from tests.support.ports import family_of, wait_until
from tests.support.tls_engine import ServerTls

__all__ = ["FaultServer", "Peer", "Script"]

Script = Callable[[Peer], None]


class FaultServer:
    """The server: a context manager that listens while it is entered."""

    def __init__(self, script: Script, *, tls: ServerTls | None = None, host: str = "127.0.0.1") -> None:
        """Run `script` for each connection; `tls=None` for a server that speaks no TLS by itself."""
        self.host = host
        self.port = 0
        """Set on entering."""
        self.peers: list[Peer] = []
        """Every connection so far, in the order of their arrival."""
        self.acted_at: float | None = None
        """Monotonic time of the server's last act, read just before the system call."""
        self.over = threading.Event()
        """Set when the context is left."""
        self._script = script
        self._tls = tls
        self._threads: list[threading.Thread] = []
        self._mistakes: list[BaseException] = []
        self._listener: socket.socket | None = None

    def __enter__(self) -> Self:
        self._listener = listener = socket.socket(family_of(self.host))
        listener.bind((self.host, 0))
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self._spawn(lambda: self._accept(listener))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.over.set()
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
            self._threads[0].join()  # no new peers from here on
            self._listener.close()
        for peer in self.peers:
            peer.interrupt()
        for thread in self._threads:
            thread.join()
        if error is None and self._mistakes:
            raise self._mistakes[0]

    @property
    def received(self) -> tuple[Packet, ...]:
        """Every MQTT packet of every connection, connection by connection."""
        return tuple(packet for peer in self.peers for packet in peer.received)

    @property
    def saw_password(self) -> bool:
        """Whether any client sent a user name or a password."""
        return any(packet.username is not None or packet.password is not None for packet in self.received)

    def saw(self, secret: bytes) -> bool:
        """Whether these bytes arrived anywhere, in the clear or inside TLS."""
        return any(secret in peer.raw or secret in peer.data for peer in self.peers)

    def wait_until_left(self, connections: int = 1) -> None:
        """Return once that many clients have come and left; TimeoutError if they have not."""
        wait_until(
            lambda: sum(peer.ended.is_set() for peer in self.peers) >= connections,
            f"{connections} clients come and left",
        )

    def _note_act(self) -> None:
        self.acted_at = time.monotonic()

    def _spawn(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._guard, args=(work,), name="fault-server", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as mistake:  # noqa: BLE001 - raised again where the test sees it
            self._mistakes.append(mistake)

    def _accept(self, listener: socket.socket) -> None:
        while not self.over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # shut down
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = Peer(connection, self._tls, number=len(self.peers), over=self.over, note_act=self._note_act)
            self.peers.append(peer)
            self._spawn(lambda peer=peer: peer.run(self._script))  # type: ignore[misc] # bound early
