"""A TLS connection on the event loop: pumps bytes between socket and engine, keeps time, and ends with a cause.

The channel owns its descriptor's reader and writer until `close`; nobody else registers any. Everything that
can go wrong arrives as the result of `ended`, so one future is all that anyone has to watch.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from monitor.wire.clock import Stamp, Waits
from monitor.wire.ending import ConnectionEnded, End, Ending
from monitor.wire.engine import TlsEngine
from monitor.wire.records import ClientFlight
from monitor.wire.tcp import TcpConnection

# The largest honest handshake: OpenSSL's own limit for a chain is 100 KiB, and every record adds a little.
MAX_HANDSHAKE_BYTES = 256 * 1024

GOODBYE_S = 0.5
"""How long a peer may take to close after us. Its session tickets and its FIN are under way already."""

log = logging.getLogger(__name__)

Receiver = Callable[[bytes, Stamp], None]


class Channel:
    """One connection, from connected TCP on."""

    def __init__(self, tcp: TcpConnection, engine: TlsEngine) -> None:
        self.engine = engine
        self.waits = Waits()
        """Of the handshake."""
        self.client_flight: ClientFlight | None = None
        """Our answer to the server's flight; None until there is one."""
        self.is_held = False
        self._tcp = tcp
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Ending] = self._loop.create_future()
        self._handshake: asyncio.Future[None] | None = None
        self._hold = False
        self._held = b""
        self._receiver: Receiver | None = None
        self._early: list[tuple[bytes, Stamp]] = []
        self._budget = 0
        self._outbox = b""
        self._send_failure: Ending | None = None
        self._received: Stamp | None = None
        self._last_send = 0.0
        self._is_open = True
        self._said_goodbye = False
        self._loop.add_reader(tcp.fd, self._readable)

    async def handshake(self, *, hold_certificate: bool) -> None:
        """Do the handshake. With `hold_certificate`, stop before a client certificate is sent; see `is_held`.

        Raises:
            ConnectionEnded: it cannot be completed.
        """
        self._hold = hold_certificate
        self.allow(MAX_HANDSHAKE_BYTES)
        await self._handshake_step(self._advance)

    async def release(self) -> None:
        """Send the held flight and complete the handshake.

        Raises:
            ConnectionEnded: it cannot be completed.
        """
        if self.ended.done():
            raise ConnectionEnded(self.ended.result())  # what was held has not left
        self._hold = self.is_held = False
        held, self._held = self._held, b""

        def send_held() -> None:
            self._send(held)
            if self.engine.is_complete:
                self._finish_handshake()
                if self._received is not None:
                    self._deliver(self._received)  # what came while we held
            else:
                self.waits.begin(self._last_send)
                self._advance()

        await self._handshake_step(send_held)

    def deliver_to(self, receiver: Receiver) -> None:
        """Hand every piece of plaintext, with its arrival, to `receiver`, beginning with what has come already."""
        self._receiver = receiver
        early, self._early = self._early, []
        for plaintext, stamp in early:
            receiver(plaintext, stamp)

    def allow(self, byte_count: int) -> None:
        """Let the peer send this much (ciphertext) from now on; more is an ending."""
        self._budget = byte_count

    def send(self, plaintext: bytes) -> float:
        """Encrypt and send; what the kernel does not take at once follows by itself.

        Returns:
            The moment just before the kernel got it, on the monotonic clock.

        Raises:
            ConnectionEnded: the connection has ended.
        """
        if self.ended.done():
            raise ConnectionEnded(self.ended.result())
        self.engine.write(plaintext)
        self._send(self.engine.take())
        return self._last_send

    def end(self, ending: Ending) -> None:
        """Declare the connection ended; the first ending counts."""
        if not self.ended.done():
            self.ended.set_result(ending)
        if self._handshake is not None and not self._handshake.done():
            self._handshake.set_exception(ConnectionEnded(self.ended.result()))
        self._stop_watching()

    def say_goodbye(self) -> None:
        """Send close_notify; in the middle of a handshake, FIN. Nothing happens if the connection has ended."""
        if self._said_goodbye or self.ended.done():
            return
        self._said_goodbye = True
        self._receiver = None
        self.engine.close_notify()
        try:
            self._send(self.engine.take())
        except ConnectionEnded as ended:
            self.end(ended.ending)
        else:
            # Behind a close_notify, FIN comes with `close`: Erlang's stack (EMQX, RabbitMQ) now and then crashes its
            # reader when both come at once, and says so in the broker's log.
            if not self.engine.is_complete:
                self._finish_sending()

    async def peer_closed(self, patience_s: float) -> None:
        """Wait for the peer to close too, at most `patience_s`.

        Without the wait, late bytes of the peer (session tickets) would meet a closed socket, and our RST would be an
        error line in the broker's log.
        """
        if self._said_goodbye and not self.ended.done():
            await asyncio.wait((self.ended,), timeout=patience_s)

    def close(self) -> None:
        """Give the descriptor back. Nothing of this channel remains in the event loop afterwards."""
        if self._is_open:
            self._is_open = False
            self._stop_watching()
            self._tcp.close()
            if not self.ended.done():
                self.ended.cancel()

    async def _handshake_step(self, start: Callable[[], None]) -> None:
        if self.ended.done():
            raise ConnectionEnded(self.ended.result())
        self._handshake = self._loop.create_future()
        try:
            start()
            await self._handshake
        except ConnectionEnded as ended:
            self.end(ended.ending)
            raise
        finally:
            if self._handshake.done() and not self._handshake.cancelled():
                self._handshake.exception()  # seen, whoever raised it first
            self._handshake = None

    def _advance(self) -> None:
        complete = self.engine.handshake()
        flight = self.engine.take()
        if self._received is not None and (complete or flight):
            self.waits.end(self._received)  # the peer's flight was whole
            if flight:
                self.client_flight = self.engine.client_flight(flight)
        if self._hold and self.client_flight is not None and self.client_flight.has_certificate:
            self._held = flight
            self.is_held = True
        elif flight:
            self._send(flight)
            if not complete:
                self.waits.begin(self._last_send)
        if complete or self.is_held:
            self._finish_handshake()

    def _finish_handshake(self) -> None:
        if self._handshake is not None and not self._handshake.done():
            self._handshake.set_result(None)

    def _readable(self) -> None:
        try:
            arrived = self._tcp.receive()
            if arrived is None:
                return
            data, stamp = arrived
            if not data:
                # After a send has taken the error of a reset, the kernel shows but the end of the stream.
                raise ConnectionEnded(self._send_failure or self._end_of_stream())  # noqa: TRY301
            self._received = stamp
            self._budget -= len(data)
            if self._budget < 0:
                detail = "the peer sent more than any honest peer would"
                raise ConnectionEnded(Ending(end=End.TOO_MUCH_DATA, detail=detail))  # noqa: TRY301
            self.engine.feed(data)
            if self.is_held:
                return  # our flight is not sent yet: whatever this is, it can wait
            if not self.engine.is_complete:
                self._advance()
            if self.engine.is_complete:
                self._deliver(self._received)
        except ConnectionEnded as ended:
            self._send_own_alert()
            self.end(ended.ending)
        except Exception:
            # Left to the event loop, it would come again as long as there is something to read.
            log.exception("internal error while reading from a peer")
            self.end(Ending(end=End.OUR_FAULT, detail="a fault of the monitor itself; its log has the traceback"))

    def _end_of_stream(self) -> Ending:
        # Who hangs up without a byte may never have been a TLS server: worth saying.
        how = "before it sent a single byte" if self._received is None else "without a TLS alert"
        return Ending(end=End.EOF, detail=f"closed by the peer {how}")

    def _deliver(self, stamp: Stamp) -> None:
        plaintext = b""
        try:
            # Until nothing is left: an ending in the same segment must not wait for the next one.
            while piece := self.engine.read():
                plaintext += piece
        finally:
            # In one piece, as it shares one stamp; and before the ending, if that came with it.
            if plaintext and self._receiver is not None:
                self._receiver(plaintext, stamp)
            elif plaintext and not self._said_goodbye:
                self._early.append((plaintext, stamp))

    def _send(self, data: bytes) -> None:
        self._last_send = time.monotonic()
        if self._outbox:
            self._outbox += data
        else:
            self._flush(data)

    def _flush(self, data: bytes) -> None:
        try:
            self._outbox = data[self._tcp.send(data) :]
        except ConnectionEnded as ended:
            # After a reset the peer's alert may still be readable, and says more.
            self._send_failure = ended.ending
            self._drain()
            raise ConnectionEnded(self.ended.result() if self.ended.done() else ended.ending) from None
        if self._outbox:
            self._loop.add_writer(self._tcp.fd, self._writable)

    def _writable(self) -> None:
        self._loop.remove_writer(self._tcp.fd)
        try:
            self._flush(self._outbox)
        except ConnectionEnded as ended:
            self.end(ended.ending)
        else:
            if self._said_goodbye and not self.engine.is_complete:
                self._finish_sending()

    def _finish_sending(self) -> None:
        if not self._outbox:  # else when it is sent
            self._tcp.finish_sending()

    def _drain(self) -> None:
        for _ in range(8):
            if self.ended.done():
                return
            self._readable()

    def _send_own_alert(self) -> None:
        # OpenSSL has put the alert that it owes the peer into the outgoing BIO; deliver it if that costs nothing.
        alert = self.engine.take()
        if alert and not self._outbox:
            try:
                self._tcp.send(alert)
            except ConnectionEnded:
                return

    def _stop_watching(self) -> None:
        if self._tcp.fd >= 0:
            self._loop.remove_reader(self._tcp.fd)
            self._loop.remove_writer(self._tcp.fd)

    @property
    def sent_flight(self) -> ClientFlight | None:
        """Our answer to the server's flight once it has left; None while it is held."""
        return None if self.is_held else self.client_flight

    @property
    def heard_after_handshake(self) -> bool:
        """Whether the peer sent anything after the handshake but its ending: then it has accepted our certificate.

        A TLS 1.3 server judges the client's certificate before it sends a session ticket (RFC 8446 4.6.1).
        """
        goodbyes = 0
        if self.ended.done() and self.ended.result().end in {End.ALERT, End.CLOSE_NOTIFY, End.TLS_ERROR}:
            goodbyes = 1
        return self.engine.records_after_handshake > goodbyes
