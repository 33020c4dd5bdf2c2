"""Calls beside the event loop, and what is left of those for which nobody waits."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from monitor.threads import NoAnswerError, OneAtATime, SharedCalls, in_daemon_thread
from tests.support.ports import PATIENCE_S


async def test_result_and_failure_reach_who_waits() -> None:
    assert await in_daemon_thread(lambda: 7, name="seven") == 7
    with pytest.raises(ZeroDivisionError):
        await in_daemon_thread(lambda: 1 // 0, name="fault")


async def test_call_for_which_nobody_waits_any_more_ends_unheard() -> None:
    answer = in_daemon_thread(lambda: 7, name="seven")
    answer.cancel()
    await asyncio.sleep(0.05)
    assert answer.cancelled()


def test_call_that_never_returns_does_not_keep_the_process_from_ending() -> None:
    program = (
        "import asyncio, time; from monitor.threads import in_daemon_thread\n"
        "async def main(): in_daemon_thread(lambda: time.sleep(60), name='hangs')\n"
        "asyncio.run(main())"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE_S)


async def test_no_call_begins_while_an_earlier_one_has_not_returned() -> None:
    calls = OneAtATime(name="one", patience_s=0.01)
    hangs, begun = threading.Event(), []
    with pytest.raises(NoAnswerError):
        await calls.call(hangs.wait)
    with pytest.raises(NoAnswerError):
        await calls.call(lambda: begun.append("too early"))
    assert begun == []
    hangs.set()


async def test_call_follows_one_that_failed() -> None:
    calls = OneAtATime(name="one", patience_s=15.0)
    with pytest.raises(ZeroDivisionError):
        await calls.call(lambda: 1 // 0)
    assert await calls.call(lambda: 7) == 7


async def test_call_for_a_key_is_shared_by_who_asks_meanwhile_and_waited_for_once() -> None:
    calls = SharedCalls[str, int](name="shared", patience_s=0.05)
    hangs, begun = threading.Event(), list[str]()

    def call() -> int:
        begun.append("it")
        hangs.wait(15)
        return 7

    outcomes = await asyncio.gather(*(calls.call("key", call) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in outcomes] == [NoAnswerError] * 3
    began = asyncio.get_running_loop().time()
    with pytest.raises(NoAnswerError):
        await calls.call("key", call)
    assert asyncio.get_running_loop().time() - began < 0.05
    assert await calls.call("another", lambda: 8) == 8
    assert (begun, calls.latest) == (["it"], {"another": 8})
    hangs.set()
    async with asyncio.timeout(10):
        while "key" not in calls.latest:
            await asyncio.sleep(0.01)
    calls.keep({"key"})
    assert calls.latest == {"key": 7}


async def test_shared_call_that_fails_leaves_what_was_had_before() -> None:
    calls = SharedCalls[str, int](name="shared", patience_s=15.0)
    assert await calls.call("key", lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await calls.call("key", lambda: 1 // 0)
    assert calls.latest == {"key": 7}
