"""A store that is to be saved, with real certificates in it: those in a file are read anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from monitor.model.broker import Broker
from monitor.model.facts import TlsFacts
from monitor.model.judgement import CertificateChange
from monitor.store import BrokerState, Store
from tests.checks.served import INTERMEDIATE, LEAF, handshake
from tests.support.records import NOW, a_broker, a_report, an_assessment

HANDSHAKE = handshake(LEAF, INTERMEDIATE)


def record(
    store: Store,
    *,
    broker: Broker | None = None,
    minute: int = 0,
    reason: str | None = None,
    tls: TlsFacts = HANDSHAKE,
    change: CertificateChange | None = None,
    address: str | None = "192.0.2.7",
) -> None:
    """Let the store take in a result, without certificates where it is a failure."""
    broker = broker or a_broker()
    at = NOW + timedelta(minutes=minute)
    report = a_report(broker.name, port=broker.port, reason=reason, started_at=at, address=address)
    report = replace(report, tls=tls if reason is None else None)
    store.record(report, an_assessment(report, change=change))


SURVIVES = (
    "broker",
    "address",
    "standing",
    "standing_since",
    "failing_since",
    "last_success_at",
    "tls",
    "tls_seen_at",
    "certificate_changes",
    "changes",
    "last_change",
)


def known(store: Store) -> tuple[BrokerState, ...]:
    """Return what is to be known after a restart: no results, and nothing that Prometheus counts on from zero."""
    return tuple(BrokerState(**{name: getattr(state, name) for name in SURVIVES}) for state in store.snapshot().brokers)
