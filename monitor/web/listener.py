"""Where the routes are served: one port, and room for so many connections.

A client that connects and sends nothing, or a byte a minute, would hold a descriptor for as long as it likes; enough of
them, and probes could open none. Nobody is turned away: the connection that has been without a request for longest
makes room, which a client that keeps one for later does not even notice.
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
_GOODBYE_S = 1.0
"""How long a scrape under way may hold up the end."""


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int, *, most: int = MOST_CONNECTIONS) -> AsyncIterator[int]:
    """Serve the application inside the block; gives the port.

    Args:
        app: not yet used; gets one more middleware.
        host: empty for every interface.
        port: 0 for any.
        most: connections at once.

    Raises:
        OSError: the address cannot be had.
    """
    # No access log: a scrape every few seconds says nothing, and the lines that matter would drown.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GOODBYE_S)
    room = _Room(most)
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

    def __init__(self, most: int) -> None:
        self._most = most
        self._turns = count()
        self._last_turn: dict[RequestHandler, int] = {}
        """When each connection was made or had a request, in turns."""

    def admit(self, server: web.Server) -> RequestHandler:
        """Return the protocol of a new connection, after making room for it."""
        connected = server.connections
        self._last_turn = {each: turn for each, turn in self._last_turn.items() if each in connected}
        if len(connected) >= self._most:
            oldest = min(connected, key=lambda each: self._last_turn.get(each, 0))
            # Not closed: that would wait for a client that does not read.
            if oldest.transport is not None:
                oldest.transport.abort()
        protocol = server()
        self._last_turn[protocol] = next(self._turns)
        return protocol

    @web.middleware
    async def served(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request be answered, and remember whose it was."""
        self._last_turn[request.protocol] = next(self._turns)
        return await handler(request)
