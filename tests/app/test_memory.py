"""When what is known is read and written, and what is said when that fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import structlog

from monitor.app import memory as module
from monitor.app.memory import LAG_S, SPACING_S, Memory
from monitor.app.state_file import StateFile
from monitor.store import BrokerState, Store, saved
from tests.store.saving import known, record
from tests.support.ports import PATIENCE_S
from tests.support.records import NOW, a_broker
from tests.support.waiting import until

Log = list[Any]


class Clock:
    """A monotonic clock that goes when it is told to."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


@pytest.fixture
def store() -> Store:
    """A store that knows a broker."""
    store = Store()
    store.configure([a_broker()])
    record(store)
    return store


@pytest.fixture
def log() -> Any:
    with structlog.testing.capture_logs() as entries:
        yield entries


def memory_of(store: Store, path: Path, clock: Callable[[], float] = time.monotonic) -> Memory:
    return Memory(StateFile(path), lambda: store.snapshot().brokers, store.monitor, now=lambda: NOW, monotonic=clock)


async def recalled(path: Path) -> tuple[Store, tuple[BrokerState, ...]]:
    """Return what is known of the broker after a start with that file, and the store that says how it went."""
    store = Store()
    memory = memory_of(store, path)
    states = await memory.recall([a_broker()])
    memory._file.close()
    return store, states


@asynccontextmanager
async def keeping(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Keep, looking more often than a daemon does."""
    monkeypatch.setattr(module, "LOOK_S", 0.001)
    task = asyncio.create_task(memory.keep())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        memory._file.close()


async def looks() -> None:
    """Give it the time for many looks."""
    await asyncio.sleep(0.05)


def standing(path: Path) -> str | None:
    """Return the reason that is saved."""
    [state] = saved.read(path.read_bytes(), [a_broker()]).states
    assert state.standing is not None
    return state.standing.reason


async def test_what_was_known_at_the_end_is_known_at_the_start(store: Store, path: Path, log: Log) -> None:
    await memory_of(store, path).close()
    after, states = await recalled(path)
    assert states == known(store)
    assert after.monitor.snapshot().state_read_successful is True
    assert log == [
        {
            "event": "state restored",
            "log_level": "info",
            "file": str(path),
            "brokers": 1,
            "saved": "2026-11-23T12:00:00+00:00",
        }
    ]


async def test_first_start_has_nothing_to_say(path: Path, log: Log) -> None:
    after, states = await recalled(path)
    assert states == ()
    assert after.monitor.snapshot().state_read_successful is True
    assert log == []


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "is empty"),
        (b'{"version": 1, "brokers": [', "is no JSON, or only the beginning of it"),
        (b"\x00\xff", "is no JSON, or only the beginning of it"),
        (b"[" * 100_000, "is no JSON, or only the beginning of it"),
        (b"[]", "is not the state of a monitor"),
        (b'{"version": 2, "brokers": []}', "is not of version 1, the one that this monitor reads and writes"),
        (b'{"version": 1, "brokers": [7]}', "brokers.0: Input should be a valid dictionary or object to extract"),
    ],
)
async def test_damaged_file_is_kept_aside_and_told(path: Path, log: Log, data: bytes, error: str) -> None:
    path.write_bytes(data)
    after, states = await recalled(path)
    assert states == ()
    assert after.monitor.snapshot().state_read_successful is False
    [line] = log
    assert (line["event"], line["log_level"]) == ("state could not be restored", "warning")
    assert line["error"].startswith(error)
    assert not path.exists()
    assert Path(line["kept_as"]).read_bytes() == data


async def test_what_can_be_read_of_a_damaged_file_is_used(store: Store, path: Path, log: Log) -> None:
    data = saved.write(known(store), NOW).replace(b"[\n{", b'[\n{"broker": "other"},\n{', 1)
    path.write_bytes(data)
    after, states = await recalled(path)
    assert states == known(store)
    assert after.monitor.snapshot().state_read_successful is False
    [line] = log
    assert (line["event"], line["brokers"]) == ("state could not be restored in full", 1)
    assert (line["error"], line["further_errors"]) == ("brokers.0.host: Field required", 0)
    assert Path(line["kept_as"]).read_bytes() == data


async def test_directory_in_the_files_place_stays(path: Path, log: Log) -> None:
    path.mkdir()
    _, states = await recalled(path)
    assert states == ()
    [line] = log
    assert (line["error"], line["kept_as"]) == ("is a directory, no file", None)
    assert path.is_dir()


async def test_what_matters_is_written_soon_and_the_rest_now_and_then(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    memory = memory_of(store, path, clock)
    async with keeping(memory, monkeypatch):
        await until(path.exists)
        first = path.stat().st_ino

        def is_written() -> bool:
            return path.stat().st_ino != first

        # The same again matters to nobody yet.
        record(store, minute=1)
        clock.now_s += LAG_S - 1
        await looks()
        assert not is_written()
        clock.now_s += 1
        await until(is_written)
        first = path.stat().st_ino
        # A failure does, but not at once after the last writing.
        record(store, minute=2, reason="connect_refused")
        clock.now_s += SPACING_S - 0.1
        await looks()
        assert not is_written()
        clock.now_s += 0.1
        await until(lambda: standing(path) == "connect_refused")


async def test_failing_writes_are_told_once_and_their_end_too(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    clock = Clock()
    path = tmp_path / "later" / "state.json"
    memory = memory_of(store, path, clock)
    assert await memory.recall([a_broker()]) == ()
    async with keeping(memory, monkeypatch):
        await until(lambda: store.monitor.snapshot().state_write_successful is False)
        for _ in range(3):
            await looks()
            clock.now_s += SPACING_S
        stats = store.monitor.snapshot()
        assert (stats.state_write_successful, stats.state_written_at) == (False, None)
        path.parent.mkdir()
        await until(path.exists)
        await until(lambda: store.monitor.snapshot().state_write_successful is True)
    assert store.monitor.snapshot().state_written_at == NOW
    assert [(line["event"], line["log_level"], line.get("error")) for line in log] == [
        ("state not saved", "warning", f"{path}.lock: No such file or directory"),
        ("state saved again", "info", None),
    ]


async def test_file_of_another_monitor_is_read_and_left_alone_until_that_one_ends(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    path.write_bytes(saved.write(known(store), NOW))
    other = StateFile(path)
    other.lock()
    clock = Clock()
    second = Store()
    memory = memory_of(second, path, clock)
    second.restore(await memory.recall([a_broker()]))
    second.configure([a_broker()])
    record(second, minute=1, reason="connect_refused")
    async with keeping(memory, monkeypatch):
        await until(lambda: second.monitor.snapshot().state_write_successful is False)
        assert standing(path) is None
        other.close()
        clock.now_s += SPACING_S
        await until(lambda: second.monitor.snapshot().state_write_successful is True)
        assert standing(path) == "connect_refused"
    assert [line["event"] for line in log] == ["state not saved", "state restored", "state saved again"]
    assert log[0]["error"] == "another running monitor keeps its state there"


async def test_file_that_cannot_be_set_aside_is_never_written_over(store: Store, path: Path, log: Log) -> None:
    newer = b'{"version": 999, "brokers": "as only a newer monitor reads them"}'
    path.write_bytes(newer)
    # Another monitor has it, so this one can neither read it nor give it another name.
    other = StateFile(path)
    other.lock()
    memory = memory_of(store, path)
    assert await memory.recall([a_broker()]) == ()
    assert log[-1]["kept_as"] is None
    other.close()
    await memory.close()
    assert path.read_bytes() == newer
    assert [entry["error"] for entry in log if entry["event"] == "state not saved"][-1].startswith("not written, as")


async def test_file_system_that_hangs_holds_up_nothing_and_loses_nothing(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    path.write_bytes(before := saved.write(known(store), NOW))
    memory = memory_of(Store(), path)
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)
    lock, answering = memory._file.lock, Event()

    def lock_before_it_hangs() -> None:
        lock()
        memory._access._patience_s = module.PATIENCE_S

    monkeypatch.setattr(memory._file, "lock", lock_before_it_hangs)
    monkeypatch.setattr(memory._file, "read", lambda _: answering.wait(PATIENCE_S))
    assert await memory.recall([a_broker()]) == ()
    answering.set()
    await memory.close()
    assert path.read_bytes() == before
    assert [(line["event"], line["error"]) for line in log] == [
        ("state could not be restored", "has not answered for 0.05 seconds"),
        ("state not saved", "not written, as what is in it could not be read"),
    ]


async def test_writings_never_meet(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = memory_of(store, path)
    await memory.recall([a_broker()])
    began, goes_on = Event(), Event()
    write = memory._file.write

    def slow(data: bytes) -> None:
        began.set()
        goes_on.wait(PATIENCE_S)
        write(data)

    monkeypatch.setattr(memory._file, "write", slow)
    async with keeping(memory, monkeypatch):
        await until(began.is_set)
    monkeypatch.setattr(memory._file, "write", write)
    record(store, minute=1, reason="connect_refused")
    end = asyncio.create_task(memory.close())
    await looks()
    assert not path.exists()
    goes_on.set()
    await end
    assert standing(path) == "connect_refused"


async def test_fault_of_ours_is_counted_and_costs_nothing_else(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    monkeypatch.setattr(saved, "write", None)
    memory = memory_of(store, path)
    await memory.close()
    path.write_bytes(b"{}")
    monkeypatch.setattr(saved, "read", None)
    after, states = await recalled(path)
    assert states == ()
    assert (store.monitor.snapshot().internal_errors_total, after.monitor.snapshot().internal_errors_total) == (1, 1)
    assert store.monitor.snapshot().state_write_successful is False
    assert [line["log_level"] for line in log] == ["error", "error", "warning"]
