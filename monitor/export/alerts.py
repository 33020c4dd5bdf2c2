"""The alerts by what leads to them, and their runbooks as they are written."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from monitor.model.judgement import Finding, Severity
from monitor.model.outcome import Phase

# A link to `docs/runbooks`, so that they are part of what is installed.
_FOLDER: Final = Path(__file__).parent / "runbooks"
_BY_CODE: Final = MappingProxyType(
    {
        "internal": "MqttTlsMonitorInternalErrors",
        "verify_timeout": "MqttTlsVerifyFailing",
        "certificate_expired": "MqttTlsCertificateExpired",
        "certificate_expiring": "MqttTlsCertificateExpiring",
        "certificate_revoked": "MqttTlsCertificateRevoked",
        "certificate_not_yet_valid": "MqttTlsChainInvalid",
        "leaf_self_signed": "MqttTlsChainInvalid",
        "leaf_not_for_servers": "MqttTlsVerifyFailing",
        "client_certificate_expired": "MqttTlsMonitorClientCertificateExpiring",
        "client_certificate_expiring": "MqttTlsMonitorClientCertificateExpiring",
        "profile_untrusted": "MqttTlsProfileUntrusted",
        "issuer_changed": "MqttTlsIssuerChanged",
        "certificate_not_reloaded": "MqttTlsCertificateNotReloaded",
        "certificate_file_older": "MqttTlsCertificateNotReloaded",
        "certificate_file_key_mismatch": "MqttTlsCertificateNotReloaded",
        "addresses_differ": "MqttTlsHalfRotated",
        "refusal_not_enforced": "MqttTlsRefusalNotEnforced",
        "staple_missing": "MqttTlsRevocationStale",
        "staple_invalid": "MqttTlsRevocationStale",
        "staple_stale": "MqttTlsRevocationStale",
        "crl_stale": "MqttTlsRevocationStale",
        "crl_invalid": "MqttTlsRevocationStale",
        "crl_missing": "MqttTlsRevocationStale",
        "revocation_invalid": "MqttTlsRevocationStale",
    }
)
# What stands in clients' way: reasons begin with their phase, what is wrong with certificates with its subject.
_BY_BEGINNING: Final = MappingProxyType(
    {
        "chain_": "MqttTlsChainInvalid",
        "name_": "MqttTlsNameMismatch",
        Phase.RESOLVE: "MqttTlsBrokerDown",
        Phase.CONNECT: "MqttTlsBrokerDown",
        Phase.HANDSHAKE: "MqttTlsBrokerDown",
        Phase.MQTT_CONNECT: "MqttTlsRoundTripFailing",
        Phase.SUBSCRIBE: "MqttTlsRoundTripFailing",
        Phase.PUBLISH: "MqttTlsRoundTripFailing",
        Phase.ROUNDTRIP: "MqttTlsRoundTripFailing",
    }
)


def alert_of(finding: Finding) -> str | None:
    """Return the alert that a finding or a failure leads to; None where no alert is about that."""
    if finding.code in _BY_CODE:
        return _BY_CODE[finding.code]
    if finding.severity is not Severity.CRITICAL:
        return None
    return next((alert for beginning, alert in _BY_BEGINNING.items() if finding.code.startswith(beginning)), None)


@cache
def texts() -> dict[str, str]:
    """Return the runbooks by their alerts, in Markdown."""
    return {path.stem: path.read_text("utf-8") for path in sorted(_FOLDER.glob("*.md"))}
