"""What the sentences of findings are made of: certificates, names, moments and lengths of time in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor.model.facts import CertificateFacts, Role


def described(facts: CertificateFacts) -> str:
    """Name a certificate of the served chain: its part, where it stands unless that is its place, its subject."""
    part = {
        Role.LEAF: "the broker's certificate",
        Role.INTERMEDIATE: "the intermediate certificate",
        Role.ROOT: "the root certificate",
    }[facts.role]
    place = f" at position {facts.position}" if facts.position else ""
    return f"{part}{place} ({name(facts.subject)})"


def name(distinguished: str | None) -> str:
    """Show a distinguished name within a sentence, shortened to what a line bears."""
    if distinguished is None:
        return "unreadable name"
    if not distinguished:
        return "empty name"
    return distinguished if len(distinguished) <= 160 else f"{distinguished[:159]}…"


def end(facts: CertificateFacts) -> str:
    """Show when a certificate ends."""
    return "an unreadable date" if facts.not_after is None else moment(facts.not_after)


def listed(items: Sequence[str], most: int) -> str:
    """Show so many of the items, and how many more there are: `a, b and 3 more`."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return f"{', '.join(items[:most])}{more}"


def capitalised(sentence: str) -> str:
    """Return the sentence with a capital letter in front."""
    return sentence[:1].upper() + sentence[1:]


def moment(at: datetime) -> str:
    """Show a moment as people and logs write it."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def span(seconds: float) -> str:
    """Show a length of time in its largest whole unit, days at most: `3 days`, `1 hour`, `0 seconds`."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return _counted(int(seconds // length), unit)
    return _counted(int(seconds), "second")


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
