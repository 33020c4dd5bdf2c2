"""Files are looked at beside the event loop, each pair once however many brokers name it, and never waited for long."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from monitor.config.installed import Look, look
from monitor.demo.pki import issue
from monitor.following import Following
from monitor.model.broker import Broker, CertificateFiles
from monitor.model.installed import FileState
from monitor.x509.certificate import read_chain
from tests.support.ports import PATIENCE_S
from tests.support.records import a_broker


def now() -> datetime:
    """The file system's times are the wall clock's."""
    return datetime.now(UTC)


LEAF = issue(now=now())


class Gate:
    """A file system that answers when it is let."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.looks = 0
        self.on_loop = False

    def __call__(self, files: CertificateFiles, before: Look | None, at: datetime) -> Look:
        self.looks += 1
        self.on_loop |= threading.current_thread() is threading.main_thread()
        assert self.open.wait(PATIENCE_S)
        return look(files, before, at, read_chain=read_chain)


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    """A broker whose certificate lies on this host."""
    (tmp_path / "server.pem").write_bytes(LEAF.pem)
    return replace(a_broker(), files=CertificateFiles(certificate=str(tmp_path / "server.pem")))


async def test_broker_without_files_costs_no_look() -> None:
    gate = Gate()
    assert await Following(gate).look(a_broker(), now()) is None
    assert gate.looks == 0


async def test_brokers_that_share_files_share_the_look(broker: Broker) -> None:
    gate = Gate()
    gate.open.clear()
    following = Following(gate)
    both = [asyncio.create_task(following.look(each, now())) for each in (broker, replace(broker, name="other"))]
    await asyncio.sleep(0)
    gate.open.set()
    one, other = await asyncio.gather(*both)
    assert one is not None
    assert one == other
    assert [each.der for each in one.certificates] == [LEAF.der]
    assert (gate.looks, gate.on_loop) == (1, False)


async def test_file_system_that_hangs_holds_up_results_once_and_one_thread(broker: Broker) -> None:
    gate = Gate()
    following = Following(gate, patience_s=PATIENCE_S)
    await following.look(broker, now())
    gate.open.clear()
    following._calls._patience_s = 0.05
    for _ in range(3):
        late = await following.look(broker, now())
        following._calls._patience_s = PATIENCE_S
        assert late is not None
        assert late.certificate.state is FileState.UNREADABLE
        assert [each.der for each in late.certificates] == [LEAF.der], "as it was last"
    assert gate.looks == 2
    gate.open.set()
    async with asyncio.timeout(PATIENCE_S):
        while (found := await following.look(broker, now())) is None or found.certificate.state is not FileState.READ:
            await asyncio.sleep(0.01)


async def test_fault_of_a_look_is_the_askers_and_the_next_look_is_made(broker: Broker) -> None:
    faults = [ZeroDivisionError("a fault of ours")]

    def faulty(files: CertificateFiles, before: Look | None, at: datetime) -> Look:
        if faults:
            raise faults.pop()
        return look(files, before, at, read_chain=read_chain)

    following = Following(faulty)
    with pytest.raises(ZeroDivisionError):
        await following.look(broker, now())
    assert await following.look(broker, now()) is not None


async def test_files_that_nobody_names_any_more_are_forgotten(broker: Broker) -> None:
    remembered: list[Look | None] = []

    def remembering(files: CertificateFiles, before: Look | None, at: datetime) -> Look:
        remembered.append(before)
        return look(files, before, at, read_chain=read_chain)

    following = Following(partial(remembering))
    for keep in (True, True, False, True):
        await following.look(broker, now())
        following.keep([broker] if keep else [a_broker()])
    assert [before is not None for before in remembered] == [False, True, True, False]
