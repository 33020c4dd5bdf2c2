"""The runbooks as pages: an alert's link leads to the monitor that raised it, wherever the documentation may be."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from markdown_it import MarkdownIt
from markupsafe import Markup

from monitor.export.alerts import texts
from monitor.export.page import render

_LINK: Final = re.compile(r'(href="[A-Za-z]+)\.md(?=["#])')


def runbook(alert: str, now: datetime) -> str | None:
    """Return the page of an alert's runbook; None if there is none of that name."""
    text = texts().get(alert)
    return None if text is None else _page(alert, text, now)


def index(now: datetime) -> str:
    """Return the page that lists all of them."""
    return _page("Runbooks", "\n".join(["# Runbooks", "", *(f"- [{name}]({name}.md)" for name in texts())]), now)


def _page(title: str, text: str, now: datetime) -> str:
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    # Between one another they are linked as files; here they are pages without that ending.
    return render("runbook.html", now, root="../", title=title, body=Markup(_LINK.sub(r"\1", body)))  # noqa: S704  # ours
