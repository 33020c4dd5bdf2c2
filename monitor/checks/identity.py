"""Is it the right server's certificate, and made for servers, and readable?"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.checks.case import Case, capitalised, described, finding
from monitor.model.judgement import Finding
from monitor.x509.names import ip_address

_MAX_NAMES_SHOWN = 10


def name_mismatch(case: Case) -> Iterator[Finding]:
    """Yield `name_mismatch` if no subjectAltName is the name by which the broker is reached (RFC 9525 6)."""
    if case.judgement.name_matches:
        return
    reference = case.broker.tls.server_name
    yield finding(
        "name_mismatch",
        f"{capitalised(described(case.leaf))} is not for {reference}: {_names_held(case, reference)}.",
        certificate=case.leaf.position,
    )


def usage(case: Case) -> Iterator[Finding]:
    """Yield `leaf_not_for_servers` if extendedKeyUsage shuts servers out (RFC 5280 4.2.1.12)."""
    if case.judgement.is_for_servers:
        return
    allowed = case.leaf.extended_key_usage
    yield finding(
        "leaf_not_for_servers",
        f"{capitalised(described(case.leaf))} "
        + (
            "has an extendedKeyUsage that cannot be read."
            if allowed is None
            else f"may be used for {', '.join(allowed[:_MAX_NAMES_SHOWN])} only, not for TLS servers (serverAuth)."
        ),
        certificate=case.leaf.position,
    )


def unreadable(case: Case) -> Iterator[Finding]:
    """Yield `certificate_unreadable` for each certificate of which a field could not be decoded."""
    for facts in case.chain:
        if facts.unreadable:
            fields = ", ".join(facts.unreadable[:_MAX_NAMES_SHOWN])
            yield finding(
                "certificate_unreadable",
                f"{capitalised(described(facts))} breaks the encoding rules in: {fields}. The rest of it was read.",
                certificate=facts.position,
            )


def _names_held(case: Case, reference: str) -> str:
    leaf = case.leaf
    if not leaf.names:
        also = (
            f" (its common name {leaf.common_name} is right, but clients no longer look at common names)"
            if leaf.common_name is not None and leaf.common_name.lower() == reference.lower()
            else ""
        )
        return f"it holds no subjectAltName at all{also}"
    held = ", ".join(leaf.names[:_MAX_NAMES_SHOWN])
    if len(leaf.names) > _MAX_NAMES_SHOWN:
        held += f" and {len(leaf.names) - _MAX_NAMES_SHOWN} more"
    is_address = ip_address(reference) is not None
    if is_address and reference in leaf.dns_names:
        return f"it names {held}, with the address written as a DNS name, which clients do not match"
    if is_address and not leaf.ip_addresses:
        return f"it names {held}, and an IP address is only matched by an entry of kind IP"
    return f"it names {held}"
