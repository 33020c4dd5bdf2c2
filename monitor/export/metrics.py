"""From a snapshot to Prometheus text or OpenMetrics. Nothing is judged and nothing is kept here.

Brokers may carry different labels of their own, so the samples of one family may differ in their label names. That
is valid in both formats; client_python's fixed-label helpers cannot say it, so samples are added one by one.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import version

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric

from monitor.export.families import FAMILIES
from monitor.export.words import clean
from monitor.model.broker import CONFIGURED_TRUST, Broker, Protocol
from monitor.model.facts import TlsFacts
from monitor.model.judgement import Assessment
from monitor.model.outcome import MQTT_PHASES, TLS_PHASES, Done, Failed, Phase
from monitor.model.refusal import RefusalOutcome
from monitor.model.report import ProbeReport
from monitor.model.revocation import Answer, Status
from monitor.store import BrokerState, Histogram, MonitorSnapshot, Snapshot

# Part of the contract: a subject of 64 KiB must not become a series of 64 KiB.
LABEL_LIMIT = 256

_Labels = Mapping[str, str]


def exposition(
    snapshot: Snapshot, *, accept: str = "", names: Sequence[str] = (), process: Iterable[Metric] = ()
) -> tuple[bytes, str]:
    """Render the snapshot as the Accept header asks.

    Args:
        snapshot: What is known.
        accept: The request's Accept header; without one, Prometheus text 0.0.4.
        names: Sample names to be restricted to (`mqtt_tls_probe_success`, `..._bucket`); empty for everything.
        process: what the operating system says of the daemon's process, as Prometheus' client libraries name it.

    Returns:
        The body, and its Content-Type.
    """
    encode, content_type = choose_encoder(accept)
    of_process = (metric for metric in process if not names or {each.name for each in metric.samples} & {*names})
    families = [*collect(snapshot, names=names), *of_process]
    return encode(_Rendered(families)), content_type


def collect(snapshot: Snapshot, *, names: Sequence[str] = ()) -> tuple[Metric, ...]:
    """Return the families that have samples, in the order of `FAMILIES`, brokers in the snapshot's order."""
    samples = _Samples()
    brokers = {state.broker.name: state for state in snapshot.brokers}
    for state in brokers.values():
        _add_broker(samples, state)
    for state in snapshot.brokers:
        _add_state(samples, state)
    _add_monitor(samples, snapshot.monitor, brokers=len(brokers))
    return samples.families(frozenset(names))


class _Rendered:
    """What client_python's encoders take: something with `collect()`."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


class _Samples:
    """Families under construction."""

    def __init__(self) -> None:
        self._metrics = {
            family.name: Metric(family.name.removesuffix(_SUFFIXES.get(family.type, "")), family.help, family.type)
            for family in FAMILIES
        }

    def add(self, name: str, labels: _Labels, value: float | bool | datetime | None, **more: str | None) -> None:
        """Add one sample, unless its value is not known."""
        if value is None:
            return
        number = value.timestamp() if isinstance(value, datetime) else float(value)
        self._metrics[name].add_sample(name, {**labels, **_bounded(more)}, number)

    def add_histogram(self, name: str, labels: _Labels, histogram: Histogram) -> None:
        metric = self._metrics[name]
        cumulated = 0
        for bound, count in zip((*histogram.bounds_s, float("inf")), histogram.counts, strict=True):
            cumulated += count
            metric.add_sample(f"{name}_bucket", {**labels, "le": _bound(bound)}, cumulated)
        metric.add_sample(f"{name}_count", dict(labels), cumulated)
        metric.add_sample(f"{name}_sum", dict(labels), histogram.total_s)

    def families(self, names: frozenset[str]) -> tuple[Metric, ...]:
        """Return what has samples, restricted to samples of these names unless there are none."""
        if names:
            for metric in self._metrics.values():
                metric.samples = [sample for sample in metric.samples if sample.name in names]
        return tuple(metric for metric in self._metrics.values() if metric.samples)


_SUFFIXES = {"counter": "_total", "info": "_info"}


def _bound(bound_s: float) -> str:
    """Write a bucket's bound as OpenMetrics wants it, alike in both formats: `0.005`, `1.0`, `+Inf`."""
    return "+Inf" if bound_s == float("inf") else repr(bound_s)


def _bounded(labels: Mapping[str, str | None]) -> dict[str, str]:
    """Make values safe to expose: an absent one is empty, which Prometheus takes for no label at all."""
    return {name: clean(value or "", limit=LABEL_LIMIT) for name, value in labels.items()}


def _labels(broker: Broker) -> dict[str, str]:
    return _bounded({**dict(broker.labels), "broker": broker.name})


def _add_broker(samples: _Samples, state: BrokerState) -> None:
    """Add what holds of a broker as configured, whatever its addresses: once, so that it can be joined with."""
    broker = state.broker
    labels = _labels(broker)
    samples.add(
        "mqtt_tls_broker_info", labels, 1, host=broker.host, port=str(broker.port), protocol=broker.protocol.value
    )
    samples.add("mqtt_tls_probe_interval_seconds", labels, broker.interval_s)
    samples.add("mqtt_tls_client_certificate_not_after_timestamp_seconds", labels, state.client_certificate_not_after)


def _add_state(samples: _Samples, state: BrokerState) -> None:
    labels = _labels(state.broker)
    if state.address is not None:
        labels |= _bounded({"address": state.address})
    _add_counters(samples, labels, state)
    if state.report is not None:
        _add_report(samples, labels, state.report)
    if state.assessment is not None:
        _add_assessment(samples, labels, state.assessment)
    if state.tls is not None:
        _add_certificates(samples, labels, state.tls)
        samples.add("mqtt_tls_certificate_last_seen_timestamp_seconds", labels, state.tls_seen_at)


def _add_counters(samples: _Samples, labels: _Labels, state: BrokerState) -> None:
    samples.add("mqtt_tls_last_success_timestamp_seconds", labels, state.last_success_at)
    samples.add("mqtt_tls_probes_total", labels, state.probes_total)
    for phase in _phases(state.broker):
        samples.add("mqtt_tls_probe_failures_total", labels, state.failures[phase], phase=phase.value)
    for what, count in state.certificate_changes.items():
        samples.add("mqtt_tls_certificate_changes_total", labels, count, what=what.value)
    samples.add("mqtt_tls_tcp_retransmitted_segments_total", labels, state.retransmitted_total)
    samples.add_histogram("mqtt_tls_handshake_duration_seconds", labels, state.handshake)
    if state.broker.protocol is Protocol.MQTT:
        samples.add_histogram("mqtt_tls_roundtrip_duration_seconds", labels, state.roundtrip)


def _phases(broker: Broker) -> Sequence[Phase]:
    return TLS_PHASES if broker.protocol is Protocol.TLS else (*TLS_PHASES, *MQTT_PHASES)


def _add_report(samples: _Samples, labels: _Labels, report: ProbeReport) -> None:
    ended_at = report.started_at + timedelta(seconds=report.duration_s)
    samples.add("mqtt_tls_probe_duration_seconds", labels, report.duration_s)
    samples.add("mqtt_tls_last_probe_timestamp_seconds", labels, ended_at)
    if report.address is not None:
        samples.add("mqtt_tls_endpoint_info", labels, 1, address=report.address)
    for entry in report.phases:
        match entry.outcome:
            case Done(elapsed_s=elapsed_s):
                samples.add("mqtt_tls_phase_duration_seconds", labels, elapsed_s, phase=entry.phase.value)
            case Failed(reason=reason):
                samples.add("mqtt_tls_probe_failure_info", labels, 1, phase=entry.phase.value, reason=reason)
    if report.tcp is not None:
        samples.add("mqtt_tls_tcp_rtt_seconds", labels, report.tcp.rtt_s)
    if report.tls is not None and report.tls.version is not None:
        tls = report.tls
        samples.add(
            "mqtt_tls_session_info",
            labels,
            1,
            tls_version=tls.version,
            cipher_suite=tls.cipher,
            group=tls.group,
            alpn=tls.alpn,
        )


def _add_assessment(samples: _Samples, labels: _Labels, assessment: Assessment) -> None:
    samples.add("mqtt_tls_probe_success", labels, assessment.success)
    samples.add("mqtt_tls_chain_expiry_timestamp_seconds", labels, assessment.chain_not_after)
    if (breaks := assessment.next_break) is not None:
        samples.add("mqtt_tls_next_break_timestamp_seconds", labels, breaks.at, cause=breaks.cause.value)
    _add_revocation(samples, labels, assessment.revocation)
    if (judgement := assessment.judgement) is not None:
        samples.add("mqtt_tls_chain_valid", labels, judgement.is_trusted, trust=CONFIGURED_TRUST)
        for profile in assessment.profiles:
            samples.add("mqtt_tls_chain_valid", labels, profile.is_trusted, trust=profile.name)
        samples.add("mqtt_tls_name_valid", labels, judgement.name_matches)
    if (file := assessment.certificate_file) is not None:
        samples.add("mqtt_tls_certificate_file_served", labels, file.is_served)
    if assessment.scan is not None:
        samples.add("mqtt_tls_last_scan_timestamp_seconds", labels, assessment.scan.at)
    for refusal in assessment.refusals:
        if refusal.outcome is not RefusalOutcome.UNKNOWN:
            is_refused = refusal.outcome is RefusalOutcome.REFUSED
            samples.add("mqtt_tls_refusal_enforced", labels, is_refused, check=refusal.check.value)
    present = Counter((finding.code, finding.severity) for finding in assessment.findings)
    for (code, severity), count in present.items():
        samples.add("mqtt_tls_findings", labels, count, code=code, finding_severity=severity.label)


def _add_revocation(samples: _Samples, labels: _Labels, answers: tuple[Answer, ...]) -> None:
    for answer in answers:
        source = answer.source.value
        for status in Status:
            said = answer.status is status
            samples.add("mqtt_tls_revocation_status", labels, said, source=source, status=status.value)
        samples.add("mqtt_tls_revocation_next_update_timestamp_seconds", labels, answer.next_update, source=source)


def _add_certificates(samples: _Samples, labels: _Labels, tls: TlsFacts) -> None:
    for certificate in tls.certificates:
        place = {"position": str(certificate.position), "role": certificate.role.value}
        samples.add("mqtt_tls_certificate_not_after_timestamp_seconds", labels, certificate.not_after, **place)
        samples.add("mqtt_tls_certificate_not_before_timestamp_seconds", labels, certificate.not_before, **place)
        samples.add(
            "mqtt_tls_certificate_info",
            labels,
            1,
            **place,
            subject=certificate.subject,
            issuer=certificate.issuer,
            serial=certificate.serial,
            fingerprint_sha256=certificate.fingerprint_sha256,
        )


def _add_monitor(samples: _Samples, monitor: MonitorSnapshot, *, brokers: int) -> None:
    samples.add("mqtt_tls_monitor_build_info", {}, 1, **_build())
    samples.add("mqtt_tls_monitor_brokers", {}, brokers)
    samples.add("mqtt_tls_monitor_probes_in_flight", {}, monitor.probes_in_flight)
    samples.add_histogram("mqtt_tls_monitor_schedule_delay_seconds", {}, monitor.schedule_delay)
    for reason, count in monitor.missed.items():
        samples.add("mqtt_tls_monitor_missed_probes_total", {}, count, reason=reason)
    samples.add("mqtt_tls_monitor_event_loop_lag_seconds", {}, monitor.event_loop_lag_s)
    samples.add("mqtt_tls_monitor_internal_errors_total", {}, monitor.internal_errors_total)
    samples.add("mqtt_tls_monitor_config_last_reload_successful", {}, monitor.last_reload_successful)
    samples.add("mqtt_tls_monitor_config_last_reload_success_timestamp_seconds", {}, monitor.last_reload_success_at)
    samples.add("mqtt_tls_monitor_state_last_read_successful", {}, monitor.state_read_successful)
    samples.add("mqtt_tls_monitor_state_last_write_successful", {}, monitor.state_write_successful)
    samples.add("mqtt_tls_monitor_state_last_write_success_timestamp_seconds", {}, monitor.state_written_at)


@cache
def _build() -> dict[str, str]:
    return {
        "version": version("mqtt-tls-monitor"),
        "python_version": platform.python_version(),
        "pyopenssl_version": version("pyopenssl"),
        "cryptography_version": version("cryptography"),
    }
