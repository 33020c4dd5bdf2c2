"""Orders to reload that come in masses, and while a configuration is being read."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitor.app.reloads import Reloads
from monitor.model.config import Problem
from tests.support.daemon import MonitorProcess

MANY = 1000


class Readings:
    """Each reading of a configuration goes on until it is let end; its result tells which it was."""

    def __init__(self) -> None:
        self.begun = 0
        self._ends = asyncio.Semaphore(0)

    async def read(self) -> Sequence[Problem]:
        self.begun += 1
        number = self.begun
        await self._ends.acquire()
        return (Problem(file="monitor.yml", line=number, key=None, message=""),)

    def let_end(self) -> None:
        self._ends.release()


async def everything_has_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_orders_that_come_while_one_is_carried_out_share_the_next() -> None:
    readings = Readings()
    async with asyncio.TaskGroup() as tasks:
        reloads = Reloads(readings.read, tasks=tasks)
        first = tasks.create_task(reloads.order())
        await everything_has_run()
        others = [tasks.create_task(reloads.order()) for _ in range(MANY)]
        await everything_has_run()
        assert readings.begun == 1
        readings.let_end()
        readings.let_end()
        assert [problem.line for problem in await first] == [1]
        assert {problem.line for other in others for problem in await other} == {2}
    assert readings.begun == 2


async def test_order_is_carried_out_though_who_gave_it_has_left() -> None:
    readings = Readings()
    async with asyncio.TaskGroup() as tasks:
        reloads = Reloads(readings.read, tasks=tasks)
        given, shared = tasks.create_task(reloads.order()), tasks.create_task(reloads.order())
        await everything_has_run()
        given.cancel()
        readings.let_end()
        assert [problem.line for problem in await shared] == [1]


async def test_closing_gives_up_what_waits_and_what_is_under_way() -> None:
    readings = Readings()
    async with asyncio.TaskGroup() as tasks:
        reloads = Reloads(readings.read, tasks=tasks)
        orders = [tasks.create_task(reloads.order())]
        await everything_has_run()
        orders.append(tasks.create_task(reloads.order()))
        await everything_has_run()
        reloads.close()
    assert all(order.cancelled() for order in orders)


@pytest.mark.parametrize("times", [1, 3])
def test_configuration_that_is_never_read_keeps_nobody_from_stopping(tmp_path: Path, times: int) -> None:
    brokers = [{"name": "b", "host": "127.0.0.1", "port": 1}]
    with MonitorProcess(tmp_path, brokers) as daemon:
        daemon.config.unlink()
        os.mkfifo(daemon.config)
        for _ in range(times):
            os.kill(daemon.pid, signal.SIGHUP)
        reading = os.open(daemon.config, os.O_WRONLY)  # returns when it is opened for reading; nothing is written
        try:
            os.kill(daemon.pid, signal.SIGTERM)
            assert daemon.wait_for_end() == 0
        finally:
            os.close(reading)
    assert daemon.lines("stopped")
    assert "Traceback" not in daemon.log
