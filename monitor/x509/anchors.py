"""A set of trust anchors, made ready for both libraries once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import RLock
from typing import TypeVar

from cryptography import x509
from cryptography.x509 import verification
from OpenSSL import crypto

from monitor.model.facts import CertificateFacts
from monitor.x509.certificate import read_chain
from monitor.x509.moments import boundaries

_T = TypeVar("_T")
_FILTERS = RLock()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anchors:
    """Trust anchors in the shapes in which they are needed. Compared by identity."""

    facts: tuple[CertificateFacts, ...]
    """Those that can be used, in file order. One whose dates cannot be read is left out: no validator could say
    when it holds."""
    openssl: tuple[crypto.X509, ...] = field(repr=False)
    cryptography: verification.Store | None = field(repr=False)
    """None when cryptography can load none of them: it knows no empty store."""
    boundaries: tuple[int, ...] = field(repr=False)
    """Unix seconds at which one of them begins or ceases to be valid, ascending."""

    def holds(self, encoded: bytes) -> bool:
        """Tell whether this very certificate is an anchor."""
        return any(facts.der == encoded for facts in self.facts)

    def named(self, subject_der: bytes | None) -> tuple[CertificateFacts, ...]:
        """Return the anchors whose subject is this encoded Name."""
        return tuple(facts for facts in self.facts if subject_der is not None and facts.subject_der == subject_der)


def prepare(ders: tuple[bytes, ...]) -> Anchors:
    """Load anchors. One that a library cannot load is left out for that library."""
    facts = tuple(anchor for anchor in read_chain(ders) if anchor.not_before and anchor.not_after)
    loaded = load_all(facts, load_cryptography)
    return Anchors(
        facts=facts,
        openssl=tuple(load_all(facts, load_openssl)),
        cryptography=verification.Store(loaded) if loaded else None,
        boundaries=tuple(sorted(boundaries(facts))),
    )


def load_all(certificates: Iterable[CertificateFacts], load: Callable[[bytes], _T | None]) -> list[_T]:
    """Load certificates through one library, leaving out those that it refuses."""
    return [loaded for facts in certificates if (loaded := load(facts.der)) is not None]


def load_openssl(encoded: bytes) -> crypto.X509 | None:
    """Load DER through OpenSSL; None if it refuses."""
    try:
        return crypto.load_certificate(crypto.FILETYPE_ASN1, encoded)
    except crypto.Error:
        return None


def load_cryptography(encoded: bytes) -> x509.Certificate | None:
    """Load DER through cryptography; None if it refuses."""
    try:
        return quietly(lambda: x509.load_der_x509_certificate(encoded))
    except (ValueError, x509.InvalidVersion):
        return None


def quietly(read: Callable[[], _T]) -> _T:
    """Return what cryptography reads, without its warnings. Any thread may ask; what is read is small."""
    # What is odd about a certificate is told by our own reader; a warning would go to nobody. The filters belong to the
    # whole process: two threads at once would leave them as they are in here.
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read()
