"""Where the routes are served: one port, and room for so many connections.

A client that connects and sends nothing, or a byte a minute, would hold a descriptor for as long as it likes; enough of
them, and probes could open none. Nobody is turned away: the connection that has been without a request for longest
makes room, which a client that keeps one for later does not even notice. One whose answer is being made is not
without a request, however long that takes. Likewise with memory: what nobody reads makes room, the oldest first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp.web_protocol import RequestHandler

MOST_CONNECTIONS = 64
"""Some Prometheus servers, and the browsers of a team. When many come at once, there may be more for a moment."""
MOST_UNREAD_BYTES = 32 * 1024 * 1024
"""Of answers that are made and not taken yet. A thousand brokers have 10 MiB of metrics, uncompressed, at most."""
_GOODBYE_S = 1.0
"""How long a scrape under way may hold up the end."""


@asynccontextmanager
async def listening(
    app: web.Application,
    host: str,
    port: int,
    *,
    most: int = MOST_CONNECTIONS,
    most_unread_bytes: int = MOST_UNREAD_BYTES,
) -> AsyncIterator[int]:
    """Serve the application inside the block; gives the port.

    Args:
        app: not yet used; gets one more middleware.
        host: empty for every interface.
        port: 0 for any.
        most: connections at once.
        most_unread_bytes: of all answers together that their clients have not taken yet; a single one may have more.

    Raises:
        OSError: the address cannot be had.
    """
    # No access log: a scrape every few seconds says nothing, and the lines that matter would drown.
    # Whoever left waits for no answer: else its making would keep those that stay waiting.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GOODBYE_S, handler_cancellation=True)
    room = _Room(most, most_unread_bytes)
    app.middlewares.append(room.served)
    await runner.setup()
    try:
        inner = runner.server
        assert inner is not None
        server = await asyncio.get_running_loop().create_server(lambda: room.admit(inner), host or None, port)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
    finally:
        await runner.cleanup()


class _Room:
    """Who is connected, and who of them was served last."""

    def __init__(self, most: int, most_unread_bytes: int) -> None:
        self._most = most
        self._most_unread_bytes = most_unread_bytes
        self._turns = count()
        self._last_turn: dict[RequestHandler, int] = {}
        """When each connection was made or its last answer was, in turns."""
        self._served: set[RequestHandler] = set()
        """Whose answers are being made."""

    def admit(self, server: web.Server) -> RequestHandler:
        """Return the protocol of a new connection, after making room for it."""
        connected = server.connections
        self._last_turn = {each: turn for each, turn in self._last_turn.items() if each in connected}
        if len(connected) >= self._most:
            _drop(min(connected, key=lambda each: (each in self._served, self._last_turn.get(each, 0))))
        protocol = server()
        self._last_turn[protocol] = next(self._turns)
        return protocol

    @web.middleware
    async def served(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request be answered, and make room for the answer."""
        self._served.add(request.protocol)
        try:
            return await handler(request)
        finally:
            self._served.discard(request.protocol)
            self._last_turn[request.protocol] = next(self._turns)
            self._drop_unread()

    def _drop_unread(self) -> None:
        """Drop those who have taken nothing for longest; not the last: its answer may be larger than all the room."""
        unread = [(each, _unread_bytes(each)) for each in sorted(self._last_turn, key=self._last_turn.__getitem__)]
        unread = [(each, octets) for each, octets in unread if octets]
        held = sum(octets for _, octets in unread)
        for each, octets in unread[:-1]:
            if held <= self._most_unread_bytes:
                break
            _drop(each)
            held -= octets


def _drop(connection: RequestHandler) -> None:
    # Not closed: that would wait for a client that does not read.
    if connection.transport is not None:
        connection.transport.abort()


def _unread_bytes(connection: RequestHandler) -> int:
    return 0 if connection.transport is None else connection.transport.get_write_buffer_size()
