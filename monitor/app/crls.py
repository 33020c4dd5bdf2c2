"""Following the files of revocation lists beside the event loop: before each probe they are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from monitor.config.crls import CrlFiles
from monitor.model.broker import Broker
from monitor.model.revocation import CrlFile
from monitor.threads import in_daemon_thread

_PATIENCE_S: Final = 1.0
"""A disk that takes longer, as one over a network may, holds up no probe: what was read before is used."""

_Paths = tuple[str, ...]
Look = Callable[[_Paths], tuple[CrlFile, ...]]


def _new_look() -> Look:
    return CrlFiles().look


class CrlFollower:
    """Knows what files of revocation lists hold; brokers that name the same share them. For one event loop."""

    def __init__(self, new_look: Callable[[], Look] = _new_look, *, patience_s: float = _PATIENCE_S) -> None:
        self._new_look = new_look
        self._patience_s = patience_s
        self._looks: dict[_Paths, Look] = {}
        self._latest: dict[_Paths, tuple[CrlFile, ...]] = {}
        self._running: dict[_Paths, tuple[asyncio.Future[tuple[CrlFile, ...]], float]] = {}
        """With the loop's time up to which anybody waits: a look that never ends is waited for once, by one thread."""

    async def current(self, paths: tuple[str, ...]) -> tuple[CrlFile, ...]:
        """Return what the files hold; nothing before they could be read for the first time."""
        if not paths:
            return ()
        loop = asyncio.get_running_loop()
        if paths not in self._running:
            look = self._looks.setdefault(paths, self._new_look())
            begun = in_daemon_thread(partial(look, paths), name="crls")
            self._running[paths] = (begun, loop.time() + self._patience_s)
            begun.add_done_callback(partial(self._ended, paths))
        running, deadline = self._running[paths]
        await asyncio.wait((running,), timeout=max(0.0, deadline - loop.time()))
        return running.result() if running.done() else self._latest.get(paths, ())

    def keep(self, brokers: Iterable[Broker]) -> None:
        """Forget the files that none of these brokers names."""
        named = {broker.tls.crl_files for broker in brokers}
        self._looks = {paths: look for paths, look in self._looks.items() if paths in named}
        self._latest = {paths: latest for paths, latest in self._latest.items() if paths in named}

    def _ended(self, paths: _Paths, running: asyncio.Future[tuple[CrlFile, ...]]) -> None:
        del self._running[paths]
        if not running.cancelled() and running.exception() is None:
            self._latest[paths] = running.result()
