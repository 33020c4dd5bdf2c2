"""From what is known to sample lines of Prometheus text and OpenMetrics. Nothing is judged and nothing is kept here.

Brokers may carry different labels of their own, so the samples of one family may differ in their label names. That
is valid in both formats. A sample is the same line in both; what differs around it is in `exposition`.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import version

from prometheus_client.utils import floatToGoString

from monitor.export.words import clean
from monitor.model.broker import CONFIGURED_TRUST, Broker, Protocol
from monitor.model.facts import TlsFacts
from monitor.model.judgement import Assessment
from monitor.model.outcome import MQTT_PHASES, TLS_PHASES, Done, Failed, Phase
from monitor.model.refusal import RefusalOutcome
from monitor.model.report import ProbeReport
from monitor.model.revocation import Answer, Status
from monitor.store import BrokerState, Histogram, MonitorSnapshot

# Part of the contract: a subject of 64 KiB must not become a series of 64 KiB.
LABEL_LIMIT = 256

Lines = Mapping[str, bytes]
"""Sample lines by the family's name as in `families`; what has no samples is absent."""

_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def of_broker(state: BrokerState) -> Lines:
    """Return what holds of a broker as configured, whatever its addresses: once, so that it can be joined with."""
    broker = state.broker
    samples = _Samples(_labels(broker))
    samples.add("mqtt_tls_broker_info", 1, host=broker.host, port=str(broker.port), protocol=broker.protocol.value)
    samples.add("mqtt_tls_probe_interval_seconds", broker.interval_s)
    samples.add("mqtt_tls_client_certificate_not_after_timestamp_seconds", state.client_certificate_not_after)
    return samples.lines()


def of_state(state: BrokerState) -> Lines:
    """Return what is known of a broker; of one of its addresses, where each is probed."""
    labels = _labels(state.broker)
    samples = _Samples(labels if state.address is None else {**labels, "address": state.address})
    _add_counters(samples, state)
    if state.report is not None:
        _add_report(samples, state.report)
    if state.assessment is not None:
        _add_assessment(samples, state.assessment)
    if state.tls is not None:
        _add_certificates(samples, state.tls)
        samples.add("mqtt_tls_certificate_last_seen_timestamp_seconds", state.tls_seen_at)
    return samples.lines()


def of_monitor(monitor: MonitorSnapshot, *, brokers: int) -> Lines:
    """Return what the daemon says of itself; it watches that many brokers."""
    samples = _Samples({})
    samples.add("mqtt_tls_monitor_build_info", 1, **_build())
    samples.add("mqtt_tls_monitor_brokers", brokers)
    samples.add("mqtt_tls_monitor_probes_in_flight", monitor.probes_in_flight)
    samples.add_histogram("mqtt_tls_monitor_schedule_delay_seconds", monitor.schedule_delay)
    for reason, count in monitor.missed.items():
        samples.add("mqtt_tls_monitor_missed_probes_total", count, reason=reason)
    samples.add("mqtt_tls_monitor_event_loop_lag_seconds", monitor.event_loop_lag_s)
    samples.add("mqtt_tls_monitor_internal_errors_total", monitor.internal_errors_total)
    samples.add("mqtt_tls_monitor_config_last_reload_successful", monitor.last_reload_successful)
    samples.add("mqtt_tls_monitor_config_last_reload_success_timestamp_seconds", monitor.last_reload_success_at)
    samples.add("mqtt_tls_monitor_state_last_read_successful", monitor.state_read_successful)
    samples.add("mqtt_tls_monitor_state_last_write_successful", monitor.state_write_successful)
    samples.add("mqtt_tls_monitor_state_last_write_success_timestamp_seconds", monitor.state_written_at)
    return samples.lines()


class _Samples:
    """Sample lines under construction; all with these labels, and each with more."""

    def __init__(self, labels: Mapping[str, str | None]) -> None:
        self._common = _pairs(labels)
        self._lines: dict[str, list[str]] = {}

    def add(self, family: str, value: float | bool | datetime | None, **labels: str | None) -> None:
        """Add one sample, unless its value is not known."""
        if value is None:
            return
        number = value.timestamp() if isinstance(value, datetime) else value
        self._add(family, family, _pairs(labels), number)

    def add_histogram(self, family: str, histogram: Histogram) -> None:
        cumulated = 0
        for bound, count in zip((*histogram.bounds_s, float("inf")), histogram.counts, strict=True):
            cumulated += count
            self._add(family, f"{family}_bucket", _pairs({"le": _bound(bound)}), cumulated)
        self._add(family, f"{family}_count", {}, cumulated)
        self._add(family, f"{family}_sum", {}, histogram.total_s)

    def lines(self) -> Lines:
        return {family: "".join(lines).encode() for family, lines in self._lines.items()}

    def _add(self, family: str, name: str, pairs: Mapping[str, str], value: float) -> None:
        labels = ",".join({**self._common, **pairs}.values())
        number = floatToGoString(value)  # type: ignore[no-untyped-call]  # client_python leaves it untyped
        self._lines.setdefault(family, []).append(f"{name}{{{labels}}} {number}\n" if labels else f"{name} {number}\n")


def _pairs(labels: Mapping[str, str | None]) -> Mapping[str, str]:
    """Write labels, safe to expose: an absent value is empty, which Prometheus takes for no label at all."""
    return {
        name: f'{name}="{clean(value or "", limit=LABEL_LIMIT).translate(_ESCAPED)}"' for name, value in labels.items()
    }


def _bound(bound_s: float) -> str:
    """Write a bucket's bound as OpenMetrics wants it, alike in both formats: `0.005`, `1.0`, `+Inf`."""
    return "+Inf" if bound_s == float("inf") else repr(bound_s)


def _labels(broker: Broker) -> dict[str, str]:
    return {**dict(broker.labels), "broker": broker.name}


def _add_counters(samples: _Samples, state: BrokerState) -> None:
    samples.add("mqtt_tls_last_success_timestamp_seconds", state.last_success_at)
    samples.add("mqtt_tls_probes_total", state.probes_total)
    for phase in _phases(state.broker):
        samples.add("mqtt_tls_probe_failures_total", state.failures[phase], phase=phase.value)
    for what, count in state.certificate_changes.items():
        samples.add("mqtt_tls_certificate_changes_total", count, what=what.value)
    samples.add("mqtt_tls_tcp_retransmitted_segments_total", state.retransmitted_total)
    samples.add_histogram("mqtt_tls_handshake_duration_seconds", state.handshake)
    if state.broker.protocol is Protocol.MQTT:
        samples.add_histogram("mqtt_tls_roundtrip_duration_seconds", state.roundtrip)


def _phases(broker: Broker) -> Sequence[Phase]:
    return TLS_PHASES if broker.protocol is Protocol.TLS else (*TLS_PHASES, *MQTT_PHASES)


def _add_report(samples: _Samples, report: ProbeReport) -> None:
    ended_at = report.started_at + timedelta(seconds=report.duration_s)
    samples.add("mqtt_tls_probe_duration_seconds", report.duration_s)
    samples.add("mqtt_tls_last_probe_timestamp_seconds", ended_at)
    if report.address is not None:
        samples.add("mqtt_tls_endpoint_info", 1, address=report.address)
    for entry in report.phases:
        match entry.outcome:
            case Done(elapsed_s=elapsed_s):
                samples.add("mqtt_tls_phase_duration_seconds", elapsed_s, phase=entry.phase.value)
            case Failed(reason=reason):
                samples.add("mqtt_tls_probe_failure_info", 1, phase=entry.phase.value, reason=reason)
    if report.tcp is not None:
        samples.add("mqtt_tls_tcp_rtt_seconds", report.tcp.rtt_s)
    if report.tls is not None and report.tls.version is not None:
        tls = report.tls
        samples.add(
            "mqtt_tls_session_info",
            1,
            tls_version=tls.version,
            cipher_suite=tls.cipher,
            group=tls.group,
            alpn=tls.alpn,
        )


def _add_assessment(samples: _Samples, assessment: Assessment) -> None:
    samples.add("mqtt_tls_probe_success", assessment.success)
    samples.add("mqtt_tls_chain_expiry_timestamp_seconds", assessment.chain_not_after)
    if (breaks := assessment.next_break) is not None:
        samples.add("mqtt_tls_next_break_timestamp_seconds", breaks.at, cause=breaks.cause.value)
    _add_revocation(samples, assessment.revocation)
    if (judgement := assessment.judgement) is not None:
        samples.add("mqtt_tls_chain_valid", judgement.is_trusted, trust=CONFIGURED_TRUST)
        for profile in assessment.profiles:
            samples.add("mqtt_tls_chain_valid", profile.is_trusted, trust=profile.name)
        samples.add("mqtt_tls_name_valid", judgement.name_matches)
    if (file := assessment.certificate_file) is not None:
        samples.add("mqtt_tls_certificate_file_served", file.is_served)
    if assessment.scan is not None:
        samples.add("mqtt_tls_last_scan_timestamp_seconds", assessment.scan.at)
    for refusal in assessment.refusals:
        if refusal.outcome is not RefusalOutcome.UNKNOWN:
            is_refused = refusal.outcome is RefusalOutcome.REFUSED
            samples.add("mqtt_tls_refusal_enforced", is_refused, check=refusal.check.value)
    present = Counter((finding.code, finding.severity) for finding in assessment.findings)
    for (code, severity), count in present.items():
        samples.add("mqtt_tls_findings", count, code=code, finding_severity=severity.label)


def _add_revocation(samples: _Samples, answers: tuple[Answer, ...]) -> None:
    for answer in answers:
        source = answer.source.value
        for status in Status:
            said = answer.status is status
            samples.add("mqtt_tls_revocation_status", said, source=source, status=status.value)
        samples.add("mqtt_tls_revocation_next_update_timestamp_seconds", answer.next_update, source=source)


def _add_certificates(samples: _Samples, tls: TlsFacts) -> None:
    for certificate in tls.certificates:
        place = {"position": str(certificate.position), "role": certificate.role.value}
        samples.add("mqtt_tls_certificate_not_after_timestamp_seconds", certificate.not_after, **place)
        samples.add("mqtt_tls_certificate_not_before_timestamp_seconds", certificate.not_before, **place)
        samples.add(
            "mqtt_tls_certificate_info",
            1,
            **place,
            subject=certificate.subject,
            issuer=certificate.issuer,
            serial=certificate.serial,
            fingerprint_sha256=certificate.fingerprint_sha256,
        )


@cache
def _build() -> dict[str, str]:
    return {
        "version": version("mqtt-tls-monitor"),
        "python_version": platform.python_version(),
        "pyopenssl_version": version("pyopenssl"),
        "cryptography_version": version("cryptography"),
    }
