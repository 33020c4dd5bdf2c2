"""The issuing CA as responses and lists name it: its name, its key, and digests of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from monitor.model.facts import CertificateFacts
from monitor.x509 import der
from monitor.x509.anchors import load_cryptography
from monitor.x509.judge import is_judged

ERRORS: Final = (ValueError, TypeError, AttributeError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion)
"""What cryptography raises at odd fields, beside what it documents; every use of it here is guarded by these."""

# TBSCertificate has ten fields at most (RFC 5280 4.1).
_MAX_FIELDS: Final = 10
_SUBJECT_PUBLIC_KEY_INFO: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Issuer:
    """A CA's certificate, made ready. Compared by identity."""

    facts: CertificateFacts
    loaded: x509.Certificate = field(repr=False)
    key: CertificatePublicKeyTypes = field(repr=False)
    key_bits: bytes = field(repr=False)
    """subjectPublicKey without its count of unused bits: what key hashes are of."""

    def name_hash(self, algorithm: hashes.HashAlgorithm) -> bytes:
        """Return the digest of its name, as issuers are called (RFC 6960 4.1.1)."""
        return digest(algorithm, self.facts.subject_der or b"")

    def key_hash(self, algorithm: hashes.HashAlgorithm) -> bytes:
        """Return the digest of its key (RFC 6960 4.1.1)."""
        return digest(algorithm, self.key_bits)


def prepare(facts: CertificateFacts) -> Issuer | None:
    """Make a certificate ready; None if cryptography refuses it, or its key would keep us busy."""
    loaded = load_cryptography(facts.der) if is_judged(facts) else None
    if loaded is None:
        return None
    try:
        return Issuer(facts=facts, loaded=loaded, key=loaded.public_key(), key_bits=_key_bits(facts.der))
    except ERRORS:
        return None


def issued_by(certificate: x509.Certificate, issuer: Issuer) -> bool:
    """Tell whether the issuer's key signed the certificate, and the names agree."""
    try:
        certificate.verify_directly_issued_by(issuer.loaded)
    except (InvalidSignature, *ERRORS):
        return False
    return True


def is_signature(
    key: CertificatePublicKeyTypes,
    signature: bytes,
    signed: bytes,
    algorithm: hashes.HashAlgorithm | None,
    parameters: object = None,
) -> bool | None:
    """Tell whether the key made the signature; None if that kind of signature cannot be judged.

    Args:
        key: whose.
        signature: as it stands in the document.
        signed: the octets that it is of.
        algorithm: digest of the signature; None for kinds that have none of their own.
        parameters: how an RSA signature is padded, where the document says so; PKCS #1 v1.5 otherwise.
    """
    check: Callable[[], None]
    match key:
        case rsa.RSAPublicKey() if algorithm is not None:
            padded = parameters if isinstance(parameters, padding.PSS) else padding.PKCS1v15()
            check = partial(key.verify, signature, signed, padded, algorithm)
        case ec.EllipticCurvePublicKey() if algorithm is not None:
            check = partial(key.verify, signature, signed, ec.ECDSA(algorithm))
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            check = partial(key.verify, signature, signed)
        case _:
            return None
    try:
        check()
    except InvalidSignature:
        return False
    except ERRORS:
        return None
    return True


def digest(algorithm: hashes.HashAlgorithm, data: bytes) -> bytes:
    """Return a digest."""
    hashing = hashes.Hash(algorithm)
    hashing.update(data)
    return hashing.finalize()


def _key_bits(encoded: bytes) -> bytes:
    # From the certificate's own bytes: written anew, a key may come out in another form.
    certificate = next(der.elements(der.only(encoded, der.SEQUENCE).body, at_most=3))
    fields = list(der.elements(certificate.body, at_most=_MAX_FIELDS))
    if fields[0].tag == der.context(0, constructed=True):
        del fields[0]
    _, bits = der.elements(fields[_SUBJECT_PUBLIC_KEY_INFO].body, at_most=2)
    return der.bit_string(bits)[0]
