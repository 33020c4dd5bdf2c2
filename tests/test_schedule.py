"""Turns come when they should, one at a time per broker, and never survive their broker."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from monitor.model.broker import Broker, TlsSettings, Trust
from monitor.schedule import Schedule, Slots
from tests.support.ports import PATIENCE_S
from tests.support.waiting import until

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def a_broker(name: str = "a", *, interval_s: float = 3600.0, timeout_s: float = 10.0, port: int = 8883) -> Broker:
    tls = TlsSettings(trust=Trust(source="none", anchors=()), server_name="localhost")
    return Broker(
        name=name, host="localhost", port=port, interval_s=interval_s, timeout_s=min(timeout_s, interval_s), tls=tls
    )


@dataclass
class Counts:
    """Keeps what a schedule counts."""

    delays: list[float] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    internal_errors: int = 0

    def delayed(self, seconds: float) -> None:
        self.delays.append(seconds)

    def missed(self, reason: str) -> None:
        self.reasons.append(reason)

    def internal_error(self) -> None:
        self.internal_errors += 1


@dataclass
class Probes:
    """Probes that begin, and end when they are let go; what they return is what was recorded."""

    begun: list[Broker] = field(default_factory=list)
    cancelled: list[Broker] = field(default_factory=list)
    recorded: list[Broker] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def probe(self, broker: Broker) -> Broker:
        self.begun.append(broker)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self.notify()
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled.append(broker)
            raise
        finally:
            self.in_flight -= 1
        return broker

    def record(self, broker: Broker, result: Broker) -> None:
        assert broker is result
        self.recorded.append(broker)

    async def notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()


def utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def running(
    probes: Probes,
    counts: Counts,
    *,
    max_in_flight: int = 64,
    probe: Callable[[Broker], Awaitable[Broker]] | None = None,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Schedule[Broker]]:
    async with asyncio.TaskGroup() as tasks:
        schedule = Schedule(
            tasks=tasks,
            max_in_flight=max_in_flight,
            probe=probe or probes.probe,
            record=probes.record,
            stats=counts,
            now=now,
        )
        schedule.start()
        try:
            yield schedule
        finally:
            await schedule.drain(0)


@pytest.fixture
def probes() -> Probes:
    return Probes()


@pytest.fixture
def counts() -> Counts:
    return Counts()


# Slots


def test_slot_depends_on_the_name_alone() -> None:
    first = Slots("a", interval_s=60, rest_s=10).get_next_fire_time(None, NOW)
    assert Slots("a", interval_s=60, rest_s=10).get_next_fire_time(None, NOW) == first
    assert Slots("b", interval_s=60, rest_s=10).get_next_fire_time(None, NOW) != first


def test_slots_follow_each_other_at_the_interval() -> None:
    slots = Slots("a", interval_s=60, rest_s=60)
    first = slots.get_next_fire_time(None, NOW)
    assert NOW < first <= NOW + timedelta(seconds=60)
    assert slots.get_next_fire_time(first, first) == first + timedelta(seconds=60)


def test_slots_of_many_brokers_are_spread_over_the_interval() -> None:
    offsets = [
        (Slots(f"broker-{n}", interval_s=60, rest_s=10).get_next_fire_time(None, NOW) - NOW).total_seconds()
        for n in range(1000)
    ]
    for tenth in range(10):
        assert 60 <= sum(tenth * 6 < offset <= (tenth + 1) * 6 for offset in offsets) <= 140


def test_slot_right_after_the_first_probe_is_left_out() -> None:
    slots = Slots("a", interval_s=60, rest_s=10)
    slot = slots.get_next_fire_time(None, NOW)
    previous = slot - timedelta(seconds=5)
    assert slots.get_next_fire_time(previous, previous) == slot + timedelta(seconds=60)


def test_long_pause_costs_one_slot() -> None:
    slots = Slots("a", interval_s=1, rest_s=1)
    first = slots.get_next_fire_time(None, NOW)
    woken = first + timedelta(days=300)
    assert woken < slots.get_next_fire_time(first, woken) <= woken + timedelta(seconds=1)


def test_now_in_a_slot_gives_the_next_one() -> None:
    slots = Slots("a", interval_s=0.1, rest_s=0.1)
    slot = slots.get_next_fire_time(None, NOW)
    assert slots.get_next_fire_time(None, slot) == slot + timedelta(seconds=0.1)


# The first turn, and those that follow


async def test_every_broker_is_probed_at_once_though_its_slot_is_far(probes: Probes, counts: Counts) -> None:
    brokers = [a_broker(name, interval_s=86400) for name in "abc"]
    async with running(probes, counts) as schedule:
        update = schedule.update(brokers)
        await until(lambda: probes.begun == brokers)
    assert update.added == ("a", "b", "c")
    assert len(counts.delays) == 3
    assert all(delay >= 0 for delay in counts.delays)


async def test_turns_come_again_each_interval(probes: Probes, counts: Counts) -> None:
    probes.may_end.set()
    broker = a_broker(interval_s=0.05)
    async with running(probes, counts) as schedule:
        schedule.update([broker])
        await until(lambda: len(probes.recorded) >= 4)
    assert probes.most_in_flight == 1


async def test_turn_during_a_running_probe_is_counted_as_overlap(probes: Probes, counts: Counts) -> None:
    async with running(probes, counts) as schedule:
        schedule.update([a_broker(interval_s=0.05)])
        await until(lambda: counts.reasons.count("overlap") >= 2)
        assert len(probes.begun) == 1
        probes.may_end.set()
        await until(lambda: len(probes.recorded) >= 2)
    assert probes.most_in_flight == 1


async def test_turn_noticed_too_late_is_counted_as_misfire(probes: Probes, counts: Counts) -> None:
    probes.may_end.set()
    async with running(probes, counts) as schedule:
        schedule.update([a_broker(interval_s=0.1)])
        await until(lambda: len(probes.recorded) >= 1)
        time.sleep(1.5)  # the loop is blocked for longer than the grace, which is a second at least
        await until(lambda: "misfire" in counts.reasons)
        before = len(probes.recorded)
        await until(lambda: len(probes.recorded) > before)


async def test_run_made_late_by_a_stalled_loop_still_comes(probes: Probes, counts: Counts) -> None:
    """APScheduler's own grace of one second would drop it."""
    ahead_s = 2.0
    async with running(probes, counts) as schedule:
        schedule.update([a_broker(interval_s=3600)])
        await until(lambda: len(probes.begun) == 1)
        probes.may_end.set()
        await until(lambda: len(probes.recorded) == 1)
        late = utc_now() - timedelta(seconds=ahead_s)
        schedule._scheduler.modify_job("0 a", next_run_time=late)
        await until(lambda: len(probes.recorded) == 2)
    assert counts.reasons == []
    assert counts.delays[1] >= ahead_s


# The bound


async def test_no_more_probes_in_flight_than_the_bound(probes: Probes, counts: Counts) -> None:
    brokers = [a_broker(str(n)) for n in range(6)]
    async with running(probes, counts, max_in_flight=2) as schedule:
        schedule.update(brokers)
        await until(lambda: schedule_waits(schedule) == 4)
        assert probes.in_flight == 2
        probes.may_end.set()
        await until(lambda: len(probes.recorded) == 6)
    assert probes.most_in_flight == 2


def schedule_waits(schedule: Schedule[Broker]) -> int:
    return sum(watch.turn is not None and not watch.has_begun for watch in schedule._watches.values())


async def test_waiting_for_the_bound_is_schedule_delay(probes: Probes, counts: Counts) -> None:
    async with running(probes, counts, max_in_flight=1) as schedule:
        schedule.update([a_broker("a"), a_broker("b")])
        await until(lambda: schedule_waits(schedule) == 1)
        queued_at = asyncio.get_running_loop().time()
        await until(lambda: asyncio.get_running_loop().time() > queued_at + 0.1)
        probes.may_end.set()
        await until(lambda: len(probes.recorded) == 2)
    assert counts.delays[1] >= 0.1


# Changes of the list


async def test_unchanged_brokers_are_not_disturbed_by_an_update(probes: Probes, counts: Counts) -> None:
    kept = a_broker("kept")
    async with running(probes, counts) as schedule:
        schedule.update([kept])
        await until(lambda: probes.begun == [kept])
        turn, job = schedule._watches["kept"].turn, schedule._scheduler.get_job("0 kept")
        next_run_time = job.next_run_time
        update = schedule.update([a_broker("new"), replace(kept)])
        await until(lambda: len(probes.begun) == 2)
        assert schedule._watches["kept"].turn is turn
        assert schedule._scheduler.get_job("0 kept").next_run_time == next_run_time
        probes.may_end.set()
        await until(lambda: len(probes.recorded) == 2)
    assert update.added == ("new",)
    assert (update.removed, update.replaced) == ((), ())
    assert probes.cancelled == []


async def test_removed_brokers_probe_is_cancelled_and_never_recorded(probes: Probes, counts: Counts) -> None:
    async with running(probes, counts) as schedule:
        schedule.update([a_broker("a"), a_broker("b")])
        await until(lambda: len(probes.begun) == 2)
        update = schedule.update([a_broker("b")])
        probes.may_end.set()
        await until(lambda: len(probes.recorded) == 1)
        assert [job.name for job in schedule._scheduler.get_jobs()] == ["Schedule._take_turn"]
    assert update.removed == ("a",)
    assert [broker.name for broker in probes.cancelled] == ["a"]
    assert [broker.name for broker in probes.recorded] == ["b"]


async def test_result_that_comes_despite_cancellation_is_not_recorded(probes: Probes, counts: Counts) -> None:
    async def stubborn(broker: Broker) -> Broker:
        try:
            return await probes.probe(broker)
        except asyncio.CancelledError:
            return broker

    async with running(probes, counts, probe=stubborn) as schedule:
        schedule.update([a_broker("a")])
        await until(lambda: len(probes.begun) == 1)
        schedule.update([])
        await until(lambda: len(probes.cancelled) == 1)
    assert probes.recorded == []


async def test_broker_removed_before_its_paced_first_turn_is_never_probed(probes: Probes, counts: Counts) -> None:
    async with running(probes, counts) as schedule:
        schedule.update([a_broker("a"), a_broker("b")])
        schedule.update([a_broker("b")])
        await until(lambda: len(probes.begun) == 1)
    assert [broker.name for broker in probes.begun] == ["b"]


async def test_replaced_broker_is_probed_anew_after_its_old_probe_is_gone(probes: Probes, counts: Counts) -> None:
    old, new = a_broker("a", port=1), a_broker("a", port=2)
    async with running(probes, counts) as schedule:
        schedule.update([old])
        await until(lambda: probes.begun == [old])
        update = schedule.update([new])
        await until(lambda: probes.begun == [old, new])
        probes.may_end.set()
        await until(lambda: len(probes.recorded) == 1)
    assert update.replaced == ("a",)
    assert probes.cancelled == [old]
    assert probes.recorded == [new]
    assert probes.most_in_flight == 1
    assert counts.reasons == []


async def test_broker_replaced_twice_at_once_has_one_probe_with_the_last_settings(
    probes: Probes, counts: Counts
) -> None:
    async with running(probes, counts) as schedule:
        schedule.update([a_broker(port=1)])
        await until(lambda: len(probes.begun) == 1)
        schedule.update([a_broker(port=2)])
        schedule.update([a_broker(port=3)])
        await until(lambda: len(probes.begun) == 2)
    assert [broker.port for broker in probes.begun] == [1, 3]
    assert probes.most_in_flight == 1


# Faults


async def test_fault_of_ours_is_counted_and_the_next_turn_comes(probes: Probes, counts: Counts) -> None:
    async def faulty(broker: Broker) -> Broker:
        probes.begun.append(broker)
        raise ZeroDivisionError

    with capture_logs() as logs:
        async with running(probes, counts, probe=faulty) as schedule:
            schedule.update([a_broker(interval_s=0.05)])
            await until(lambda: len(probes.begun) >= 3)
    assert counts.internal_errors == len(probes.begun)
    assert logs[0]["log_level"] == "error"
    assert logs[0]["exc_info"]
    assert probes.recorded == []


# The wall clock


async def test_turns_go_on_when_the_wall_clock_is_set_back(probes: Probes, counts: Counts) -> None:
    shift = timedelta()
    probes.may_end.set()
    with capture_logs() as logs:
        async with running(probes, counts, now=lambda: utc_now() + shift) as schedule:
            schedule.update([a_broker(interval_s=0.05)])
            await until(lambda: len(probes.recorded) >= 1)
            # APScheduler's clock cannot be set here. What a step leaves behind can: a next run far away.
            schedule._scheduler.modify_job("0 a", next_run_time=utc_now() + timedelta(hours=1))
            before = len(probes.recorded)
            shift = timedelta(seconds=-30)
            schedule.check_clock()
            await until(lambda: len(probes.recorded) >= before + 2)
            schedule.check_clock()
    assert [entry["step_s"] for entry in logs] == [pytest.approx(-30, abs=0.5)]


# The end


async def test_drain_lets_a_running_probe_end_and_begins_no_other(probes: Probes, counts: Counts) -> None:
    async with running(probes, counts, max_in_flight=1) as schedule:
        schedule.update([a_broker("a"), a_broker("b")])
        await until(lambda: schedule_waits(schedule) == 1)
        drained = asyncio.create_task(schedule.drain(PATIENCE_S))
        await asyncio.sleep(0)
        probes.may_end.set()
        await drained
        assert [broker.name for broker in probes.begun] == ["a"]
        assert probes.recorded == probes.begun


async def test_drain_cancels_what_is_still_running_at_the_deadline(probes: Probes, counts: Counts) -> None:
    async with running(probes, counts) as schedule:
        schedule.update([a_broker("a")])
        await until(lambda: len(probes.begun) == 1)
        await schedule.drain(0.01)
        assert [broker.name for broker in probes.cancelled] == ["a"]
        assert probes.recorded == []


async def test_drain_leaves_nothing_running(probes: Probes, counts: Counts) -> None:
    async with running(probes, counts) as schedule:
        schedule.update([a_broker(str(n), interval_s=0.05) for n in range(20)])
        await until(lambda: probes.in_flight > 0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


# Standing still


async def test_turn_that_nobody_takes_up_is_overdue(probes: Probes, counts: Counts) -> None:
    async with running(probes, counts) as schedule:
        probes.may_end.set()
        schedule.update([a_broker(interval_s=0.2, timeout_s=0.1)])
        await until(lambda: len(probes.recorded) > 1)
        schedule._scheduler.pause()
        await until(lambda: schedule.overdue_s() > 0.3)
        schedule._scheduler.resume()
        await until(lambda: schedule.overdue_s() == 0)


async def test_clock_that_is_set_at_the_very_end_is_no_matter(probes: Probes, counts: Counts) -> None:
    offset = timedelta(0)
    async with running(probes, counts, now=lambda: utc_now() + offset) as schedule:
        schedule.update([a_broker()])
        await until(lambda: bool(probes.begun))
        await schedule.drain(0)
        await until(lambda: not schedule._scheduler.running)
        offset = timedelta(hours=3)
        schedule.check_clock()
    assert len(probes.begun) == 1
