"""Connecting to the first address that accepts, and what is said when none does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from monitor.probe.connect import connect
from monitor.probe.fault import PhaseFault
from monitor.probe.resolve import Address
from tests.support.loop_state import descriptors, live_timers, watched_descriptors
from tests.support.ports import PATIENCE_S, closed_port, silent_port


@pytest.fixture
def listening_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def _at(port: int, host: str = "127.0.0.1") -> Address:
    if ":" in host:
        return Address(socket.AF_INET6, (host, port, 0, 0))
    return Address(socket.AF_INET, (host, port))


def _deadline(seconds: float = PATIENCE_S) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_the_only_address_is_connected_to(listening_port: int) -> None:
    tcp, address = await connect((_at(listening_port),), _deadline())
    assert address == _at(listening_port)
    assert tcp.fd >= 0
    tcp.close()


async def test_the_first_that_accepts_is_taken_and_the_rest_left_alone(listening_port: int) -> None:
    before = descriptors()
    with closed_port() as closed, closed_port("127.0.0.2") as other:
        held = descriptors() - before
        tcp, address = await connect((_at(closed), _at(listening_port), _at(other, "127.0.0.2")), _deadline())
        assert address == _at(listening_port)
        assert descriptors() == before | held | {tcp.fd}
        tcp.close()


async def test_when_all_refuse_the_detail_names_each_and_the_first_gives_the_reason() -> None:
    with closed_port() as first, closed_port("::1") as second:
        before = descriptors()
        with pytest.raises(PhaseFault) as caught:
            await connect((_at(first), _at(second, "::1")), _deadline())
        assert descriptors() == before
    assert caught.value.word == "refused"
    assert caught.value.detail == "127.0.0.1: Connection refused; ::1: Connection refused"


async def test_a_silent_address_gets_its_share_of_the_time_and_no_more(listening_port: int) -> None:
    loop = asyncio.get_running_loop()
    with silent_port() as silent:
        began = loop.time()
        tcp, address = await connect((_at(silent), _at(listening_port)), began + 0.4)
        assert address == _at(listening_port)
        assert loop.time() - began >= 0.2 - 0.001
        tcp.close()
    assert live_timers() == []


async def test_after_a_silent_address_its_timeout_is_named_beside_the_refusal() -> None:
    with silent_port() as silent, closed_port() as closed, pytest.raises(PhaseFault) as caught:
        await connect((_at(silent), _at(closed)), _deadline(0.1))
    assert caught.value.word == "timeout"
    assert caught.value.detail == "127.0.0.1: no answer; 127.0.0.1: Connection refused"
    assert watched_descriptors() == frozenset()


async def test_the_last_address_is_ended_by_the_probes_deadline_alone() -> None:
    with silent_port() as silent:
        before = descriptors()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await connect((_at(silent),), _deadline(0.0))
        assert descriptors() == before
    assert watched_descriptors() == frozenset()


async def test_with_the_time_already_over_every_address_still_gets_its_verdict() -> None:
    with closed_port() as first, closed_port() as second, pytest.raises(PhaseFault) as caught:
        await connect((_at(first), _at(second)), _deadline(-1))
    assert caught.value.word in {"timeout", "refused"}
    assert caught.value.detail.count("127.0.0.1") == 2


async def test_an_address_without_a_route_is_told_apart() -> None:
    with pytest.raises(PhaseFault) as caught:
        # A link-local address needs a scope id; without one the kernel has nowhere to send it.
        await connect((Address(socket.AF_INET6, ("fe80::1", 9, 0, 0)),), _deadline())
    assert caught.value.word in {"failed", "network_unreachable", "host_unreachable"}
    assert caught.value.detail.startswith("fe80::1: ")
