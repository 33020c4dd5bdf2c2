"""Asks where accepted certificates point, in the background, and keeps what was answered while it is wanted."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from monitor.fetch.ask import ask
from monitor.fetch.fault import FetchFault
from monitor.fetch.fetcher import Fetcher
from monitor.fetch.question import Question, Reading
from monitor.fetch.wanted import Wanted
from monitor.model.fetched import Fetched
from monitor.model.unavailable import Unavailable

MOST_AT_ONCE: Final = 4
MOST_QUESTIONS: Final = 4_096
MOST_OCTETS: Final = 64 * 1024 * 1024
"""Of all answers together."""

log = structlog.stdlib.get_logger()


@dataclass(slots=True)
class _Entry:
    """A question, and what came of it so far."""

    question: Question
    asked_at: datetime
    due: datetime
    wanted_by: set[str]
    content: bytes | None = None
    sha256: str = ""
    kept: Reading | None = None
    """Of a usable answer, which stays until a newer one comes, even when it goes out of date: then that is the news."""
    problem: Unavailable | None = Unavailable.NOT_ASKED_YET
    detail: str = ""
    failures: int = 0
    """In a row."""
    task: asyncio.Task[None] | None = None

    def keep(self, content: bytes, reading: Reading) -> None:
        self.content, self.sha256 = content, hashlib.sha256(content).hexdigest()
        self.kept = reading if reading.is_usable else None

    def is_newer(self, reading: Reading) -> bool:
        former = None if self.kept is None else self.kept.this_update
        return former is None or (reading.this_update is not None and reading.this_update >= former)


class Follower:
    """Asks questions when they are due, and knows the answers.

    Args:
        tasks: owns whatever runs.
        now: the wall clock; UTC, aware.
        fetcher: whom to ask through; closed by `close`.
        on_fault: called when the monitor itself was at fault.
    """

    def __init__(
        self,
        *,
        tasks: asyncio.TaskGroup,
        now: Callable[[], datetime],
        fetcher: Fetcher,
        on_fault: Callable[[], None] = lambda: None,
    ) -> None:
        self._tasks = tasks
        self._now = now
        self._fetcher = fetcher
        self._on_fault = on_fault
        self._wanted: dict[str, tuple[Wanted, ...]] = {}
        self._entries: dict[Question, _Entry] = {}
        self._busy: set[str] = set()
        """Servers that are being asked."""
        # Lists are large, and nobody waits for their reading.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read")
        self._is_closed = False

    def follow(self, broker: str, wanted: Sequence[Wanted]) -> None:
        """Want this for a broker from now on, and nothing else."""
        for each in self._wanted.pop(broker, ()):
            if each.question in self._entries:
                self._entries[each.question].wanted_by.discard(broker)
        if wanted:
            self._wanted[broker] = tuple(wanted)
        for each in wanted:
            if each.question is not None:
                self._want(each.question, broker)
        self.turn()

    def known(self, broker: str) -> tuple[Fetched, ...]:
        """Return what is known for a broker, in the order in which it was wanted."""
        return tuple(self._fetched(each) for each in self._wanted.get(broker, ()))

    def turn(self) -> None:
        """Ask what is due, as far as there is room; to be called every second or so."""
        now = self._now()
        for entry in list(self._entries.values()):
            if self._is_closed or len(self._busy) >= MOST_AT_ONCE:
                return
            # A clock that is set back puts nothing off.
            if entry.task is not None or entry.asked_at <= now < entry.due:
                continue
            # Not before: a broker that serves two chains by turns wants it back at the next probe.
            if not entry.wanted_by:
                del self._entries[entry.question]
            # Of each server one thing at a time: one that is slow holds up nobody else's answers.
            elif entry.question.server not in self._busy:
                self._busy.add(entry.question.server)
                entry.task = self._tasks.create_task(self._ask(entry), name="fetch")

    def close(self) -> None:
        """Ask no more; what is under way is given up."""
        self._is_closed = True
        for entry in self._entries.values():
            if entry.task is not None:
                entry.task.cancel()
        self._fetcher.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _want(self, question: Question, broker: str) -> None:
        entry = self._entries.get(question)
        if entry is None and len(self._entries) >= MOST_QUESTIONS:
            spare = next((other for other in self._entries.values() if not other.wanted_by and not other.task), None)
            if spare is None:
                return
            del self._entries[spare.question]
        if entry is None:
            now = self._now()
            entry = self._entries[question] = _Entry(question, asked_at=now, due=now, wanted_by=set())
        entry.wanted_by.add(broker)

    async def _ask(self, entry: _Entry) -> None:
        try:
            content, reading = await ask(entry.question, self._fetcher, self._thread, self._now)
            self._take(entry, content, reading)
        except FetchFault as fault:
            self._fail(entry, fault.reason, fault.detail)
        except Exception:
            log.exception("fetching failed by a fault of the monitor", uris=entry.question.uris)
            self._on_fault()
            self._fail(entry, Unavailable.INTERNAL, "a fault of the monitor, see its log")
        finally:
            entry.task = None
            self._busy.discard(entry.question.server)
        self.turn()

    def _take(self, entry: _Entry, content: bytes, reading: Reading) -> None:
        held = sum(len(other.content or b"") for other in self._entries.values() if other is not entry)
        if held + len(content) > MOST_OCTETS:
            self._fail(entry, Unavailable.NO_ROOM, f"more than {MOST_OCTETS} octets of answers are held")
        elif not reading.is_usable:
            if entry.kept is None:
                entry.keep(content, reading)
            self._fail(entry, Unavailable.UNUSABLE, reading.detail)
        elif not entry.is_newer(reading):
            # Genuine, and given out again by whoever would rather have what was true before it was revoked.
            self._fail(entry, Unavailable.UNUSABLE, "it is older than what was answered before")
        else:
            entry.keep(content, reading)
            entry.problem, entry.detail, entry.failures = None, "", 0
            entry.asked_at = self._now()
            entry.due = entry.question.next_asking(entry.asked_at, reading.next_update)

    def _fail(self, entry: _Entry, problem: Unavailable, detail: str) -> None:
        entry.problem, entry.detail = problem, detail
        entry.failures += 1
        entry.asked_at = self._now()
        entry.due = entry.question.next_try(entry.asked_at, entry.failures)
        log.info(
            "no revocation answer",
            uris=entry.question.uris,
            reason=problem.value,
            detail=detail,
            next_try=entry.due.isoformat(timespec="seconds"),
        )

    def _fetched(self, wanted: Wanted) -> Fetched:
        if wanted.question is None:
            return wanted.unanswered()
        entry = self._entries.get(wanted.question)
        if entry is None:
            return wanted.unanswered(Unavailable.NO_ROOM, f"more than {MOST_QUESTIONS} answers are wanted")
        is_usable = entry.content is None or entry.kept is not None
        return wanted.answered(entry.content, entry.sha256, entry.problem, entry.detail, is_usable=is_usable)
