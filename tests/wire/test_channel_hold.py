"""Holding a client certificate back until the broker is accepted."""

from __future__ import annotations

import asyncio

import pytest

from monitor.model.broker import TlsVersion
from monitor.wire.channel import Channel
from monitor.wire.ending import ConnectionEnded, End
from monitor.wire.engine import TlsEngine
from tests.support import tls_engine
from tests.support.pki import TestPki
from tests.support.ports import PATIENCE_S
from tests.support.tls_engine import ServerTls
from tests.support.tls_peer import LoopbackPeer, handshake_with, loopback_channel, loopback_pair, server_context
from tests.support.tls_records import ContentType

VERSIONS = [TlsVersion.V1_2, TlsVersion.V1_3]


def _certificate_received(peer: LoopbackPeer) -> object:
    return peer.tls.connection.get_peer_certificate(as_cryptography=True)


async def _release(channel: Channel, peer: LoopbackPeer) -> None:
    task = asyncio.create_task(channel.release())
    await peer.pump_until(task.done)
    task.result()
    await peer.pump_until(lambda: peer.tls.is_complete)


async def _ended(channel: Channel) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.wait((channel.ended,))


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_certificate_leaves_with_the_release_and_not_before(pki: TestPki, version: TlsVersion) -> None:
    context = server_context(*pki.chain, version=version, demands_certificate=True)
    async with loopback_channel(TlsEngine(server_name=None, identity=pki.client_identity), context) as (channel, peer):
        await handshake_with(channel, peer, hold_certificate=True)
        assert channel.is_held
        assert channel.client_flight is not None
        assert channel.client_flight.has_certificate
        assert channel.sent_flight is None
        assert channel.engine.served().chain == (pki.leaf.der, pki.intermediate.der)
        before = len(peer.received)
        for _ in range(20):
            peer.pump()
            await asyncio.sleep(0)
        assert len(peer.received) == before  # the ClientHello is all that ever came
        assert _certificate_received(peer) is None
        await _release(channel, peer)
        assert _certificate_received(peer) == pki.client.certificate
        assert not channel.is_held
        assert channel.sent_flight is channel.client_flight
        assert channel.engine.is_complete


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("has_identity", [True, False])
async def test_without_a_certificate_to_send_nothing_is_held(
    pki: TestPki, version: TlsVersion, has_identity: bool
) -> None:
    context = server_context(*pki.chain, version=version, asks_for_certificate=not has_identity)
    engine = TlsEngine(server_name=None, identity=pki.client_identity if has_identity else None)
    async with loopback_channel(engine, context) as (channel, peer):
        await handshake_with(channel, peer, hold_certificate=True)
        assert not channel.is_held
        assert channel.engine.is_complete


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_time_between_hold_and_release_is_not_the_brokers(pki: TestPki, version: TlsVersion) -> None:
    context = server_context(*pki.chain, version=version, demands_certificate=True)
    async with loopback_channel(TlsEngine(server_name=None, identity=pki.client_identity), context) as (channel, peer):
        await handshake_with(channel, peer, hold_certificate=True)
        held = channel.waits.elapsed_s
        assert held > 0
        await asyncio.sleep(0.01)
        assert channel.waits.elapsed_s == held
        await _release(channel, peer)
        assert channel.waits.elapsed_s > held if version is TlsVersion.V1_2 else channel.waits.elapsed_s == held


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_held_certificate_of_a_connection_that_has_ended_never_leaves(
    pki: TestPki, version: TlsVersion
) -> None:
    context = server_context(*pki.chain, version=version, demands_certificate=True)
    async with loopback_channel(TlsEngine(server_name=None, identity=pki.client_identity), context) as (channel, peer):
        await handshake_with(channel, peer, hold_certificate=True)
        peer.socket.close()
        await _ended(channel)
        with pytest.raises(ConnectionEnded) as caught:
            await channel.release()
        assert caught.value.ending.end is End.EOF
        assert channel.sent_flight is None  # nobody may say that the broker has refused it


@pytest.mark.parametrize("content", [(ContentType.APPLICATION_DATA, b"early"), (ContentType.ALERT, b"\2\x50")])
async def test_what_came_while_held_is_taken_with_the_release(pki: TestPki, content: tuple[int, bytes]) -> None:
    # RFC 8446 2: a TLS 1.3 server may send after its Finished, half a round trip before ours arrives.
    server = tls_engine.TlsEngine(ServerTls(chain=pki.chain, requests_client_certificate=True))
    engine = TlsEngine(server_name=None, identity=pki.client_identity)
    async with loopback_pair() as (tcp, peer):
        channel = Channel(tcp, engine)
        task = asyncio.create_task(channel.handshake(hold_certificate=True))
        await asyncio.sleep(0)
        server.feed(peer.recv(65536))
        server.advance()
        peer.sendall(server.output())
        await task
        assert channel.is_held
        pieces: list[bytes] = []
        channel.deliver_to(lambda plaintext, _: pieces.append(plaintext))
        peer.sendall(server.seal(*content))
        for _ in range(20):
            await asyncio.sleep(0)
        assert pieces == []
        if content[0] == ContentType.APPLICATION_DATA:
            await channel.release()
            assert pieces == [b"early"]
        else:
            with pytest.raises(ConnectionEnded) as caught:
                await channel.release()
            assert caught.value.ending.alert == "internal_error"
        channel.close()


async def test_an_alert_that_came_while_held_ends_the_release(pki: TestPki) -> None:
    context = server_context(*pki.chain, version=TlsVersion.V1_2, demands_certificate=True)
    async with loopback_channel(TlsEngine(server_name=None, identity=pki.client_identity), context) as (channel, peer):
        await handshake_with(channel, peer, hold_certificate=True)
        peer.socket.sendall(bytes((21, 3, 3, 0, 2, 2, 80)))
        for _ in range(20):
            await asyncio.sleep(0)
        with pytest.raises(ConnectionEnded) as caught:
            async with asyncio.timeout(PATIENCE_S):
                await channel.release()
        assert caught.value.ending.alert == "internal_error"


async def test_a_flood_while_held_is_too_much(pki: TestPki) -> None:
    context = server_context(*pki.chain, version=TlsVersion.V1_2, demands_certificate=True)
    async with loopback_channel(TlsEngine(server_name=None, identity=pki.client_identity), context) as (channel, peer):
        await handshake_with(channel, peer, hold_certificate=True)
        channel.allow(1000)
        peer.socket.sendall(bytes(2000))
        await _ended(channel)
        assert channel.ended.result().end is End.TOO_MUCH_DATA


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_held_channel_closes_without_sending_the_certificate(pki: TestPki, version: TlsVersion) -> None:
    context = server_context(*pki.chain, version=version, demands_certificate=True)
    async with loopback_channel(TlsEngine(server_name=None, identity=pki.client_identity), context) as (channel, peer):
        await handshake_with(channel, peer, hold_certificate=True)
        before = len(peer.received)
        channel.close()
        await peer.pump_until(lambda: peer.saw_end)
        assert len(peer.received) == before
        assert _certificate_received(peer) is None
