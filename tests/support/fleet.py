"""Many brokers with certificates of one CA, judged by the daemon's own code: what a store knows of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from monitor.checks.assess import Assessor
from monitor.demo.pki import issue
from monitor.model.broker import Protocol, Trust
from monitor.model.judgement import Assessment, Cause
from monitor.model.refusal import RefusalCheck
from monitor.model.report import ProbeReport
from monitor.model.revocation import Source
from monitor.store import BrokerState, Snapshot, Store
from monitor.x509.certificate import read_chain
from tests.support.records import (
    SCAN,
    a_break,
    a_broker,
    a_file,
    a_finding,
    a_profile,
    a_refusal,
    a_report,
    an_answer,
    tls_facts,
)

_AGE_OF_CAS = timedelta(days=1500)


class Fleet:
    """Brokers that all serve a chain of three, each with a leaf of its own; probed when told to."""

    def __init__(
        self,
        size: int,
        *,
        now: datetime,
        protocol: Protocol = Protocol.MQTT,
        labels: tuple[tuple[str, str], ...] = (),
        intermediate_ends: datetime | None = None,
        is_all_on: bool = False,
    ) -> None:
        """Watch that many; `is_all_on`: with each thing configured, and found, that adds series."""
        root = issue(now=now, is_ca=True, subject="Plant Root", not_before=now - _AGE_OF_CAS)
        intermediate = issue(
            now=now,
            issuer=root,
            is_ca=True,
            subject="Plant Issuing CA",
            not_before=now - _AGE_OF_CAS,
            not_after=intermediate_ends,
        )
        leaf = issue(now=now, issuer=intermediate, subject="mqtt.example.org", names=("DNS:mqtt.example.org",))
        broker = a_broker(protocol=protocol, interval_s=15.0, labels=labels)
        trust = Trust(source="ca.pem", anchors=(root.der,))
        self._broker = replace(broker, tls=replace(broker.tls, trust=trust))
        self._served = read_chain((leaf.der, intermediate.der, root.der))
        self._names = [f"plant-{number:04}" for number in range(size)]
        self._is_all_on = is_all_on
        self._assessor = Assessor()
        self._store = Store()
        self._store.configure([replace(self._broker, name=name) for name in self._names])
        self._store.monitor.reloaded(success=True, at=now)
        self._store.monitor.loop_lag(0.001)
        self._store.monitor.delayed(0.01)

    def probe(self, now: datetime, *, reason: str | None = None) -> None:
        """Take in a result of every broker: a success, or for that reason a failure."""
        protocol = self._broker.protocol
        tls = None if reason == "connect_refused" else tls_facts(self._served)
        report = a_report(reason=reason, protocol=protocol, tls=tls, started_at=now)
        assessment = self._assessor.assess(report, self._broker, now)
        if self._is_all_on:
            assessment = _with_everything(assessment)
        for number, name in enumerate(self._names):
            self._store.record(_of(report, name, number), assessment)

    def snapshot(self) -> Snapshot:
        """Return what is known now."""
        snapshot = self._store.snapshot()
        if not self._is_all_on:
            return snapshot
        return replace(snapshot, brokers=tuple(map(_with_client_certificate, snapshot.brokers)))


def _of(report: ProbeReport, name: str, number: int) -> ProbeReport:
    """Return the report as one of that broker."""
    if report.tls is None:
        return replace(report, broker=name)
    leaf, *above = report.tls.certificates
    own = replace(leaf, serial=f"{number:032x}", fingerprint_sha256=f"{number:064x}")
    return replace(report, broker=name, tls=replace(report.tls, alpn="mqtt", certificates=(own, *above)))


def _with_everything(assessment: Assessment) -> Assessment:
    return replace(
        assessment,
        findings=(*assessment.findings, a_finding(), a_finding("crl_stale"), a_finding("profile_untrusted")),
        profiles=(a_profile("devices-2022"), a_profile("gateways"), a_profile("phones")),
        next_break=a_break(Cause.LEAF),
        certificate_file=a_file(),
        refusals=tuple(map(a_refusal, RefusalCheck)),
        scan=SCAN,
        revocation=tuple(map(an_answer, Source)),
    )


def _with_client_certificate(state: BrokerState) -> BrokerState:
    return replace(state, client_certificate_not_after=SCAN.at + timedelta(days=30))
