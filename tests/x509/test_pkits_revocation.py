"""NIST PKITS with its revocation lists: every test about them, and the table of verdicts in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.x509.pkits import Section, members
from tests.x509.pkits_revocation import REVOCATION_SECTIONS, ListVerdict, list_table, list_verdicts

DOCUMENT = Path(__file__).parents[2] / "docs" / "pkits.md"
DEVIATIONS = frozenset({"4.14.22", "4.14.24", "4.14.25", "4.14.28", "4.14.29", "4.14.30", "4.14.33", "4.15.5"})
"""Explained in the document."""


@pytest.mark.parametrize("section", REVOCATION_SECTIONS, ids=lambda section: section.number)
def test_section_is_complete(section: Section) -> None:
    assert sorted(members(section)) == list(range(1, section.count + 1))


@pytest.mark.parametrize("verdict", list_verdicts(), ids=lambda verdict: f"{verdict.test.id}-{verdict.test.name}")
def test_verdict_is_the_suites(verdict: ListVerdict) -> None:
    assert (verdict.ours == verdict.test.is_valid) is (verdict.test.id not in DEVIATIONS), verdict.answers


def test_nothing_that_must_be_refused_is_good() -> None:
    assert not [verdict.test.id for verdict in list_verdicts() if verdict.ours and not verdict.test.is_valid]


@pytest.mark.parametrize("section", REVOCATION_SECTIONS, ids=lambda section: section.number)
def test_no_section_is_worse_than_with_openssl_as_brokers_use_it(section: Section) -> None:
    here = [verdict for verdict in list_verdicts() if verdict.test.section == section.number]
    right = [(verdict.ours == verdict.test.is_valid, verdict.openssl == verdict.test.is_valid) for verdict in here]
    assert sum(ours for ours, _ in right) >= sum(theirs for _, theirs in right)


def test_document_shows_these_verdicts() -> None:
    text = DOCUMENT.read_text()
    assert list_table() in text
    assert [each for each in DEVIATIONS if each not in text] == []
