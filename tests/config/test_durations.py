import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.durations import duration, parse_duration, write_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("250ms", 0.25),
        ("1d", 86400.0),
        ("1w2d", 777600.0),
        ("1y", 31_536_000.0),
        ("1m500ms", 60.5),
        ("0", 0.0),
        ("0s", 0.0),
    ],
)
def test_is_read_as_prometheus_reads_it(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "s", "1.5s", "-1s", "1s1m", "1s 1m", "1S", "1s1s", "٣s", "1m\n", "9" * 13 + "s"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)


def test_number_without_unit_is_answered_with_one() -> None:
    with pytest.raises(ValueError, match="with a unit: 30s"):
        parse_duration("30")


def test_bounds_are_included() -> None:
    read = duration("1s", "1m")
    assert (read("1s"), read("60s")) == (1.0, 60.0)
    for outside in ("999ms", "61s"):
        with pytest.raises(ValueError, match="expected a duration from 1s to 1m"):
            read(outside)


@given(st.integers(min_value=0, max_value=10**11))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    assert parse_duration(write_duration(milliseconds / 1000)) == milliseconds / 1000
