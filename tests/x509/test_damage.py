"""Whatever is served is read, judged and assessed: a seeded sample of what benchmarks/fuzz.py does at length."""

from __future__ import annotations

from itertools import islice

import pytest

from benchmarks.fuzz import RevocationSubject, Subject, material
from tests.support.damage import damaged_chains, damaged_documents
from tests.x509.pkits import path_tests

SEED = 20_261_124


@pytest.mark.parametrize("part", range(4))
def test_damaged_chains_are_read_judged_and_assessed(part: int) -> None:
    subject = Subject(material())
    for chain in islice(damaged_chains(subject.chains, SEED + part), 300):
        subject.take(chain)


@pytest.mark.parametrize("part", range(2))
def test_damaged_responses_and_lists_are_read_and_assessed(part: int) -> None:
    subject = RevocationSubject()
    for document in islice(damaged_documents(subject.documents, SEED + part), 600):
        subject.take(document)


def test_damage_is_repeatable_and_leaves_little_whole() -> None:
    chains = [[facts.der for facts in test.chain] for test in path_tests()]
    first, again = (list(islice(damaged_chains(chains, SEED), 50)) for _ in range(2))
    assert first == again
    assert sum(chain in chains for chain in first) < 5
