"""What the validators say, quoted; and where they do not agree about a chain that is accepted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.words.entry import do
from monitor.checks.words.hints import SERVER_FILES
from monitor.model.judgement import Finding, Judgement, Opinion, Severity, Validator
from monitor.x509.extensions import NAMES

_SPOKEN = {
    Validator.OPENSSL: "OpenSSL",
    Validator.CRYPTOGRAPHY_STRICT: "cryptography (strict)",
    Validator.CRYPTOGRAPHY_RELAXED: "cryptography",
}
_EXTENSION = re.compile(r"\b\d+(?:\.\d+){3,}\b")


def quoted(opinion: Opinion) -> str:
    """Quote a refusal: who says what."""
    return f"{_SPOKEN[opinion.validator]} says: {words(opinion)}"


def words(opinion: Opinion) -> str:
    """Return a refusal's own words, with extensions called by their names."""
    error = (opinion.error or "refused").removeprefix("candidates exhausted: ")
    return _EXTENSION.sub(lambda found: NAMES.get(found.group(), found.group()), error)


def refusal(judgement: Judgement) -> str:
    """Quote the validators that a refusal rests on: who says what."""
    return "; ".join(
        quoted(opinion)
        for opinion in judgement.opinions
        if not opinion.accepts and opinion.validator is not Validator.CRYPTOGRAPHY_STRICT
    )


def disagreement(case: Case) -> Iterator[Finding]:
    """Yield `validators_disagree` if the chain is accepted, but some clients will refuse it."""
    if not case.accepted:
        return
    opinions = {opinion.validator: opinion for opinion in case.judgement.opinions}
    openssl, strict = opinions[Validator.OPENSSL], opinions[Validator.CRYPTOGRAPHY_STRICT]
    if not openssl.accepts:
        yield finding(
            "validators_disagree",
            "A valid path exists, but clients that use OpenSSL do not find it. "
            f"{quoted(openssl)} (error {openssl.code} at depth {openssl.depth}).",
            severity=Severity.WARNING,
            advice=do(
                "Leave only the certificates in the file that lead from the broker's own to the trusted CA, in that "
                "order: one that leads nowhere, in front of its twin that does, makes OpenSSL give up.",
                SERVER_FILES,
            ),
            certificate=case.leaf.position,
        )
    elif not strict.accepts and case.is_public:
        # The strict profile is the public CAs' own; held against a private CA, it would find fault with nearly every
        # certificate that an operator makes, and with no client of his.
        yield finding(
            "validators_disagree",
            f"Clients that use OpenSSL accept this chain, strict ones will refuse it: {words(strict)}.",
            certificate=case.leaf.position,
        )
