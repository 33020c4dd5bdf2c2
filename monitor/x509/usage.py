"""What a certificate may be used for, by its extendedKeyUsage (RFC 5280 4.2.1.12)."""

from __future__ import annotations

from monitor.model.facts import CertificateFacts
from monitor.x509.extensions import EXTENDED_KEY_USAGE, EXTENSIONS


def is_for_servers(facts: CertificateFacts) -> bool:
    """Tell whether extendedKeyUsage lets a leaf be a server's, or a CA issue certificates for servers.

    RFC 5280 leaves open what the extension says in a CA certificate; OpenSSL, Go and the browsers take it as a limit
    for everything below. One that could not be read is not one that is absent.
    """
    if facts.extended_key_usage is None:
        return EXTENDED_KEY_USAGE not in facts.unreadable and EXTENSIONS not in facts.unreadable
    return not {"serverAuth", "anyExtendedKeyUsage"}.isdisjoint(facts.extended_key_usage)
