"""How values are worded for people, alike on the terminal and on the page; and text that is safe to show."""

from __future__ import annotations

from datetime import datetime

from monitor.model.facts import KeyFacts
from monitor.model.judgement import Hints

_MINUTE_S = 60.0
_HOUR_S = 3600.0
_DAY_S = 86400.0


def clean(text: str, *, limit: int | None = None) -> str:
    """Return the text without anything that could steer a terminal, reorder a line or break an encoding.

    Names and reasons are chosen by whoever runs the broker. Control and format characters (escape sequences, line
    breaks, bidirectional overrides, lone surrogates) become U+FFFD; white space of any kind becomes one space.

    Args:
        text: As the broker sent it.
        limit: Longest result, in characters; a longer one ends in an ellipsis.
    """
    if not text.isprintable():
        text = "".join(_shown(character) for character in text)
    if limit is not None and len(text) > limit:
        return text[: limit - 1] + "…"
    return text


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"


def duration(seconds: float) -> str:
    """Word a measured duration with up to three digits: `0.42 ms`, `12.7 ms`, `1.25 s`."""
    value, unit = (seconds, "s") if seconds >= 1.0 else (seconds * 1e3, "ms")
    decimals = 0 if value >= 100.0 else 1 if value >= 10.0 else 2
    return f"{value:.{decimals}f} {unit}"


def span(seconds: float) -> str:
    """Word a length of time in its largest fitting unit, rounded down: `23 days`, `3 hours`."""
    for size, word in ((_DAY_S, "day"), (_HOUR_S, "hour"), (_MINUTE_S, "minute"), (1.0, "second")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {word}" if number == 1 else f"{number} {word}s"
    return "less than a second"


def distance(moment: datetime, now: datetime) -> str:
    """Word a moment as seen from now: `in 23 days`, `3 hours ago`."""
    seconds = (moment - now).total_seconds()
    return f"in {span(seconds)}" if seconds >= 0 else f"{span(-seconds)} ago"


def utc(moment: datetime) -> str:
    """Word a moment to the second, in UTC and saying so."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def rfc3339(moment: datetime) -> str:
    """Return the moment as RFC 3339 text in UTC, with milliseconds where it has a fraction of a second."""
    precision = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def key(facts: KeyFacts | None) -> str | None:
    """Word a public key: `EC P-256`, `RSA 2048 bit`, `Ed25519`; None if it could not be read."""
    if facts is None:
        return None
    if facts.curve is not None:
        return f"{facts.algorithm} {facts.curve}"
    if facts.bits is not None and facts.algorithm in {"RSA", "DSA"}:
        return f"{facts.algorithm} {facts.bits} bit"
    return facts.algorithm


def instructions(fix: str, hints: tuple[Hints, ...]) -> str:
    """Word a fix as one text: what to do; then, for each block of hints, its caption and one line per broker."""
    lines = [fix]
    for block in hints:
        lines.append(f"{block.caption}:")
        lines += (f"{broker}: {said}" for broker, said in block.by_broker)
    return "\n".join(lines)
