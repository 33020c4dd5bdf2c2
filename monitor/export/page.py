"""The status page for people: one table of brokers, one page per broker. Plain HTML that needs no script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from monitor.export import words
from monitor.export.history import change_view
from monitor.export.view import sentence, view
from monitor.export.words import clean
from monitor.model.broker import Broker
from monitor.model.judgement import Verdict
from monitor.model.outcome import Done, Phase
from monitor.model.report import ProbeReport
from monitor.store import BrokerState, FailureRun, Snapshot, worst

_TEMPLATES = Path(__file__).parent / "templates"
# Gravest first: what is wrong must not be below the fold. Brokers without a result come after those with one.
_ORDER = (Verdict.CRITICAL, Verdict.WARNING, Verdict.OK, None)
_WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    name: str
    link: str
    """Quoted, relative to the index; likewise the next."""
    address: str
    """Empty unless the broker is watched by address."""
    address_link: str
    verdict: str
    sentence: str
    failing: str
    last_success: str
    certificate: str
    """When the chain ends; empty if unknown, like the others."""
    next_break: str
    roundtrip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    when: str
    count: int
    phase: str
    reason: str
    detail: str
    address: str


def index(snapshot: Snapshot, now: datetime) -> str:
    """Return the page `/`: every broker, gravest first, otherwise in the configuration's order.

    The addresses of a broker stay together, and it is as grave as the gravest of them.
    """
    brokers = list(snapshot.by_name().values())
    present = Counter(worst(states) for states in brokers)
    rows = [
        _row(state, now)
        for states in sorted(brokers, key=lambda states: _ORDER.index(worst(states)))
        for state in sorted(states, key=lambda state: _ORDER.index(_verdict(state)))
    ]
    counts = tuple((_word(verdict), present[verdict]) for verdict in _ORDER if verdict in present)
    return _render("index.html", now, root="", rows=rows, counts=counts)


def addresses_page(states: Sequence[BrokerState], now: datetime) -> str:
    """Return the page `/brokers/NAME` of a broker that is watched at several addresses: one row for each."""
    return _render(
        "addresses.html",
        now,
        root="../",
        name=clean(states[0].broker.name),
        verdict=_word(worst(states)),
        endpoint=_endpoint(states[0].broker),
        rows=[_row(state, now) for state in states],
    )


def broker_page(state: BrokerState, now: datetime) -> str:
    """Return the page `/brokers/NAME`: what the terminal shows, and what happened before."""
    shown = None
    if state.report is not None and state.assessment is not None:
        shown = view(state.report, state.assessment, now=now, last_seen=state.tls)
    return _render(
        "broker.html",
        now,
        root="../",
        row=_row(state, now),
        view=shown,
        endpoint=_endpoint(state.broker),
        certificates_seen=_ago(state.tls_seen_at, now),
        last_probe="" if state.report is None else _ago(_ended_at(state.report), now),
        probes=state.probes_total,
        failed=sum(state.failures.values()),
        changes=[change_view(change, now) for change in state.changes],
        failures=[_failure(run, now) for run in state.recent_failures],
    )


def not_found(name: str, now: datetime) -> str:
    """Return the page that says that no broker of that name is watched."""
    return _render("not_found.html", now, root="../", name=clean(name))


@cache
def stylesheet() -> str:
    """Return the style sheet that the pages link to as `style.css` beside the index."""
    return (_TEMPLATES / "style.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _render(template: str, now: datetime, **values: object) -> str:
    return _environment().get_template(template).render(now=words.utc(now), **values)


def _verdict(state: BrokerState) -> Verdict | None:
    return None if state.assessment is None else state.assessment.verdict


def _endpoint(broker: Broker) -> str:
    return clean(f"{broker.host}, port {broker.port}")


def _word(verdict: Verdict | None) -> str:
    return _WAITING if verdict is None else verdict.value


def _row(state: BrokerState, now: datetime) -> _Row:
    name = state.broker.name
    said = "No result yet."
    if state.report is not None and state.assessment is not None:
        said = sentence(state.report, state.assessment)
    link = f"brokers/{quote(name, safe='', errors='replace')}"
    address = state.address or ""
    return _Row(
        name=clean(name),
        link=link,
        address=clean(address),
        address_link=f"{link}?address={quote(address, safe='')}",
        verdict=_word(_verdict(state)),
        sentence=said,
        failing=_ago(state.failing_since, now),
        last_success=_ago(state.last_success_at, now),
        certificate=_certificate(state, now),
        next_break=_next_break(state, now),
        roundtrip=_roundtrip(state.report),
    )


def _certificate(state: BrokerState, now: datetime) -> str:
    """Word when the chain stops being valid."""
    ends = None if state.assessment is None else state.assessment.chain_not_after
    return "" if ends is None else words.distance(ends, now)


def _next_break(state: BrokerState, now: datetime) -> str:
    """Word what breaks next in the fewest words: its kind, and when."""
    breaks = None if state.assessment is None else state.assessment.next_break
    return "" if breaks is None else f"{breaks.cause.value.replace('_', ' ')}, {words.distance(breaks.at, now)}"


def _roundtrip(report: ProbeReport | None) -> str:
    for entry in () if report is None else report.phases:
        if entry.phase is Phase.ROUNDTRIP and isinstance(entry.outcome, Done):
            return words.duration(entry.outcome.elapsed_s)
    return ""


def _failure(run: FailureRun, now: datetime) -> _Failure:
    when = words.utc(run.first_at)
    if run.count > 1:
        when = f"{when}, {run.count} times until {words.distance(run.last_at, now)}"
    return _Failure(
        when=when,
        count=run.count,
        phase=run.phase.value,
        reason=run.reason,
        detail=clean(run.detail),
        address=clean(run.address or ""),
    )


def _ended_at(report: ProbeReport) -> datetime:
    return report.started_at + timedelta(seconds=report.duration_s)


def _ago(moment: datetime | None, now: datetime) -> str:
    return "" if moment is None else words.distance(min(moment, now), now)
