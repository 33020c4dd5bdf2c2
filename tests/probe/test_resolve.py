"""Resolving as the system does, in threads that hold nobody up."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.probe.fault import PhaseFault
from monitor.probe.resolve import Address, Resolver
from tests.support.ports import PATIENCE_S, wait_until

ThreadCount = Callable[[], int]


@pytest.fixture
def threads() -> ThreadCount:
    """Count the threads that were started since."""
    before = set(threading.enumerate())  # an earlier test may have left a look-up that nobody can interrupt
    return lambda: len(set(threading.enumerate()) - before)


@pytest.fixture
def resolver(threads: ThreadCount) -> Iterator[Resolver]:
    resolver = Resolver()
    yield resolver
    resolver.close()
    wait_until(lambda: threads() == 0, "the resolver's threads end")


@pytest.mark.parametrize(
    ("host", "family", "text"),
    [
        ("127.0.0.1", socket.AF_INET, "127.0.0.1"),
        ("192.0.2.77", socket.AF_INET, "192.0.2.77"),
        ("::1", socket.AF_INET6, "::1"),
        ("2001:db8::1", socket.AF_INET6, "2001:db8::1"),
    ],
)
async def test_a_literal_is_its_own_address_and_needs_no_thread(
    resolver: Resolver, host: str, family: socket.AddressFamily, text: str, threads: ThreadCount
) -> None:
    (address,) = (await resolver.resolve(host, 8883)).addresses
    assert (address.family, address.text, address.socket_address[1]) == (family, text, 8883)
    assert threads() == 0


async def test_a_scope_id_survives(resolver: Resolver) -> None:
    (address,) = (await resolver.resolve("fe80::1%lo", 8883)).addresses
    assert address.family == socket.AF_INET6
    assert address.socket_address[1:] == (8883, 0, socket.if_nametoindex("lo"))


async def test_localhost_is_what_the_system_says(resolver: Resolver) -> None:
    found = await resolver.resolve("localhost", 1883)
    expected = socket.getaddrinfo("localhost", 1883, type=socket.SOCK_STREAM)
    assert [address.socket_address for address in found.addresses] == list(
        dict.fromkeys(entry[4] for entry in expected)
    )
    assert found.elapsed_s >= 0


async def test_names_of_etc_hosts_are_known(resolver: Resolver) -> None:
    lines = [line.split("#")[0].split() for line in Path("/etc/hosts").read_text("utf-8").splitlines()]
    name, address = next((line[-1], line[0]) for line in lines if len(line) > 1 and line[0].startswith("127."))
    found = await resolver.resolve(name, 8883)
    assert address in {entry.text for entry in found.addresses}


async def test_a_name_that_does_not_exist_fails_as_the_system_says(resolver: Resolver) -> None:
    with pytest.raises(PhaseFault) as caught:
        await resolver.resolve("nonexistent.invalid", 8883)
    # Where there is no network, or it is slow at the moment, nobody can say that there is no such name.
    assert caught.value.word in {"nxdomain", "temporary_failure"}
    assert "nonexistent.invalid" in caught.value.detail


@pytest.mark.parametrize(
    ("host", "word"), [("a..b", "nxdomain"), ("x" * 64 + ".test", "nxdomain"), ("no-a-label-\xfc.test", "failed")]
)
async def test_a_name_that_cannot_be_one_is_a_fault_and_no_error(resolver: Resolver, host: str, word: str) -> None:
    with pytest.raises(PhaseFault) as caught:
        await resolver.resolve(host, 8883)
    assert caught.value.word == word


async def test_an_error_of_ours_reaches_who_waits_and_costs_no_thread(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch, threads: ThreadCount
) -> None:
    def fail(*_: object, **options: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "no literal") if options["flags"] else ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", fail)
        with pytest.raises(ZeroDivisionError):
            await resolver.resolve("broker.test", 8883)
    assert (await resolver.resolve("localhost", 8883)).addresses
    assert threads() == 1


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (socket.EAI_NONAME, "nxdomain"),
        (socket.EAI_NODATA, "no_address"),
        (socket.EAI_ADDRFAMILY, "no_address"),
        (socket.EAI_AGAIN, "temporary_failure"),
        (socket.EAI_FAIL, "failed"),
        (socket.EAI_MEMORY, "failed"),
        (None, "failed"),
    ],
)
async def test_every_resolver_error_has_its_word(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch, number: int | None, word: str
) -> None:
    # Errors of a resolver that cannot be had on demand.
    def fail(*_: object, **options: object) -> object:
        if options["flags"]:
            raise socket.gaierror(socket.EAI_NONAME, "no literal")
        raise OSError(errno.EIO, "in its words") if number is None else socket.gaierror(number, "in its words")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(PhaseFault) as caught:
        await resolver.resolve("broker.test", 8883)
    assert caught.value.word == word


class SlowNames:
    """A system resolver for which names that begin with `slow` take until they are let go."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.under_way = 0
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def getaddrinfo(self, host: bytes, port: int, *, type: int, flags: int) -> list[object]:  # noqa: A002 - socket's name
        if flags:
            raise socket.gaierror(socket.EAI_NONAME, "no literal")
        with self._lock:
            self.asked.append(host.decode())
            self.under_way += 1
        if host.startswith(b"slow"):
            self.gate.wait(PATIENCE_S)
        with self._lock:
            self.under_way -= 1
        return [(socket.AF_INET, type, 6, "", ("192.0.2.1", port))]


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowNames]:
    # No real resolver is slow at command.
    names = SlowNames()
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    yield names
    names.gate.set()


async def _until(names: SlowNames, under_way: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while names.under_way != under_way:
            await asyncio.sleep(0.001)


async def test_the_same_address_twice_is_one(resolver: Resolver, slow_names: SlowNames) -> None:
    found = await resolver.resolve("quick", 8883)
    assert found.addresses == (Address(socket.AF_INET, ("192.0.2.1", 8883)),)


async def test_a_slow_name_holds_up_neither_the_loop_nor_another_name(
    resolver: Resolver, slow_names: SlowNames
) -> None:
    slow = asyncio.create_task(resolver.resolve("slow", 8883))
    await _until(slow_names, 1)
    assert (await resolver.resolve("quick", 8883)).addresses
    assert not slow.done()
    slow_names.gate.set()
    assert (await slow).addresses


async def test_one_name_after_another_takes_one_thread(
    resolver: Resolver, slow_names: SlowNames, threads: ThreadCount
) -> None:
    for _ in range(10):
        await resolver.resolve("quick", 8883)
    assert threads() == 1


async def test_no_more_look_ups_run_at_once_than_there_are_threads(slow_names: SlowNames, threads: ThreadCount) -> None:
    resolver = Resolver(threads=3)
    tasks = [asyncio.create_task(resolver.resolve(f"slow-{number}", 8883)) for number in range(10)]
    await _until(slow_names, 3)
    for _ in range(10):
        await asyncio.sleep(0)
    assert slow_names.under_way == 3
    assert threads() == 3
    slow_names.gate.set()
    assert all(found.addresses for found in await asyncio.gather(*tasks))
    resolver.close()
    wait_until(lambda: threads() == 0, "the resolver's threads end")


async def test_a_look_up_that_nobody_waits_for_still_counts_as_busy(resolver: Resolver, slow_names: SlowNames) -> None:
    for number in range(3):
        abandoned = asyncio.create_task(resolver.resolve(f"slow-{number}", 8883))
        await _until(slow_names, number + 1)
        abandoned.cancel()
        with pytest.raises(asyncio.CancelledError):
            await abandoned
    async with asyncio.timeout(PATIENCE_S):
        assert (await resolver.resolve("quick", 8883)).addresses  # in a thread of its own, not behind the slow ones


async def test_a_look_up_that_was_given_up_before_its_turn_is_not_made(
    slow_names: SlowNames, threads: ThreadCount
) -> None:
    resolver = Resolver(threads=1)
    slow = asyncio.create_task(resolver.resolve("slow", 8883))
    await _until(slow_names, 1)
    given_up = asyncio.create_task(resolver.resolve("quick-but-late", 8883))
    await asyncio.sleep(0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    slow_names.gate.set()
    await slow
    await resolver.resolve("quick", 8883)
    assert slow_names.asked == ["slow", "quick"]
    resolver.close()
    wait_until(lambda: threads() == 0, "the resolver's threads end")


async def test_closing_lets_a_busy_thread_end_after_its_look_up(slow_names: SlowNames, threads: ThreadCount) -> None:
    resolver = Resolver()
    slow = asyncio.create_task(resolver.resolve("slow", 8883))
    await _until(slow_names, 1)
    resolver.close()
    assert threads() == 1
    slow_names.gate.set()
    assert (await slow).addresses
    wait_until(lambda: threads() == 0, "the resolver's threads end")


def test_an_answer_for_a_loop_that_has_ended_is_dropped(slow_names: SlowNames, threads: ThreadCount) -> None:
    resolver = Resolver()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await resolver.resolve("slow", 8883)

    asyncio.run(give_up())
    slow_names.gate.set()
    resolver.close()
    wait_until(lambda: threads() == 0, "the resolver's threads end")  # an exception there is a warning, and so an error


async def test_a_shortage_of_ours_is_not_the_names_fault(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **options: int) -> list[object]:
        if options["flags"]:
            raise socket.gaierror(socket.EAI_NONAME, "no literal")
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(OSError, match="Too many open files"):
        await resolver.resolve("broker.test", 8883)
