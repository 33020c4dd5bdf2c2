"""What the checks of a served chain look at, gathered once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from monitor.checks.catalogue import CATALOGUE, entry
from monitor.checks.evidence import Evidence
from monitor.checks.words.entry import Advice
from monitor.model.broker import Broker
from monitor.model.facts import CertificateFacts, Role, TlsFacts
from monitor.model.judgement import Finding, Judgement, Severity
from monitor.model.revocation import CrlFile
from monitor.x509.anchors import Anchors

# CA/Browser Forum Baseline Requirements 7.1.6.1: every certificate of a public CA names one of these.
_PUBLIC_POLICIES = "2.23.140.1."
_ORDER = {code: place for place, code in enumerate(CATALOGUE)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A chain, its judgement, and what it is measured against."""

    chain: tuple[CertificateFacts, ...]
    """Never empty; the server's own certificate first, so not as served where the file began with a CA."""
    judgement: Judgement
    """Of that order."""
    accepted: bool
    """Whether the chain was accepted as served."""
    anchors: Anchors
    broker: Broker
    """Whose chain it is; for a file, the broker that it is meant for."""
    mismatched: tuple[str, ...]
    """The names by which the broker is to be reached that its certificate is not for."""
    now: datetime
    tls: TlsFacts | None = None
    """The handshake in which it was served; None for a file."""
    is_last_seen: bool = False
    """That was an earlier handshake: the latest brought no certificate."""
    is_file: bool = False
    """The chain was read from a file and not served."""
    useless: frozenset[int] = frozenset()
    """Of a file: positions of the certificates that no broker can load."""
    revocation: Evidence | None = None
    """None for a file."""
    crl_files: tuple[CrlFile, ...] = ()

    @property
    def sender(self) -> str:
        """Who shows the chain, for sentences."""
        return "the file" if self.is_file else "the broker"

    @property
    def lacking(self) -> str:
        """What is true of a certificate that is not in the chain, for sentences."""
        return "the file does not hold" if self.is_file else "the broker does not send"

    @property
    def leaf(self) -> CertificateFacts:
        """The server's own certificate."""
        return self.chain[0]

    @property
    def is_public(self) -> bool:
        """Whether the leaf comes from a public CA, so that the public's rules are its own.

        That it ends in the system's trust store is not enough: operators put their own CA there too.
        """
        return (
            self.broker.tls.trust.includes_system
            and self.judgement.is_trusted_ignoring_time
            and any(policy.startswith(_PUBLIC_POLICIES) for policy in self.leaf.certificate_policies)
        )


def finding(
    code: str,
    message: str,
    *,
    severity: Severity | None = None,
    advice: Advice | None = None,
    certificate: int | None = None,
) -> Finding:
    """Make a finding; severity and advice are the catalogue's unless given."""
    words = entry(code)
    advice = words.advice if advice is None else advice
    return Finding(
        code=code,
        severity=words.severity if severity is None else severity,
        message=message,
        fix=advice.text,
        hints=advice.hints,
        certificate=certificate,
    )


def gravest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings: by severity, then by the catalogue's order, then by position in the chain."""
    return tuple(
        sorted(
            findings,
            key=lambda each: (
                -each.severity,
                _ORDER[each.code],
                -1 if each.certificate is None else each.certificate,
            ),
        )
    )


def described(facts: CertificateFacts) -> str:
    """Name a certificate of the served chain: its part, where it stands unless that is its place, its subject."""
    part = {
        Role.LEAF: "the broker's certificate",
        Role.INTERMEDIATE: "the intermediate certificate",
        Role.ROOT: "the root certificate",
    }[facts.role]
    place = f" at position {facts.position}" if facts.position else ""
    return f"{part}{place} ({name(facts.subject)})"


def name(distinguished: str | None) -> str:
    """Show a distinguished name within a sentence, shortened to what a line bears."""
    if distinguished is None:
        return "unreadable name"
    if not distinguished:
        return "empty name"
    return distinguished if len(distinguished) <= 160 else f"{distinguished[:159]}…"


def capitalised(sentence: str) -> str:
    """Return the sentence with a capital letter in front."""
    return sentence[:1].upper() + sentence[1:]


def moment(at: datetime) -> str:
    """Show a moment as people and logs write it."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def span(seconds: float) -> str:
    """Show a length of time in its largest whole unit, days at most: `3 days`, `1 hour`, `0 seconds`."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return _counted(int(seconds // length), unit)
    return _counted(int(seconds), "second")


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
