"""TCP: connecting, kernel stamps, endings, and giving the descriptor back."""

from __future__ import annotations

import asyncio
import os
import socket
import time

import pytest

from monitor.model.outcome import Clock
from monitor.wire.clock import Stamp
from monitor.wire.ending import ConnectionEnded, End
from monitor.wire.tcp import TcpConnection
from tests.support.loop_state import descriptors, watched_descriptors
from tests.support.ports import closed_port, silent_port
from tests.support.tls_peer import RESET, loopback_pair


async def _readable(tcp: TcpConnection) -> tuple[bytes, Stamp]:
    """Wait until something can be read, and read it once."""
    while (arrived := tcp.receive()) is None:
        await asyncio.sleep(0)
    return arrived


async def test_connecting_is_timed_by_the_kernel_and_watches_nothing() -> None:
    before = time.monotonic()
    async with loopback_pair() as (tcp, _):
        assert tcp.connect_clock is Clock.KERNEL
        assert tcp.rtt_s is not None
        assert tcp.connect_s == tcp.rtt_s
        assert 0 < tcp.connect_s <= time.monotonic() - before
        assert tcp.fd not in watched_descriptors()


async def test_small_packets_leave_at_once_and_the_socket_is_inherited_by_nobody() -> None:
    async with loopback_pair() as (tcp, _):
        with socket.socket(fileno=os.dup(tcp.fd)) as copy:
            assert copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not os.get_inheritable(tcp.fd)
        assert not os.get_blocking(tcp.fd)


async def test_a_closed_port_refuses_and_leaves_no_descriptor() -> None:
    before = descriptors()
    with closed_port() as port, pytest.raises(ConnectionEnded) as caught:
        await TcpConnection.open(socket.AF_INET, ("127.0.0.1", port))
    assert caught.value.ending.end is End.REFUSED_CONNECTION
    assert descriptors() == before


async def test_an_address_that_cannot_be_used_is_an_ending() -> None:
    before = descriptors()
    with pytest.raises(ConnectionEnded) as caught:
        await TcpConnection.open(socket.AF_INET, ("255.255.255.255", 9))
    assert caught.value.ending.detail
    assert descriptors() == before


async def test_a_cancelled_connect_leaves_no_descriptor_and_no_writer() -> None:
    with silent_port() as port:
        before = descriptors()
        task = asyncio.create_task(TcpConnection.open(socket.AF_INET, ("127.0.0.1", port)))
        await asyncio.sleep(0)
        assert len(descriptors()) == len(before) + 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert descriptors() == before
        assert watched_descriptors() == frozenset()


async def test_nothing_to_read_is_none() -> None:
    async with loopback_pair() as (tcp, _):
        assert tcp.receive() is None


async def test_an_arrival_is_stamped_when_it_came_and_not_when_it_is_read() -> None:
    async with loopback_pair() as (tcp, peer):
        before = time.monotonic()
        peer.send(b"hello")
        sent = time.monotonic()
        time.sleep(0.05)  # the event loop is blocked meanwhile
        reading = time.monotonic()
        data, stamp = await _readable(tcp)
        assert data == b"hello"
        assert stamp.clock is Clock.KERNEL
        # Two clocks are read one after the other while the packet is: so much can lie between them.
        assert before - (time.monotonic() - reading) - 0.001 <= stamp.at <= sent + 0.001


async def test_data_before_the_end_of_the_stream_is_read_first() -> None:
    async with loopback_pair() as (tcp, peer):
        peer.send(b"last words")
        peer.close()
        assert (await _readable(tcp))[0] == b"last words"
        assert (await _readable(tcp))[0] == b""


async def test_a_reset_is_an_ending() -> None:
    async with loopback_pair() as (tcp, peer):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        peer.close()
        with pytest.raises(ConnectionEnded) as caught:
            await _readable(tcp)
        assert caught.value.ending.end is End.RESET


async def test_sending_into_a_reset_is_an_ending() -> None:
    async with loopback_pair() as (tcp, peer):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        peer.close()
        with pytest.raises(ConnectionEnded) as caught:
            tcp.send(b"hello?")
        assert caught.value.ending.end is End.RESET


async def test_what_the_kernel_does_not_take_is_counted() -> None:
    async with loopback_pair() as (tcp, _):
        data = bytes(32 * 1024 * 1024)
        taken = tcp.send(data)
        assert 0 < taken < len(data)
        while tcp.send(data):
            pass
        assert tcp.send(data) == 0


async def test_fin_lets_the_peer_finish() -> None:
    async with loopback_pair() as (tcp, peer):
        tcp.finish_sending()
        assert peer.recv(1) == b""
        peer.send(b"bye")
        assert (await _readable(tcp))[0] == b"bye"
        tcp.finish_sending()  # once more is nothing


async def test_closing_gives_the_descriptor_back_and_forgets_its_number() -> None:
    before = descriptors()
    async with loopback_pair() as (tcp, peer):
        fd = tcp.fd
        tcp.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)
        assert tcp.fd == -1
        assert peer.recv(1) == b""
        tcp.close()
    assert descriptors() == before


async def test_the_kernels_figures_are_sane_and_gone_with_the_socket() -> None:
    async with loopback_pair() as (tcp, _):
        info = tcp.info()
        assert info is not None
        assert 0 < info.rtt_s < 60
        assert info.retransmitted_segments >= 0
        tcp.close()
        assert tcp.info() is None
