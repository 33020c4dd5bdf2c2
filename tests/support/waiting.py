"""Waiting on the event loop for what happens soon."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.support.ports import PATIENCE_S


async def until(condition: Callable[[], object]) -> None:
    """Return as soon as the condition holds.

    Raises:
        TimeoutError: it does not come to hold.
    """
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)
