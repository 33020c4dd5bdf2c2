"""The verdicts on PKITS as a table for docs/pkits.md; `python -m tests.x509.pkits_table` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from monitor.model.judgement import Validator
from monitor.x509.judge import Judge
from tests.x509.pkits import AT, SECTIONS, PathTest, path_tests, trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was thought of one test's path."""

    test: PathTest
    ours: bool
    opinions: Mapping[Validator, bool]


@cache
def verdicts() -> tuple[Verdict, ...]:
    """Judge every path of the suite."""
    judge, anchors = Judge(), trust()
    found = []
    for test in path_tests():
        judgement = judge.judge(test.chain, anchors, "localhost", AT)
        opinions = {opinion.validator: opinion.accepts for opinion in judgement.opinions}
        found.append(Verdict(test=test, ours=judgement.is_trusted, opinions=opinions))
    return tuple(found)


def table() -> str:
    """Return how many verdicts are right, by section."""
    lines = [
        "| section | about | tests | mqtt-tls-monitor | OpenSSL | cryptography, relaxed | left to revocation |",
        "|---|---|---|---|---|---|---|",
    ]
    for section in SECTIONS:
        here = [verdict for verdict in verdicts() if verdict.test.section == section.number]
        left = ", ".join(f"{section.number}.{number}" for number in sorted(section.revocation))
        lines.append(f"| {section.number} | {section.title} | {_counts(here)} | {left} |")
    lines.append(f"| all | | {_counts(verdicts())} | |")
    return "\n".join(lines)


def _counts(here: list[Verdict] | tuple[Verdict, ...]) -> str:
    right = [
        sum(verdict.ours == verdict.test.is_valid for verdict in here),
        *(
            sum(verdict.opinions[validator] == verdict.test.is_valid for verdict in here)
            for validator in (Validator.OPENSSL, Validator.CRYPTOGRAPHY_RELAXED)
        ),
    ]
    return " | ".join(str(count) for count in (len(here), *right))


if __name__ == "__main__":
    print(table())  # noqa: T201 - that is what it is for
