"""A descriptor that may block, behind a thread: who logs never waits for who reads."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from queue import Full, Queue
from typing import Final

MOST_LINES: Final = 10_000
"""Held for a reader that is slow: some MiB. A fleet's first results are far fewer."""
_GOODBYE_S: Final = 1.0


class Outlet:
    """Writes texts in their order. What the descriptor does not take, as a full disk or a pipe without reader, is lost.

    Not through Python's own standard error: at the end of the process, that waits for a write that hangs.
    """

    def __init__(self, descriptor: int, *, most_lines: int = MOST_LINES) -> None:
        self._descriptor = descriptor
        self._waiting: Queue[str | None] = Queue(most_lines)
        self._refused = 0
        self._failed = 0
        self._told = 0
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Have the text written; it is lost if too many wait already. Never blocks, never raises."""
        try:
            self._waiting.put_nowait(text)
        except Full:
            self._refused += 1

    def lost(self) -> int:
        """Return how many texts were lost since this was last asked."""
        before, self._told = self._told, self._refused + self._failed
        return self._told - before

    def close(self) -> None:
        """Write what waits, as far as that is possible within a moment."""
        with suppress(Full):
            self._waiting.put(None, timeout=_GOODBYE_S)
        self._thread.join(_GOODBYE_S)

    def _run(self) -> None:
        while (text := self._waiting.get()) is not None:
            try:
                self._write(text.encode("utf-8", "backslashreplace"))
            except OSError:
                self._failed += 1

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]
