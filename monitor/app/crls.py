"""Following the files of revocation lists beside the event loop: before each probe they are looked at."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from monitor.config.crls import CrlFiles
from monitor.model.revocation import CrlFile

_PATIENCE_S: Final = 1.0
"""A disk that takes longer, as one over a network may, holds up no probe: what was read before is used."""


class CrlFollower:
    """Knows what files of revocation lists hold; to be closed."""

    def __init__(self) -> None:
        self._files = CrlFiles()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="crls")
        self._latest: dict[tuple[str, ...], tuple[CrlFile, ...]] = {}
        self._looking: dict[tuple[str, ...], asyncio.Future[None]] = {}

    async def current(self, paths: tuple[str, ...]) -> tuple[CrlFile, ...]:
        """Return what the files hold; nothing before they could be read for the first time."""
        if not paths:
            return ()
        if paths not in self._looking or self._looking[paths].done():
            self._looking[paths] = asyncio.ensure_future(self._look(paths))
        await asyncio.wait([self._looking[paths]], timeout=_PATIENCE_S)
        return self._latest.get(paths, ())

    def close(self) -> None:
        """Look no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _look(self, paths: tuple[str, ...]) -> None:
        self._latest[paths] = await asyncio.get_running_loop().run_in_executor(self._thread, self._files.look, paths)
