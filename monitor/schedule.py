"""When each broker's turn comes: at once and paced at first, then in its own slot of every interval.

What a turn is, is the caller's: two callables, one that makes a result (a probe, or a slow round of further
connections) and one that records it. So is where a broker's interval and time limit are read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import count
from operator import attrgetter
from typing import Generic, Literal, Protocol, TypeVar

import structlog
from apscheduler.events import (
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    EVENT_JOB_SUBMITTED,
    JobEvent,
    JobSubmissionEvent,
)
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from monitor.model.broker import Broker

FIRST_PACE_S = 0.02
"""Between the first probes of two brokers: fifty handshakes a second leave room for answering scrapes."""
CLOCK_STEP_S = 1.0
"""A wall clock that moves further than this against the monotonic one was set, not slewed."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Result = TypeVar("Result")
log = structlog.stdlib.get_logger()


class Stats(Protocol):
    """Where the schedule counts what it does."""

    def delayed(self, seconds: float) -> None:
        """Take note of how late a probe began."""

    def missed(self, reason: Literal["misfire", "overlap"]) -> None:
        """Count a turn without a probe: noticed too late, or the one before is still running."""

    def internal_error(self) -> None:
        """Count a bug of ours."""


class Slots(BaseTrigger):  # type: ignore[misc]  # APScheduler is untyped
    """One turn per interval, at an offset that depends on the broker's name alone.

    Slots are aligned to the epoch, so they survive restarts. Each one asked for lies after now, so a long pause
    costs one missed turn and not a loop over every turn that was slept through.
    """

    __slots__ = ("_interval", "_offset", "_rest")

    def __init__(self, name: str, *, interval_s: float, rest_s: float) -> None:
        """Place the slots; `rest_s` is the least time from one turn to the next, and at most the interval."""
        self._interval = round(interval_s * 1e6)
        self._offset = int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) % self._interval
        self._rest = timedelta(seconds=rest_s)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the first slot that is after `now`, and not within the rest after the previous turn."""
        earliest = now + _MICROSECOND
        if previous_fire_time is not None:
            earliest = max(earliest, previous_fire_time + self._rest)
        at = (earliest - _EPOCH) // _MICROSECOND
        return _EPOCH + (at + (self._offset - at) % self._interval) * _MICROSECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What a new list of brokers changed, by name, in the lists' order."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    replaced: tuple[str, ...]


@dataclass(slots=True, kw_only=True, eq=False)
class _Watch:
    """A broker that is being watched, until it is removed or replaced."""

    broker: Broker
    job_id: str
    slots: Slots
    alone: asyncio.Lock
    """Held by a turn. The watch that replaces this one gets it too: its first probe awaits the cancelled one."""
    turn: asyncio.Task[None] | None = None
    has_begun: bool = False
    """The turn has passed the global bound: a probe is under way."""


class Schedule(Generic[Result]):
    """Gives each broker its turns: never two at once for one broker, never more than the bound over all of them.

    Args:
        tasks: owns the turns. The schedule is drained before the group ends.
        max_in_flight: probes under way at once. Waiting for that is schedule delay, and no part of a probe.
        probe: makes the result. May raise; that is counted as internal error, and the next turn comes as usual.
        record: takes the result, unless the broker was removed or replaced meanwhile.
        stats: counts.
        now: the wall clock; UTC, aware.
        monotonic: a clock that nobody sets, in seconds.
        what: what a turn is, for the log.
        interval_s: reads a broker's interval.
        limit_s: reads how long a turn of a broker may take.
    """

    def __init__(
        self,
        *,
        tasks: asyncio.TaskGroup,
        max_in_flight: int,
        probe: Callable[[Broker], Awaitable[Result]],
        record: Callable[[Broker, Result], None],
        stats: Stats,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        what: str = "probe",
        interval_s: Callable[[Broker], float] = attrgetter("interval_s"),
        limit_s: Callable[[Broker], float] = attrgetter("timeout_s"),
    ) -> None:
        self._tasks = tasks
        self._bound = asyncio.Semaphore(max_in_flight)
        self._probe = probe
        self._record = record
        self._stats = stats
        self._now = now
        self._monotonic = monotonic
        self._what = what
        self._interval_s = interval_s
        self._limit_s = limit_s
        self._clock_offset_s = self._measure_clock_offset_s()
        self._watches: dict[str, _Watch] = {}
        self._due_at: dict[str, datetime] = {}
        self._job_numbers = count()
        self._is_draining = False
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._scheduler.add_listener(self._on_submitted, EVENT_JOB_SUBMITTED)
        self._scheduler.add_listener(self._on_missed, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)

    def start(self) -> None:
        """Begin; to be called once, on the running loop."""
        self._scheduler.start()

    def update(self, brokers: Sequence[Broker]) -> Update:
        """Watch exactly these brokers from now on.

        A removed or replaced broker's running probe is cancelled, and its result never recorded. New and replaced
        ones have their first probe at once, paced. Jobs and probes of unchanged brokers go on untouched.
        """
        wanted = {broker.name: broker for broker in brokers}
        known = {name: watch.broker for name, watch in self._watches.items()}
        added = [name for name in wanted if name not in known]
        removed = [name for name in known if name not in wanted]
        replaced = [name for name in wanted if name in known and wanted[name] != known[name]]
        for name in removed:
            self._dismiss(self._watches.pop(name))
        due_at = self._now()
        fresh = [broker for broker in wanted.values() if broker != known.get(broker.name)]
        for broker in fresh:
            former = self._watches.get(broker.name)
            if former is not None:
                self._dismiss(former)
            alone = asyncio.Lock() if former is None else former.alone
            self._watches[broker.name] = self._watch(broker, due_at, alone)
            due_at += timedelta(seconds=min(FIRST_PACE_S, self._interval_s(broker) / len(fresh)))
        return Update(added=tuple(added), removed=tuple(removed), replaced=tuple(replaced))

    def add(self, broker: Broker) -> None:
        """Watch one more broker, its first turn at once; none of its name is watched yet."""
        self._watches[broker.name] = self._watch(broker, self._now(), asyncio.Lock())

    def check_clock(self) -> None:
        """Notice a wall clock that was set, and move every broker to its next slot; to be called each second.

        APScheduler sleeps by the monotonic clock and decides by the wall clock: were that set back by an hour, no
        turn would come for an hour.
        """
        offset_s = self._measure_clock_offset_s()
        step_s = offset_s - self._clock_offset_s
        self._clock_offset_s = offset_s
        if self._is_draining or abs(step_s) <= CLOCK_STEP_S:
            return
        log.warning("wall clock was set; turns move to their next slots", turn=self._what, step_s=round(step_s, 3))
        for watch in self._watches.values():
            next_slot = watch.slots.get_next_fire_time(None, self._now())
            self._scheduler.modify_job(watch.job_id, next_run_time=next_slot)

    def overdue_s(self) -> float:
        """Return for how many seconds the next turn has been due without having been taken up; 0 if all is well."""
        due_at = (job.next_run_time for job in self._scheduler.get_jobs() if job.next_run_time is not None)
        earliest: datetime | None = min(due_at, default=None)
        return 0.0 if earliest is None else max(0.0, (self._now() - earliest).total_seconds())

    async def drain(self, timeout_s: float) -> None:
        """Begin no more probes, let the running ones end for up to `timeout_s`, then cancel them. Final."""
        if self._is_draining:
            return
        self._is_draining = True
        self._scheduler.pause()
        turns = []
        for watch in self._watches.values():
            if watch.turn is not None:
                turns.append(watch.turn)
                if not watch.has_begun:
                    watch.turn.cancel()
        if turns:
            _, late = await asyncio.wait(turns, timeout=timeout_s)
            for turn in late:
                turn.cancel()
            await asyncio.wait(turns)
        self._scheduler.shutdown(wait=False)

    def _watch(self, broker: Broker, due_at: datetime, alone: asyncio.Lock) -> _Watch:
        interval_s = self._interval_s(broker)
        watch = _Watch(
            broker=broker,
            # Not the name alone: APScheduler still counts the running instance of a job that was removed.
            job_id=f"{next(self._job_numbers)} {broker.name}",
            # A first probe that runs into its deadline must not make the first slot an overlap.
            slots=Slots(broker.name, interval_s=interval_s, rest_s=min(interval_s, self._limit_s(broker))),
            alone=alone,
        )
        self._scheduler.add_job(
            self._take_turn,
            watch.slots,
            args=[watch],
            id=watch.job_id,
            next_run_time=due_at,
            max_instances=1,
            coalesce=True,
            # APScheduler's default of 1 s drops what a short stall made late. After an interval the next is due.
            misfire_grace_time=max(1, round(interval_s)),
        )
        return watch

    def _dismiss(self, watch: _Watch) -> None:
        self._scheduler.remove_job(watch.job_id)
        if watch.turn is not None:
            watch.turn.cancel()

    async def _take_turn(self, watch: _Watch) -> None:
        """Run one turn; this is APScheduler's job.

        The turn is a task of its own: APScheduler would swallow its cancellation, and log it as an error.
        """
        due_at = self._due_at.pop(watch.job_id)
        if self._is_draining or not self._is_current(watch):
            return
        late_s = (self._now() - due_at).total_seconds()
        watch.has_begun = False
        watch.turn = self._tasks.create_task(self._turn(watch, late_s), name=f"{self._what} {watch.broker.name}")
        await asyncio.wait({watch.turn})
        watch.turn = None

    async def _turn(self, watch: _Watch, late_s: float) -> None:
        waiting_since = self._monotonic()
        async with watch.alone, self._bound:
            watch.has_begun = True
            self._stats.delayed(max(0.0, late_s + self._monotonic() - waiting_since))
            try:
                result = await self._probe(watch.broker)
                if self._is_current(watch):
                    self._record(watch.broker, result)
            except Exception:
                self._stats.internal_error()
                log.exception("a turn broke by a fault of the monitor", turn=self._what, broker=watch.broker.name)

    def _is_current(self, watch: _Watch) -> bool:
        return self._watches.get(watch.broker.name) is watch

    def _on_submitted(self, event: JobSubmissionEvent) -> None:
        self._due_at[event.job_id] = event.scheduled_run_times[-1]

    def _on_missed(self, event: JobEvent) -> None:
        self._due_at.pop(event.job_id, None)
        self._stats.missed("overlap" if event.code == EVENT_JOB_MAX_INSTANCES else "misfire")

    def _measure_clock_offset_s(self) -> float:
        return self._now().timestamp() - self._monotonic()
