"""The server's end of one connection, driven step by step by the test itself: TLS in memory, and over loopback."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL

from monitor.demo.pki import Issued
from monitor.model.broker import TlsVersion
from monitor.wire.channel import Channel
from monitor.wire.engine import TlsEngine
from monitor.wire.tcp import TcpConnection
from tests.support.ports import PATIENCE_S

_VERSIONS = {TlsVersion.V1_2: SSL.TLS1_2_VERSION, TlsVersion.V1_3: SSL.TLS1_3_VERSION}
_READ_BYTES = 65536
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time at all: close() sends RST


def server_context(
    *chain: Issued,
    version: TlsVersion = TlsVersion.V1_3,
    asks_for_certificate: bool = False,
    demands_certificate: bool = False,
    accepted_cas: Sequence[Issued] = (),
    alpn: bytes | None = None,
    staple: bytes | None = None,
    group: ec.EllipticCurve | None = None,
) -> SSL.Context:
    """Return a server that speaks exactly this version, and takes any client certificate."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_VERSIONS[version])
    context.set_max_proto_version(_VERSIONS[version])
    leaf, *further = chain
    context.use_certificate(leaf.certificate)
    context.use_privatekey(load_pem_private_key(leaf.key_pem, None))  # type: ignore[arg-type]
    for issued in further:
        context.add_extra_chain_cert(issued.certificate)
    if asks_for_certificate or demands_certificate:
        mode = SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if demands_certificate else 0)
        context.set_verify(mode, lambda *_: True)
    for issued in accepted_cas:
        context.add_client_ca(issued.certificate)
    if alpn is not None:
        context.set_alpn_select_callback(lambda _, offered: alpn if alpn in offered else SSL.NO_OVERLAPPING_PROTOCOLS)
    if staple is not None:
        context.set_ocsp_server_callback(lambda *_: staple)
    if group is not None:
        context.set_tmp_ecdh(group)
    return context


class MemoryServer:
    """One connection of a server, without a socket."""

    def __init__(self, context: SSL.Context) -> None:
        self.connection = SSL.Connection(context, None)
        self.connection.set_accept_state()
        self.is_complete = False

    def feed(self, ciphertext: bytes) -> None:
        """Take what the client sent, and go on with the handshake; SSL.Error if the client broke it."""
        if ciphertext:
            self.connection.bio_write(ciphertext)
        if not self.is_complete:
            try:
                self.connection.do_handshake()
            except SSL.WantReadError:
                return
            self.is_complete = True

    def take(self) -> bytes:
        """Return what is to be sent to the client."""
        pieces = b""
        try:
            while True:
                pieces += self.connection.bio_read(_READ_BYTES)
        except SSL.WantReadError:
            return pieces

    def read(self) -> bytes:
        """Return the plaintext that the client sent."""
        pieces = b""
        try:
            while True:
                pieces += self.connection.recv(_READ_BYTES)
        except (SSL.WantReadError, SSL.ZeroReturnError):
            return pieces

    def seal(self, plaintext: bytes) -> bytes:
        """Encrypt one piece."""
        self.connection.sendall(plaintext)
        return self.take()

    def close_notify(self) -> bytes:
        """Return the alert that ends the connection in order."""
        self.connection.shutdown()
        return self.take()


def shake_hands(client: TlsEngine, server: MemoryServer) -> None:
    """Carry flights to and fro until both sides are complete; session tickets are delivered too."""
    for _ in range(8):
        if not client.is_complete:
            client.handshake()
        server.feed(client.take())
        if answer := server.take():
            client.feed(answer)
        elif client.is_complete and server.is_complete:
            return
    raise AssertionError("the handshake does not end")


class LoopbackPeer:
    """The accepted end of a loopback connection. Nothing happens on it but what the test asks for."""

    def __init__(self, sock: socket.socket, tls: MemoryServer) -> None:
        self.socket = sock
        self.tls = tls
        self.received = b""
        """Every byte that ever came."""
        self.saw_end = False

    def pump(self) -> None:
        """Read what has arrived, go on with TLS, and send what is due. Never waits."""
        while not self.saw_end:
            try:
                data = self.socket.recv(_READ_BYTES)
            except BlockingIOError:
                break
            self.received += data
            self.saw_end = not data
            self.tls.feed(data)
        if answer := self.tls.take():
            self.socket.sendall(answer)

    async def pump_until(self, condition: Callable[[], bool]) -> None:
        """Pump, turn by turn of the event loop, until the condition holds."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.pump()
                await asyncio.sleep(0)

    def say(self, plaintext: bytes) -> None:
        """Send application data."""
        self.socket.sendall(self.tls.seal(plaintext))

    def reset(self) -> None:
        """End the connection with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()


@asynccontextmanager
async def loopback_pair() -> AsyncIterator[tuple[TcpConnection, socket.socket]]:
    """Yield the two ends of a TCP connection; both are closed afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        tcp = await TcpConnection.open(socket.AF_INET, listener.getsockname())
        accepted, _ = listener.accept()
    with accepted:
        accepted.setblocking(False)
        try:
            yield tcp, accepted
        finally:
            tcp.close()


@asynccontextmanager
async def loopback_channel(engine: TlsEngine, context: SSL.Context) -> AsyncIterator[tuple[Channel, LoopbackPeer]]:
    """Yield a channel whose handshake has not begun, and its peer."""
    async with loopback_pair() as (tcp, accepted):
        channel = Channel(tcp, engine)
        try:
            yield channel, LoopbackPeer(accepted, MemoryServer(context))
        finally:
            channel.close()


async def handshake_with(channel: Channel, peer: LoopbackPeer, *, hold_certificate: bool = False) -> None:
    """Complete the handshake on both sides, or hold it; what the peer still owes is sent."""
    task = asyncio.create_task(channel.handshake(hold_certificate=hold_certificate))
    await peer.pump_until(task.done)
    task.result()
    if not channel.is_held:
        await peer.pump_until(lambda: peer.tls.is_complete)
        peer.pump()
