"""What changed in what a broker serves, worded for its page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.export import words
from monitor.export.words import clean
from monitor.model.judgement import CertificateChange, Served

_NAME_LIMIT: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceView:
    """One thing that is not what it was."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """One change, and all that differs."""

    what: str
    when: str
    differences: tuple[DifferenceView, ...]


def change_view(change: CertificateChange, now: datetime) -> ChangeView:
    """Word one change as seen from `now`."""
    when = f"{words.utc(change.at)}, {words.distance(min(change.at, now), now)}"
    if change.last_seen_at is not None:
        when += f"; what was there before was last seen {words.utc(change.last_seen_at)}"
    return ChangeView(
        what=", ".join(change.what) or "other certificates beside it, or in another order",
        when=when,
        differences=tuple(_differences(change.before, change.after)),
    )


def _differences(before: Served, after: Served) -> Iterator[DifferenceView]:
    for name, old, new in (
        ("issuer", _name(before.issuer), _name(after.issuer)),
        ("root", _name(before.root), _name(after.root)),
        ("certificate", before.fingerprint_sha256, after.fingerprint_sha256),
        ("key", before.spki_sha256 or "(unreadable)", after.spki_sha256 or "(unreadable)"),
        ("certificates served", str(len(before.chain)), str(len(after.chain))),
    ):
        if old != new:
            yield DifferenceView(name=name, before=old, after=new)


def _name(name: str | None) -> str:
    if name is None:
        return "(not known)"
    return clean(name, limit=_NAME_LIMIT) or "(empty name)"
