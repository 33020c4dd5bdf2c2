"""One HTTP exchange over one connection to one address: the request out, at most a bounded response in.

The framing of HTTP/1.1 is h11's, which does no I/O of its own; the socket is ours, and is connected to the address that
was looked at. There is nothing here that could resolve, redirect, authenticate, decompress, or keep a cookie.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import h11

from monitor.fetch.fault import FetchFault
from monitor.fetch.location import Location
from monitor.model.unavailable import Unavailable
from monitor.probe.resolve import Address

MAX_OCTETS: Final = 10 * 1024 * 1024
"""Of all that one server sends in answer to one request, framing included."""

# Little, since what is read is parsed at one go on the event loop.
_READ_OCTETS: Final = 4_096
# Of the response's head, with whatever interim responses come before it.
_MAX_HEAD_OCTETS: Final = 16_384
# Chunks and reads. Servers send kilobytes in a chunk; a chunk for every octet would be work without end.
_MAX_PIECES: Final = 16_384
_MAX_ADDRESSES: Final = 4
_NEXT_ADDRESS_AFTER_S: Final = 1.0
_MAX_DETAIL: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask, and as what the answer must come."""

    accept: str
    """A media type."""
    accepts_any_data: bool = False
    """Take every other media type but text as well: servers of files do not know all types."""
    content: bytes | None = None
    """Posted; None for GET."""
    content_type: str = ""


async def exchange(addresses: Sequence[Address], location: Location, request: Request) -> bytes:
    """Return the content of a response with status 200. The caller bounds the time, by cancelling.

    Args:
        addresses: at least one; the first ones are tried in order until one accepts the connection.
        location: for the request line and the Host field alone.
        request: what to ask.

    Raises:
        FetchFault: there is no such content.
    """
    with await _connect(addresses) as connection:
        loop = asyncio.get_running_loop()
        try:
            http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_OCTETS)
            await loop.sock_sendall(connection, _written(http, location, request))
            return await _content(http, connection, request)
        except OSError as error:
            raise FetchFault(Unavailable.PROTOCOL, f"the connection broke: {_words(error)}") from None
        except h11.RemoteProtocolError as error:
            raise FetchFault(Unavailable.PROTOCOL, _shown(str(error))) from None


async def _connect(addresses: Sequence[Address]) -> socket.socket:
    loop = asyncio.get_running_loop()
    failures = []
    tried = addresses[:_MAX_ADDRESSES]
    for address in tried:
        connection = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            async with asyncio.timeout(None if address == tried[-1] else _NEXT_ADDRESS_AFTER_S):
                await loop.sock_connect(connection, address.socket_address)
        except OSError as error:
            connection.close()
            failures.append(f"{address.text}: {_words(error)}")
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise FetchFault(Unavailable.CONNECT, "; ".join(failures)[:_MAX_DETAIL])


def _written(http: h11.Connection, location: Location, request: Request) -> bytes:
    fields = [
        ("Host", location.authority),
        ("User-Agent", "mqtt-tls-monitor"),
        ("Accept", request.accept),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]
    if request.content is not None:
        fields += [("Content-Type", request.content_type), ("Content-Length", str(len(request.content)))]
    method = "GET" if request.content is None else "POST"
    events: list[h11.Event] = [h11.Request(method=method, target=location.target, headers=fields)]
    if request.content:
        events.append(h11.Data(data=request.content))
    events.append(h11.EndOfMessage())
    return b"".join(http.send(event) or b"" for event in events)


async def _content(http: h11.Connection, connection: socket.socket, request: Request) -> bytes:
    content = bytearray()
    received = pieces = 0
    most = _MAX_HEAD_OCTETS
    while True:
        match http.next_event():
            case h11.NEED_DATA:
                if received > most:
                    raise FetchFault(Unavailable.TOO_LARGE, f"more than {most} octets")
                data = await _read(connection)
                received += len(data)
                if not received:
                    raise FetchFault(Unavailable.PROTOCOL, "the connection was closed without an answer")
                http.receive_data(data)
            case h11.InformationalResponse():
                continue
            case h11.Response() as response:
                _check(response, request)
                most = MAX_OCTETS
            case h11.Data(data=data):
                content += data
                pieces += 1
                if pieces > _MAX_PIECES:
                    raise FetchFault(Unavailable.PROTOCOL, f"more than {_MAX_PIECES} pieces")
            case h11.EndOfMessage():
                return bytes(content)
            case event:
                raise FetchFault(Unavailable.PROTOCOL, f"not a response: {_shown(str(event))}")


async def _read(connection: socket.socket) -> bytes:
    # What has arrived already is had without a wait: a server that sends fast would leave nobody else a turn.
    await asyncio.sleep(0)
    return await asyncio.get_running_loop().sock_recv(connection, _READ_OCTETS)


def _check(response: h11.Response, request: Request) -> None:
    status = response.status_code
    if 300 <= status < 400:
        raise FetchFault(Unavailable.REDIRECT, f"HTTP status {status}; redirects are not followed")
    if status != 200:
        raise FetchFault(Unavailable.STATUS, f"HTTP status {status}")
    encoding = _field(response, b"content-encoding").lower()
    if encoding not in {"", "identity"}:
        raise FetchFault(Unavailable.ENCODING, f"the content is encoded as {_shown(encoding)}")
    media_type = _field(response, b"content-type").partition(";")[0].strip().lower()
    is_data = request.accepts_any_data and not media_type.startswith("text/")
    if media_type != request.accept and not is_data:
        raise FetchFault(Unavailable.CONTENT_TYPE, f"the content is {_shown(media_type) or 'of no type'}")
    # h11 has refused lengths that contradict each other, and what is no number.
    length = _field(response, b"content-length")
    if length and int(length) > MAX_OCTETS:
        raise FetchFault(Unavailable.TOO_LARGE, f"{_shown(length)} octets are announced")


def _field(response: h11.Response, name: bytes) -> str:
    # Several fields of one name are one list (RFC 9110 5.3).
    return ", ".join(value.decode("latin-1") for key, value in response.headers if key == name)


def _words(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else "no answer"


def _shown(text: str) -> str:
    """Return what a stranger wrote for a line of a log."""
    return "".join(character if character.isprintable() else "?" for character in text[:_MAX_DETAIL])
