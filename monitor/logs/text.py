"""A log line for people: what happened to which broker, in words; then the rest as key=value. Safe for a terminal."""

from __future__ import annotations

from structlog.typing import EventDict, WrappedLogger

_WORDS = ("broker", "address", "problem", "message")
"""What follows the event without its key, in this order."""
_OF_SEVERAL_LINES = {"exception", "stack"}


def sentence(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Begin with what a person wants to know first, and leave out what is nothing."""
    line["event"] = ": ".join(str(line.pop(key)) for key in ("event", *_WORDS) if line.get(key) is not None)
    return {key: value for key, value in line.items() if value is not None}


def escaped(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Let no text forge a line or steer a terminal."""
    return {
        key: _escaped(value, keep="\n" if key in _OF_SEVERAL_LINES else "") if isinstance(value, str) else value
        for key, value in line.items()
    }


def _escaped(text: str, *, keep: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in keep
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
