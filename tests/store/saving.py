"""A store that is to be saved, with real certificates in it: those in a file are read anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from monitor.model.facts import TlsFacts
from monitor.model.judgement import CertificateChange
from monitor.store import BrokerState, Histogram, Store
from monitor.store.histogram import LATENCY_BOUNDS_S
from tests.checks.served import INTERMEDIATE, LEAF, handshake
from tests.support.records import NOW, a_report, an_assessment

HANDSHAKE = handshake(LEAF, INTERMEDIATE)


def record(
    store: Store,
    *,
    minute: int = 0,
    reason: str | None = None,
    tls: TlsFacts = HANDSHAKE,
    change: CertificateChange | None = None,
    address: str | None = "192.0.2.7",
) -> None:
    """Let the store take in a result, without certificates where it is a failure."""
    report = a_report(reason=reason, started_at=NOW + timedelta(minutes=minute), address=address)
    report = replace(report, tls=tls if reason is None else None)
    store.record(report, an_assessment(report, change=change))


def known(store: Store) -> tuple[BrokerState, ...]:
    """Return what is to be known after a restart: everything but results and what Prometheus counts on from zero."""
    nothing = Histogram.empty(LATENCY_BOUNDS_S)
    return tuple(
        replace(
            state,
            report=None,
            assessment=None,
            client_certificate_not_after=None,
            probes_total=0,
            failures=dict.fromkeys(state.failures, 0),
            handshake=nothing,
            roundtrip=nothing,
            retransmitted_total=0,
            recent_failures=(),
        )
        for state in store.snapshot().brokers
    )
