"""Files of revocation lists beside the event loop: a disk that hangs holds up one look, and no probe."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from itertools import count
from pathlib import Path

from monitor.app.crls import CrlFollower, Look
from monitor.model.revocation import CrlFile
from tests.support.ports import PATIENCE_S
from tests.support.records import a_broker

PATHS = ("/mnt/ca.crl",)
OLD, NEW = CrlFile(path=PATHS[0], problem="old"), CrlFile(path=PATHS[0], problem="new")


async def test_files_are_read_beside_the_loop_and_nothing_is_asked_for_no_files(tmp_path: Path) -> None:
    follower = CrlFollower()
    assert await follower.current(()) == ()
    (file,) = await follower.current((str(tmp_path / "none.crl"),))
    assert file.problem == "no such file"


async def test_disk_that_hangs_is_waited_for_once_and_what_was_read_before_is_used() -> None:
    goes_on, looks = threading.Event(), list[str]()

    def look(_: tuple[str, ...]) -> tuple[CrlFile, ...]:
        looks.append(threading.current_thread().name)
        if len(looks) == 2:
            goes_on.wait(PATIENCE_S)
        return (OLD,) if len(looks) == 1 else (NEW,)

    follower = CrlFollower(lambda: look, patience_s=PATIENCE_S)
    assert await follower.current(PATHS) == (OLD,)
    follower._calls._patience_s = 0.05
    assert await follower.current(PATHS) == (OLD,)
    follower._calls._patience_s = PATIENCE_S
    waiting = [asyncio.create_task(follower.current(PATHS)) for _ in range(10)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert [each.done() and each.result() for each in waiting] == [(OLD,)] * 10, "nobody waits once more"
    assert len(looks) == 2
    goes_on.set()
    async with asyncio.timeout(PATIENCE_S):
        while await follower.current(PATHS) != (NEW,):
            await asyncio.sleep(0)


async def test_files_that_no_broker_names_any_more_are_forgotten() -> None:
    def new_look() -> Look:
        times = count(1)
        return lambda paths: (CrlFile(path=paths[0], problem=f"look {next(times)}"),)

    follower = CrlFollower(new_look)
    tls = a_broker().tls
    still, gone = (replace(a_broker(), tls=replace(tls, crl_files=(path,))) for path in ("still.crl", "gone.crl"))
    for broker in (still, gone):
        await follower.current(broker.tls.crl_files)
    follower.keep([still])
    assert [file.problem for file in await follower.current(("still.crl",))] == ["look 2"]
    assert [file.problem for file in await follower.current(("gone.crl",))] == ["look 1"]
