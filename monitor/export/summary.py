"""The state of all brokers in one line, for `systemctl status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from monitor.export.standing import NO_BROKERS
from monitor.model.judgement import Verdict
from monitor.store import Snapshot, worst

_NAMED = 3


def summary(snapshot: Snapshot, now: datetime) -> str:
    """Return one line: how many brokers are in which state, which are critical, and what breaks next."""
    verdicts = {name: worst(states) for name, states in snapshot.by_name().items()}
    if not verdicts:
        return NO_BROKERS
    states = Counter(verdicts.values())
    counts = [f"{states[verdict]} {verdict.value}" for verdict in Verdict if states[verdict]]
    if states[Verdict.CRITICAL]:
        critical = [name for name, verdict in verdicts.items() if verdict is Verdict.CRITICAL]
        counts[-1] += f" ({_named(critical)})"
    if states[None]:
        counts.append(f"{states[None]} not probed yet")
    subject = "1 broker" if len(verdicts) == 1 else f"{len(verdicts)} brokers"
    return f"{subject}: {', '.join(counts)}{_next(snapshot, now)}."


def _named(names: Sequence[str]) -> str:
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
    when = f"in {int(days)} days" if days >= 2 else f"on {at:%Y-%m-%d %H:%M} UTC"
    return f"; next to break: {name} {when}"
