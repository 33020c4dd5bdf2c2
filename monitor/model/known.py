"""What is known of a broker beside its latest report, when that report is judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.model.facts import TlsFacts
from monitor.model.installed import InstalledFiles
from monitor.model.judgement import CertificateChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Facts that were gathered at other times, or elsewhere. A command that probes once knows nothing of the kind."""

    last_seen: TlsFacts | None = None
    """The latest handshake that brought certificates: what the report's chain is compared with, and what is judged in
    place of one that has none."""
    last_seen_at: datetime | None = None
    """When that was."""
    last_change: CertificateChange | None = None
    """The latest change that concerns devices which hold on to the old CA."""
    files: InstalledFiles | None = None
    """The broker's own files on this host; None if the configuration names none."""


NOTHING_KNOWN = Known()
