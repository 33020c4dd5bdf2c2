"""The certificate that the monitor itself shows: nobody else notices when that one ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from monitor.checks.case import finding, name
from monitor.checks.validity import expired_sentence, expiring_sentence, expiry_severity, is_expired
from monitor.model.broker import Broker
from monitor.model.facts import TlsFacts
from monitor.model.judgement import Finding, Severity
from monitor.x509.certificate import read_chain


def client_certificate(broker: Broker, tls: TlsFacts | None, now: datetime) -> Iterator[Finding]:
    """Yield a finding for each certificate of the monitor's own chain that is expired, or will be soon.

    An expired one is a warning only where the broker is known not to ask for it.
    """
    identity = broker.tls.client_identity
    if identity is None:
        return
    is_idle = tls is not None and tls.client_certificate_requested is False
    for facts in read_chain(identity.chain):
        if facts.not_after is None:
            continue
        what = f"the monitor's own client certificate {name(facts.subject)} ({identity.source})"
        if facts.position:
            what = f"the CA certificate {name(facts.subject)} in {identity.source}"
        if is_expired(facts, now):
            severity = Severity.WARNING if is_idle else Severity.CRITICAL
            sentence = expired_sentence(what, facts.not_after, now)
            yield finding("client_certificate_expired", sentence, severity=severity)
            continue
        soon = expiry_severity(facts, now, broker.policy)
        if soon is not None:
            severity = Severity.WARNING if is_idle else soon
            sentence = f"{expiring_sentence(what, facts.not_after, now)}."
            yield finding("client_certificate_expiring", sentence, severity=severity)
