"""Keys and signatures that clients refuse, or ought to: on the way up from the leaf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from monitor.checks.belonging import belonging
from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.phrases import capitalised, described
from monitor.model.facts import CertificateFacts, KeyFacts
from monitor.model.judgement import Finding, Severity

# NIST SP 800-57 part 1, 5.6.1 and CA/Browser Forum Baseline Requirements 6.1.5.
_LEAST_RSA_BITS: Final = 2_048
_LEAST_EC_BITS: Final = 256
_USUAL_EXPONENT: Final = 65_537
_BROKEN_DIGESTS: Final = ("md2", "md5", "sha1")


def keys(case: Case) -> Iterator[Finding]:
    """Yield `key_weak` for each certificate of the way whose key is too short, or of a kind that clients refuse."""
    for facts in belonging(case.chain):
        fault = None if facts.key is None else _fault(facts.key)
        if fault is not None:
            what, severity = fault
            yield finding(
                "key_weak",
                f"The key of {described(facts)} is {what}.",
                severity=severity,
                certificate=facts.position,
            )


def signatures(case: Case) -> Iterator[Finding]:
    """Yield `signature_weak` for each certificate of the way that was signed over MD5 or SHA-1.

    Not for one that signed itself, or is trusted as it is: nobody looks at that signature.
    """
    for facts in belonging(case.chain):
        if facts.is_self_issued or case.anchors.holds(facts.der):
            continue
        digest = _digest(facts)
        if digest is not None:
            yield finding(
                "signature_weak",
                f"{capitalised(described(facts))} was signed over {digest} ({facts.signature}).",
                certificate=facts.position,
            )


def _fault(key: KeyFacts) -> tuple[str, Severity] | None:
    if key.algorithm in {"RSA", "RSASSA-PSS"}:
        return _rsa_fault(key)
    if key.algorithm == "DSA":
        return "of the kind DSA, which clients no longer accept", Severity.WARNING
    if key.algorithm == "EC" and key.curve is None:
        return "on a curve of its own making, which clients refuse", Severity.WARNING
    if key.algorithm == "EC" and key.bits is not None and key.bits < _LEAST_EC_BITS:
        return f"on the curve {key.curve}, of {key.bits} bits; {_LEAST_EC_BITS} are the least", Severity.WARNING
    return None


def _rsa_fault(key: KeyFacts) -> tuple[str, Severity] | None:
    if key.bits is not None and key.bits < _LEAST_RSA_BITS:
        return f"an RSA key of {key.bits} bits; {_LEAST_RSA_BITS} are the least", Severity.WARNING
    if key.exponent is None:
        return "an RSA key whose public exponent is longer than clients accept", Severity.WARNING
    if key.exponent < 3 or key.exponent % 2 == 0:
        return f"no sound RSA key: its public exponent is {key.exponent}", Severity.WARNING
    if key.exponent < _USUAL_EXPONENT:
        return f"an RSA key with the small public exponent {key.exponent}; {_USUAL_EXPONENT} is usual", Severity.INFO
    return None


def _digest(facts: CertificateFacts) -> str | None:
    signature = (facts.signature or "").lower()
    digest = next((digest for digest in _BROKEN_DIGESTS if digest in signature), None)
    return {"md2": "MD2", "md5": "MD5", "sha1": "SHA-1", None: None}[digest]
