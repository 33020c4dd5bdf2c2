"""The order in which certificates were served (RFC 5246 7.4.2, RFC 8446 4.4.2)."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.checks.belonging import belonging
from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.path import names_issuer
from monitor.checks.phrases import capitalised, described, name
from monitor.model.facts import CertificateFacts, Role
from monitor.model.judgement import Finding, Severity


def leaf_first(served: tuple[CertificateFacts, ...]) -> tuple[CertificateFacts, ...]:
    """Return the chain as it ought to have been served: where it begins with a CA, the server's own comes first."""
    leaf = next((facts for facts in served if facts.role is Role.LEAF), None)
    if leaf is None or leaf is served[0]:
        return served
    ordered = [leaf]
    rest = [facts for facts in served if facts is not leaf]
    while rest:
        above = next((facts for facts in rest if names_issuer(ordered[-1], facts)), rest[0])
        ordered.append(above)
        rest.remove(above)
    return tuple(ordered)


def ca_first(case: Case) -> Iterator[Finding]:
    """Yield `chain_ca_first` if a CA's certificate was served where the server's own belongs."""
    if case.leaf.position == 0:
        return
    first = next(facts for facts in case.chain if facts.position == 0)
    file = "The file" if case.is_file else "The broker's certificate file"
    yield finding(
        "chain_ca_first",
        f"{file} begins with the certificate of a CA ({name(first.subject)}) and not with the "
        f"broker's own ({name(case.leaf.subject)}, at position {case.leaf.position}): clients take the first one for "
        "the broker's.",
        severity=Severity.WARNING if case.accepted else Severity.CRITICAL,
        certificate=0,
    )


def order(case: Case) -> Iterator[Finding]:
    """Yield `chain_order` if a certificate does not certify the one sent before it.

    What was sent twice, or leads nowhere, is another matter and left aside.
    """
    chain = belonging(case.chain)
    for place in range(1, len(chain)):
        facts, before = chain[place], chain[:place]
        if names_issuer(before[-1], facts) or any(_is_same_authority(facts, earlier) for earlier in before[1:]):
            continue
        yield finding(
            "chain_order",
            f"{capitalised(described(facts))} certifies another than the one before it.",
            certificate=facts.position,
        )
        return


def _is_same_authority(facts: CertificateFacts, earlier: CertificateFacts) -> bool:
    # A cross-signed certificate beside its twin: another way up from the same place, on purpose.
    return facts.subject_der == earlier.subject_der and facts.subject_key_id == earlier.subject_key_id
