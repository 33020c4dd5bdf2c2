"""What a scan told, as JSON and in lines for people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from monitor.export import words
from monitor.export.words import clean
from monitor.model.facts import CertificateFacts
from monitor.model.scan import ScanFacts

_Chain = tuple[CertificateFacts, ...] | None


def scan_document(scan: ScanFacts | None) -> dict[str, Any] | None:
    """Return the member `scan` of a result's document; None without a scan."""
    if scan is None:
        return None
    return {
        "at": words.rfc3339(scan.at),
        "address": scan.address,
        "old_versions": [version.value for version in scan.old_versions],
        "weak_cipher_suites": [suite.name for suite in scan.weak_suites],
        "secure_renegotiation": scan.has_secure_renegotiation,
        "client_renegotiation": scan.lets_clients_renegotiate,
        "fingerprints_sha256": {
            "served": _fingerprint(scan.served),
            "without_name": _fingerprint(scan.without_name),
            "for_rsa": _fingerprint(scan.for_rsa),
            "for_ecdsa": _fingerprint(scan.for_ecdsa),
        },
        "untold": [clean(said) for said in scan.untold],
    }


def scan_lines(scan: ScanFacts | None, now: datetime) -> tuple[str, ...]:
    """Return what a scan told beside its findings, line by line; nothing without a scan."""
    if scan is None:
        return ()
    when = words.distance(scan.at, now) if scan.at < now else "just now"
    answered = "no answer" if scan.address is None else f"asked {clean(scan.address)}"
    old = ", ".join(f"TLS {version}" for version in scan.old_versions)
    weak = ", ".join(suite.name for suite in scan.weak_suites)
    lines = [f"{answered}, {when}"]
    if scan.address is not None:
        lines += [f"old versions accepted: {old or 'none'}", f"weak cipher suites accepted: {weak or 'none'}"]
    return (*lines, *(clean(f"not told: {said}") for said in scan.untold))


def _fingerprint(chain: _Chain) -> str | None:
    return chain[0].fingerprint_sha256 if chain else None
