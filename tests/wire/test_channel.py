"""The channel over loopback: its clock, its sending and receiving, and what it leaves behind."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from monitor.model.broker import TlsVersion
from monitor.model.outcome import Clock
from monitor.wire.channel import MAX_HANDSHAKE_BYTES, Channel
from monitor.wire.clock import Stamp
from monitor.wire.ending import ConnectionEnded, End, Ending
from monitor.wire.engine import TlsEngine
from tests.support.loop_state import descriptors, watched_descriptors
from tests.support.pki import TestPki
from tests.support.ports import PATIENCE_S
from tests.support.tls_peer import LoopbackPeer, handshake_with, loopback_channel, server_context

VERSIONS = [TlsVersion.V1_2, TlsVersion.V1_3]


class Receiver:
    """Keeps what the channel delivers."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.stamps: list[Stamp] = []

    def __call__(self, plaintext: bytes, stamp: Stamp) -> None:
        self.pieces.append(plaintext)
        self.stamps.append(stamp)

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)


async def _until_data(receiver: Receiver, count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(receiver.data) < count:
            await asyncio.sleep(0)


def _narrow(channel: Channel) -> None:
    """Make the kernel's send buffer small, so that little data fills it."""
    with socket.socket(fileno=os.dup(channel._tcp.fd)) as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32768)


async def _ending(channel: Channel) -> Ending:
    async with asyncio.timeout(PATIENCE_S):
        return await asyncio.shield(channel.ended)


@pytest.mark.parametrize("version", VERSIONS)
async def test_plaintext_goes_both_ways(pki: TestPki, version: TlsVersion) -> None:
    async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain, version=version)) as (
        channel,
        peer,
    ):
        await handshake_with(channel, peer)
        receiver = Receiver()
        channel.deliver_to(receiver)
        channel.allow(1000)
        before = time.monotonic()
        sent_at = channel.send(b"ping")
        assert before <= sent_at <= time.monotonic()
        await peer.pump_until(lambda: peer.socket.fileno() >= 0 and bool(peer.received))
        peer.say(b"pong")
        await _until_data(receiver, 4)
        assert receiver.pieces == [b"pong"]
        assert receiver.stamps[0].clock is Clock.KERNEL
        assert receiver.stamps[0].at >= sent_at


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_blocked_loop_does_not_count_as_the_brokers_time(pki: TestPki, version: TlsVersion) -> None:
    async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain, version=version)) as (
        channel,
        peer,
    ):
        task = asyncio.create_task(channel.handshake(hold_certificate=False))
        began = time.monotonic()
        peers_work = blocked = 0.0
        while not task.done():
            await asyncio.sleep(0)
            before = time.monotonic()
            peer.pump()  # whatever is due leaves here
            answered = time.monotonic()
            time.sleep(0.05)  # and lies in the kernel while nobody reads
            peers_work += answered - before
            blocked += time.monotonic() - answered
        task.result()
        assert channel.waits.clock is Clock.KERNEL
        assert channel.waits.elapsed_s > 0
        assert channel.waits.elapsed_s <= time.monotonic() - began - blocked + 0.005
        assert blocked >= 0.05


async def test_a_hello_retry_request_adds_its_wait(pki: TestPki) -> None:
    context = server_context(*pki.chain, group=ec.SECP521R1())
    async with loopback_channel(TlsEngine(server_name=None), context) as (channel, peer):
        task = asyncio.create_task(channel.handshake(hold_certificate=False))
        await asyncio.sleep(0)
        peer.pump()
        await peer.pump_until(lambda: channel.waits.elapsed_s > 0)
        first = channel.waits.elapsed_s
        assert not task.done()
        assert channel.client_flight is None
        await peer.pump_until(task.done)
        task.result()
        assert channel.waits.elapsed_s > first
        assert channel.client_flight is not None


async def test_what_came_before_anyone_listened_is_delivered_first(pki: TestPki) -> None:
    async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
        await handshake_with(channel, peer)
        peer.say(b"a banner, ")
        while not channel._early:
            await asyncio.sleep(0)
        receiver = Receiver()
        channel.deliver_to(receiver)
        assert receiver.data == b"a banner, "
        peer.say(b"and more")
        await _until_data(receiver, 18)
        assert receiver.data == b"a banner, and more"


async def test_records_of_one_segment_are_delivered_as_one_with_its_stamp(pki: TestPki) -> None:
    async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
        await handshake_with(channel, peer)
        receiver = Receiver()
        channel.deliver_to(receiver)
        peer.socket.sendall(peer.tls.seal(b"one, ") + peer.tls.seal(b"two"))
        await _until_data(receiver, 8)
        assert receiver.pieces == [b"one, two"]


async def test_an_ending_in_the_same_segment_comes_after_the_data(pki: TestPki) -> None:
    async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
        await handshake_with(channel, peer)
        receiver = Receiver()
        channel.deliver_to(receiver)
        peer.socket.sendall(peer.tls.seal(b"last words") + peer.tls.close_notify())
        assert (await _ending(channel)).end is End.CLOSE_NOTIFY
        assert receiver.data == b"last words"


async def test_what_a_slow_peer_does_not_take_follows_later(pki: TestPki) -> None:
    async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
        await handshake_with(channel, peer)
        already = len(peer.received)
        _narrow(channel)
        large = os.urandom(2 << 20)  # more than both kernel buffers hold
        channel.send(large)
        channel.send(b"and the end")
        assert channel._tcp.fd in watched_descriptors()
        received = bytearray()

        def read() -> bool:
            received.extend(peer.tls.read())
            return received.endswith(b"and the end")

        await peer.pump_until(read)
        assert bytes(received) == large + b"and the end"
        assert len(peer.received) - already > len(large)
        assert not channel._outbox


def _said_goodbye(peer: LoopbackPeer) -> bool:
    return bool(peer.tls.connection.get_shutdown() & 2)  # SSL_RECEIVED_SHUTDOWN: close_notify has come


async def test_goodbye_follows_what_is_still_to_be_sent(pki: TestPki) -> None:
    async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
        await handshake_with(channel, peer)
        _narrow(channel)
        large = bytes(2 << 20)
        channel.send(large)
        channel.say_goodbye()
        received = bytearray()

        def read() -> bool:
            received.extend(peer.tls.read())
            return _said_goodbye(peer)

        await peer.pump_until(read)
        assert len(received) == len(large)
        assert not channel.ended.done()


@pytest.mark.parametrize("version", VERSIONS)
async def test_goodbye_is_close_notify_then_fin_and_no_reset(pki: TestPki, version: TlsVersion) -> None:
    async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain, version=version)) as (
        channel,
        peer,
    ):
        await handshake_with(channel, peer)
        channel.say_goodbye()
        channel.say_goodbye()  # once more is nothing
        await peer.pump_until(lambda: peer.tls.read() == b"" and _said_goodbye(peer))
        assert not peer.saw_end  # Erlang's stack stumbles over a FIN right behind close_notify
        late = peer.tls.close_notify()
        peer.socket.sendall(late)
        peer.socket.shutdown(socket.SHUT_WR)
        await channel.peer_closed(PATIENCE_S)
        assert (await _ending(channel)).end is End.CLOSE_NOTIFY
        channel.close()
        await peer.pump_until(lambda: peer.saw_end)  # ConnectionResetError would come out of here
        assert peer.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


async def test_a_bug_while_reading_ends_the_connection_as_a_fault_of_ours(
    pki: TestPki, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_plaintext: bytes, _stamp: Stamp) -> None:
        raise RuntimeError("a bug")

    async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
        await handshake_with(channel, peer)
        channel.deliver_to(broken)
        peer.say(b"anything")
        assert (await _ending(channel)).end is End.OUR_FAULT
    assert [record.exc_info is not None for record in caplog.records] == [True]


async def test_after_goodbye_nothing_is_delivered(pki: TestPki) -> None:
    async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
        await handshake_with(channel, peer)
        receiver = Receiver()
        channel.deliver_to(receiver)
        channel.say_goodbye()
        peer.say(b"too late")
        peer.socket.close()
        await channel.peer_closed(PATIENCE_S)
        assert receiver.pieces == []


async def test_waiting_for_a_peer_that_stays_ends_with_our_patience(pki: TestPki) -> None:
    async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
        await handshake_with(channel, peer)
        await channel.peer_closed(PATIENCE_S)  # nothing to wait for before the goodbye
        channel.say_goodbye()
        await channel.peer_closed(0.0)
        assert not channel.ended.done()


async def test_goodbye_in_the_middle_of_a_handshake_is_fin_alone(pki: TestPki) -> None:
    async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
        task = asyncio.create_task(channel.handshake(hold_certificate=False))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        channel.say_goodbye()
        await peer.pump_until(lambda: peer.saw_end)


async def test_closing_removes_every_trace_from_the_loop_and_closes_the_descriptor(pki: TestPki) -> None:
    before = descriptors()
    async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
        await handshake_with(channel, peer)
        _narrow(channel)
        channel.send(bytes(2 << 20))  # a writer waits
        fd = channel._tcp.fd
        assert fd in watched_descriptors()
        channel.close()
        assert fd not in watched_descriptors()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)
        channel.close()  # once more is nothing
    assert descriptors() == before


async def test_an_ending_declared_after_closing_leaves_a_foreign_reader_alone(pki: TestPki) -> None:
    async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
        await handshake_with(channel, peer)
        fd = channel._tcp.fd
        channel.close()
        stranger, other = socket.socketpair()
        with stranger, other:
            assert fd in {stranger.fileno(), other.fileno()}, "the kernel hands out the lowest free number"
            loop = asyncio.get_running_loop()
            called = loop.create_future()
            loop.add_reader(fd, called.set_result, None)
            channel.end(Ending(end=End.EOF, detail="late"))
            channel.say_goodbye()
            assert fd in watched_descriptors()
            (other if stranger.fileno() == fd else stranger).send(b"x")
            async with asyncio.timeout(PATIENCE_S):
                await called
            loop.remove_reader(fd)


class TestEndings:
    """How `ended` reads, whatever the peer does."""

    @pytest.mark.parametrize("version", VERSIONS)
    async def test_a_bare_fin_is_the_end_of_the_stream(self, pki: TestPki, version: TlsVersion) -> None:
        async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain, version=version)) as (
            channel,
            peer,
        ):
            await handshake_with(channel, peer)
            peer.socket.close()
            assert await _ending(channel) == Ending(end=End.EOF, detail="closed by the peer without a TLS alert")
            assert channel._tcp.fd not in watched_descriptors()

    async def test_an_end_before_the_first_byte_says_so(self, pki: TestPki) -> None:
        async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
            peer.socket.shutdown(socket.SHUT_WR)
            with pytest.raises(ConnectionEnded) as caught:
                await channel.handshake(hold_certificate=False)
            expected = Ending(end=End.EOF, detail="closed by the peer before it sent a single byte")
            assert caught.value.ending == expected

    async def test_close_notify_is_told_from_it(self, pki: TestPki) -> None:
        async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
            await handshake_with(channel, peer)
            peer.socket.sendall(peer.tls.close_notify())
            peer.socket.close()
            assert (await _ending(channel)).end is End.CLOSE_NOTIFY

    async def test_a_reset_is_a_reset(self, pki: TestPki) -> None:
        async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
            await handshake_with(channel, peer)
            peer.reset()
            assert (await _ending(channel)).end is End.RESET

    async def test_a_reset_met_while_sending_is_a_reset_too(self, pki: TestPki) -> None:
        async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
            await handshake_with(channel, peer)
            peer.reset()
            with pytest.raises(ConnectionEnded) as caught:
                channel.send(b"into the void")  # the loop has had no turn: the send is the first to know
            assert caught.value.ending.end is End.RESET
            assert (await _ending(channel)).end is End.RESET

    async def test_an_alert_is_read_after_a_failed_send(self, pki: TestPki) -> None:
        context = server_context(*pki.chain, demands_certificate=True)
        async with loopback_channel(TlsEngine(server_name=None), context) as (channel, peer):
            await _refused(channel, peer)
            peer.reset()
            with pytest.raises(ConnectionEnded) as caught:
                channel.send(b"CONNECT")
            assert (caught.value.ending.end, caught.value.ending.alert) == (End.ALERT, "certificate_required")

    async def test_an_alert_after_the_handshake_ends_it(self, pki: TestPki) -> None:
        context = server_context(*pki.chain, demands_certificate=True)
        async with loopback_channel(TlsEngine(server_name=None), context) as (channel, peer):
            await _refused(channel, peer)
            ending = await _ending(channel)
            assert (ending.end, ending.alert) == (End.ALERT, "certificate_required")
            assert not channel.heard_after_handshake

    @pytest.mark.parametrize("version", VERSIONS)
    async def test_a_session_ticket_is_something_heard(self, pki: TestPki, version: TlsVersion) -> None:
        async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain, version=version)) as (
            channel,
            peer,
        ):
            await handshake_with(channel, peer)
            peer.socket.close()
            await _ending(channel)
            assert channel.heard_after_handshake is (version is TlsVersion.V1_3)

    async def test_a_close_notify_alone_is_nothing_heard(self, pki: TestPki) -> None:
        context = server_context(*pki.chain, version=TlsVersion.V1_2)
        async with loopback_channel(TlsEngine(server_name=None), context) as (channel, peer):
            await handshake_with(channel, peer)
            peer.socket.sendall(peer.tls.close_notify())
            await _ending(channel)
            assert not channel.heard_after_handshake

    async def test_more_than_allowed_is_too_much(self, pki: TestPki) -> None:
        context = server_context(*pki.chain, version=TlsVersion.V1_2)  # which sends no tickets of its own accord
        async with loopback_channel(TlsEngine(server_name=None), context) as (channel, peer):
            await handshake_with(channel, peer)
            receiver = Receiver()
            channel.deliver_to(receiver)
            channel.allow(200)
            peer.say(b"x" * 100)
            await _until_data(receiver, 100)
            peer.say(b"x" * 100)
            assert (await _ending(channel)).end is End.TOO_MUCH_DATA

    async def test_a_handshake_that_does_not_end_is_too_much(self, pki: TestPki) -> None:
        async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
            task = asyncio.create_task(channel.handshake(hold_certificate=False))
            await asyncio.sleep(0)
            # A handshake message that announces 16 MB, within records that are in order.
            flood = b"\x16\x03\x03\x40\x00" + b"\x02\xff\xff\xff" + bytes(0x3FFC)
            sent = 0
            while not task.done():
                with suppress(BlockingIOError, ConnectionError):
                    sent += peer.socket.send(flood)
                await asyncio.sleep(0)
            with pytest.raises(ConnectionEnded):
                task.result()
            assert sent < 64 * MAX_HANDSHAKE_BYTES

    async def test_an_answer_that_is_no_tls_ends_the_handshake(self, pki: TestPki) -> None:
        async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
            peer.socket.sendall(b"220 mail.test ESMTP\r\n")
            with pytest.raises(ConnectionEnded) as caught:
                await channel.handshake(hold_certificate=False)
            assert caught.value.ending.end is End.NOT_TLS
            assert channel.ended.result() is caught.value.ending

    async def test_a_breach_is_answered_with_our_alert(self, pki: TestPki) -> None:
        async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
            await handshake_with(channel, peer)
            peer.pump()
            before = len(peer.received)
            bad = bytearray(peer.tls.seal(b"x"))
            bad[-1] ^= 1
            peer.socket.sendall(bytes(bad))
            assert (await _ending(channel)).end is End.TLS_ERROR
            peer.received += peer.socket.recv(1000)
            assert peer.received[before] == 23  # an encrypted record: the alert

    async def test_the_first_ending_counts(self, pki: TestPki) -> None:
        async with loopback_channel(TlsEngine(server_name=None), server_context(*pki.chain)) as (channel, peer):
            await handshake_with(channel, peer)
            first = Ending(end=End.TLS_ERROR, detail="first")
            channel.end(first)
            channel.end(Ending(end=End.EOF, detail="second"))
            assert channel.ended.result() is first
            with pytest.raises(ConnectionEnded) as caught:
                channel.send(b"x")
            assert caught.value.ending is first
            with pytest.raises(ConnectionEnded):
                await channel.handshake(hold_certificate=False)


async def _refused(channel: Channel, peer: LoopbackPeer) -> None:
    """Complete our side of a TLS 1.3 handshake that the peer refuses for want of a certificate."""
    task = asyncio.create_task(channel.handshake(hold_certificate=False))
    with pytest.raises(SSL.Error, match="peer did not return a certificate"):
        await peer.pump_until(lambda: False)
    await task
    # No turn of the loop after this: the alert lies in the kernel, unread.
    peer.socket.sendall(peer.tls.take())
