"""docs/findings.md says what the catalogue says."""

from __future__ import annotations

from scripts.findings import PAGE, page


def test_page_is_made_from_the_catalogue_as_it_is() -> None:
    assert PAGE.read_text() == page(), "run `.venv/bin/python scripts/findings.py`"
