"""Fetching over real connections on loopback: what is asked, what is taken, and everything a server can do instead."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from monitor.fetch.exchange import MAX_OCTETS, Request
from monitor.fetch.fault import FetchFault
from monitor.fetch.fetcher import Fetcher
from monitor.model.unavailable import Unavailable
from tests.support.faults import FaultServer, Peer, Script
from tests.support.http_peer import CRL_TYPE, OCSP_TYPE, read_request, response
from tests.support.ports import PATIENCE_S, closed_port, silent_port

OCSP = Request(accept=OCSP_TYPE, content=b"a question", content_type="application/ocsp-request")
CRL = Request(accept=CRL_TYPE, accepts_any_data=True)


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(most_s=PATIENCE_S)
    yield fetcher
    fetcher.close()


@pytest.fixture
async def hasty() -> AsyncIterator[Fetcher]:
    """For servers that would go on for ever."""
    fetcher = Fetcher(most_s=0.2)
    yield fetcher
    fetcher.close()


def answering(*parts: bytes) -> Script:
    """Read the request, send these, and close."""

    def script(peer: Peer) -> None:
        read_request(peer)
        for part in parts:
            peer.send_raw(part)
        peer.close()

    return script


async def ask(fetcher: Fetcher, server: FaultServer, request: Request = OCSP, path: str = "/") -> bytes:
    uri = f"http://{server.host}:{server.port}{path}"
    return await fetcher.fetch(uri, frozenset({(server.host, server.port)}), request)


async def refusal(fetcher: Fetcher, script: Script, request: Request = OCSP) -> FetchFault:
    with FaultServer(script) as server, pytest.raises(FetchFault) as caught:
        await ask(fetcher, server, request)
    assert len(server.peers) == 1
    assert caught.value.detail.isprintable()
    return caught.value


# What is asked, and what is taken


async def test_question_is_posted_and_nothing_of_this_process_goes_along(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://user:secret@127.0.0.1:1/")
    with FaultServer(answering(response(b"an answer", fields=("Set-Cookie: a=b",)))) as server:
        assert await ask(fetcher, server, path="/ocsp?x") == b"an answer"
        assert await ask(fetcher, server, path="/ocsp?x") == b"an answer"
    assert server.peers[0].raw == server.peers[1].raw
    assert (
        server.peers[0].raw
        == (
            f"POST /ocsp?x HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUser-Agent: mqtt-tls-monitor\r\n"
            "Accept: application/ocsp-response\r\nAccept-Encoding: identity\r\nConnection: close\r\n"
            "Content-Type: application/ocsp-request\r\nContent-Length: 10\r\n\r\na question"
        ).encode()
    )


async def test_list_is_had_by_get(fetcher: Fetcher) -> None:
    with FaultServer(answering(response(b"a list", CRL_TYPE))) as server:
        assert await ask(fetcher, server, CRL, "/ca.crl") == b"a list"
    assert server.peers[0].raw.startswith(b"GET /ca.crl HTTP/1.1\r\n")
    assert b"Content-" not in server.peers[0].raw


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(
            (b"HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\nan answer",), id="to the end"
        ),
        pytest.param(
            (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"3\r\nan \r\n",
                b"6;x=y\r\nanswer\r\n0\r\n\r\n",
            ),
            id="in chunks",
        ),
        pytest.param((b"HTTP/1.1 103 Early Hints\r\n\r\n", response(b"an answer")), id="after a hint"),
        pytest.param(tuple(bytes((octet,)) for octet in response(b"an answer")), id="octet by octet"),
        pytest.param((response(b"an answer", f"{OCSP_TYPE}; charset=x"),), id="type with a parameter"),
        pytest.param((response(b"an answer", fields=("Content-Encoding: identity",)),), id="said not to be encoded"),
        pytest.param((response(b"an answer"), b"and more" * 1000), id="with more behind it"),
    ],
)
async def test_every_framing_of_http_is_understood(fetcher: Fetcher, parts: tuple[bytes, ...]) -> None:
    with FaultServer(answering(*parts)) as server:
        assert await ask(fetcher, server) == b"an answer"


@pytest.mark.parametrize("media_type", [CRL_TYPE, "application/x-pkcs7-crl", "application/octet-stream", None])
async def test_list_is_taken_as_whatever_data_a_server_of_files_calls_it(
    fetcher: Fetcher, media_type: str | None
) -> None:
    with FaultServer(answering(response(b"a list", media_type))) as server:
        assert await ask(fetcher, server, CRL) == b"a list"


async def test_largest_content_fits(fetcher: Fetcher) -> None:
    content = b"x" * (MAX_OCTETS - 16_384)
    with FaultServer(answering(response(content, CRL_TYPE))) as server:
        assert await ask(fetcher, server, CRL) == content


async def test_next_address_is_tried_where_the_first_refuses(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(answering(response(b"an answer"))) as server, closed_port("::1") as closed:
        names(monkeypatch, [("::1", closed), ("127.0.0.1", server.port)])
        found = await fetcher.fetch("http://two.test:80/", frozenset({("two.test", 80)}), OCSP)
    assert found == b"an answer"


# What a server can do instead


@pytest.mark.parametrize(
    ("reason", "parts"),
    [
        pytest.param(Unavailable.REDIRECT, (response(b"", status="302 Found"),), id="302"),
        pytest.param(Unavailable.REDIRECT, (b"HTTP/1.1 304 Not Modified\r\n\r\n",), id="304"),
        pytest.param(Unavailable.REDIRECT, (response(b"", status="308 Permanent Redirect"),), id="308"),
        pytest.param(Unavailable.STATUS, (b"HTTP/1.1 204 No Content\r\n\r\n",), id="204"),
        pytest.param(Unavailable.STATUS, (response(b"an answer", status="206 Partial Content"),), id="206"),
        pytest.param(Unavailable.STATUS, (response(b"an answer", status="404 Not Found"),), id="404"),
        pytest.param(Unavailable.STATUS, (response(b"", status="401 x", fields=("WWW-Authenticate: x",)),), id="401"),
        pytest.param(Unavailable.STATUS, (response(b"an answer", status="503 Service Unavailable"),), id="503"),
        pytest.param(Unavailable.CONTENT_TYPE, (response(b"<html>", "text/html"),), id="page"),
        pytest.param(Unavailable.CONTENT_TYPE, (response(b"an answer", CRL_TYPE),), id="list"),
        pytest.param(Unavailable.CONTENT_TYPE, (response(b"an answer", None),), id="no type"),
        pytest.param(
            Unavailable.CONTENT_TYPE,
            (response(b"an answer", fields=("Content-Type: text/html",)),),
            id="two types",
        ),
        pytest.param(
            Unavailable.ENCODING,
            (response(gzip.compress(b"0" * 1_000_000), fields=("Content-Encoding: gzip",)),),
            id="gzip",
        ),
        pytest.param(
            Unavailable.ENCODING, (response(b"x", fields=("Content-Encoding: identity, br",)),), id="two encodings"
        ),
        pytest.param(Unavailable.TOO_LARGE, (response(b"x", length=MAX_OCTETS + 1),), id="announces too much"),
        pytest.param(Unavailable.TOO_LARGE, (response(b"x", length=10**19),), id="announces absurdly much"),
        pytest.param(Unavailable.PROTOCOL, (response(b"an answer", length=100),), id="sends less than announced"),
        pytest.param(Unavailable.PROTOCOL, (response(b"x", fields=("Content-Length: 5",)),), id="two lengths"),
        pytest.param(Unavailable.PROTOCOL, (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",), id="negative length"),
        pytest.param(
            Unavailable.PROTOCOL,
            (b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nTransfer-Encoding: gzip\r\n\r\n",),
            id="another transfer encoding",
        ),
        pytest.param(
            Unavailable.PROTOCOL,
            (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"fffffffffffffffffffffffff\r\nx",
            ),
            id="absurd chunk",
        ),
        pytest.param(
            Unavailable.PROTOCOL, (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",), id="another protocol"
        ),
        pytest.param(Unavailable.PROTOCOL, (b"HTTP/1.1 200 OK\r\nA: b",), id="half a head"),
        pytest.param(Unavailable.PROTOCOL, (b"\x15\x03\x03\x00\x02\x02\x46",), id="TLS"),
        pytest.param(Unavailable.PROTOCOL, (bytes(range(256)) * 256,), id="garbage"),
        pytest.param(Unavailable.PROTOCOL, (b"220 mail ESMTP\r\n",), id="another greeting"),
        pytest.param(Unavailable.PROTOCOL, (), id="nothing"),
    ],
)
async def test_anything_but_the_content_asked_for_is_a_reason(
    fetcher: Fetcher, reason: Unavailable, parts: tuple[bytes, ...]
) -> None:
    assert (await refusal(fetcher, answering(*parts))).reason is reason


async def test_page_is_no_list(fetcher: Fetcher) -> None:
    fault = await refusal(fetcher, answering(response(b"<html>", "Text/HTML; charset=utf-8")), CRL)
    assert (fault.reason, fault.detail) == (Unavailable.CONTENT_TYPE, "the content is text/html")


async def test_what_a_server_writes_is_shortened_and_shown_on_one_line(fetcher: Fetcher) -> None:
    fault = await refusal(fetcher, answering(response(b"x", "a\x85\xa0" * 1000)))
    assert fault.reason is Unavailable.CONTENT_TYPE
    assert len(fault.detail) < 256


async def test_redirect_to_another_host_is_not_followed(fetcher: Fetcher) -> None:
    with FaultServer(answering(response(b"an answer"))) as other:
        target = f"Location: http://127.0.0.1:{other.port}/"
        fault = await refusal(fetcher, answering(response(b"", status="301 Moved", fields=(target,))))
    assert fault.reason is Unavailable.REDIRECT
    assert other.peers == []


@pytest.mark.parametrize("head", ["X-{}: y\r\n", "X: {}\r\n", "HTTP/1.1 100 Continue\r\n\r\n"])
async def test_head_that_never_ends_is_cut_off(fetcher: Fetcher, head: str) -> None:
    def script(peer: Peer) -> None:
        read_request(peer)
        if not head.startswith("HTTP"):
            peer.send_raw(b"HTTP/1.1 200 OK\r\n")
        peer.flood(head.format("z" * 100).encode())

    assert (await refusal(fetcher, script)).reason in {Unavailable.PROTOCOL, Unavailable.TOO_LARGE}


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_content_that_never_ends_is_cut_off(fetcher: Fetcher, head: bytes) -> None:
    def script(peer: Peer) -> None:
        read_request(peer)
        peer.send_raw(head)
        peer.flood(b"400\r\n" + b"x" * 1024 + b"\r\n")

    assert (await refusal(fetcher, script)).reason is Unavailable.TOO_LARGE


async def test_chunk_for_every_octet_is_cut_off(fetcher: Fetcher) -> None:
    def script(peer: Peer) -> None:
        read_request(peer)
        peer.send_raw(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        peer.flood(b"1\r\nx\r\n")

    fault = await refusal(fetcher, script)
    assert (fault.reason, fault.detail) == (Unavailable.PROTOCOL, "more than 16384 pieces")


async def test_server_that_sends_fast_leaves_others_their_turn(fetcher: Fetcher) -> None:
    with FaultServer(answering(response(b"x" * 1_000_000, CRL_TYPE))) as server:
        fetching = asyncio.create_task(ask(fetcher, server, CRL))
        turns = 0
        while not fetching.done():
            await asyncio.sleep(0)
            turns += 1
    assert len(await fetching) == 1_000_000
    assert turns > 200


def drip(peer: Peer) -> None:
    read_request(peer)
    peer.drip(response(b"x" * 100_000), 0.02)


def stall(peer: Peer) -> None:
    peer.stall()


def stall_within(peer: Peer) -> None:
    read_request(peer)
    peer.send_raw(response(b"half", length=8))
    peer.stall()


def read_nothing(peer: Peer) -> None:
    peer.freeze()


@pytest.mark.parametrize("script", [drip, stall, stall_within])
async def test_server_that_keeps_one_waiting_is_left(hasty: Fetcher, script: Script) -> None:
    with FaultServer(script) as server:
        with pytest.raises(FetchFault) as caught:
            await ask(hasty, server)
        server.wait_until_left()
    assert caught.value.reason is Unavailable.TIMEOUT


async def test_server_that_reads_nothing_is_left(hasty: Fetcher) -> None:
    large = Request(accept=OCSP_TYPE, content=b"x" * 20_000_000, content_type="application/ocsp-request")
    assert (await refusal(hasty, read_nothing, large)).reason is Unavailable.TIMEOUT


async def test_reset_is_a_broken_connection(fetcher: Fetcher) -> None:
    def script(peer: Peer) -> None:
        read_request(peer)
        peer.reset()

    fault = await refusal(fetcher, script)
    assert (fault.reason, fault.detail) == (Unavailable.PROTOCOL, "the connection broke: Connection reset by peer")


async def test_port_that_refuses_is_told(fetcher: Fetcher) -> None:
    with closed_port() as port, pytest.raises(FetchFault) as caught:
        await fetcher.fetch(f"http://127.0.0.1:{port}/", frozenset({("127.0.0.1", port)}), OCSP)
    assert (caught.value.reason, caught.value.detail) == (Unavailable.CONNECT, "127.0.0.1: Connection refused")


async def test_port_that_answers_nothing_is_left(hasty: Fetcher) -> None:
    with silent_port() as port, pytest.raises(FetchFault) as caught:
        await hasty.fetch(f"http://127.0.0.1:{port}/", frozenset({("127.0.0.1", port)}), OCSP)
    assert caught.value.reason is Unavailable.TIMEOUT


async def test_cancelling_closes_the_connection(fetcher: Fetcher) -> None:
    with FaultServer(stall) as server:
        task = asyncio.create_task(ask(fetcher, server))
        async with asyncio.timeout(PATIENCE_S):
            while not (server.peers and server.peers[0].raw):
                await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.wait_until_left()


# Where a name may lead


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[tuple[str, int]]) -> list[str]:
    """Let the system's resolver give these answers, the last one for good; return whom it was asked for."""
    system = socket.getaddrinfo
    asked: list[str] = []

    def lookup(host: bytes, port: int, **options: int) -> object:
        if options.get("flags"):
            return system(host, port, **options)
        asked.append(host.decode())
        return [
            system(address, to, type=socket.SOCK_STREAM)[0]
            for address, to in answers[min(len(asked), len(answers)) - 1]
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


@contextmanager
def trap() -> Iterator[FaultServer]:
    """A server on loopback whom nobody may reach."""
    with FaultServer(answering(response(b"the inside"))) as server:
        yield server
        assert server.peers == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0",
        "169.254.169.254",
        "10.1.2.3",
        "100.64.0.1",
        "224.0.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::7f00:1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[ff02::1]",
    ],
)
async def test_address_that_is_not_public_is_refused_before_anything_is_sent(
    fetcher: Fetcher, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = sockets(monkeypatch)
    with pytest.raises(FetchFault) as caught:
        await fetcher.fetch(f"http://{host}/latest/meta-data/", frozenset(), OCSP)
    assert caught.value.reason is Unavailable.ADDRESS
    assert opened == []


def sockets(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Note every socket that the exchange opens."""
    opened: list[object] = []

    class Noted(socket.socket):
        def __init__(self, *arguments: int) -> None:
            opened.append(arguments)
            super().__init__(*arguments)

    monkeypatch.setattr("monitor.fetch.exchange.socket.socket", Noted)
    return opened


@pytest.mark.parametrize("inside", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "100.64.0.1"])
@pytest.mark.parametrize("is_first", [True, False])
async def test_one_inside_address_among_public_ones_is_enough_to_refuse(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, inside: str, is_first: bool
) -> None:
    public = [("1.1.1.1", 80), ("2606:4700::1111", 80)]
    asked = names(monkeypatch, [(inside, 80), *public] if is_first else [*public, (inside, 80)])
    opened = sockets(monkeypatch)
    with pytest.raises(FetchFault) as caught:
        await fetcher.fetch("http://mixed.test/", frozenset(), OCSP)
    assert caught.value.reason is Unavailable.ADDRESS
    assert (asked, opened) == (["mixed.test"], [])


async def test_name_that_would_mean_something_else_a_moment_later_is_not_asked_again(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultServer(answering(response(b"an answer"))) as server, trap() as inside:
        asked = names(monkeypatch, [("127.0.0.1", server.port)], [("127.0.0.1", inside.port)])
        assert await fetcher.fetch("http://turning.test/", frozenset({("turning.test", 80)}), OCSP) == b"an answer"
    assert asked == ["turning.test"]


async def test_configured_host_and_port_may_be_inside_and_its_other_ports_may_not(fetcher: Fetcher) -> None:
    with trap() as other:
        with FaultServer(answering(response(b"an answer"))) as server:
            allowed = frozenset({("localhost", server.port), ("127.0.0.1", server.port)})
            assert await fetcher.fetch(f"http://localhost:{server.port}/", allowed, OCSP) == b"an answer"
            assert await fetcher.fetch(f"http://127.0.0.1:{server.port}/", allowed, OCSP) == b"an answer"
        for host in ("localhost", "127.0.0.1"):
            with pytest.raises(FetchFault) as caught:
                await fetcher.fetch(f"http://{host}:{other.port}/", allowed, OCSP)
            assert caught.value.reason is Unavailable.PORT


async def test_name_without_address_is_told(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(FetchFault) as caught:
        await fetcher.fetch("http://nonexistent.invalid/", frozenset(), OCSP)
    assert caught.value.reason is Unavailable.RESOLVE
    assert "nonexistent.invalid" in caught.value.detail
