"""An MQTT 3.1.1 broker inside this process, and doors to it. amqtt is behind this module only.

amqtt is given no listeners: each door here accepts its own connections, with its own TLS, and hands them over.
That makes one broker do for any number of doors, and leaves their sockets and tasks to us.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from amqtt.adapters import StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

LOOPBACK = "127.0.0.1"
_HANDSHAKE_S = 10.0
_GOODBYE_S = 1.0
_CONNECT = b"\x10"  # MQTT 3.1.1, 2.2: type 1, reserved flags 0
_LISTENER = "default"  # amqtt demands one of this name

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What a door does with a connection. It may return, raise or be cancelled: the door closes the connection."""


async def never_answer(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Say nothing until the client leaves."""
    while await reader.read(4096):
        pass


@asynccontextmanager
async def mqtt_broker() -> AsyncIterator[Serve]:
    """Run a broker that lets anybody in, and yield what serves it a connection. It logs nothing while it runs."""
    config = BrokerConfig(
        listeners={_LISTENER: ListenerConfig(type=ListenerType.EXTERNAL)},
        plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    )
    with _silenced("amqtt", "transitions"):
        broker = Broker(config)
        await broker.start()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await broker.external_connected(_ConnectFirst(reader), StreamWriterAdapter(writer), _LISTENER)

        try:
            yield serve
        finally:
            await broker.shutdown()


class _ConnectFirst:
    """amqtt's reader, but hangs up on a client whose first byte is not that of CONNECT (MQTT-3.1.0-1).

    amqtt would read lengths out of whatever came, a ClientHello say, and wait for that much.
    """

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._is_first = True

    async def read(self, n: int = -1) -> bytes:
        """Return exactly `n` bytes, or all until the end; IncompleteReadError where there are fewer."""
        data = await (self._reader.read() if n < 0 else self._reader.readexactly(n))
        if self._is_first and not data.startswith(_CONNECT):
            raise ConnectionAbortedError("the first packet is not CONNECT")
        self._is_first = False
        return data

    def feed_eof(self) -> None:
        """End the stream from this side."""
        self._reader.feed_eof()


@dataclass(frozen=True, slots=True)
class Behind:
    """What answers behind a door; in TLS where there is a context."""

    serve: Serve
    context: ssl.SSLContext | None


class Door:
    """A loopback port that can be closed and opened while everything else goes on. It is open from the start.

    Raises:
        OSError: no port is to be had.
    """

    def __init__(self, behind: Behind) -> None:
        self.behind = behind
        """Can be exchanged: whoever comes next meets the new one."""
        self.port = 0
        """The kernel's choice, and from then on the same."""
        self._listener: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.open()

    def open(self) -> None:
        """Listen; nothing happens if it does already.

        Raises:
            OSError: another program took the port meanwhile.
        """
        if self._listener is None:
            self._listener = socket.create_server((LOOPBACK, self.port))
            self._listener.setblocking(False)
            self.port = self._listener.getsockname()[1]
            self._own(self._accept(self._listener))

    async def close(self) -> None:
        """Refuse whoever comes, and end every connection that came through, however far its handshake was."""
        if self._listener is not None:
            listener, self._listener = self._listener, None
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            listener.close()

    async def _accept(self, listener: socket.socket) -> None:
        # asyncio.start_server would own the connections whose handshake is under way, and offers no end to them.
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(listener)
            self._own(_attend(connection, self.behind))

    def _own(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _attend(connection: socket.socket, behind: Behind) -> None:
    context = behind.context
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    # The client may leave at any time, and amqtt lets that through as whatever it met.
    with suppress(OSError, EOFError):
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol,
            connection,
            ssl=context,
            ssl_handshake_timeout=None if context is None else _HANDSHAKE_S,
            ssl_shutdown_timeout=None if context is None else _GOODBYE_S,
        )
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        try:
            await behind.serve(reader, writer)
        finally:
            writer.close()
            await writer.wait_closed()


@contextmanager
def _silenced(*names: str) -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
