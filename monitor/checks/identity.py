"""Is it the right server's certificate, and made for servers, and readable?"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.phrases import capitalised, described, listed
from monitor.model.facts import CertificateFacts
from monitor.model.judgement import Finding, Severity
from monitor.x509.extensions import SUBJECT_ALT_NAME
from monitor.x509.names import ip_address

_MAX_NAMES_SHOWN = 10


def name_mismatch(case: Case) -> Iterator[Finding]:
    """Yield a finding for each name by which the broker is reached and that no subjectAltName is (RFC 9525 6).

    `name_mismatch`, or the slip that explains it: no subjectAltName at all, or an address written as a DNS name.
    """
    for reference in () if case.leaf.is_illegible else case.mismatched:
        yield finding(
            _mismatch(case.leaf, reference),
            f"{capitalised(described(case.leaf))} is not for {reference}: {_names_held(case, reference)}.",
            certificate=case.leaf.position,
        )


def _mismatch(leaf: CertificateFacts, reference: str) -> str:
    if not leaf.names and leaf.common_name is not None and SUBJECT_ALT_NAME not in leaf.unreadable:
        return "name_common_name_only"
    if ip_address(reference) is not None and reference in leaf.dns_names:
        return "name_ip_as_dns"
    return "name_mismatch"


def usage(case: Case) -> Iterator[Finding]:
    """Yield `leaf_not_for_servers` if extendedKeyUsage shuts servers out (RFC 5280 4.2.1.12)."""
    if case.judgement.is_for_servers or case.leaf.is_illegible:
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
    """Yield `certificate_unreadable` for each certificate that is damaged, or of which a field could not be decoded."""
    for facts in case.chain:
        is_useless = facts.position in case.useless
        if not facts.unreadable and not is_useless:
            continue
        says = "is damaged"
        if facts.is_illegible:
            says = "breaks the encoding rules as a whole: nothing of it can be read"
        elif facts.unreadable:
            fields = ", ".join(facts.unreadable[:_MAX_NAMES_SHOWN])
            says = f"breaks the encoding rules in: {fields}. The rest of it was read"
        sentence = f"{capitalised(described(facts))} {says}."
        if is_useless:
            sentence += (
                " Brokers will not load the file: it was cut off, joined with another without a line break, or written "
                "by something that does not know certificates."
            )
        yield finding(
            "certificate_unreadable",
            sentence,
            severity=Severity.CRITICAL if is_useless else None,
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
    held = listed(leaf.names, _MAX_NAMES_SHOWN)
    is_address = ip_address(reference) is not None
    if is_address and reference in leaf.dns_names:
        return f"it names {held}, with the address written as a DNS name, which clients do not match"
    if is_address and not leaf.ip_addresses:
        return f"it names {held}, and an IP address is only matched by an entry of kind IP"
    return f"it names {held}"
