"""The runbooks as pages: an alert's link leads to the monitor that raised it, wherever the documentation may be."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from markdown_it import MarkdownIt

from monitor.export.alerts import texts
from monitor.export.page import render

_MEANING: Final = re.compile(r"^## What it means\n\n(.+?\.)\s", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r'(href="[A-Za-z]+)\.md(?=["#])')


def runbook(alert: str, now: datetime) -> str | None:
    """Return the page of an alert's runbook; None if there is none of that name."""
    text = texts().get(alert)
    return None if text is None else _page(alert, text, now)


def index(now: datetime) -> str:
    """Return the page that lists all of them, each with the first sentence of what it means."""
    listed = (f"- [{name}]({name}.md): {' '.join(_MEANING.findall(text))}" for name, text in texts().items())
    return _page("Runbooks", "\n".join(["# Runbooks", "", *listed]), now)


def _page(title: str, text: str, now: datetime) -> str:
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    # Between one another they are linked as files; here they are pages without that ending.
    return render("runbook.html", now, root="../", title=title, body=_LINK.sub(r"\1", body))
