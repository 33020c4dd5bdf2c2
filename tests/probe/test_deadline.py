"""The deadline of a probe, punctual and under a loop that was blocked across it."""

from __future__ import annotations

import asyncio
import time

import pytest

from monitor.probe.deadline import Deadline
from tests.support.loop_state import live_timers


async def test_what_ends_in_time_is_left_alone() -> None:
    async with Deadline(60) as at:
        assert at > asyncio.get_running_loop().time()
        await asyncio.sleep(0)
    assert live_timers() == []


async def test_it_says_when_it_is() -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()
    async with Deadline(60) as at:
        assert before + 60 <= at <= loop.time() + 60


async def test_what_takes_longer_is_ended_by_timeout_error() -> None:
    with pytest.raises(TimeoutError):
        async with Deadline(0.01):
            await asyncio.get_running_loop().create_future()
    assert live_timers() == []
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_it_does_not_come_early() -> None:
    loop = asyncio.get_running_loop()
    with pytest.raises(TimeoutError):
        async with Deadline(0.02) as at:
            await loop.create_future()
    assert loop.time() >= at - time.get_clock_info("monotonic").resolution


async def test_a_deadline_of_no_time_ends_the_first_wait() -> None:
    with pytest.raises(TimeoutError):
        async with Deadline(0):
            await asyncio.get_running_loop().create_future()


async def test_a_foreign_cancellation_passes_untouched() -> None:
    async def wait() -> None:
        async with Deadline(60):
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert live_timers() == []


async def test_an_error_passes_untouched() -> None:
    with pytest.raises(KeyError):
        async with Deadline(60):
            raise KeyError
    assert live_timers() == []


async def test_an_answer_that_lay_unread_while_the_loop_was_blocked_still_counts() -> None:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()
    async with Deadline(0.01) as at:
        loop.call_soon(time.sleep, 0.2)  # blocks the loop across the deadline
        # Readable only in the turn after the block, as a socket would be; and two turns are needed to take it in.
        loop.call_soon(lambda: loop.call_soon(lambda: loop.call_soon(answer.set_result, "in time")))
        assert await answer == "in time"
        assert loop.time() > at
    assert live_timers() == []


async def test_the_grace_is_given_once_and_as_long_as_the_loop_was_late() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    loop.call_soon(time.sleep, 0.2)
    with pytest.raises(TimeoutError):
        async with Deadline(0.01):
            await loop.create_future()
    # Blocked for 0.2 s, so at least 0.19 s late, and as much again.
    assert loop.time() - began >= 0.2 + 0.19
    assert live_timers() == []
