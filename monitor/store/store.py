"""The store: takes results in, gives snapshots out. One thread, no lock, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from monitor.model.broker import Broker, ClientIdentity
from monitor.model.judgement import Assessment, CertificateChange, Changed
from monitor.model.known import NOTHING_KNOWN, Known
from monitor.model.outcome import Done, Failed, Phase, PhaseReport
from monitor.model.report import ProbeReport
from monitor.store.daemon import MonitorStats
from monitor.store.histogram import Histogram
from monitor.store.records import BrokerState, Change, FailureRun, Snapshot, standing
from monitor.x509.certificate import read_chain

# Enough for a bad week on one page; each run is one short record.
KEPT_FAILURES = 20


class Store:
    """Holds one frozen state per broker and replaces it when a result comes in, so a snapshot is one tuple."""

    def __init__(self) -> None:
        self.monitor = MonitorStats()
        self._states: dict[str, BrokerState] = {}

    def configure(self, brokers: Sequence[Broker]) -> None:
        """Watch exactly these brokers from now on.

        A broker that keeps its name, host and port keeps what is known of it, whatever else changed; with another
        host or port it is another thing that is watched, and starts anew. All others are forgotten.
        """
        self._states = {broker.name: self._configured(broker) for broker in brokers}

    def record(self, report: ProbeReport, assessment: Assessment) -> Change:
        """Take in one result.

        The result of a broker that is no longer watched at that host and port is dropped: its probe was under way
        when the configuration changed, and it must not bring removed series back.
        """
        state = self._states.get(report.broker)
        if state is None or not _is_same_place(state.broker, report):
            before = None if state is None else state.standing
            since = None if state is None else state.standing_since
            return Change(broker=report.broker, before=before, after=before, since=since)
        after = _after(state, report, assessment)
        self._states[report.broker] = after
        return Change(broker=report.broker, before=state.standing, after=after.standing, since=after.standing_since)

    def known(self, name: str) -> Known:
        """Return what is known of that broker for judging its next report; nothing of one that is not watched."""
        state = self._states.get(name)
        return NOTHING_KNOWN if state is None else Known(last_seen=state.tls, last_change=state.last_change)

    def snapshot(self) -> Snapshot:
        """Return everything known now."""
        return Snapshot(brokers=tuple(self._states.values()), monitor=self.monitor.snapshot())

    def _configured(self, broker: Broker) -> BrokerState:
        known = self._states.get(broker.name)
        not_after = _client_not_after(broker.tls.client_identity)
        if known is None or not _is_same_place(broker, known.broker):
            return BrokerState(broker=broker, client_certificate_not_after=not_after)
        return replace(known, broker=broker, client_certificate_not_after=not_after)


def _is_same_place(broker: Broker, other: Broker | ProbeReport) -> bool:
    return (broker.host, broker.port) == (other.host, other.port)


def _client_not_after(identity: ClientIdentity | None) -> datetime | None:
    return None if identity is None else read_chain(identity.chain[:1])[0].not_after


def _after(state: BrokerState, report: ProbeReport, assessment: Assessment) -> BrokerState:
    at = report.started_at + timedelta(seconds=report.duration_s)
    changed = state.standing != standing(report, assessment)
    failed = report.failure
    brought_certificates = report.tls is not None and bool(report.tls.certificates)
    retransmitted = None if report.tcp is None else report.tcp.retransmitted_segments
    return replace(
        state,
        report=report,
        assessment=assessment,
        tls=report.tls if brought_certificates else state.tls,
        tls_seen_at=at if brought_certificates else state.tls_seen_at,
        certificate_changes=_changes(state, assessment.change),
        last_change=assessment.change if assessment.change and assessment.change.concerns_pins else state.last_change,
        standing_since=at if changed else state.standing_since,
        failing_since=None if assessment.success else state.failing_since or at,
        last_success_at=at if assessment.success else state.last_success_at,
        probes_total=state.probes_total + 1,
        failures=state.failures if failed is None else _counted(state, failed.phase),
        handshake=_observed(state.handshake, report, Phase.HANDSHAKE),
        roundtrip=_observed(state.roundtrip, report, Phase.ROUNDTRIP),
        retransmitted_total=state.retransmitted_total + (retransmitted or 0),
        recent_failures=_kept(state, report, failed, at),
    )


def _changes(state: BrokerState, change: CertificateChange | None) -> Mapping[Changed, int]:
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
