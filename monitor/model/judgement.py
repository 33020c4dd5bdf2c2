"""Opinions about a served chain at one moment, and the findings drawn from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from monitor.model.installed import FileOpinion
from monitor.model.refusal import Refusal
from monitor.model.revocation import Answer
from monitor.model.scan import ScanFacts


class Validator(StrEnum):
    """Who was asked whether a valid path exists."""

    OPENSSL = "openssl"
    CRYPTOGRAPHY_STRICT = "cryptography-strict"
    """The WebPKI profile, as browsers and Rust clients apply it: information, never the gate."""
    CRYPTOGRAPHY_RELAXED = "cryptography-relaxed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One validator's answer."""

    validator: Validator
    accepts: bool
    error: str | None
    """The validator's own words when it refuses."""
    code: int | None = None
    """OpenSSL's X509_V_ERR_* number, when it refuses."""
    depth: int | None = None
    """Where in the path OpenSSL stopped, 0 = leaf."""


class Cause(StrEnum):
    """What is the first to stop working. Closed: it is a metric's label."""

    LEAF = "leaf"
    INTERMEDIATE = "intermediate"
    ROOT = "root"
    """The certificate of the trust at which the best path ends, self-signed or not."""
    CLIENT_CERTIFICATE = "client_certificate"
    """The one that the monitor itself shows."""
    STAPLE = "staple"
    """The OCSP response that the broker sends along ceases to be fresh."""
    CRL = "crl"
    """A list of revoked certificates ceases to be fresh."""
    PROFILE = "profile"
    """A trust profile stops accepting the chain while the configured trust still does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathEnd:
    """The certificate that ends the best path: the last one that could not be done without."""

    cause: Cause
    """`LEAF`, `INTERMEDIATE` or `ROOT`, by its place on that path."""
    fingerprint_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is to be thought of a chain, for one reference identity and trust, at one moment."""

    at: datetime
    opinions: tuple[Opinion, ...]
    """OpenSSL, cryptography strict, cryptography relaxed."""
    is_trusted: bool
    """A path to the configured trust exists now, by OpenSSL or by cryptography relaxed."""
    is_trusted_ignoring_time: bool
    """As above, were every certificate on it within its dates."""
    name_matches: bool
    """RFC 9525 6, against subjectAltName alone."""
    is_for_servers: bool
    """extendedKeyUsage of the leaf is absent, or holds serverAuth or anyExtendedKeyUsage."""
    path_not_after: datetime | None
    """When the best path, root included, stops being valid (its last valid second); None without any path."""
    judged_certificates: int
    """How many of the served certificates were judged; the rest were left out as too many."""
    path_end: PathEnd | None = None
    """Whose end `path_not_after` is; None with it, or where no validator tells."""

    @property
    def accepted(self) -> bool:
        """The gate: credentials may be sent to this peer."""
        return self.is_trusted and self.name_matches and self.is_for_servers


class Severity(IntEnum):
    """How bad a finding is. Ordered."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2

    @property
    def label(self) -> str:
        """The word used in metrics, JSON and on pages."""
        return self.name.lower()


class Verdict(StrEnum):
    """What a broker's state comes to."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What a fix comes to in each kind of broker: names of settings, files and commands."""

    caption: str
    """What the lines are about, without a colon."""
    by_broker: tuple[tuple[str, str], ...]
    """The broker's name and one line about it, in the order in which they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing worth saying, in words for people."""

    code: str
    severity: Severity
    message: str
    """One sentence that names the values seen."""
    fix: str
    """What to do, whatever the broker."""
    hints: tuple[Hints, ...] = ()
    """The same for each kind of broker; empty where there is no difference."""
    certificate: int | None = None
    """Position in the served chain, when it is about one certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileOpinion:
    """What the clients of one trust profile think of the served chain."""

    name: str
    is_trusted: bool
    """A path to the profile's trust exists now, by OpenSSL or by cryptography relaxed."""
    path_not_after: datetime | None
    """When the best of these paths stops being valid (its last valid second); None without any."""
    error: str | None
    """The validators' own words when they refuse."""


class Changed(StrEnum):
    """What can differ between two chains that a broker served one after the other. Closed: it is a metric's label."""

    LEAF = "leaf"
    """Another certificate of the broker."""
    KEY = "key"
    """Another public key in it."""
    ISSUER = "issuer"
    """Another name, or another certificate, of the CA that issued it."""
    ROOT = "root"
    """Another certificate at the end of the path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A chain that was served, in the few words by which it is known again."""

    fingerprint_sha256: str
    """Of the broker's own certificate, wherever it stood; 64 lower-case hex digits. Likewise the next two."""
    spki_sha256: str | None
    """Of its public key; None if unreadable."""
    chain: tuple[str, ...]
    """Fingerprints of all certificates, in the order served."""
    issuer: str | None
    """RFC 4514; None if unreadable. Likewise the next."""
    root: str | None
    """None as well where the path could not be followed to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateChange:
    """A broker serves something else than it served before."""

    at: datetime
    """When that was judged."""
    last_seen_at: datetime | None
    """When what was served before was last seen: it changed after that. None if that is not known."""
    what: tuple[Changed, ...]
    """In the order of `Changed`; may be empty where only further certificates came or went."""
    before: Served
    after: Served

    @property
    def concerns_pins(self) -> bool:
        """Devices that hold on to the CA of before are concerned."""
        return Changed.ISSUER in self.what or Changed.ROOT in self.what


@dataclass(frozen=True, slots=True, kw_only=True)
class NextBreak:
    """The first thing to stop working, of all that works now."""

    at: datetime
    """The last second in which it still works."""
    cause: Cause
    certificate: int | None
    """Position in the served chain; None for what the broker does not send."""
    what: str
    """Names it, as part of a sentence: `the broker's certificate (CN=broker.example)`."""
    sentence: str
    """Says what happens then, and to whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Everything thought about one report."""

    at: datetime
    success: bool
    findings: tuple[Finding, ...]
    """Gravest first; equal ones in catalogue order."""
    judgement: Judgement | None
    """None if no certificate was served."""
    chain_not_after: datetime | None = None
    """When the served chain stops being valid: over its best path, root included; where no path leads to the trust, at
    the earliest end of what was served from the broker's certificate upwards. None without certificates."""
    profiles: tuple[ProfileOpinion, ...] = ()
    """One for each trust profile, in the broker's order; empty without certificates."""
    change: CertificateChange | None = None
    """What this report's chain changed; None if nothing, or if there was none before."""
    revocation: tuple[Answer, ...] = ()
    """One for each source that was heard: the gravest of what it says of the chain's certificates."""
    next_break: NextBreak | None = None
    """None while nothing works that could stop working: what is broken already is a finding."""
    certificate_file: FileOpinion | None = None
    """None if the configuration names no file."""
    scan: ScanFacts | None = None
    """What the latest scan told; None without one."""
    refusals: tuple[Refusal, ...] = ()
    """What the latest attempts at what must be refused came to."""

    @property
    def verdict(self) -> Verdict:
        """Critical when the probe failed or a finding is; else the gravest finding's."""
        worst = max((finding.severity for finding in self.findings), default=Severity.INFO)
        if not self.success or worst is Severity.CRITICAL:
            return Verdict.CRITICAL
        return Verdict.WARNING if worst is Severity.WARNING else Verdict.OK
