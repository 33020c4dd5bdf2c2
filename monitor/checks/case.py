"""What the checks of a served chain look at, gathered once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.checks.evidence import Evidence
from monitor.model.broker import Broker
from monitor.model.facts import CertificateFacts, TlsFacts
from monitor.model.judgement import Judgement
from monitor.model.revocation import CrlFile
from monitor.x509.anchors import Anchors

# CA/Browser Forum Baseline Requirements 7.1.6.1: every certificate of a public CA names one of these.
_PUBLIC_POLICIES = "2.23.140.1."


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
