"""What is known of each broker and of the daemon at one moment: frozen, shared without copying."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from types import MappingProxyType

from monitor.model.broker import Broker
from monitor.model.facts import TlsFacts
from monitor.model.judgement import Assessment, CertificateChange, Changed, Verdict
from monitor.model.outcome import Phase
from monitor.model.pace import Pace
from monitor.model.refusal import Refusal
from monitor.model.report import ProbeReport
from monitor.model.scan import ScanFacts
from monitor.store.histogram import LATENCY_BOUNDS_S, Histogram

_NOTHING_SEEN = Histogram.empty(LATENCY_BOUNDS_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a broker's state comes to in two words: what a change is a change of."""

    verdict: Verdict
    reason: str | None
    """Of the failed phase; None when the probe succeeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one result changed."""

    broker: str
    address: str | None
    """Which of the broker's addresses; None unless each is probed. Likewise in `BrokerState`."""
    before: Standing | None
    """None before the first result."""
    after: Standing | None
    """None only when the result was dropped before there was any."""
    since: datetime | None
    """When `after` began; None with it. Likewise `before_since`."""
    before_since: datetime | None = None

    @property
    def is_change(self) -> bool:
        """The verdict or the reason is another one now."""
        return self.before != self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRun:
    """Consecutive failures of one kind: an outage is one line, however many probes saw it."""

    phase: Phase
    reason: str
    detail: str
    """Of the latest of them; likewise `address`."""
    address: str | None
    first_at: datetime
    last_at: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerState:
    """Everything known of one broker; of one of its addresses, where each is probed."""

    broker: Broker
    address: str | None = None
    client_certificate_not_after: datetime | None = None
    """Of the monitor's own certificate for this broker; None without one."""
    report: ProbeReport | None = None
    """The latest; None before the first. Likewise `assessment`."""
    assessment: Assessment | None = None
    tls: TlsFacts | None = None
    """The latest handshake that brought certificates; kept while the broker is down."""
    tls_seen_at: datetime | None = None
    certificate_changes: Mapping[Changed, int] = field(
        default_factory=lambda: MappingProxyType(dict.fromkeys(Changed, 0))
    )
    """How often what was served changed, by what; all are present from the start."""
    changes: tuple[CertificateChange, ...] = ()
    """What changed in what was served; latest first, bounded."""
    last_change: CertificateChange | None = None
    """The latest that concerns devices which hold on to the old CA."""
    refusals: tuple[Refusal, ...] = ()
    """What the latest attempts at what must be refused came to."""
    standing: Standing | None = None
    """Verdict and reason of the latest result, that of an earlier run included; None before the first."""
    standing_since: datetime | None = None
    """When the present verdict and reason began."""
    failing_since: datetime | None = None
    """When the first of the present unbroken line of failed probes ended; None while it succeeds."""
    last_success_at: datetime | None = None
    probes_total: int = 0
    failures: Mapping[Phase, int] = field(default_factory=lambda: MappingProxyType(dict.fromkeys(Phase, 0)))
    """Failed probes by the phase that failed; every phase is present from the start."""
    handshake: Histogram = _NOTHING_SEEN
    roundtrip: Histogram = _NOTHING_SEEN
    scan: ScanFacts | None = None
    """What the latest scan told."""
    paces: Mapping[Phase, Pace] = field(default_factory=lambda: MappingProxyType({}))
    """How long each phase takes; absent are those that never completed, and `verify`, which waits for nobody."""
    retransmitted_total: int = 0
    """TCP segments, over all probes."""
    recent_failures: tuple[FailureRun, ...] = ()
    """Latest first; bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorSnapshot:
    """What the daemon counted about itself."""

    probes_in_flight: int
    schedule_delay: Histogram
    missed: Mapping[str, int]
    """Turns that were not taken, by why: `misfire`, `overlap`."""
    internal_errors_total: int
    event_loop_lag_s: float | None
    """The latest measurement; None before the first."""
    last_reload_successful: bool | None
    """None before the configuration was ever loaded."""
    last_reload_success_at: datetime | None
    state_read_successful: bool | None
    """What was known before could be read, all of it; None without a state file. Likewise the next two."""
    state_write_successful: bool | None
    state_written_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything known at one moment."""

    brokers: tuple[BrokerState, ...]
    """In the configuration's order; one for each address of a broker that is probed at all of them, side by side."""
    monitor: MonitorSnapshot

    def of(self, name: str, address: str | None = None) -> tuple[BrokerState, ...]:
        """Return the states of the broker of that name, or the one at that address; none if it is not watched."""
        return tuple(state for state in self.brokers if state.broker.name == name and address in {None, state.address})

    def by_name(self) -> dict[str, tuple[BrokerState, ...]]:
        """Return the states of each broker, by its name."""
        groups = groupby(self.brokers, key=lambda state: state.broker.name)
        return {name: tuple(states) for name, states in groups}


def worst(states: Iterable[BrokerState]) -> Verdict | None:
    """Return the gravest verdict of these; None while none has a result."""
    verdicts = {state.assessment.verdict for state in states if state.assessment is not None}
    return next((verdict for verdict in (Verdict.CRITICAL, Verdict.WARNING, Verdict.OK) if verdict in verdicts), None)


def standing(report: ProbeReport, assessment: Assessment) -> Standing:
    """Return the verdict and the reason that one result comes to."""
    return Standing(verdict=assessment.verdict, reason=report.reason)
