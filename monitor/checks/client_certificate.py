"""The certificate that the monitor itself shows: nobody else notices when that one ends, or is of no use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from monitor.checks.finding import finding
from monitor.checks.phrases import capitalised, name
from monitor.checks.validity import expired_sentence, expiring_sentence, expiry_severity, is_expired
from monitor.model.broker import Broker
from monitor.model.facts import CertificateFacts, TlsFacts
from monitor.model.judgement import Finding, Severity
from monitor.x509.certificate import read_chain

# CA/Browser Forum Baseline Requirements 7.1.6.1: extended validation, and the three other kinds below 1.2.
_PUBLIC_TLS: Final = ("2.23.140.1.1.", "2.23.140.1.2.")
_FOR_CLIENTS: Final = {"clientAuth", "anyExtendedKeyUsage"}


def client_certificate(broker: Broker, tls: TlsFacts | None, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with the monitor's own chain: expired or soon so, not for clients, not for them any longer.

    It is milder where the broker is known not to ask for it.
    """
    identity = broker.tls.client_identity
    if identity is None:
        return
    is_idle = tls is not None and tls.client_certificate_requested is False
    chain = read_chain(identity.chain)
    for facts in chain:
        if facts.not_after is None:
            continue
        what = f"{_own(facts)} ({identity.source})"
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
    yield from _purpose(chain[0], identity.source, Severity.INFO if is_idle else Severity.WARNING)


def _purpose(own: CertificateFacts, source: str, severity: Severity) -> Iterator[Finding]:
    allowed = own.extended_key_usage
    if allowed is not None and _FOR_CLIENTS.isdisjoint(allowed):
        yield finding(
            "client_certificate_not_for_clients",
            f"{capitalised(_own(own))} ({source}) may be used for {', '.join(allowed)} only, not for TLS clients "
            "(clientAuth).",
            severity=severity,
        )
    elif any(f"{policy}.".startswith(_PUBLIC_TLS) for policy in own.certificate_policies):
        yield finding(
            "client_certificate_public",
            f"{capitalised(_own(own))} ({source}) was issued by {name(own.issuer)}, a public CA: the one that renews "
            "it will be for servers alone.",
            severity=severity,
        )


def _own(facts: CertificateFacts) -> str:
    return f"the monitor's own client certificate {name(facts.subject)}"
