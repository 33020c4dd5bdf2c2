"""`explain`: a finding or a failure reason in words."""

from __future__ import annotations

import sys
from difflib import get_close_matches

from monitor.checks.catalogue import CATALOGUE
from monitor.cli.status import Status


def explain(code: str) -> int:
    """Print what the code means and what to do about it; return the exit status."""
    entry = CATALOGUE.get(code)
    if entry is None:
        near = get_close_matches(code, CATALOGUE, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        sys.stderr.write(f"no finding and no failure reason is called {code!r}{hint}\n")
        return Status.UNKNOWN
    paragraphs = [
        f"{entry.code} ({entry.severity.label}): {entry.title}",
        entry.meaning,
        f"What to do: {entry.fix}",
        f"See: {entry.reference}" if entry.reference else "",
    ]
    sys.stdout.write("\n\n".join(filter(None, paragraphs)) + "\n")
    return Status.OK
