"""What a broker serves against what others of the configuration serve: its other listeners, and the whole fleet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from monitor.checks.catalogue import entry
from monitor.checks.finding import finding
from monitor.checks.installed import PATIENCE
from monitor.checks.phrases import end, name, span
from monitor.model.broker import Broker
from monitor.model.facts import CertificateFacts, TlsFacts
from monitor.model.judgement import Finding, Severity
from monitor.model.known import Known, Neighbour

_NAMED = 3


def neighbours(broker: Broker, tls: TlsFacts | None, known: Known, now: datetime) -> Iterator[Finding]:
    """Yield how what was served last stands to what others serve.

    Args:
        broker: what was probed.
        tls: the latest handshake that brought certificates, if there was one.
        known: the others that are worth comparing with it.
        now: the moment to judge at; aware.
    """
    if tls is None or not tls.certificates:
        return
    leaf = tls.certificates[0]
    newest: Neighbour | None = None
    for other in known.listeners:
        if _is_newer(other.leaf, leaf if newest is None else newest.leaf):
            newest = other
    if newest is not None:
        yield _listener_differs(broker, leaf, newest, now)
    if known.key_holders:
        yield _key_reused(leaf, known.key_holders)


def _listener_differs(broker: Broker, leaf: CertificateFacts, other: Neighbour, now: datetime) -> Finding:
    code = "listener_differs"
    # Two programs on one host may each have a certificate of its own; two listeners of one program were alike before.
    were_alike = other.before == leaf.fingerprint_sha256
    age_s = max(0.0, (now - other.rotated_at).total_seconds()) if were_alike and other.rotated_at is not None else 0.0
    before = f" Both served the older one until {span(age_s)} ago." if were_alike else ""
    return finding(
        code,
        f"Port {broker.port} of {broker.host} serves an older certificate ({_described(leaf)}) than port {other.port}, "
        f"the broker {other.broker}, does for the same names ({_described(other.leaf)}).{before}",
        severity=Severity.INFO if age_s < PATIENCE.total_seconds() else entry(code).severity,
        certificate=leaf.position,
    )


def _key_reused(leaf: CertificateFacts, holders: tuple[Neighbour, ...]) -> Finding:
    named = ", ".join(f"{other.broker} ({name(other.leaf.subject)})" for other in holders[:_NAMED])
    more = " and others" if len(holders) > _NAMED else ""
    return finding(
        "key_reused",
        f"The key of the broker's certificate ({name(leaf.subject)}) is in certificates for other names as well, at "
        f"other hosts: {named}{more}.",
        certificate=leaf.position,
    )


def _is_newer(other: CertificateFacts, own: CertificateFacts) -> bool:
    dates, own_dates = _dates(other), _dates(own)
    return dates is not None and own_dates is not None and dates > own_dates


def _dates(facts: CertificateFacts) -> tuple[datetime, datetime] | None:
    return None if facts.not_before is None or facts.not_after is None else (facts.not_before, facts.not_after)


def _described(facts: CertificateFacts) -> str:
    return f"{name(facts.subject)}, until {end(facts)}"
