"""The store: takes results in, gives snapshots out. One thread, no lock, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from monitor.model.broker import Broker, ClientIdentity
from monitor.model.facts import TlsFacts
from monitor.model.judgement import Assessment, CertificateChange, Changed
from monitor.model.known import NOTHING_KNOWN, Known
from monitor.model.outcome import Done, Failed, Phase, PhaseReport
from monitor.model.pace import Pace
from monitor.model.refusal import Refusal
from monitor.model.report import ProbeReport
from monitor.model.scan import ScanFacts
from monitor.store.daemon import MonitorStats
from monitor.store.fleet import Fleet
from monitor.store.histogram import Histogram
from monitor.store.records import BrokerState, Change, FailureRun, Snapshot, standing
from monitor.x509.certificate import read_chain

# Enough for a bad week on one page; each run is one short record.
KEPT_FAILURES = 20
KEPT_CHANGES = 20


class Store:
    """Holds one frozen state per broker, or per address of a broker, and replaces it when a result comes in."""

    def __init__(self) -> None:
        self.monitor = MonitorStats()
        self._fleet = Fleet()
        self._states: dict[str, dict[str | None, BrokerState]] = {}
        """By name, then by address: under None alone until a broker that is probed at each address has one."""

    def restore(self, states: Iterable[BrokerState]) -> None:
        """Begin with what was known in an earlier run; to be called before `configure`, which drops what is foreign."""
        for state in states:
            self._states.setdefault(state.broker.name, {})[state.address] = state

    def configure(self, brokers: Sequence[Broker]) -> None:
        """Watch exactly these brokers from now on.

        A broker that keeps its name, host, port and choice of addresses keeps what is known of it, whatever else
        changed; with another one it is another thing that is watched, and starts anew. All others are forgotten.
        """
        former = self._states
        self._states = {broker.name: self._configured(broker) for broker in brokers}
        for name in former.keys() | self._states.keys():
            self._index(name)

    def resolved(self, name: str, addresses: Iterable[str]) -> None:
        """Watch that broker at exactly these addresses from now on, in this order, as its name has no others.

        What is known of the ones it had before is kept, the rest forgotten.
        """
        former = self._states.get(name)
        if former is not None:
            fresh = _fresh(next(iter(former.values())).broker)
            self._states[name] = {each: former.get(each, replace(fresh, address=each)) for each in addresses}
            self._index(name)

    def addresses(self, name: str) -> tuple[str, ...]:
        """Return the addresses at which that broker is watched; none where it is not watched by address."""
        return tuple(address for address in self._states.get(name, {}) if address is not None)

    def record_refusals(self, broker: Broker, refusals: tuple[Refusal, ...]) -> None:
        """Take in what a round of attempts came to, unless the broker is no longer watched at that host and port.

        Where it is watched by address, what came of those at one address says nothing of the others.
        """
        for address, state in self._states.get(broker.name, {}).items():
            concern = tuple(each for each in refusals if each.address is None or address in {None, each.address})
            if concern and _is_same_place(state.broker, broker):
                self._states[broker.name][address] = replace(state, refusals=concern)

    def record(self, report: ProbeReport, assessment: Assessment) -> Change:
        """Take in one result.

        The result of a broker that is no longer watched at that host, port or address is dropped: its probe was under
        way when the configuration changed, and it must not bring removed series back.
        """
        state = self._state(report.broker, report.address)
        after = state
        if state is not None and _is_same_place(state.broker, report):
            after = _after(state, report, assessment)
            self._states[report.broker][state.address] = after
            self._fleet.record(after)
        return Change(
            broker=report.broker,
            address=None if after is None else after.address,
            before=None if state is None else state.standing,
            after=None if after is None else after.standing,
            since=None if after is None else after.standing_since,
            before_since=None if state is None else state.standing_since,
        )

    def record_scan(self, broker: Broker, scan: ScanFacts) -> None:
        """Take in what a scan told, unless it got no answer, or the broker is no longer watched there.

        Where it is watched by address, that is known of the one alone that was asked.
        """
        for address, state in self._states.get(broker.name, {}).items():
            is_asked = scan.address is not None and address in {None, scan.address}
            if is_asked and _is_same_place(state.broker, broker):
                self._states[broker.name][address] = replace(state, scan=scan)

    def known(self, name: str, address: str | None = None, *, serving: TlsFacts | None = None) -> Known:
        """Return what is known of that broker for judging its next report; nothing of one that is not watched.

        Args:
            name: the broker's.
            address: what the report is of; it matters where a broker is watched by address.
            serving: the report's own handshake: others are compared with what that brought.
        """
        state = self._state(name, address)
        if state is None:
            return NOTHING_KNOWN
        tls = serving if serving is not None and serving.certificates else state.tls
        leaf = None if tls is None else tls.certificates[0]
        return Known(
            refusals=state.refusals,
            last_seen=state.tls,
            last_seen_at=state.tls_seen_at,
            last_change=state.last_change,
            scan=state.scan,
            paces=state.paces,
            listeners=() if leaf is None else self._fleet.listeners(state.broker, leaf),
            key_holders=() if leaf is None else self._fleet.key_holders(state.broker, leaf),
        )

    def snapshot(self) -> Snapshot:
        """Return everything known now."""
        states = tuple(state for by_address in self._states.values() for state in by_address.values())
        return Snapshot(brokers=states, monitor=self.monitor.snapshot())

    def _state(self, name: str, address: str | None) -> BrokerState | None:
        by_address = self._states.get(name, {})
        return by_address.get(None) or by_address.get(address)

    def _index(self, name: str) -> None:
        by_address = self._states.get(name, {})
        self._fleet.keep(name, {address for address, state in by_address.items() if state.tls is not None})
        for state in by_address.values():
            self._fleet.record(state)

    def _configured(self, broker: Broker) -> dict[str | None, BrokerState]:
        not_after = _client_not_after(broker.tls.client_identity)
        kept = {
            address: replace(
                state,
                broker=broker,
                client_certificate_not_after=not_after,
                refusals=tuple(refusal for refusal in state.refusals if refusal.check in broker.refusals.checks),
                scan=None if broker.scan_interval_s is None else state.scan,
            )
            for address, state in self._states.get(broker.name, {}).items()
            if _is_same_place(broker, state.broker) and broker.addresses is state.broker.addresses
        }
        return kept or {None: _fresh(broker)}


def _fresh(broker: Broker) -> BrokerState:
    return BrokerState(broker=broker, client_certificate_not_after=_client_not_after(broker.tls.client_identity))


def _is_same_place(broker: Broker, other: Broker | ProbeReport) -> bool:
    return (broker.host, broker.port) == (other.host, other.port)


def _client_not_after(identity: ClientIdentity | None) -> datetime | None:
    return None if identity is None else read_chain(identity.chain[:1])[0].not_after


def _after(state: BrokerState, report: ProbeReport, assessment: Assessment) -> BrokerState:
    at = report.started_at + timedelta(seconds=report.duration_s)
    stands = standing(report, assessment)
    failed = report.failure
    brought_certificates = report.tls is not None and bool(report.tls.certificates)
    retransmitted = None if report.tcp is None else report.tcp.retransmitted_segments
    return replace(
        state,
        report=report,
        assessment=assessment,
        tls=report.tls if brought_certificates else state.tls,
        tls_seen_at=at if brought_certificates else _by_then(state.tls_seen_at, at),
        certificate_changes=_counted_changes(state, assessment.change),
        changes=state.changes if assessment.change is None else (assessment.change, *state.changes)[:KEPT_CHANGES],
        last_change=assessment.change if assessment.change and assessment.change.concerns_pins else state.last_change,
        standing=stands,
        standing_since=_by_then(state.standing_since, at) if stands == state.standing else at,
        failing_since=None if assessment.success else _by_then(state.failing_since, at) or at,
        last_success_at=at if assessment.success else _by_then(state.last_success_at, at),
        probes_total=state.probes_total + 1,
        failures=state.failures if failed is None else _counted(state, failed.phase),
        handshake=_observed(state.handshake, report, Phase.HANDSHAKE),
        roundtrip=_observed(state.roundtrip, report, Phase.ROUNDTRIP),
        paces=_paces(state, report),
        retransmitted_total=state.retransmitted_total + (retransmitted or 0),
        recent_failures=_kept(state, report, failed, at),
    )


def _by_then(moment: datetime | None, at: datetime) -> datetime | None:
    """Return a moment that has passed: it lies ahead where the clock that told it has been set back since.

    A success ahead of every later probe would keep the alert of a broker that is down silent until then.
    """
    return None if moment is None else min(moment, at)


def _counted_changes(state: BrokerState, change: CertificateChange | None) -> Mapping[Changed, int]:
    if change is None:
        return state.certificate_changes
    return MappingProxyType({what: count + (what in change.what) for what, count in state.certificate_changes.items()})


def _counted(state: BrokerState, phase: Phase) -> MappingProxyType[Phase, int]:
    return MappingProxyType({**state.failures, phase: state.failures[phase] + 1})


def _observed(histogram: Histogram, report: ProbeReport, phase: Phase) -> Histogram:
    for entry in report.phases:
        if entry.phase is phase and isinstance(entry.outcome, Done):
            return histogram.observed(entry.outcome.elapsed_s)
    return histogram


def _paces(state: BrokerState, report: ProbeReport) -> Mapping[Phase, Pace]:
    took = {
        entry.phase: entry.outcome.elapsed_s
        for entry in report.phases
        if isinstance(entry.outcome, Done) and entry.phase is not Phase.VERIFY
    }
    fresh = {phase: state.paces.get(phase, Pace()).observed(seconds) for phase, seconds in took.items()}
    return MappingProxyType({**state.paces, **fresh})


def _kept(state: BrokerState, report: ProbeReport, failed: PhaseReport | None, at: datetime) -> tuple[FailureRun, ...]:
    kept = state.recent_failures
    if failed is None or not isinstance(failed.outcome, Failed):
        return kept
    outcome = failed.outcome
    run = FailureRun(
        phase=failed.phase,
        reason=outcome.reason,
        detail=outcome.detail,
        address=report.address,
        first_at=at,
        last_at=at,
        count=1,
    )
    # Only a line of failures that no success interrupted is continued.
    if state.failing_since is not None and kept and (kept[0].phase, kept[0].reason) == (run.phase, run.reason):
        return (replace(run, first_at=kept[0].first_at, count=kept[0].count + 1), *kept[1:])
    return (run, *kept)[:KEPT_FAILURES]
