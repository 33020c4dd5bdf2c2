"""What is known of a broker beside its latest report, when that report is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from monitor.model.facts import CertificateFacts, TlsFacts
from monitor.model.fetched import Fetched
from monitor.model.installed import InstalledFiles
from monitor.model.judgement import CertificateChange
from monitor.model.outcome import Phase
from monitor.model.pace import Pace
from monitor.model.refusal import Refusal
from monitor.model.report import ProbeReport
from monitor.model.revocation import CrlFile
from monitor.model.scan import ScanFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another broker of the configuration, and what it was last seen to serve."""

    broker: str
    host: str
    port: int
    leaf: CertificateFacts
    rotated_at: datetime | None = None
    """When it began to; None where it was never seen to serve anything else."""
    before: str | None = None
    """SHA-256 fingerprint of what it served until then; None with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Facts that were gathered at other times, or elsewhere. A command that probes once knows of no other times."""

    refusals: tuple[Refusal, ...] = ()
    """What came of the latest attempts at what must be refused, in the order in which they were made."""
    last_seen: TlsFacts | None = None
    """The latest handshake that brought certificates: what the report's chain is compared with, and what is judged in
    place of one that has none."""
    last_seen_at: datetime | None = None
    """When that was."""
    last_change: CertificateChange | None = None
    """The latest change that concerns devices which hold on to the old CA."""
    files: InstalledFiles | None = None
    """The broker's own files on this host; None if the configuration names none."""
    scan: ScanFacts | None = None
    """What the latest scan told."""
    paces: Mapping[Phase, Pace] = field(default_factory=lambda: MappingProxyType({}))
    """How long each phase took in the probes before; a phase that never completed is absent."""
    listeners: tuple[Neighbour, ...] = ()
    """At other ports of the same host, with another certificate for the same names: one for each such certificate."""
    key_holders: tuple[Neighbour, ...] = ()
    """At other hosts, with the same key in a certificate for other names: the first few."""
    crl_files: tuple[CrlFile, ...] = ()
    """The files of revocation lists that the configuration names for the broker, as they were read last."""
    siblings: tuple[ProbeReport, ...] = ()
    """What the same turn brought from the other addresses of the name; empty unless each of them is probed."""
    fetched: tuple[Fetched, ...] = ()
    """What was had from where the chain's certificates point, or why nothing was."""


NOTHING_KNOWN = Known()
