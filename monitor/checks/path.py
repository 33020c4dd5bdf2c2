"""Which certificate follows which, by names and key identifiers alone: for saying where a chain breaks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from monitor.model.facts import CertificateFacts
from monitor.x509.anchors import Anchors
from monitor.x509.opinions import signed_by


class End(Enum):
    """How a path ends."""

    ANCHOR = auto()
    """At a certificate that is itself an anchor."""
    ANCHOR_BY_NAME = auto()
    """At a certificate whose issuer's name is an anchor's."""
    SELF_SIGNED = auto()
    """At a certificate that signed itself and is no anchor."""
    MISSING = auto()
    """At a certificate whose issuer was neither served nor is an anchor."""
    UNREADABLE = auto()
    """At a certificate whose issuer cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The way up from the leaf, as far as it can be followed."""

    certificates: tuple[CertificateFacts, ...]
    """Leaf first; never empty."""
    end: End
    anchors: tuple[CertificateFacts, ...] = ()
    """For `ANCHOR_BY_NAME`: those of that name."""

    @property
    def last(self) -> CertificateFacts:
        """The certificate at which it ends."""
        return self.certificates[-1]


def follow(chain: tuple[CertificateFacts, ...], anchors: Anchors) -> Path:
    """Follow a chain upwards from its first certificate; each is visited once, so it ends."""
    steps = [chain[0]]
    while True:
        last = steps[-1]
        if anchors.holds(last.der):
            return Path(certificates=tuple(steps), end=End.ANCHOR)
        if last.issuer_der is None:
            return Path(certificates=tuple(steps), end=End.UNREADABLE)
        # One name for a CA and the server below it is a common slip; that is not a self-signed certificate.
        if last.is_self_issued and signed_by(last, last) is not False:
            return Path(certificates=tuple(steps), end=End.SELF_SIGNED)
        named = anchors.named(last.issuer_der)
        if named:
            return Path(certificates=tuple(steps), end=End.ANCHOR_BY_NAME, anchors=named)
        served = [facts for facts in chain if facts.subject_der == last.issuer_der and facts not in steps]
        if not served:
            return Path(certificates=tuple(steps), end=End.MISSING)
        steps.append(min(served, key=lambda facts: _is_other_key(last, facts)))


def whole_way(chain: tuple[CertificateFacts, ...], anchors: Anchors) -> tuple[CertificateFacts, ...]:
    """Follow a chain upwards, with the anchor that ends it even if the broker does not send that."""
    path = follow(chain, anchors)
    if path.end is not End.ANCHOR_BY_NAME:
        return path.certificates
    anchor = next((anchor for anchor in path.anchors if signed_by(path.last, anchor)), None)
    return path.certificates if anchor is None else (*path.certificates, anchor)


def names_issuer(certificate: CertificateFacts, issuer: CertificateFacts) -> bool:
    """Tell whether the certificate names the other one as its issuer."""
    return certificate.issuer_der is not None and certificate.issuer_der == issuer.subject_der


def _is_other_key(certificate: CertificateFacts, issuer: CertificateFacts) -> bool:
    # RFC 5280 4.2.1.1: of several certificates with the issuer's name, the key identifier tells the right one.
    wanted, found = certificate.authority_key_id, issuer.subject_key_id
    return wanted is not None and found is not None and wanted != found
