"""What a certificate on the way to the trust forbids: why no path is valid though each issuer is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.path import whole_way
from monitor.checks.phrases import capitalised, described, listed, name
from monitor.model.facts import CertificateFacts
from monitor.model.judgement import Finding, Severity, Validator
from monitor.x509.judge import MAX_CERTIFICATES

# What every library processes, as RFC 5280 4.2 demands of those that check paths.
_PROCESSED: Final = frozenset(
    {
        "keyUsage",
        "subjectAltName",
        "basicConstraints",
        "extKeyUsage",
        "nameConstraints",
        "cRLDistributionPoints",
        "certificatePolicies",
        "policyMappings",
        "policyConstraints",
        "inhibitAnyPolicy",
    }
)
# X509_V_ERR_PERMITTED_VIOLATION to X509_V_ERR_UNSUPPORTED_NAME_SYNTAX of <openssl/x509_vfy.h>.
_NAME_CONSTRAINT_ERRORS: Final = range(47, 54)
_MAX_SHOWN: Final = 5


def limits(case: Case) -> Iterator[Finding]:
    """Yield a finding for each limit that the way up from the leaf breaks; none where some path holds all of them."""
    if case.judgement.is_trusted_ignoring_time:
        return
    way = whole_way(case.chain, case.anchors)
    for above, facts in enumerate(way[1:], start=1):
        yield from _issuer(facts)
        yield from _path_length(way[:above], facts)
    for facts in way:
        yield from _critical_extensions(facts)
    yield from _name_constraints(case)


def left_out(case: Case) -> Iterator[Finding]:
    """Yield `chain_left_out` if not every served certificate was judged."""
    unread = 0 if case.tls is None else case.tls.certificates_left_out
    # What cannot be read at all is neither: it is told as such.
    legible = sum(1 for facts in case.chain if not facts.is_illegible)
    dropped = max(0, legible - case.judgement.judged_certificates) + unread
    if dropped:
        is_harmless = case.judgement.is_trusted_ignoring_time
        yield finding(
            "chain_left_out",
            f"{dropped} of {len(case.chain) + unread} certificates were too many or too large to be judged (the first "
            f"{MAX_CERTIFICATES} are, with keys of usual kinds and sizes)"
            + ("; a path to the trust was found without them." if is_harmless else "."),
            severity=Severity.WARNING if is_harmless else Severity.CRITICAL,
        )


def _issuer(facts: CertificateFacts) -> Iterator[Finding]:
    # A root of version 1 has no extension in which it could say that it is a CA.
    says_nothing = facts.is_ca is None and facts.is_self_issued is True
    if not facts.is_ca and not says_nothing:
        why = "does not say that it is a CA's (basicConstraints without CA:TRUE)"
    elif facts.key_usage is not None and "keyCertSign" not in facts.key_usage:
        why = "does not let its key sign certificates (keyUsage without keyCertSign)"
    else:
        return
    yield finding(
        "chain_issuer_not_ca",
        f"{capitalised(described(facts))} is where an issuer's belongs, but {why}.",
        certificate=facts.position,
    )


def _path_length(below: tuple[CertificateFacts, ...], facts: CertificateFacts) -> Iterator[Finding]:
    # RFC 5280 4.2.1.9: counted are the CA certificates between it and the leaf, without self-issued ones.
    count = sum(1 for each in below[1:] if not each.is_self_issued)
    if facts.path_length is not None and count > facts.path_length:
        yield finding(
            "chain_path_length",
            f"{capitalised(described(facts))} allows {facts.path_length} further CAs between itself and the broker's "
            f"certificate (pathlen:{facts.path_length}), and there are {count}.",
            certificate=facts.position,
        )


def _critical_extensions(facts: CertificateFacts) -> Iterator[Finding]:
    unknown = [extension for extension in facts.critical_extensions if extension not in _PROCESSED]
    if unknown:
        yield finding(
            "chain_critical_extension",
            f"{capitalised(described(facts))} marks as critical what clients do not know: "
            f"{listed(unknown, _MAX_SHOWN)}.",
            certificate=facts.position,
        )


def _name_constraints(case: Case) -> Iterator[Finding]:
    opinions = {opinion.validator: opinion for opinion in case.judgement.opinions}
    openssl, relaxed = opinions[Validator.OPENSSL], opinions[Validator.CRYPTOGRAPHY_RELAXED]
    if openssl.code not in _NAME_CONSTRAINT_ERRORS and "name constraint" not in (relaxed.error or ""):
        return
    limiting = next((facts for facts in case.chain[1:] if "nameConstraints" in facts.critical_extensions), None)
    who = "A CA above it" if limiting is None else capitalised(described(limiting))
    held = (*case.leaf.names[:_MAX_SHOWN], *(() if case.leaf.names else (name(case.leaf.subject),)))
    yield finding(
        "chain_name_constraints",
        f"{who} may only issue certificates for certain names (nameConstraints), and those of "
        f"{described(case.leaf)} are not all among them: {', '.join(held)}.",
        certificate=case.leaf.position,
    )
