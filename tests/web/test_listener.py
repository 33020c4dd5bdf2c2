"""Room for so many connections, and for whoever comes next: over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web

from monitor.web.listener import listening
from tests.support.ports import PATIENCE_S

MOST = 4
MUCH = 32 * 1024 * 1024
"""More than the kernel holds for a client that does not read."""
ROOM_FOR_UNREAD = MUCH * 5 // 2


@dataclass
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def get(self, path: str) -> bytes:
        """Return the status line and the body of an answer, on a connection that stays."""
        self.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = next(int(line.split()[1]) for line in head.splitlines() if line.startswith(b"Content-Length"))
            return head.splitlines()[0] + b" " + await self.reader.readexactly(length)

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def ends(self) -> None:
        """Return once the other side has dropped it, whatever came before."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionError:
                pass


class Client:
    """Connects, and closes at the end whatever is left."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connections: list[Connection] = []

    async def connect(self) -> Connection:
        connection = Connection(*await asyncio.open_connection("127.0.0.1", self._port, limit=1024))
        self._connections.append(connection)
        return connection

    async def close(self) -> None:
        for connection in self._connections:
            connection.writer.close()


async def hello(_request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def much(_request: web.Request) -> web.Response:
    return web.Response(body=bytes(MUCH))


class Slow:
    """A handler that answers when the test says so."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.given_up = asyncio.Event()

    async def __call__(self, _request: web.Request) -> web.Response:
        self.begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.given_up.set()
            raise
        return web.Response(text="at last")


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
async def client(slow: Slow) -> AsyncIterator[Client]:
    app = web.Application()
    app.add_routes([web.get("/", hello), web.get("/much", much), web.get("/slow", slow.__call__)])
    async with listening(app, "127.0.0.1", 0, most=MOST, most_unread_bytes=ROOM_FOR_UNREAD) as port:
        client = Client(port)
        yield client
        await client.close()


async def test_connections_that_say_nothing_make_room_in_their_order(client: Client) -> None:
    silent = [await client.connect() for _ in range(MOST)]
    for oldest in silent[:2]:
        assert await (await client.connect()).get("/") == b"HTTP/1.1 200 OK hello"
        await oldest.ends()
    for kept in silent[2:]:
        assert await kept.get("/") == b"HTTP/1.1 200 OK hello"


async def test_connection_that_is_used_stays_however_many_come(client: Client) -> None:
    scraper = await client.connect()
    for _ in range(3 * MOST):
        assert await scraper.get("/") == b"HTTP/1.1 200 OK hello"
        await client.connect()


async def test_answer_under_way_is_cut_off_for_nobody_who_comes(client: Client, slow: Slow) -> None:
    scraper = await client.connect()
    scrape = asyncio.create_task(scraper.get("/slow"))
    await slow.begun.wait()
    for _ in range(3 * MOST):
        assert await (await client.connect()).get("/") == b"HTTP/1.1 200 OK hello"
    slow.may_end.set()
    assert await scrape == b"HTTP/1.1 200 OK at last"
    assert await scraper.get("/") == b"HTTP/1.1 200 OK hello"


async def test_answer_is_not_made_to_its_end_for_a_client_that_left(client: Client, slow: Slow) -> None:
    connection = await client.connect()
    connection.send(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await slow.begun.wait()
    connection.writer.close()
    async with asyncio.timeout(PATIENCE_S):
        await slow.given_up.wait()


async def test_answers_that_nobody_reads_make_room_for_the_next_the_oldest_first(client: Client) -> None:
    deaf = [await client.connect() for _ in range(MOST)]
    for connection in deaf:
        connection.send(b"GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await connection.reader.readuntil(b"\r\n\r\n")
    with pytest.raises(asyncio.IncompleteReadError):
        await deaf[0].reader.readexactly(MUCH)
    async with asyncio.timeout(PATIENCE_S):
        for connection in deaf[-2:]:
            assert await connection.reader.readexactly(MUCH) == bytes(MUCH)


async def test_header_that_never_ends_keeps_nobody_out(client: Client) -> None:
    dripping = [await client.connect() for _ in range(MOST)]
    for connection in dripping:
        connection.send(b"GET / HTTP/1.1\r\nX: ")
    for _ in range(MOST):
        for connection in dripping:
            connection.send(b"y")
        assert await (await client.connect()).get("/") == b"HTTP/1.1 200 OK hello"
    for connection in dripping:
        await connection.ends()


async def test_answer_that_is_not_read_keeps_nobody_out(client: Client) -> None:
    deaf = [await client.connect() for _ in range(MOST)]
    for connection in deaf:
        connection.send(b"GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await connection.reader.readuntil(b"\r\n\r\n")
    for _ in range(MOST):
        assert await (await client.connect()).get("/") == b"HTTP/1.1 200 OK hello"
    for connection in deaf:
        with pytest.raises(asyncio.IncompleteReadError):
            async with asyncio.timeout(PATIENCE_S):
                await connection.reader.readexactly(MUCH)


async def test_end_waits_for_nobody_who_says_nothing() -> None:
    async with asyncio.timeout(PATIENCE_S), listening(web.Application(), "127.0.0.1", 0) as port:
        connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    for reader, writer in connections:
        assert await reader.read() == b""
        writer.close()
