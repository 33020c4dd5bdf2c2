"""What a process and its event loop hold: descriptors, readers and writers, tasks."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path


def descriptors() -> frozenset[int]:
    """Return every open descriptor of this process, but the one that listing them takes."""
    names = os.listdir("/proc/self/fd")  # noqa: PTH208 - the numbers alone
    return frozenset(int(name) for name in names if Path("/proc/self/fd", name).is_symlink())


def watched_descriptors() -> frozenset[int]:
    """Return the descriptors that the running loop has readers or writers for, but its own wake-up pipe."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, asyncio.SelectorEventLoop)
    return frozenset(loop._selector.get_map()) - {loop._ssock.fileno()}  # type: ignore[attr-defined]


def other_tasks() -> frozenset[asyncio.Task[object]]:
    """Return the tasks under way besides the one that asks."""
    return frozenset(asyncio.all_tasks()) - {asyncio.current_task()}


def live_timers() -> list[asyncio.TimerHandle]:
    """Return the timers of the running loop that would still fire."""
    return [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
