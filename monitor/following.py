"""The brokers' own files on this host, looked at beside the event loop: a file system may take as long as it likes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Final

from monitor.config.installed import Look, look, unanswered
from monitor.model.broker import Broker, CertificateFiles
from monitor.model.installed import InstalledFiles
from monitor.threads import in_daemon_thread
from monitor.x509.certificate import read_chain

PATIENCE_S: Final = 2.0
"""How long results wait for the files. A local disk answers within a millisecond."""


LookAt = Callable[[CertificateFiles, Look | None, datetime], Look]
_look_at: Final[LookAt] = partial(look, read_chain=read_chain)


class Following:
    """Remembers the last look at each broker's files; brokers that share files share it. For one event loop."""

    def __init__(self, look_at: LookAt = _look_at, *, patience_s: float = PATIENCE_S) -> None:
        self._look_at = look_at
        self._patience_s = patience_s
        self._last: dict[CertificateFiles, Look] = {}
        self._running: dict[CertificateFiles, tuple[asyncio.Future[Look], float]] = {}
        """With the loop's time up to which anybody waits: a look that never ends is waited for once, by one thread."""

    async def look(self, broker: Broker, now: datetime) -> InstalledFiles | None:
        """Return what is in the broker's files now; None if the configuration names none."""
        files = broker.files
        if files is None:
            return None
        loop = asyncio.get_running_loop()
        if files not in self._running:
            done = in_daemon_thread(partial(self._look_at, files, self._last.get(files), now), name="files")
            self._running[files] = (done, loop.time() + self._patience_s)
            done.add_done_callback(partial(self._ended, files))
        running, deadline = self._running[files]
        await asyncio.wait((running,), timeout=max(0.0, deadline - loop.time()))
        if not running.done():
            self._last[files] = unanswered(files, self._last.get(files), now)
            return self._last[files].facts
        return running.result().facts

    def keep(self, brokers: Iterable[Broker]) -> None:
        """Forget the files that none of these brokers has."""
        named = {broker.files for broker in brokers}
        self._last = {files: last for files, last in self._last.items() if files in named}

    def _ended(self, files: CertificateFiles, running: asyncio.Future[Look]) -> None:
        del self._running[files]
        if running.exception() is None:
            self._last[files] = running.result()
