"""Certificates that were served though the path does not need them: twins, strangers, old ways up, the root."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.phrases import capitalised, described
from monitor.model.facts import CertificateFacts, Role
from monitor.model.judgement import Finding


def belonging(chain: tuple[CertificateFacts, ...]) -> tuple[CertificateFacts, ...]:
    """Return the certificates that lead up from the leaf over any way, each once, in the order of the chain."""
    named: dict[bytes, list[CertificateFacts]] = {}
    for facts in chain:
        if facts.subject_der is not None:
            named.setdefault(facts.subject_der, []).append(facts)
    found, waiting = {chain[0].der}, [chain[0]]
    while waiting:
        issuer = waiting.pop().issuer_der
        # Taken out, so that each name is gone through once however many certificates name it.
        for facts in named.pop(issuer, ()) if issuer is not None else ():
            if facts.der not in found:
                found.add(facts.der)
                waiting.append(facts)
    unique = {facts.der: facts for facts in reversed(chain) if facts.der in found}
    return tuple(facts for facts in chain if unique.get(facts.der) is facts)


def duplicates(case: Case) -> Iterator[Finding]:
    """Yield `chain_duplicate` if a certificate was served more than once."""
    seen: set[bytes] = set()
    for facts in case.chain:
        if facts.der in seen:
            yield finding(
                "chain_duplicate",
                f"{capitalised(described(facts))} stands in the chain a second time.",
                certificate=facts.position,
            )
            return
        seen.add(facts.der)


def foreign(case: Case) -> Iterator[Finding]:
    """Yield `chain_foreign` if certificates were served that do not lead up from the broker's own.

    Where a name on the way cannot be read, nobody can tell.
    """
    way = belonging(case.chain)
    if any(facts.issuer_der is None for facts in way):
        return
    known = {facts.der for facts in way}
    strangers = [facts for facts in case.chain if facts.der not in known and facts.subject_der is not None]
    if strangers:
        others = len(strangers) - 1
        also = f" The same holds for {others} more." if others else ""
        yield finding(
            "chain_foreign",
            f"{capitalised(described(strangers[0]))} has no part in the way from the broker's certificate upwards: it "
            f"issued none of the certificates on it.{also}",
            certificate=strangers[0].position,
        )


def replacement(case: Case, expired: CertificateFacts) -> CertificateFacts | None:
    """Return another certificate of the same CA and key that is valid now: of the chain, or an anchor; None if none."""
    for facts in (*case.chain, *case.anchors.facts):
        is_twin = (
            facts.der != expired.der
            and facts.subject_der == expired.subject_der
            and facts.subject_key_id == expired.subject_key_id is not None
        )
        if is_twin and facts.not_before and facts.not_after and facts.not_before <= case.now <= facts.not_after:
            return facts
    return None


def root_sent(case: Case) -> Iterator[Finding]:
    """Yield the remark `chain_root_sent` if a root itself was served above the leaf."""
    root = next((facts for facts in belonging(case.chain)[1:] if facts.role is Role.ROOT), None)
    if case.broker.policy.remarks and root is not None:
        yield finding(
            "chain_root_sent",
            f"{capitalised(described(root))} {'is in the file' if case.is_file else 'was sent along'} "
            f"({len(root.der)} bytes in every handshake).",
            certificate=root.position,
        )
