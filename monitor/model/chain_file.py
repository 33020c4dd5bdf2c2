"""What a certificate file holds before it is installed: facts, as a probe's are, but without a connection."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model.facts import CertificateFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """The private key that is to be installed beside the certificates. Nothing of the key itself is in it."""

    source: str
    """The path of its file."""
    belongs_to: tuple[bool | None, ...]
    """For each certificate of the chain, whether the key is that certificate's; None if its key is unreadable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFile:
    """A certificate file, read."""

    source: str
    """Its path."""
    certificates: tuple[CertificateFacts, ...]
    """In the order in which a server would send them; never empty."""
    damaged: frozenset[int] = frozenset()
    """Positions of those that stand in the file damaged, whatever could still be read of them."""
    key: KeyFile | None = None
    """None if no private key was named, and none is in the file."""
