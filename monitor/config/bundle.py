"""A certificate file as it would be installed: PEM, DER or PKCS#12, whole or damaged, with or without the key."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from monitor.config import pem
from monitor.config.private_key import (
    PassphraseNeeded,
    PassphraseWrong,
    holds_private_key,
    private_key,
    private_key_of_der,
    public_half,
)

_SEQUENCE, _INTEGER, _OBJECT_IDENTIFIER = 0x30, 0x02, 0x06  # X.690 8
_PKCS12_VERSION = b"\x02\x01\x03"  # RFC 7292 4
_KINDS = {
    "CERTIFICATE REQUEST": "a request, from which the CA makes the certificate",
    "NEW CERTIFICATE REQUEST": "a request, from which the CA makes the certificate",
    "X509 CRL": "a list of revoked certificates",
    "PKCS7": "write its certificates out with: openssl pkcs7 -print_certs",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What a certificate file holds."""

    certificates: tuple[bytes, ...]
    """DER, in the order in which a server would send them; never empty. Damaged ones as far as they can be had."""
    damaged: frozenset[int] = frozenset()
    """Positions of those whose PEM block is cut off or is no base64."""
    public_key: bytes | None
    """SubjectPublicKeyInfo of the private key beside them; None if there is none, or it was not asked for."""


def read_bundle(data: bytes, passphrase: bytes | None, *, with_key: bool) -> Bundle:
    """Read a certificate file.

    A PEM file's certificates are in its own order, as servers send them. PKCS#12 has no order: there it is the one
    that servers make of it, the key's certificate first, and each followed by its issuer's.

    Args:
        data: the file's content.
        passphrase: for PKCS#12, and for an encrypted private key.
        with_key: whether a private key beside the certificates is of interest; a PKCS#12 file is opened as a whole.

    Raises:
        PassphraseNeeded: as the end of a sentence, likewise the others.
        PassphraseWrong: nothing of the passphrase is in the message.
        ValueError: what was found instead of certificates.
    """
    # Text may begin with "0", the tag of a SEQUENCE; but what follows in it is no length that fits.
    if len(data) > 1 and data[0] == _SEQUENCE and (data[1] >= 0x80 or data[1] == len(data) - 2):
        return _der(data, passphrase)
    written = pem.certificates_as_written(data)
    if not written:
        found = pem.found_instead(data)
        kind = _KINDS.get(found.removeprefix("only "))
        raise ValueError(f"{found} ({kind})" if kind else found)
    key = private_key(data, passphrase) if with_key and holds_private_key(data) else None
    return Bundle(
        certificates=tuple(certificate for certificate, _ in written),
        damaged=frozenset(position for position, (_, is_sound) in enumerate(written) if not is_sound),
        public_key=None if key is None else public_half(key),
    )


def read_public_key(data: bytes, passphrase: bytes | None) -> bytes:
    """Return the SubjectPublicKeyInfo of the private key in a file, PEM or DER.

    Raises:
        PassphraseNeeded: as the end of a sentence, likewise the others.
        PassphraseWrong: nothing of the passphrase is in the message.
        ValueError: what was found instead.
    """
    if data[:1] == bytes((_SEQUENCE,)):
        return public_half(private_key_of_der(data, passphrase))
    return public_half(private_key(data, passphrase))


def _der(data: bytes, passphrase: bytes | None) -> Bundle:
    # The length's own length (X.690 8.1.3); then what kind of thing it is shows in the first element.
    content = data[2 + (data[1] & 0x7F if data[1] >= 0x80 else 0) :]
    if content.startswith(_PKCS12_VERSION):
        return _pkcs12(data, passphrase)
    if content[:1] == bytes((_INTEGER,)):
        raise ValueError("a private key or parameters in DER")
    if content[:1] == bytes((_OBJECT_IDENTIFIER,)):
        raise ValueError("PKCS#7; write its certificates out with: openssl pkcs7 -inform der -print_certs")
    for load, kind in (
        (x509.load_der_x509_csr, "CERTIFICATE REQUEST"),
        (x509.load_der_x509_crl, "X509 CRL"),
    ):
        try:
            load(data)
        except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
            continue
        raise ValueError(f"only {kind} ({_KINDS[kind]})")
    return Bundle(certificates=(data,), public_key=None)


def _pkcs12(data: bytes, passphrase: bytes | None) -> Bundle:
    with warnings.catch_warnings():
        # What is odd about a certificate is told where it is judged.
        warnings.simplefilter("ignore")
        try:
            opened = pkcs12.load_pkcs12(data, passphrase)
        except (ValueError, x509.InvalidVersion):
            # The library does not tell a wrong passphrase from a damaged file, and its own words may quote the file.
            if passphrase is None:
                raise PassphraseNeeded("PKCS#12 that is encrypted or damaged") from None
            raise PassphraseWrong("PKCS#12 that is damaged or that the passphrase does not open") from None
        except UnsupportedAlgorithm:
            raise ValueError("PKCS#12 with an outdated encryption; open it with: openssl pkcs12 -legacy") from None
    found = [each.certificate for each in (opened.cert, *opened.additional_certs) if each is not None]
    if not found:
        raise ValueError("PKCS#12 without certificates")
    return Bundle(
        certificates=tuple(certificate.public_bytes(Encoding.DER) for certificate in _upwards(found)),
        public_key=None if opened.key is None else public_half(opened.key),
    )


def _upwards(certificates: list[x509.Certificate]) -> list[x509.Certificate]:
    """Return the first certificate, then its issuer's, and so on; what is left follows as it came."""
    ordered, rest = certificates[:1], certificates[1:]
    while rest:
        wanted = ordered[-1].issuer
        above = next((each for each in rest if each.subject == wanted), rest[0])
        ordered.append(above)
        rest.remove(above)
    return ordered
