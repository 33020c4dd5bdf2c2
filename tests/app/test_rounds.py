"""Slow rounds come beside probes: only for accepted brokers, one at a time per broker, and never counted."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from monitor.app.rounds import MAX_IN_FLIGHT, Kind, Rounds
from monitor.model.broker import Broker
from tests.support.waiting import until
from tests.test_schedule import a_broker


@dataclass
class Made:
    """Rounds of some kind that begin, and end when they are let go."""

    what: str = "round"
    interval_s: float = 3600.0
    begun: list[Broker] = field(default_factory=list)
    recorded: list[Broker] = field(default_factory=list)
    in_flight: int = 0
    cancelled: int = 0
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def kind(self) -> Kind[Broker]:
        return Kind(
            what=self.what,
            is_wanted=lambda broker: broker.name != "unwanted",
            interval_s=lambda _: self.interval_s,
            limit_s=lambda _: 10.0,
            make=self.make,
            record=lambda _, result: self.recorded.append(result),
        )

    async def make(self, broker: Broker) -> Broker:
        self.begun.append(broker)
        self.in_flight += 1
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.in_flight -= 1
        return broker


@asynccontextmanager
async def running(*made: Made, errors: Callable[[], None] = lambda: None) -> AsyncIterator[Rounds]:
    async with asyncio.TaskGroup() as tasks:
        rounds = Rounds(
            [each.kind for each in made],
            tasks=tasks,
            internal_error=errors,
            now=lambda: datetime.now(UTC),
            monotonic=time.monotonic,
        )
        rounds.start()
        try:
            yield rounds
        finally:
            await rounds.drain(0)


@pytest.fixture
def made() -> Made:
    return Made()


async def settled() -> None:
    """Let what is due at once come."""
    await asyncio.sleep(0.05)


async def test_first_round_comes_at_once_when_a_broker_was_accepted_and_once(made: Made) -> None:
    broker = a_broker()
    made.may_end.set()
    async with running(made) as rounds:
        rounds.update([broker])
        await settled()
        assert made.begun == []
        rounds.accepted(broker)
        await until(lambda: made.recorded == [broker])
        rounds.accepted(broker)
        await settled()
    assert made.begun == [broker]


async def test_rounds_come_again_at_their_own_interval(made: Made) -> None:
    made.interval_s = 0.05
    made.may_end.set()
    broker = a_broker(interval_s=3600)
    async with running(made) as rounds:
        rounds.update([broker])
        rounds.accepted(broker)
        await until(lambda: len(made.recorded) >= 3)


async def test_broker_without_checks_has_no_rounds(made: Made) -> None:
    async with running(made) as rounds:
        rounds.update([a_broker("unwanted")])
        rounds.accepted(a_broker("unwanted"))
        await settled()
    assert made.begun == []


async def test_kinds_take_turns_at_one_broker(made: Made) -> None:
    other = Made(what="other round")
    broker = a_broker()
    async with running(made, other) as rounds:
        rounds.update([broker])
        rounds.accepted(broker)
        await until(lambda: made.begun + other.begun == [broker])
        await settled()
        assert made.in_flight + other.in_flight == 1
        made.may_end.set()
        other.may_end.set()
        await until(lambda: made.recorded == other.recorded == [broker])


async def test_few_brokers_have_rounds_at_once(made: Made) -> None:
    brokers = [a_broker(str(number)) for number in range(MAX_IN_FLIGHT + 3)]
    async with running(made) as rounds:
        rounds.update(brokers)
        for broker in brokers:
            rounds.accepted(broker)
        await until(lambda: made.in_flight == MAX_IN_FLIGHT)
        await settled()
        assert made.in_flight == MAX_IN_FLIGHT
        made.may_end.set()
        await until(lambda: len(made.recorded) == len(brokers))


async def test_unchanged_broker_keeps_its_round_over_a_reload(made: Made) -> None:
    broker = a_broker()
    async with running(made) as rounds:
        rounds.update([broker])
        rounds.accepted(broker)
        await until(lambda: made.in_flight == 1)
        rounds.update([replace(broker), a_broker("b")])
        made.may_end.set()
        await until(lambda: made.recorded == [broker])
        rounds.accepted(replace(broker))
        await settled()
    assert made.begun == [broker]


@pytest.mark.parametrize("left", [[], [a_broker(port=2)]])
async def test_round_of_a_removed_or_changed_broker_is_cancelled_and_not_recorded(
    made: Made, left: list[Broker]
) -> None:
    broker = a_broker(port=1)
    async with running(made) as rounds:
        rounds.update([broker])
        rounds.accepted(broker)
        await until(lambda: made.in_flight == 1)
        rounds.update(left)
        made.may_end.set()
        await until(lambda: made.cancelled == 1)
        await settled()
        assert made.begun == [broker], "a changed one must be accepted anew"
        for each in left:
            rounds.accepted(each)
        await until(lambda: made.recorded == left)


async def test_fault_of_ours_is_counted_and_lateness_is_not() -> None:
    errors: list[None] = []
    made = Made(interval_s=0.05)

    async def faulty(broker: Broker) -> Broker:
        made.begun.append(broker)
        raise ZeroDivisionError

    made.make = faulty  # type: ignore[method-assign]
    broker = a_broker()
    with capture_logs() as logs:
        async with running(made, errors=lambda: errors.append(None)) as rounds:
            rounds.update([broker])
            rounds.accepted(broker)
            await until(lambda: len(errors) >= 2)
    assert logs[0]["turn"] == "round"


async def test_round_that_is_still_running_is_left_out_without_a_count(made: Made) -> None:
    made.interval_s = 0.05
    broker = a_broker()
    with capture_logs() as logs:
        async with running(made) as rounds:
            rounds.update([broker])
            rounds.accepted(broker)
            await until(lambda: any(entry["event"] == "a round was left out" for entry in logs))
    assert made.begun == [broker]


async def test_drain_lets_a_running_round_end(made: Made) -> None:
    broker = a_broker()
    async with running(made) as rounds:
        rounds.update([broker])
        rounds.accepted(broker)
        await until(lambda: made.in_flight == 1)
        drained = asyncio.create_task(rounds.drain(20))
        await asyncio.sleep(0)
        made.may_end.set()
        await drained
    assert made.recorded == [broker]
