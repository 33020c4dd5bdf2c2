"""One ClientHello of our own over a fresh connection, and the server's first words in answer."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress

from monitor.model.broker import TlsVersion
from monitor.wire.ending import ConnectionEnded
from monitor.wire.hello import (
    RANDOM_BYTES,
    VERSIONS,
    Alert,
    ServerHello,
    client_hello,
    close_notify,
    read_answer,
    read_certificates,
)
from monitor.wire.tcp import TcpConnection


class HungUp(Exception):  # noqa: N818 - how a peer answers is data; this carries it to whoever asked
    """The server ended the stream without a word."""


async def say_hello(
    tcp: TcpConnection,
    version: TlsVersion,
    suites: Collection[int],
    *,
    server_name: str | None,
    with_certificates: bool = False,
) -> tuple[ServerHello | Alert, tuple[bytes, ...] | None]:
    """Send a ClientHello; return the answer, and what certificates (DER) came with it if they are wanted.

    The connection is good for nothing afterwards; closing it is the caller's.

    Args:
        tcp: nothing was sent on it.
        version: the newest that is offered; 1.2 at most.
        suites: what is offered, most wanted first.
        server_name: SNI; None for none.
        with_certificates: whether to wait for them.

    Raises:
        HungUp: no answer.
        ConnectionEnded: the connection broke.
        ValueError: what came is no answer to what was offered; the text says why.
    """
    tcp.send(client_hello(version, tuple(suites), server_name=server_name, random=os.urandom(RANDOM_BYTES)))
    heard = await _more(tcp, b"")  # a few hundred bytes were sent: a fresh connection takes them at once
    while (answer := read_answer(heard)) is None:
        heard = await _more(tcp, heard)
    if isinstance(answer, Alert):
        return answer, None
    certificates = None
    if with_certificates:
        while (certificates := read_certificates(heard)) is None:
            heard = await _more(tcp, heard)
    with suppress(ConnectionEnded):
        tcp.send(close_notify(answer.version))
        tcp.finish_sending()
    if answer.suite not in suites or answer.version > VERSIONS[version]:
        raise ValueError("the broker chose what was not offered")
    return answer, certificates


async def _more(tcp: TcpConnection, heard: bytes) -> bytes:
    """Return what was heard with what comes next."""
    await tcp.readable()
    arrived = tcp.receive()
    if arrived is None:
        return heard
    data, _ = arrived
    if data:
        return heard + data
    if heard:
        raise ValueError("the broker hung up in its answer")
    raise HungUp("the broker hung up without a word")
