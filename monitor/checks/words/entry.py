"""One code explained, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model.judgement import Hints, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to do about something."""

    text: str
    """One or a few sentences that hold for every broker; what to try first stands first."""
    hints: tuple[Hints, ...] = ()
    """What they come to in each kind of broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A finding's code or a failure's reason, in words for someone who has never seen it."""

    code: str
    severity: Severity
    """What it is unless a check knows better."""
    title: str
    """A short sentence without its full stop."""
    meaning: str
    """What is the case, and what clients see of it."""
    advice: Advice
    reference: str
    """Document and section; empty if none speaks of it."""
    title_says_all: bool = False
    """Of a failure: its detail would only repeat the title within one sentence."""


def do(text: str, *hints: Hints) -> Advice:
    """Make advice; hints in the order in which the text comes to speak of them."""
    return Advice(text=text, hints=hints)


def critical(
    code: str, title: str, meaning: str, advice: Advice, reference: str = "", *, title_says_all: bool = False
) -> Entry:
    """Make the entry of something that stands in every client's way."""
    return Entry(
        code=code,
        severity=Severity.CRITICAL,
        title=title,
        meaning=meaning,
        advice=advice,
        reference=reference,
        title_says_all=title_says_all,
    )
