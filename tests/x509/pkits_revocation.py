"""PKITS' sections about revocation lists, each test with all lists of the suite at hand; and the table of verdicts.

`python -m tests.x509.pkits_revocation` prints it for docs/pkits.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import cryptography_vectors
from cryptography import x509
from OpenSSL import crypto

from monitor.checks.evidence import Revocation
from monitor.model.facts import CertificateFacts
from monitor.model.known import Known
from monitor.model.revocation import Answer, CrlFile, EncodedCrl, Source, Status
from monitor.x509.anchors import load_openssl
from monitor.x509.judge import Judge
from tests.x509.pkits import AT, SECTIONS, PathTest, Section, authorities, path_test, trust

_OF_PATHS = {section.number: section for section in SECTIONS}
REVOCATION_SECTIONS = (
    Section(
        number="4.4",
        title="Basic revocation",
        pattern="MissingCRL|Revoked|BadCRL|WrongCRL|TwoCRLs|UnknownCRL|OldCRL|pre2000CRL|TimeCRL|SerialNumber|Separate",
        count=21,
    ),
    replace(_OF_PATHS["4.5"], revocation=frozenset()),
    replace(_OF_PATHS["4.7"], revocation=frozenset()),
    Section(
        number="4.14",
        title="Distribution points",
        pattern="distributionPoint|Noissuing|onlyContains|onlySomeReasons|indirectCRL|cRLIssuer",
        count=35,
    ),
    Section(number="4.15", title="Delta lists", pattern="deltaCRL", count=10),
)
# X509_V_FLAG_EXTENDED_CRL_SUPPORT and X509_V_FLAG_USE_DELTAS of <openssl/x509_vfy.h>; pyOpenSSL gives them no names.
_EXTENDED: Final = 0x1000 | 0x2000
_CHECK_ALL: Final = crypto.X509StoreFlags.CRL_CHECK | crypto.X509StoreFlags.CRL_CHECK_ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class ListVerdict:
    """What was thought of one test's path, with the lists."""

    test: PathTest
    answers: tuple[Answer, ...]
    """Of the lists, one for each certificate."""
    ours: bool
    openssl: bool
    openssl_extended: bool


@cache
def lists() -> CrlFile:
    """Return every list of the suite, as if they were in one file."""
    return CrlFile(path="PKITS", crls=tuple(EncodedCrl.of(path.read_bytes()) for path in _files()))


@cache
def list_verdicts() -> tuple[ListVerdict, ...]:
    """Judge every path of these sections; good is only what is good by the lists for each certificate."""
    judge, revocation = Judge(), Revocation()
    anchors = judge.anchors(trust())
    found = []
    for section in REVOCATION_SECTIONS:
        for number in range(1, section.count + 1):
            test = path_test(section, number)
            served = _with_namesakes(test.chain)
            answers = tuple(
                answer
                for answer in revocation.evidence(served, anchors, None, Known(crl_files=(lists(),))).answers(AT)
                if answer.source is Source.CRL_FILE
            )
            found.append(
                ListVerdict(
                    test=test,
                    answers=answers,
                    ours=judge.judge(served, trust(), "localhost", AT).is_trusted
                    and all(answer.status is Status.GOOD for answer in answers),
                    openssl=_openssl(served, _CHECK_ALL),
                    openssl_extended=_openssl(served, _CHECK_ALL | _EXTENDED),
                )
            )
    return tuple(found)


def list_table() -> str:
    """Return how many verdicts are right, by section."""
    lines = [
        "| section | about | tests | mqtt-tls-monitor | OpenSSL | OpenSSL, extended |",
        "|---|---|---|---|---|---|",
    ]
    for section in REVOCATION_SECTIONS:
        here = [verdict for verdict in list_verdicts() if verdict.test.section == section.number]
        lines.append(f"| {section.number} | {section.title} | {_counts(here)} |")
    lines.append(f"| all | | {_counts(list(list_verdicts()))} |")
    return "\n".join(lines)


def _counts(here: list[ListVerdict]) -> str:
    given = [(each.ours, each.openssl, each.openssl_extended, each.test.is_valid) for each in here]
    right = [sum(verdicts[place] == verdicts[-1] for verdicts in given) for place in range(3)]
    return " | ".join(str(count) for count in (len(here), *right))


def _with_namesakes(chain: tuple[CertificateFacts, ...]) -> tuple[CertificateFacts, ...]:
    # A CA with a key of its own for lists: its certificate is to be found somewhere; here the server sends it along.
    names = {facts.subject_der for facts in chain[1:]}
    further = tuple(facts for facts in authorities() if facts.subject_der in names and facts not in chain)
    return tuple(replace(facts, position=position) for position, facts in enumerate((*chain, *further)))


@cache
def _loaded_lists() -> tuple[x509.CertificateRevocationList, ...]:
    return tuple(x509.load_der_x509_crl(path.read_bytes()) for path in _files())


def _files() -> list[Path]:
    return sorted((Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data" / "crls").glob("*.crl"))


def _openssl(chain: tuple[CertificateFacts, ...], flags: int) -> bool:
    store = crypto.X509Store()
    leaf, *others = (load_openssl(facts.der) for facts in chain)
    for anchor in trust().anchors:
        store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, anchor))
    for each in _loaded_lists():
        store.add_crl(each)
    store.set_time(AT)
    store.set_flags(flags)
    assert leaf is not None
    try:
        crypto.X509StoreContext(store, leaf, [each for each in others if each is not None]).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


if __name__ == "__main__":
    print(list_table())  # noqa: T201 - that is what it is for
