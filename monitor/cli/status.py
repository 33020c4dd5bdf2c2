"""`status`: how the brokers of a running daemon stand."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime

from monitor.cli.exit_status import Complaint, Status, gravity, of_verdict, worst
from monitor.cli.remote import Document, Remote
from monitor.export.standing import NO_BROKERS, standing
from monitor.model.judgement import Verdict


def show_status(broker: str | None, url: str, *, as_json: bool) -> Status:
    """Ask the daemon at that URL, print what it knows, gravest first, and return the exit status.

    As JSON, the documents come in the daemon's order, one on a line.

    Raises:
        Complaint: nothing could be found out.
    """
    documents = Remote(url).documents(broker)
    try:
        statuses = [_status(document) for document in documents]
        text = _json(documents) if as_json else _text(documents, statuses)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Complaint(f"{url}: the answer is none of mqtt-tls-monitor; is it the right port?") from error
    sys.stdout.write(text)
    return worst(statuses)


def _status(document: Document) -> Status:
    """Return what a broker comes to; of one without a result nothing is known."""
    return Status.UNKNOWN if document["verdict"] is None else of_verdict(Verdict(document["verdict"]))


def _json(documents: list[Document]) -> str:
    return "".join(json.dumps(document) + "\n" for document in documents)


def _text(documents: list[Document], statuses: list[Status]) -> str:
    now = datetime.now(UTC)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    order = sorted(zip(statuses, documents, strict=True), key=lambda each: -gravity(each[0]))
    parts = ["\n".join(standing(document, now, width=width)) for _, document in order] or [NO_BROKERS]
    if width is not None and any(document["findings"] for document in documents):
        parts.append("What to do about a finding: mqtt-tls-monitor explain CODE")
    return "\n\n".join(parts) + "\n"
