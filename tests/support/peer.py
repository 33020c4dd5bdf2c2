"""One client's connection, as a fault server's script handles it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from OpenSSL import SSL

from tests.support.client_hello import ClientHello, hello_message, parse_hello
from tests.support.mqtt_bytes import Packet, PacketType, decode, split_packet
from tests.support.tls_engine import Rewrite, ServerTls, TlsEngine
from tests.support.tls_records import ContentType

_FATAL = 2
_WARNING = 1


class Gone(Exception):  # noqa: N818 - what happened, not what went wrong
    """The client left, or the test is over. Ends a script quietly."""


class Peer:
    """One client's connection, as a script handles it. Every method raises `Gone` once the client has left."""

    def __init__(
        self,
        connection: socket.socket,
        tls: ServerTls | None,
        *,
        number: int,
        over: threading.Event,
        note_act: Callable[[], None],
    ) -> None:
        self.number = number
        """0 for the server's first connection."""
        self.raw = b""
        """Everything that arrived, as it arrived."""
        self.data = b""
        """Everything that arrived inside TLS, decrypted; without TLS the same as `raw`."""
        self.received: list[Packet] = []
        """Every whole MQTT packet that arrived, whether or not the script has read it."""
        self.level = 4
        """The protocol level of the client's CONNECT."""
        self.hello: ClientHello | None = None
        self.farewell: str | None = None
        """How the client left: `close_notify`, `eof`, `reset`, `alert: ...` (OpenSSL's words), `over` (the test)."""
        self.ended = threading.Event()
        """The connection is closed on our side too."""
        self._over = over
        self._note_act = note_act
        self._socket = connection
        self._engine = TlsEngine(tls) if tls is not None else None
        self._is_answered = False
        """The ClientHello was given to OpenSSL, and so must be what follows it."""
        self._is_secured = False
        self._is_mqtt = True
        self._unparsed = b""
        self._unread = 0

    # TCP.

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are, without TLS."""
        self._note_act()
        try:
            self._socket.sendall(data)
        except OSError as error:
            self._leave("reset", error)

    def drip(self, data: bytes, interval_s: float) -> None:
        """Send bytes as they are, one at a time."""
        for place in range(len(data)):
            self.send_raw(data[place : place + 1])
            self.wait(interval_s)

    def flood(self, data: bytes) -> NoReturn:
        """Send the same bytes as they are, again and again, until the client leaves."""
        block = data * (65536 // len(data) + 1)
        while True:
            self.send_raw(block)

    def close(self) -> NoReturn:
        """Close our side (FIN) without a word in TLS, and read on until the client has left too.

        Reading on matters: a socket closed with unread bytes sends a reset instead.
        """
        self._note_act()
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._leave("reset", error)
        self.stall()

    def reset(self) -> NoReturn:
        """Reset the connection (RST)."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._note_act()
        self._socket.close()
        raise Gone

    def freeze(self) -> NoReturn:
        """Neither read nor write until the test is over: the client's window fills."""
        self._over.wait()
        self._leave("over")

    def stall(self) -> NoReturn:
        """Read, and answer nothing, until the client leaves."""
        while True:
            self._pump()

    def wait(self, seconds: float) -> None:
        """Let time pass; `Gone` if the test is over before."""
        if self._over.wait(seconds):
            self._leave("over")

    # TLS.

    @property
    def speaks_tls(self) -> bool:
        """Whether the server was started with TLS."""
        return self._engine is not None

    @property
    def engine(self) -> TlsEngine:
        """The TLS of this connection; RuntimeError if the server speaks none."""
        if self._engine is None:
            raise RuntimeError("this server was started without tls")
        return self._engine

    def read_hello(self) -> ClientHello:
        """Read the ClientHello, and answer nothing."""
        while (message := hello_message(self.raw)) is None:
            self._receive()
        self.hello = parse_hello(message)
        return self.hello

    def flight(self, rewrite: Rewrite | None = None) -> bytes:
        """Return the server's flight, changed by `rewrite`, without sending it. Send it or a part with `send_raw`."""
        if self.hello is None:
            self.read_hello()
        engine = self.engine
        engine.feed(self.raw)
        self._is_answered = True
        self._advance()
        return engine.output(rewrite)

    def send_flight(self, rewrite: Rewrite | None = None) -> None:
        """Answer the ClientHello."""
        self.send_raw(self.flight(rewrite))

    def read_client_flight(self) -> None:
        """Read the client's flight to its end without answering.

        TLS 1.3: the handshake is complete then, and no ticket was sent. TLS 1.2: our Finished is still to come.
        """
        engine = self.engine
        while not self._advance():
            engine.feed(self._receive())
        self._is_secured = True

    def handshake(self, rewrite: Rewrite | None = None, *, sends_last: bool = True) -> None:
        """Make the whole handshake; `rewrite` changes the first flight.

        `sends_last=False` holds back what follows the client's flight: TLS 1.3's tickets, TLS 1.2's Finished.
        """
        self.send_flight(rewrite)
        self.read_client_flight()
        if sends_last:
            self.send_last_flight()

    def send_last_flight(self) -> None:
        """Send what `sends_last=False` held back."""
        self._advance()
        rest = self.engine.output()
        if rest:
            self.send_raw(rest)
        self._is_secured = True

    def alert(self, number: int, *, level: int = _FATAL) -> None:
        """Send an alert, encrypted if keys are in use by now."""
        if self._engine is None:
            self.send_raw(bytes((ContentType.ALERT, 3, 3, 0, 2, level, number)))
        else:
            self.send_record(ContentType.ALERT, bytes((level, number)))

    def close_notify(self) -> None:
        """Say goodbye in TLS; `close()` follows it in TCP."""
        self.alert(0, level=_WARNING)

    def send_record(self, kind: int, content: bytes) -> None:
        """Send any record, encrypted if keys are in use by now."""
        self.send_raw(self.engine.seal(kind, content))

    def send_corrupt(self, content: bytes = b"\0") -> None:
        """Send a record of application data whose authentication tag is wrong."""
        record = self.engine.seal(ContentType.APPLICATION_DATA, content)
        self.send_raw(record[:-1] + bytes((record[-1] ^ 1,)))

    # Inside TLS, or without it if the server has none.

    def send(self, *data: bytes) -> None:
        """Send data to the client: all of it in one record, and one segment if it fits."""
        joined = b"".join(data)
        if self._engine is None:
            self.send_raw(joined)
        else:
            self.send_record(ContentType.APPLICATION_DATA, joined)

    def send_slowly(self, data: bytes, interval_s: float) -> None:
        """Send data one byte at a time."""
        for place in range(len(data)):
            self.send(data[place : place + 1])
            self.wait(interval_s)

    def send_endlessly(self, data: bytes) -> NoReturn:
        """Send the same data again and again until the client leaves."""
        block = data * (16384 // len(data) + 1)
        while True:
            self.send(block)

    def read_packet(self, *expected: PacketType) -> Packet:
        """Return the client's next MQTT packet.

        Raises:
            AssertionError: it is none of the expected types; leaving the server's context raises it in the test.
        """
        while self._unread == len(self.received):
            if not self._is_mqtt:
                raise AssertionError(f"the client sent no MQTT packet: {self._unparsed[:32].hex(' ')}")
            self._pump()
        packet = self.received[self._unread]
        self._unread += 1
        if expected and packet.type not in expected:
            raise AssertionError(f"the client sent {packet.type.name}, not {' or '.join(e.name for e in expected)}")
        return packet

    @property
    def client_certificate(self) -> bytes | None:
        """The client's certificate, DER; None if it sent none."""
        return self.engine.client_certificate()

    # How it works.

    def run(self, script: Callable[[Peer], None]) -> None:
        """Run the script, give the client the last word, and close."""
        try:
            script(self)
            self.stall()
        except Gone:
            pass
        finally:
            self._socket.close()
            self.ended.set()

    def interrupt(self) -> None:
        """Wake the script's thread out of whatever it waits for."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # closed already

    def _leave(self, farewell: str, cause: BaseException | None = None) -> NoReturn:
        if self.farewell is None:
            self.farewell = "over" if self._over.is_set() else farewell
        raise Gone from cause

    def _receive(self) -> bytes:
        """Wait for bytes and keep them; `Gone` at the end."""
        try:
            data = self._socket.recv(65536)
        except OSError as error:
            self._leave("reset", error)
        if not data:
            self._leave("eof")
        self.raw += data
        return data

    def _advance(self) -> bool:
        """Go on with the handshake; if OpenSSL ends it, send its alert and the script is over."""
        try:
            return self.engine.advance()
        except SSL.Error as error:
            self.send_raw(self.engine.output())
            self._leave(f"alert: {_words(error)}", error)

    def _pump(self) -> None:
        """Take the MQTT packets out of what has arrived; wait for more bytes if nothing has."""
        engine = self._engine
        if engine is None:
            self._take(self._receive())
            return
        if self._is_secured and self._decrypt(engine):
            return
        arrived = self._receive()
        if not self._is_answered:
            return
        engine.feed(arrived)
        if not self._is_secured:
            # The script has left the handshake here. What a client sends behind it is still worth knowing.
            with suppress(SSL.Error):
                self._is_secured = engine.advance()
        if self._is_secured:
            self._decrypt(engine)

    def _decrypt(self, engine: TlsEngine) -> bool:
        """Take the data out of what was fed; True if there was any."""
        found = False
        try:
            while (data := engine.read()) is not None:
                self._take(data)
                found = True
        except SSL.ZeroReturnError as error:
            self._leave("close_notify", error)
        except SSL.Error as error:
            self._leave(f"alert: {_words(error)}", error)
        return found

    def _take(self, data: bytes) -> None:
        self.data += data
        self._unparsed += data
        try:
            while (split := split_packet(self._unparsed)) is not None:
                first, body, length = split
                packet = decode(first, body, self.level)
                self._unparsed = self._unparsed[length:]
                self.level = packet.level
                self.received.append(packet)
        except (ValueError, IndexError):
            self._is_mqtt = False  # a ClientHello on a port without TLS, for one


def _words(error: SSL.Error) -> str:
    """OpenSSL's reason, out of its queue of (library, function, reason)."""
    queue = error.args[0] if error.args else ()
    return str(queue[-1][2]) if queue else type(error).__name__
