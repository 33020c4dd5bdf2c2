#!/usr/bin/env python3
"""Write docs/findings.md: the catalogue of findings as a page. Run it from .venv."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from monitor.checks.words.certificates import FINDINGS
from monitor.checks.words.entry import Entry
from monitor.model.judgement import Hints
from monitor.model.reasons import VERIFY_FINDINGS

PAGE: Final = Path(__file__).parent.parent / "docs" / "findings.md"
_HEAD: Final = """# Findings

What can be found about a broker's certificates, its TLS session and its pace, gravest causes first. The code is the
same word in metrics, JSON, pages and logs; `mqtt-tls-monitor explain CODE` prints the same text, and explains the
reasons for which a phase can fail too. The severity is the usual one: a finding is milder where a valid path exists all
the same.

This page is made from the code (`scripts/findings.py`).
"""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join((_HEAD, *_table(), *(line for entry in FINDINGS for line in _section(entry))))


def _table() -> Iterator[str]:
    yield "| code | severity | what |"
    yield "|---|---|---|"
    for entry in FINDINGS:
        yield f"| [`{entry.code}`](#{entry.code}) | {entry.severity.label} | {entry.title} |"
    yield ""


def _section(entry: Entry) -> Iterator[str]:
    yield f"## {entry.code}\n"
    refused = f" Credentials are withheld; `verify` fails with `verify_{entry.code}`."
    yield f"**{entry.title}** ({entry.severity.label}).{refused if entry.code in VERIFY_FINDINGS else ''}\n"
    yield f"{entry.meaning}\n"
    yield f"What to do: {entry.advice.text}\n"
    for hints in entry.advice.hints:
        yield from _hints(hints)
    if entry.reference:
        yield f"See: {entry.reference}\n"


def _hints(hints: Hints) -> Iterator[str]:
    yield f"{hints.caption}:\n"
    for broker, said in hints.by_broker:
        yield f"- {broker}: {said}"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page())
