"""One deadline for a whole probe, fair to the broker when it is this process that was late."""

from __future__ import annotations

import asyncio
from types import TracebackType

_PUNCTUAL_S = 0.05
"""A timer that fires later than this was held up by a blocked loop."""
_GRACE_S = 1.0


class Deadline:
    """An async context manager that raises `TimeoutError` at the deadline.

    Where the loop was blocked across the deadline, answers that came in time may still lie unread in the kernel. They
    get as long to be read as the loop was late, at most a second, once.
    """

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._at = self._loop.time() + seconds
        self._timeout = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> float:
        """Return the deadline, on the loop's clock."""
        await self._timeout.__aenter__()
        self._timer = self._loop.call_at(self._at, self._due)
        return self._at

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._timeout.__aexit__(kind, error, traceback)

    def _due(self) -> None:
        late = self._loop.time() - self._at
        if late > _PUNCTUAL_S:
            self._timer = self._loop.call_later(min(late, _GRACE_S), self._expire)
        else:
            self._expire()

    def _expire(self) -> None:
        self._timeout.reschedule(self._loop.time())
