"""The files on this host from which a broker takes its certificate and key, and whether it serves what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.model.facts import CertificateFacts


class FileState(StrEnum):
    """What came of reading a file."""

    READ = "read"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    """The monitor may not, or cannot, read it: that says nothing of the broker."""
    DAMAGED = "damaged"
    """It holds something else, or is cut off: half-written files are for a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReading:
    """One file, as it was when it was last looked at."""

    path: str
    state: FileState
    detail: str = ""
    """What was found instead, as the end of a sentence; empty for `READ`."""
    since: datetime
    """`READ`: when its present content was put there. Otherwise: when it was first looked at in vain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledFiles:
    """A broker's certificate file and key file. Nothing of the private key itself is in it."""

    certificate: FileReading
    certificates: tuple[CertificateFacts, ...]
    """In the file's order, when it could last be read; empty if it never could."""
    key: FileReading | None = None
    """None if the configuration names no key file."""
    key_matches: bool | None = None
    """Whether the key is the first certificate's; None if one of the files cannot be read now, or there is no key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOpinion:
    """Whether the certificate file is what the broker serves."""

    certificate: FileReading
    is_served: bool | None
    """None if it cannot be told: the file cannot be read now, or the broker never showed a certificate."""
