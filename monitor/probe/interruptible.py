"""Waits that a fault cuts short, without a task of their own."""

from __future__ import annotations

import asyncio
from types import TracebackType

from monitor.probe.fault import PhaseFault


class Interruptible:
    """An async context manager, used again and again by one task: the first fault ends the wait inside, now or later.

    Like `asyncio.timeout`, it cancels the task and turns that cancellation, and only that one, into the fault.
    """

    def __init__(self) -> None:
        self._fault: PhaseFault | None = None
        self._task: asyncio.Task[object] | None = None
        self._has_cancelled = False
        self._cancelling = 0

    @property
    def is_interrupted(self) -> bool:
        """Whether a fault has been declared."""
        return self._fault is not None

    def interrupt(self, fault: PhaseFault) -> None:
        """Declare the fault; only the first counts."""
        if self._fault is None:
            self._fault = fault
            if self._task is not None:
                self._has_cancelled = True
                self._task.cancel()

    async def __aenter__(self) -> None:
        if self._fault is not None:
            raise self._fault
        self._task = task = asyncio.current_task()
        self._cancelling = task.cancelling() if task is not None else 0

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        if not self._has_cancelled or task is None:
            return
        self._has_cancelled = False
        # Someone else's cancellation, if there is one besides ours, goes its way untouched.
        is_only_ours = task.uncancel() <= self._cancelling and kind is asyncio.CancelledError
        if is_only_ours and self._fault is not None:
            raise self._fault from None
