"""Calls that may never return, each in a thread that does not keep the process from ending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

_T = TypeVar("_T")


def in_daemon_thread(call: Callable[[], _T], *, name: str) -> asyncio.Future[_T]:
    """Return what becomes of the call: its result or its exception. Whoever waits no longer leaves it running."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_T] = loop.create_future()

    def settle(how: Callable[[], None]) -> None:
        if not answer.done():
            how()

    def work() -> None:
        try:
            settled = partial(answer.set_result, call())
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to who waits, not to this thread
            settled = partial(answer.set_exception, error)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, settled)

    threading.Thread(target=work, name=name, daemon=True).start()
    return answer
