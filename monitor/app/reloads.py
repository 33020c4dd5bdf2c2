"""Orders to read the configuration again, however many come: one is carried out, and at most one more waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from monitor.model.config import Problem

Problems = Sequence[Problem]


class Reloads:
    """Carries out one order after the other.

    Whoever gives one while another waits for its turn shares that one: it will read whatever there is to read now.

    Args:
        reload: carries out one order.
        tasks: owns whatever runs.
    """

    def __init__(self, reload: Callable[[], Awaitable[Problems]], *, tasks: asyncio.TaskGroup) -> None:
        self._reload = reload
        self._tasks = tasks
        self._alone = asyncio.Lock()
        self._next: asyncio.Task[Problems] | None = None
        self._running: set[asyncio.Task[Problems]] = set()

    async def order(self) -> Problems:
        """Return what comes of it. Whoever waits no longer leaves it to be carried out."""
        if self._next is None:
            self._next = self._tasks.create_task(self._in_turn(), name="reload")
            self._running.add(self._next)
            self._next.add_done_callback(self._running.discard)
        return await asyncio.shield(self._next)

    def close(self) -> None:
        """Give up what waits, and what is not done yet: reading may take as long as a file system does."""
        for task in self._running:
            task.cancel()

    async def _in_turn(self) -> Problems:
        async with self._alone:
            self._next = None
            return await self._reload()
