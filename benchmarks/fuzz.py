"""Damaged certificates by the hundred thousand through reader, judge and assessor: nothing may raise, or take long.

usage: python -m benchmarks.fuzz [CASES [SEED]]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from monitor.checks.assess import Assessor
from monitor.demo.pki import Issued, issue
from monitor.model.broker import Broker, Trust
from monitor.model.judgement import Assessment
from monitor.x509.certificate import read_chain
from tests.support.damage import damaged_chains
from tests.support.piles import circle
from tests.support.probing import broker_at
from tests.support.records import a_report, tls_facts
from tests.x509.pkits import path_tests, trust

CASES = 100_000
SEED = 1
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


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


def main() -> None:
    """Print cases per second and the slowest; the exit status is 1 if any raised."""
    given = [int(argument) for argument in sys.argv[1:]]
    cases, seed = (*given, *(CASES, SEED)[len(given) :])
    subject = Subject(material())
    slowest_s, slowest = 0.0, 0
    raised = 0
    begun = time.perf_counter()
    for number, chain in enumerate(islice(damaged_chains(subject.chains, seed), cases)):
        before = time.perf_counter()
        try:
            subject.take(chain)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            raised += 1
            print(f"case {number} of seed {seed} raised {error!r}: {[each.hex() for each in chain]}")
        elapsed_s = time.perf_counter() - before
        if elapsed_s > slowest_s:
            slowest_s, slowest = elapsed_s, number
    took_s = time.perf_counter() - begun
    print(f"{cases} cases of seed {seed} in {took_s:.0f} s: {cases / took_s:.0f} a second, {raised} raised")
    print(f"slowest: case {slowest}, {slowest_s * 1e3:.1f} ms")
    sys.exit(raised > 0)


if __name__ == "__main__":
    main()
