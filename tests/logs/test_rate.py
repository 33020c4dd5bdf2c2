"""How many lines are let through, and that the last word about a broker is a true one."""

import io
import logging
import sys
from collections.abc import Callable

import pytest

from monitor.logs.configure import BoundedHandler
from monitor.logs.rate import KIND_AT_ONCE, KIND_EVERY_S, LEVEL_AT_ONCE, LEVEL_EVERY_S, MOST_WAITING, Rate

INFO, WARNING, ERROR = logging.INFO, logging.WARNING, logging.ERROR


def test_lines_of_one_kind_are_five_at_once_then_one_in_ten_minutes() -> None:
    rate = Rate()
    assert [rate.admits("a", ERROR, 0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert rate.admits("b", ERROR, 0.0)
    assert not rate.admits("a", ERROR, KIND_EVERY_S - 1.0)
    assert rate.admits("a", ERROR, KIND_EVERY_S)
    assert not rate.admits("a", ERROR, KIND_EVERY_S)
    assert rate.left_out() == 4
    assert rate.left_out() == 0


def test_after_a_quiet_hour_five_are_written_at_once_again() -> None:
    rate = Rate()
    for _ in range(9):
        rate.admits("a", ERROR, 0.0)
    assert rate.due(3600.0) == []
    assert sum(rate.admits("a", ERROR, 3600.0) for _ in range(9)) == KIND_AT_ONCE


def test_lines_of_one_level_are_a_thousand_at_once_then_a_hundred_a_minute() -> None:
    rate = Rate()
    assert sum(rate.admits(kind, INFO, 0.0) for kind in range(5000)) == LEVEL_AT_ONCE
    assert rate.admits("grave", ERROR, 0.0), "they do not crowd out each other"
    assert sum(rate.admits((second, n), INFO, float(second)) for second in range(1, 61) for n in range(5)) == 100
    assert 60 / LEVEL_EVERY_S == 100


def test_of_kinds_without_end_the_oldest_lines_give_way() -> None:
    rate = Rate()
    for kind in range(MOST_WAITING + 10):
        rate.wait(kind, ERROR, str(kind))
    due = [text for hour in range(20) for text in rate.due(hour * 3600.0)]
    assert due == [str(kind) for kind in range(10, MOST_WAITING + 10)]


def test_latest_line_of_a_kind_is_written_when_there_is_room() -> None:
    rate = Rate()
    for text in "abcdefgh":
        if not rate.admits("kind", ERROR, 0.0):
            rate.wait("kind", ERROR, text)
    assert rate.due(KIND_EVERY_S - 1.0) == []
    assert rate.due(KIND_EVERY_S) == ["h"]
    assert rate.due(2 * KIND_EVERY_S) == []


def test_line_that_waits_gives_way_to_a_newer_one_that_is_written() -> None:
    rate = Rate()
    for text in "abcdef":
        if not rate.admits("kind", ERROR, 0.0):
            rate.wait("kind", ERROR, text)
    assert rate.admits("kind", INFO, KIND_EVERY_S)
    assert rate.due(3 * KIND_EVERY_S) == []


def test_gravest_line_comes_first_and_of_those_the_oldest() -> None:
    rate = Rate()
    for kind in range(LEVEL_AT_ONCE):
        rate.admits(("info", kind), INFO, 0.0)
        rate.admits(("error", kind), ERROR, 0.0)
    for text, level in (("a", INFO), ("b", ERROR), ("c", ERROR)):
        assert not rate.admits(text, level, 0.0)
        rate.wait(text, level, text)
    assert rate.due(1.0) == ["b", "a"]
    assert rate.due(2.0) == ["c"]


class Clock:
    """Seconds that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def handler(clock: Clock) -> BoundedHandler:
    return BoundedHandler(io.StringIO(), monotonic=clock)


def written(handler: BoundedHandler) -> list[str]:
    stream = handler.stream
    assert isinstance(stream, io.StringIO)
    lines = stream.getvalue().splitlines()
    stream.seek(0)
    stream.truncate()
    return lines


@pytest.fixture
def say(handler: BoundedHandler) -> Callable[..., None]:
    """Log a text as the module of that name does, about the broker of that name."""

    def say(text: str, *, module: str = "monitor.probe.x", level: int = ERROR, line: int = 1, **fields: object) -> None:
        exc_info = sys.exc_info() if sys.exc_info()[0] else None
        record = logging.LogRecord(module, level, "x.py", line, text, None, exc_info)
        record.__dict__.update(fields)
        handler.handle(record)

    return say


def test_flapping_broker_hides_no_other_and_its_last_state_is_told(
    handler: BoundedHandler, clock: Clock, say: Callable[..., None]
) -> None:
    for turn in range(100):
        say(f"flapping {turn}", broker="flapping", level=(INFO, ERROR)[turn % 2])
    say("once", broker="other")
    say("other address", broker="flapping", address="192.0.2.1")
    say("other news", broker="flapping", line=2)
    assert written(handler) == [*(f"flapping {turn}" for turn in range(5)), "once", "other address", "other news"]
    clock.now = 60.0
    handler.catch_up()
    assert written(handler) == ["log lines came too often; of each kind the latest follows when there is room"]
    clock.now = KIND_EVERY_S
    handler.catch_up()
    assert written(handler) == ["flapping 99"]


def test_flapping_fleet_costs_a_bounded_number_of_lines(
    handler: BoundedHandler, clock: Clock, say: Callable[..., None]
) -> None:
    # A thousand brokers, each with a change every half a minute, for ten minutes.
    for second in range(0, 600, 30):
        clock.now = float(second)
        for number in range(1000):
            say("x", broker=str(number), level=(INFO, ERROR)[second // 30 % 2])
        handler.catch_up()
    lines = written(handler)
    assert len(lines) <= 2 * (LEVEL_AT_ONCE + 10 * 100) + 20
    assert any(line.startswith("log lines came too often") for line in lines)


def test_what_the_daemon_says_of_itself_is_always_written(handler: BoundedHandler, say: Callable[..., None]) -> None:
    for _ in range(100):
        say("configuration not reloaded", module="monitor.app.daemon")
    assert len(written(handler)) == 100
    for _ in range(100):
        say("probed", module="monitor.app.changes", level=logging.DEBUG, broker="b")
    assert len(written(handler)) == 100
    for _ in range(100):
        say("a library's", module="asyncio")
    assert len(written(handler)) == 5


def test_tracebacks_of_one_place_are_of_one_kind_whatever_the_broker(
    handler: BoundedHandler, clock: Clock, say: Callable[..., None]
) -> None:
    for number in range(100):
        try:
            int(f"number {number}")
        except ValueError:
            say("broken", module="monitor.app.daemon", broker=str(number))
    assert [line for line in written(handler) if line.startswith("ValueError")] == [
        f"ValueError: invalid literal for int() with base 10: 'number {n}'" for n in range(5)
    ]
    clock.now = KIND_EVERY_S
    handler.catch_up()
    assert written(handler)[-1].endswith("'number 99'")
