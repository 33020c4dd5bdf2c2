"""Does a certificate name the server that was meant? RFC 9525 6, on subjectAltName alone."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from service_identity import CertificateError
from service_identity.hazmat import DNS_ID, DNSPattern, IPAddress_ID, IPAddressPattern

from monitor.model.facts import CertificateFacts

# RFC 9525 6.3: a wildcard is the complete left-most label and nothing else. What is no host name matches nothing,
# not even after the white space around it is taken off.
_HOST: Final = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"
_REFERENCE: Final = re.compile(_HOST)
_PATTERN: Final = re.compile(rf"(\*\.)?{_HOST}")


def matches(certificate: CertificateFacts, reference: str) -> bool:
    """Tell whether one of the certificate's names is the reference identity.

    A DNS name is compared with the dNSName entries alone, without regard to case; `*.` stands for exactly one label
    of at least three, and not for an internationalised one. An IP address is compared with the iPAddress entries
    alone, by value. The common name counts for nothing. A reference that is neither matches nothing.

    Args:
        certificate: as read; odd entries match nothing.
        reference: A-label DNS name, or IP literal (a scope id is not part of the identity).
    """
    address = ip_address(reference)
    if address is not None:
        wanted = IPAddress_ID(address)
        return any(wanted.verify(IPAddressPattern(ipaddress.ip_address(text))) for text in certificate.ip_addresses)
    if _REFERENCE.fullmatch(reference) is None:
        return False
    try:
        host = DNS_ID(reference)
    except ValueError:
        return False
    return any(host.verify(pattern) for name in certificate.dns_names if (pattern := _pattern(name)) is not None)


def ip_address(reference: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a reference identity is, without its scope id; None if it is a DNS name."""
    try:
        return ipaddress.ip_address(reference.partition("%")[0])
    except ValueError:
        return None


def _pattern(name: str) -> DNSPattern | None:
    if _PATTERN.fullmatch(name) is None:
        return None
    try:
        return DNSPattern.from_bytes(name.encode("ascii"))
    except CertificateError:
        return None
