"""Probing each address of a name: one look-up, one deadline, one report for each."""

import asyncio
import dataclasses
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.model.broker import Addresses
from monitor.model.outcome import Done, Phase
from monitor.model.report import ProbeReport
from monitor.probe.pipeline import MOST_ADDRESSES, probe_addresses
from monitor.probe.resolve import Resolver
from tests.support.loop_state import descriptors, live_timers, other_tasks
from tests.support.names import Names
from tests.support.ports import closed_port, silent_port
from tests.support.probing import accept_all, broker_at, failure, outcome_of


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Names:
    """Answer for `cluster.test` in this process."""
    names = Names(tmp_path / "names.json")
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    return names


@pytest.fixture
def port() -> Iterator[int]:
    """Return a port that 127.0.0.1 to 127.0.0.3 refuse."""
    with ExitStack() as stack:
        port = stack.enter_context(closed_port())
        stack.enter_context(closed_port("127.0.0.2", port))
        stack.enter_context(closed_port("127.0.0.3", port))
        yield port


async def reports(
    port: int, *, addresses: Addresses = Addresses.ALL, host: str = "cluster.test", timeout_s: float = 10.0
) -> tuple[ProbeReport, ...]:
    broker = dataclasses.replace(broker_at(port, host=host, timeout_s=timeout_s), addresses=addresses)
    resolver = Resolver()
    try:
        return await probe_addresses(broker, verify=accept_all, now=lambda: datetime.now(UTC), resolver=resolver)
    finally:
        resolver.close()


async def test_each_address_has_a_report_that_names_it_also_if_nothing_answers(names: Names, port: int) -> None:
    names.answer("cluster.test", "127.0.0.3", "127.0.0.1", "127.0.0.2")
    found = await reports(port)
    assert [report.address for report in found] == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    for report in found:
        assert isinstance(outcome_of(report, Phase.RESOLVE), Done)
        assert failure(report).reason == "connect_refused"
        assert failure(report).detail == f"{report.address}: Connection refused"
        assert report.addresses_left_out == 0


async def test_order_is_the_addresses_own_ipv4_first_by_number(names: Names, port: int) -> None:
    names.answer("cluster.test", "::1", "127.0.0.10", "127.0.0.9", "127.0.0.10")
    assert [report.address for report in await reports(port)] == ["127.0.0.9", "127.0.0.10", "::1"]


async def test_silent_addresses_share_one_deadline(names: Names) -> None:
    names.answer("cluster.test", "127.0.0.1", "127.0.0.2", "127.0.0.3")
    with silent_port() as port, silent_port("127.0.0.2", port), closed_port("127.0.0.3", port):
        began = time.monotonic()
        found = await reports(port, timeout_s=1.0)
        took_s = time.monotonic() - began
    assert [failure(report).reason for report in found] == ["connect_timeout", "connect_timeout", "connect_refused"]
    assert took_s < 2.0


async def test_look_up_is_made_once_and_is_part_of_every_report(
    names: Names, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.answer("cluster.test", "127.0.0.1", "127.0.0.2")
    asked: list[bytes] = []

    def slow(host: bytes, asked_port: int, **hints: int) -> object:
        if hints["flags"] == 0:
            asked.append(host)
            time.sleep(0.05)
        return names.getaddrinfo(host, asked_port, **hints)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    found = await reports(port)
    assert asked == [b"cluster.test"]
    assert found[0].started_at == found[1].started_at
    for report in found:
        resolve = outcome_of(report, Phase.RESOLVE)
        assert isinstance(resolve, Done)
        assert 0.05 <= resolve.elapsed_s < report.duration_s


async def test_cancelled_probes_leave_nothing(names: Names) -> None:
    names.answer("cluster.test", "127.0.0.1", "127.0.0.2")
    with silent_port() as port, silent_port("127.0.0.2", port):
        before = descriptors()
        turn = asyncio.create_task(reports(port))
        while len(descriptors() - before) < 2:  # both are connecting
            await asyncio.sleep(0)
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        assert (descriptors(), other_tasks(), live_timers()) == (before, frozenset(), [])


async def test_name_that_does_not_exist_is_one_report_without_an_address(names: Names, port: int) -> None:
    names.answer("cluster.test")
    (report,) = await reports(port)
    assert report.address is None
    assert failure(report).reason == "resolve_nxdomain"


async def test_more_addresses_than_are_probed_are_counted(names: Names, port: int) -> None:
    names.answer("cluster.test", *(f"127.0.0.{number}" for number in range(MOST_ADDRESSES + 4, 0, -1)))
    found = await reports(port)
    assert [report.address for report in found] == [f"127.0.0.{number}" for number in range(1, MOST_ADDRESSES + 1)]
    assert {report.addresses_left_out for report in found} == {4}


@pytest.mark.parametrize(("addresses", "address"), [(Addresses.FIRST, None), (Addresses.ALL, "127.0.0.1")])
async def test_an_address_in_place_of_a_name_is_one_report(
    port: int, addresses: Addresses, address: str | None
) -> None:
    (report,) = await reports(port, addresses=addresses, host="127.0.0.1")
    assert report.address == address
    assert failure(report).reason == "connect_refused"
