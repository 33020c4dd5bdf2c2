"""What a scan found that the broker accepts, or serves, beside what an ordinary probe sees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from monitor.checks.finding import finding
from monitor.checks.phrases import moment, name
from monitor.checks.validity import expiry_severity, is_expired
from monitor.model.broker import Broker
from monitor.model.facts import CertificateFacts
from monitor.model.judgement import Finding, Severity
from monitor.model.scan import ScanFacts, Weakness
from monitor.x509.names import matches

_SAID: Final = {
    Weakness.ANONYMOUS: "without any certificate",
    Weakness.NULL: "without encryption",
    Weakness.EXPORT: "with keys of 40 bits",
    Weakness.DES: "DES",
    Weakness.RC4: "RC4",
    Weakness.TRIPLE_DES: "3DES",
}


def scanned(broker: Broker, scan: ScanFacts | None, now: datetime) -> Iterator[Finding]:
    """Yield what the latest scan comes to; nothing without one."""
    if scan is None:
        return
    if scan.old_versions:
        versions = " and ".join(f"TLS {version}" for version in scan.old_versions)
        yield finding("tls_version_old_accepted", f"The broker accepts {versions} from clients that know no better.")
    if scan.weak_suites:
        suites = ", ".join(f"{suite.name} ({_SAID[suite.weakness]})" for suite in scan.weak_suites)
        yield finding("cipher_weak_accepted", f"The broker accepts from clients that offer nothing better: {suites}.")
    if scan.has_secure_renegotiation is False:
        yield finding(
            "renegotiation_insecure", "Under TLS 1.2 the broker does not announce secure renegotiation (RFC 5746)."
        )
    if scan.lets_clients_renegotiate:
        yield finding(
            "renegotiation_by_clients",
            "Under TLS 1.2 the broker went through a second handshake that the client began within a connection.",
        )
    yield from _without_name(broker, scan)
    yield from _other_keys(broker, scan, now)


def _without_name(broker: Broker, scan: ScanFacts) -> Iterator[Finding]:
    code = "certificate_without_name"
    if scan.refusal_without_name is not None:
        yield finding(
            code, f"A client that sends no server name is refused with the alert {scan.refusal_without_name}."
        )
    if not scan.without_name or not scan.served or scan.without_name[0].der == scan.served[0].der:
        return
    leaf = scan.without_name[0]
    what = f"A client that sends no server name is served another certificate ({name(leaf.subject)})"
    if not matches(leaf, broker.tls.server_name):
        yield finding(code, f"{what}, which is not for {broker.tls.server_name}.")
    else:
        also = f"{what}, which is for {broker.tls.server_name} as well{_until(leaf)}."
        yield finding(code, also, severity=Severity.INFO)


def _other_keys(broker: Broker, scan: ScanFacts, now: datetime) -> Iterator[Finding]:
    for kind, chain in (("RSA", scan.for_rsa), ("EC", scan.for_ecdsa)):
        if not chain or not scan.served or chain[0].der == scan.served[0].der:
            continue
        leaf = chain[0]
        soon = expiry_severity(leaf, now, broker.policy)
        faults = [
            *(["it has expired"] if is_expired(leaf, now) else ["it will expire soon"] if soon is not None else []),
            *([] if matches(leaf, broker.tls.server_name) else [f"it is not for {broker.tls.server_name}"]),
        ]
        said = f": {' and '.join(faults)}" if faults else ""
        yield finding(
            "certificate_second",
            f"Clients that take {kind} keys alone are served another certificate ({name(leaf.subject)}{_until(leaf)})"
            f"{said}.",
            severity=Severity.WARNING if faults else Severity.INFO,
        )


def _until(leaf: CertificateFacts) -> str:
    return "" if leaf.not_after is None else f", valid until {moment(leaf.not_after)}"
