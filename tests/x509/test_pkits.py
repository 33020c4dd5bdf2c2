"""NIST PKITS: every path test that stands without CRLs and policies, and the table of verdicts in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.model.judgement import Validator
from monitor.x509.judge import Judge
from tests.x509.pkits import AT, SECTIONS, PathTest, Section, members, path_tests, trust
from tests.x509.pkits_table import table, verdicts

DOCUMENT = Path(__file__).parents[2] / "docs" / "pkits.md"
DEVIATIONS = frozenset({"4.1.5"})
"""Explained in the document."""


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.number)
def test_section_is_complete(section: Section) -> None:
    assert sorted(members(section)) == list(range(1, section.count + 1))


@pytest.mark.parametrize("test", path_tests(), ids=lambda test: f"{test.id}-{test.name}")
def test_verdict_is_the_suites(test: PathTest) -> None:
    judgement = Judge().judge(test.chain, trust(), "localhost", AT)
    assert (judgement.is_trusted == test.is_valid) is (test.id not in DEVIATIONS), judgement.opinions


def test_nothing_that_must_be_refused_is_accepted() -> None:
    assert not [verdict.test.id for verdict in verdicts() if verdict.ours and not verdict.test.is_valid]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.number)
def test_no_section_is_worse_than_with_the_better_library(section: Section) -> None:
    here = [verdict for verdict in verdicts() if verdict.test.section == section.number]
    ours = sum(verdict.ours == verdict.test.is_valid for verdict in here)
    for validator in (Validator.OPENSSL, Validator.CRYPTOGRAPHY_RELAXED):
        assert ours >= sum(verdict.opinions[validator] == verdict.test.is_valid for verdict in here)


def test_document_shows_these_verdicts() -> None:
    assert table() in DOCUMENT.read_text()
