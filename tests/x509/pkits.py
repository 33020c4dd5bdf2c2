"""NIST's Public Key Interoperability Test Suite (PKITS), as far as it is not about policies.

The certificates are in the package `cryptography-vectors`. Each test's verdict is in the name of its certificate; what
its number belongs to, and what is left out, is here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import cryptography_vectors

from monitor.model.broker import Trust
from monitor.model.facts import CertificateFacts
from monitor.x509.certificate import read_chain

AT = datetime(2020, 1, 1, tzinfo=UTC)
"""PKITS is valid from 2010 to 2030."""
_ANCHOR = "TrustAnchorRootCertificate"
_NUMBER = re.compile(r"(?:Valid|Invalid).*Test(?P<number>\d+)EE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of the suite: what it is about, and which end entities belong to it."""

    number: str
    title: str
    pattern: str
    count: int
    """Tests in the section."""
    revocation: frozenset[int] = frozenset()
    """Those whose verdict rests on a CRL alone: the path itself is sound."""


SECTIONS = (
    Section(number="4.1", title="Signatures", pattern="CertificatePath|CASignature|EESignature|DSA", count=6),
    Section(number="4.2", title="Validity periods", pattern="not(Before|After)Date", count=8),
    Section(
        number="4.3", title="Name chaining", pattern="NameChaining|NameUIDs|AttributeTypes|Rollover|UTF8", count=11
    ),
    Section(
        number="4.5",
        title="Self-issued certificates",
        pattern="BasicSelfIssued",
        count=8,
        revocation=frozenset({2, 5, 7}),
    ),
    Section(number="4.6", title="Basic constraints", pattern="asicConstraints|cAFalse|pathLen", count=17),
    Section(number="4.7", title="Key usage", pattern="keyUsage", count=5, revocation=frozenset({4, 5})),
    Section(number="4.13", title="Name constraints", pattern="nameConstraints", count=38),
    Section(number="4.16", title="Unknown extensions", pattern="CriticalCertificateExtension", count=2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathTest:
    """A path to build and check, and the verdict that the suite demands."""

    section: str
    number: int
    name: str
    chain: tuple[CertificateFacts, ...]
    """End entity first, without the anchor."""
    is_valid: bool

    @property
    def id(self) -> str:
        """The number that the suite gives it."""
        return f"{self.section}.{self.number}"


def trust() -> Trust:
    """Return the suite's one anchor."""
    return Trust(source="PKITS", anchors=(_certificates()[_ANCHOR].der,))


def path_tests() -> tuple[PathTest, ...]:
    """Return every test that stands without CRLs, in the suite's order."""
    return tuple(
        path_test(section, number)
        for section in SECTIONS
        for number in sorted(members(section))
        if number not in section.revocation
    )


def path_test(section: Section, number: int) -> PathTest:
    """Return one test."""
    name = members(section)[number]
    return PathTest(
        section=section.number, number=number, name=name, chain=_chain(name), is_valid=name.startswith("Valid")
    )


def authorities() -> tuple[CertificateFacts, ...]:
    """Return the certificates of all CAs of the suite."""
    return tuple(facts for name, facts in _certificates().items() if not name.endswith("EE"))


def members(section: Section) -> Mapping[int, str]:
    """Return the end entities of a section by their numbers, those about CRLs included."""
    found = {}
    for name in _certificates():
        match = _NUMBER.fullmatch(name)
        if match is not None and re.search(section.pattern, name):
            found[int(match["number"])] = name
    return found


@cache
def _certificates() -> Mapping[str, CertificateFacts]:
    directory = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data" / "certs"
    files = sorted(directory.glob("*.crt"))
    return dict(zip((file.stem for file in files), read_chain([file.read_bytes() for file in files]), strict=True))


def _chain(name: str) -> tuple[CertificateFacts, ...]:
    # By key identifiers, which every certificate of the suite has: names are what some of the tests are about.
    certificates = _certificates()
    issuers = {facts.subject_key_id: facts for other, facts in certificates.items() if not other.endswith("EE")}
    chain = [certificates[name]]
    while (above := issuers[chain[-1].authority_key_id]) != certificates[_ANCHOR]:
        chain.append(above)
    return tuple(chain)
