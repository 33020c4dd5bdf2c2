"""Calls that may never return, each in a thread that does not keep the process from ending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Container
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

_K = TypeVar("_K")
_T = TypeVar("_T")


class NoAnswerError(Exception):
    """A call took longer than anybody waits for it. It may return yet; nobody hears of it."""


class OneAtATime:
    """Makes calls of one kind, no two at once: where one never returns, one thread waits for it. For one event loop."""

    def __init__(self, *, name: str, patience_s: float) -> None:
        self._name = name
        self._patience_s = patience_s
        self._latest: asyncio.Future[Any] | None = None

    async def call(self, call: Callable[[], _T]) -> _T:
        """Return what comes of the call, once no earlier one is under way.

        Raises:
            NoAnswerError: that took too long, or an earlier one still does; besides whatever the call raises.
        """
        if self._latest is not None:
            await self._wait_for(self._latest)
        self._latest = answer = in_daemon_thread(call, name=self._name)
        # Also of one that nobody waits for any more: asyncio complains of failures that nobody looked at.
        answer.add_done_callback(asyncio.Future.exception)
        await self._wait_for(answer)
        return answer.result()

    async def _wait_for(self, answer: asyncio.Future[Any]) -> None:
        await asyncio.wait((answer,), timeout=self._patience_s)
        if not answer.done():
            raise NoAnswerError


class SharedCalls(Generic[_K, _T]):
    """Makes calls by key: who asks while one is under way shares it, and nobody waits longer than the first.

    So where one never returns, one thread waits for it, and only who asked at first had to. For one event loop.
    """

    def __init__(self, *, name: str, patience_s: float) -> None:
        self.latest: dict[_K, _T] = {}
        """What came of the last call for each key that returned, waited for or not."""
        self._name = name
        self._patience_s = patience_s
        self._running: dict[_K, tuple[asyncio.Future[_T], float]] = {}
        """With the loop's time up to which anybody waits."""

    async def call(self, key: _K, call: Callable[[], _T]) -> _T:
        """Return what comes of the call, or of the one for the same key that is under way.

        Raises:
            NoAnswerError: that took too long; besides whatever the call raises.
        """
        loop = asyncio.get_running_loop()
        if key not in self._running:
            begun = in_daemon_thread(call, name=self._name)
            self._running[key] = (begun, loop.time() + self._patience_s)
            begun.add_done_callback(partial(self._ended, key))
        answer, deadline = self._running[key]
        await asyncio.wait((answer,), timeout=max(0.0, deadline - loop.time()))
        if not answer.done():
            raise NoAnswerError
        return answer.result()

    def keep(self, keys: Container[_K]) -> None:
        """Forget what came of calls for any other key."""
        self.latest = {key: latest for key, latest in self.latest.items() if key in keys}

    def _ended(self, key: _K, answer: asyncio.Future[_T]) -> None:
        del self._running[key]
        if not answer.cancelled() and answer.exception() is None:
            self.latest[key] = answer.result()


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
