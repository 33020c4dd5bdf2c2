"""Damaged certificates by the hundred thousand through reader, judge and assessor: nothing may raise, or take long.

Likewise damaged OCSP responses and revocation lists, as many again.

usage: python -m benchmarks.fuzz [CASES [SEED]]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from monitor.checks.assess import Assessor
from monitor.demo.pki import Issued, issue
from monitor.model.broker import Broker, Trust
from monitor.model.judgement import Assessment
from monitor.model.known import Known
from monitor.model.revocation import CrlFile, EncodedCrl
from monitor.x509.certificate import read_chain
from tests.support.damage import damaged_chains, damaged_documents
from tests.support.piles import circle
from tests.support.probing import broker_at
from tests.support.records import a_report, tls_facts
from tests.support.revocation import REVOKED, ocsp_response, revocation_list
from tests.x509.pkits import path_tests, trust
from tests.x509.pkits_revocation import lists

CASES = 100_000
SEED = 1
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What is damaged, and the anchors that the undamaged chains lead to."""

    chains: tuple[tuple[bytes, ...], ...]
    """DER, leaf first."""
    anchors: tuple[bytes, ...]


def material() -> Material:
    """Return PKITS and chains of our own: every kind of key, constraints, many names, CAs of one name."""
    root = issue(now=NOW, is_ca=True)
    constraints = x509.NameConstraints([x509.DNSName("localhost")], [x509.DNSName("other.example")])
    cas = (
        issue(now=NOW, issuer=root, is_ca=True, key=ec.generate_private_key(ec.SECP521R1())),
        issue(now=NOW, issuer=root, is_ca=True, key=rsa.generate_private_key(65537, 2048)),
        issue(now=NOW, issuer=root, is_ca=True, path_length=0, extensions=((constraints, True),)),
    )
    own: list[tuple[Issued, ...]] = [(issue(now=NOW, issuer=ca), ca) for ca in cas]
    own.append((issue(now=NOW, issuer=root, key=ed25519.Ed25519PrivateKey.generate()), root))
    own.append((issue(now=NOW, issuer=root, names=[f"DNS:host-{number}.example" for number in range(200)]), root))
    pile = circle(NOW, 4)
    own.append((issue(now=NOW, issuer=pile[0]), *pile))
    suite = [tuple(facts.der for facts in test.chain) for test in path_tests()]
    return Material(
        chains=(*suite, *(tuple(issued.der for issued in chain) for chain in own)),
        anchors=(*trust().anchors, root.der),
    )


class Subject:
    """Takes chains the way a probe does, with one judge that remembers."""

    def __init__(self, found: Material) -> None:
        self.chains = found.chains
        self._assessor = Assessor()
        self._broker: Broker = broker_at(8883, trust=Trust(source="fuzz", anchors=found.anchors))

    def take(self, chain: Sequence[bytes]) -> Assessment:
        """Read, verify and assess; whatever raises comes out."""
        tls = replace(tls_facts(()), certificates=read_chain(chain))
        self._assessor.verify(tls, self._broker, NOW)
        return self._assessor.assess(a_report(tls=tls), self._broker, NOW)


class RevocationSubject:
    """Takes OCSP responses and revocation lists: each as a staple, and as a list."""

    def __init__(self) -> None:
        root = issue(now=NOW, is_ca=True)
        leaf = issue(now=NOW, issuer=root)
        by = issue(now=NOW, issuer=root, names=None, extended_key_usage=("OCSPSigning",))
        answers = (
            ocsp_response(leaf=leaf, issuer=root, now=NOW),
            ocsp_response(leaf=leaf, issuer=root, now=NOW, status=REVOKED, by_name=True),
            ocsp_response(leaf=leaf, issuer=root, now=NOW, signer=by, certificates=(by,)),
        )
        point = x509.IssuingDistributionPoint(
            full_name=[x509.UniformResourceIdentifier("http://ca.example/1.crl")],
            relative_name=None,
            only_contains_user_certs=True,
            only_contains_ca_certs=False,
            only_some_reasons=frozenset({x509.ReasonFlags.key_compromise}),
            indirect_crl=False,
            only_contains_attribute_certs=False,
        )
        own = (
            revocation_list(root, now=NOW),
            revocation_list(root, leaf, by, now=NOW, reason=x509.ReasonFlags.superseded),
            revocation_list(root, leaf, now=NOW, extensions=((point, True), (x509.CRLNumber(7), False))),
        )
        # Each as often as all the others, so that what concerns the chain is met often enough.
        suite = [encoded.der for encoded in lists().crls]
        self.documents = (*suite, *answers * (len(suite) // len(answers)), *own * (len(suite) // len(own)))
        self._assessor = Assessor()
        self._broker = broker_at(8883, trust=Trust(source="fuzz", anchors=(root.der,)))
        self._tls = replace(tls_facts(()), certificates=read_chain([leaf.der]))

    def take(self, document: bytes) -> Assessment:
        """Verify and assess; whatever raises comes out."""
        tls = replace(self._tls, ocsp_response=document)
        known = Known(crl_files=(CrlFile(path="fuzz", crls=(EncodedCrl.of(document),)),))
        self._assessor.verify(tls, self._broker, NOW, known)
        return self._assessor.assess(a_report(tls=tls), self._broker, NOW, known)


def main() -> None:
    """Print cases per second and the slowest; the exit status is 1 if any raised."""
    given = [int(argument) for argument in sys.argv[1:]]
    cases, seed = (*given, *(CASES, SEED)[len(given) :])
    chains, documents = Subject(material()), RevocationSubject()
    raised = run(chains.take, damaged_chains(chains.chains, seed), cases, seed)
    raised += run(documents.take, damaged_documents(documents.documents, seed), cases, seed)
    sys.exit(raised > 0)


def run(take: Callable[[_T], Assessment], damaged: Iterator[_T], cases: int, seed: int) -> int:
    """Take so many cases, print how it went, and return how many raised."""
    slowest_s, slowest = 0.0, 0
    raised = 0
    begun = time.perf_counter()
    for number, case in enumerate(islice(damaged, cases)):
        before = time.perf_counter()
        try:
            take(case)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            raised += 1
            print(f"case {number} of seed {seed} raised {error!r}: {case!r}")
        elapsed_s = time.perf_counter() - before
        if elapsed_s > slowest_s:
            slowest_s, slowest = elapsed_s, number
    took_s = time.perf_counter() - begun
    print(f"{cases} cases of seed {seed} in {took_s:.0f} s: {cases / took_s:.0f} a second, {raised} raised")
    print(f"slowest: case {slowest}, {slowest_s * 1e3:.1f} ms")
    return raised


if __name__ == "__main__":
    main()
