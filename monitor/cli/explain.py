"""`explain`: a finding or a failure reason in words, or the runbook of an alert."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from difflib import get_close_matches
from textwrap import wrap

from monitor.checks.catalogue import CATALOGUE
from monitor.checks.words.entry import Entry
from monitor.cli.exit_status import Complaint, Status
from monitor.export.alerts import texts as runbooks
from monitor.model.judgement import Hints

_WIDTH = 80


def explain(code: str) -> int:
    """Print what the code means and what to do about it; return the exit status.

    Raises:
        Complaint: nothing is called so.
    """
    if (entry := CATALOGUE.get(code)) is not None:
        sys.stdout.write("\n\n".join(_paragraphs(entry)) + "\n")
        return Status.OK
    if (runbook := runbooks().get(code)) is not None:
        sys.stdout.write(runbook)
        return Status.OK
    near = get_close_matches(code, codes(), n=3) or [each for each in codes() if code in each][:3]
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise Complaint(f"no finding, no failure reason and no alert is called {code!r}{hint}")


def codes() -> list[str]:
    """Return all that can be explained."""
    return [*CATALOGUE, *runbooks()]


def _paragraphs(entry: Entry) -> Iterator[str]:
    yield _wrapped(f"{entry.code} ({entry.severity.label}): {entry.title}.")
    yield _wrapped(entry.meaning)
    yield _wrapped(f"What to do: {entry.advice.text}")
    yield from map(_block, entry.advice.hints)
    if entry.reference:
        yield _wrapped(f"See: {entry.reference}")


def _block(block: Hints) -> str:
    widest = max(len(broker) for broker, _ in block.by_broker)
    lines = [_wrapped(f"{block.caption}:")]
    for broker, said in block.by_broker:
        label = f"  {broker:<{widest}}  "
        lines.append(_wrapped(said, first=label, rest=" " * len(label)))
    return "\n".join(lines)


def _wrapped(text: str, *, first: str = "", rest: str = "") -> str:
    # Commands and names of settings are to be copied whole.
    lines = wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)
