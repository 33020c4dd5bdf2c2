"""The state of all brokers in one line, for `systemctl status`."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from monitor.model.judgement import Verdict
from monitor.store import Snapshot

_NAMED = 3


def summary(snapshot: Snapshot, now: datetime) -> str:
    """Return one line: how many brokers are in which state, which are critical, and what breaks next."""
    states = Counter(None if state.assessment is None else state.assessment.verdict for state in snapshot.brokers)
    counts = [f"{states[verdict]} {verdict.value}" for verdict in Verdict if states[verdict]]
    if states[Verdict.CRITICAL]:
        counts[-1] += f" ({_critical(snapshot)})"
    if states[None]:
        counts.append(f"{states[None]} not probed yet")
    brokers = len({state.broker.name for state in snapshot.brokers})
    subject = "1 broker" if brokers == 1 else f"{brokers} brokers"
    return f"{subject}: {', '.join(counts)}{_next(snapshot, now)}."


def _critical(snapshot: Snapshot) -> str:
    judged = [(state.broker.name, state.assessment) for state in snapshot.brokers]
    critical = (name for name, assessment in judged if assessment and assessment.verdict is Verdict.CRITICAL)
    names = list(dict.fromkeys(critical))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _next(snapshot: Snapshot, now: datetime) -> str:
    breaks = [
        (state.assessment.next_break.at, state.broker.name)
        for state in snapshot.brokers
        if state.assessment is not None and state.assessment.next_break is not None
    ]
    if not breaks:
        return ""
    at, name = min(breaks)
    days = (at - now).total_seconds() / 86_400
    when = f"in {days:.0f} days" if days >= 2 else f"on {at:%Y-%m-%d %H:%M} UTC"
    return f"; next to break: {name} {when}"
