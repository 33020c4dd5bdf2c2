"""Slow rounds: further connections to a broker, beside its probes and on an interval of their own.

They are no probes: never counted as such, never in their way. A broker has rounds only once a probe has found it
acceptable, one round at a time whatever its kind, and only a few brokers have one at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeVar

import structlog

from monitor.model.broker import Broker
from monitor.schedule import Schedule

MAX_IN_FLIGHT: Final = 4
"""Rounds of one kind under way at once: what is left of the event loop is the probes'."""

Result = TypeVar("Result")
log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[Result]):
    """One kind of round."""

    what: str
    """Names one of them in the log: `round of refusals`."""
    is_wanted: Callable[[Broker], bool]
    """Whether the broker has such rounds at all. The next two are asked only then."""
    interval_s: Callable[[Broker], float]
    limit_s: Callable[[Broker], float]
    """How long a round of that broker may take."""
    make: Callable[[Broker], Awaitable[Result]]
    """Makes a round, one connection after the other; may be cancelled at any time."""
    record: Callable[[Broker, Result], None]
    """Takes the result, unless the broker was removed or replaced meanwhile."""


class Rounds:
    """Gives each accepted broker its rounds, of every kind.

    Args:
        kinds: any number.
        tasks: owns the rounds; they are drained before the group ends.
        internal_error: counts a bug of ours.
        now: the wall clock; UTC, aware.
        monotonic: a clock that nobody sets, in seconds.
    """

    def __init__(
        self,
        kinds: Sequence[Kind[Any]],
        *,
        tasks: asyncio.TaskGroup,
        internal_error: Callable[[], None],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._accepted: dict[str, Broker] = {}
        self._alone: dict[str, asyncio.Lock] = {}
        self._schedules = [
            (
                kind,
                Schedule(
                    tasks=tasks,
                    max_in_flight=MAX_IN_FLIGHT,
                    probe=self._alone_with(kind),
                    record=kind.record,
                    stats=_Stats(kind.what, internal_error),
                    now=now,
                    monotonic=monotonic,
                    what=kind.what,
                    interval_s=kind.interval_s,
                    limit_s=kind.limit_s,
                ),
            )
            for kind in kinds
        ]

    def start(self) -> None:
        """Begin; to be called once, on the running loop."""
        for _, schedule in self._schedules:
            schedule.start()

    def update(self, brokers: Sequence[Broker]) -> None:
        """Have rounds with no other brokers than these; one that was changed waits until it is accepted anew."""
        wanted = {broker.name: broker for broker in brokers}
        self._accepted = {name: wanted[name] for name, broker in self._accepted.items() if wanted.get(name) == broker}
        self._alone = {name: lock for name, lock in self._alone.items() if name in wanted}
        for kind, schedule in self._schedules:
            schedule.update([broker for broker in self._accepted.values() if kind.is_wanted(broker)])

    def accepted(self, broker: Broker) -> None:
        """Give the broker its first rounds now if it has had none: a probe has found it acceptable."""
        if broker.name in self._accepted:
            return
        self._accepted[broker.name] = broker
        for kind, schedule in self._schedules:
            if kind.is_wanted(broker):
                schedule.add(broker)

    def check_clock(self) -> None:
        """See `Schedule.check_clock`."""
        for _, schedule in self._schedules:
            schedule.check_clock()

    async def drain(self, timeout_s: float) -> None:
        """Begin no more rounds, let the running ones end for up to `timeout_s`, then cancel them. Final."""
        await asyncio.gather(*(schedule.drain(timeout_s) for _, schedule in self._schedules))

    def _alone_with(self, kind: Kind[Result]) -> Callable[[Broker], Awaitable[Result]]:
        async def make(broker: Broker) -> Result:
            async with self._alone.setdefault(broker.name, asyncio.Lock()):
                return await kind.make(broker)

        return make


class _Stats:
    """What a schedule of rounds counts: nothing that is counted of probes."""

    def __init__(self, what: str, internal_error: Callable[[], None]) -> None:
        self._what = what
        self.internal_error = internal_error

    def delayed(self, seconds: float) -> None:
        """Nothing to do: a round may be late."""

    def missed(self, reason: Literal["misfire", "overlap"]) -> None:
        log.debug("a round was left out", turn=self._what, reason=reason)
