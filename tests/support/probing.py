"""Probing a server under test, with a gate that a test sets."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

from monitor.model.broker import Broker, ClientIdentity, MqttSettings, Protocol, TlsSettings, TlsVersion, Trust
from monitor.model.facts import TlsFacts
from monitor.model.judgement import Finding, Severity
from monitor.model.outcome import Done, Failed, Phase
from monitor.model.report import ProbeReport
from monitor.probe.pipeline import probe
from monitor.probe.resolve import Resolver
from monitor.probe.tls import Verify


def broker_at(
    port: int,
    *,
    host: str = "127.0.0.1",
    trust: Trust | None = None,
    server_name: str = "localhost",
    identity: ClientIdentity | None = None,
    minimum_version: TlsVersion = TlsVersion.V1_2,
    alpn: tuple[str, ...] = (),
    mqtt: MqttSettings | None = None,
    protocol: Protocol = Protocol.MQTT,
    timeout_s: float = 10.0,
) -> Broker:
    """Return a broker on loopback, with generous time for a busy machine."""
    return Broker(
        name="test",
        host=host,
        port=port,
        protocol=protocol,
        timeout_s=timeout_s,
        tls=TlsSettings(
            trust=trust or Trust(source="none", anchors=()),
            server_name=server_name,
            client_identity=identity,
            minimum_version=minimum_version,
            alpn=alpn,
        ),
        mqtt=mqtt or MqttSettings(),
    )


async def accept_all(tls: TlsFacts, broker: Broker, now: datetime) -> Finding | None:
    """Let every broker through the gate."""


async def refuse_all(tls: TlsFacts, broker: Broker, now: datetime) -> Finding | None:
    """Let none through."""
    return Finding(code="chain_untrusted", severity=Severity.CRITICAL, message="refused by the test", fix="")


async def run_probe(broker: Broker, verify: Verify = accept_all) -> ProbeReport:
    """Probe once."""
    resolver = Resolver()
    try:
        return await probe(broker, verify=verify, now=lambda: datetime.now(UTC), resolver=resolver)
    finally:
        resolver.close()


def failure(report: ProbeReport) -> Failed:
    """Return the failed phase's outcome; fails the test if all went well."""
    assert report.failure is not None, f"no phase failed: {report.phases}"
    outcome = report.failure.outcome
    assert isinstance(outcome, Failed)
    return outcome


def outcome_of(report: ProbeReport, phase: Phase) -> object:
    """Return one phase's outcome."""
    return next(entry.outcome for entry in report.phases if entry.phase is phase)


def assert_success(report: ProbeReport) -> None:
    """Every phase is done."""
    assert report.success, report.phases
    assert all(isinstance(entry.outcome, Done) for entry in report.phases)


def with_mqtt(broker: Broker, mqtt: MqttSettings) -> Broker:
    """Return the same broker, spoken to differently."""
    return dataclasses.replace(broker, mqtt=mqtt)
