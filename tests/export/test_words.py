"""How values are worded."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.export import words
from monitor.model.facts import KeyFacts
from monitor.model.judgement import Hints

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CN=Zürich 工厂", "CN=Zürich 工厂"),
        ("a\x1b[31mb", "a\N{REPLACEMENT CHARACTER}[31mb"),
        ("a\r\nb\tc", "a  b c"),
        ("a\x00b\x7fc\x9bd", "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER}d"),
        ("a\u202egpj.exe", "a\N{REPLACEMENT CHARACTER}gpj.exe"),
        ("lone \ud800", "lone \N{REPLACEMENT CHARACTER}"),
        ("line\u2028end", "line end"),
        ("", ""),
    ],
)
def test_text_that_could_steer_a_terminal_is_replaced(text: str, shown: str) -> None:
    assert words.clean(text) == shown


def test_text_beyond_the_limit_ends_in_an_ellipsis() -> None:
    assert words.clean("a" * 256, limit=256) == "a" * 256
    assert words.clean("a" * 257, limit=256) == "a" * 255 + "…"


@pytest.mark.parametrize(
    ("seconds", "worded"),
    [
        (0.0, "0.00 ms"),
        (0.000417, "0.42 ms"),
        (0.0127, "12.7 ms"),
        (0.127, "127 ms"),
        (0.9996, "1000 ms"),
        (1.254, "1.25 s"),
        (12.54, "12.5 s"),
        (600.0, "600 s"),
    ],
)
def test_duration_keeps_three_digits(seconds: float, worded: str) -> None:
    assert words.duration(seconds) == worded


@pytest.mark.parametrize(
    ("away", "worded"),
    [
        (timedelta(days=23, hours=23), "in 23 days"),
        (timedelta(days=1), "in 1 day"),
        (timedelta(hours=23, minutes=59), "in 23 hours"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(seconds=59), "in 59 seconds"),
        (timedelta(0), "in less than a second"),
        (timedelta(seconds=-1), "1 second ago"),
        (timedelta(days=-3, hours=-5), "3 days ago"),
    ],
)
def test_distance_is_in_the_largest_fitting_unit(away: timedelta, worded: str) -> None:
    assert words.distance(NOW + away, NOW) == worded


def test_rfc3339_is_utc_and_has_milliseconds_only_where_there_are_some() -> None:
    assert words.rfc3339(NOW) == "2026-11-23T12:00:00Z"
    assert words.rfc3339(NOW + timedelta(milliseconds=25)) == "2026-11-23T12:00:00.025Z"


@pytest.mark.parametrize(
    ("facts", "worded"),
    [
        (KeyFacts(algorithm="RSA", bits=2048, exponent=65537), "RSA 2048 bit"),
        (KeyFacts(algorithm="EC", bits=256, curve="P-256"), "EC P-256"),
        (KeyFacts(algorithm="Ed25519", bits=256), "Ed25519"),
        (KeyFacts(algorithm="1.2.3.4"), "1.2.3.4"),
        (None, None),
    ],
)
def test_key_is_worded_by_what_distinguishes_it(facts: KeyFacts | None, worded: str | None) -> None:
    assert words.key(facts) == worded


def test_fix_without_hints_is_itself() -> None:
    assert words.instructions("Do it.", ()) == "Do it."


def test_hints_follow_the_fix_a_caption_and_a_line_for_each_broker() -> None:
    file = Hints(caption="The file", by_broker=(("EMQX", "here."), ("Mosquitto", "there.")))
    log = Hints(caption="The log", by_broker=(("EMQX", "above."),))
    assert words.instructions("Do it.", (file, log)).splitlines() == [
        "Do it.",
        "The file:",
        "EMQX: here.",
        "Mosquitto: there.",
        "The log:",
        "EMQX: above.",
    ]
