"""Private keys in files, PEM or DER, and whose certificate one belongs to: told by its public half alone."""

from __future__ import annotations

import warnings

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

from monitor.config import pem

_DAMAGED = "one that is damaged or of an unknown kind"


class PassphraseNeeded(ValueError):  # noqa: N818  an answer, raised like one
    """The key is encrypted, and no passphrase was given."""


class PassphraseWrong(ValueError):  # noqa: N818  an answer, raised like one
    """The passphrase does not open the key."""


def is_encrypted(key_pem: bytes) -> bool:
    """Say whether the private key in the file needs a passphrase."""
    block = _key_block(key_pem)
    # PKCS#8 says it in the label, the older forms in a header (RFC 1421 4.6.1.1).
    return block is not None and (block.label.startswith("ENCRYPTED") or b"\nProc-Type: 4,ENCRYPTED" in block.text)


def holds_private_key(data: bytes) -> bool:
    """Say whether there is a private key in PEM, encrypted or not."""
    return _key_block(data) is not None


def private_key(key_pem: bytes, passphrase: bytes | None) -> PrivateKeyTypes:
    """Return the first private key of a PEM file: PKCS#8, PKCS#1 or SEC1.

    Args:
        key_pem: the file's content.
        passphrase: of an encrypted key; not used for another.

    Raises:
        PassphraseNeeded: as the end of a sentence, likewise the others.
        PassphraseWrong: nothing of the passphrase is in the message.
        ValueError: what was found instead.
    """
    block = _key_block(key_pem)
    if block is None:
        raise ValueError(pem.found_instead(key_pem))
    encrypted = is_encrypted(key_pem)
    if encrypted and passphrase is None:
        raise PassphraseNeeded("an encrypted one")
    try:
        return serialization.load_pem_private_key(block.text, passphrase if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's own words may quote the file.
        if encrypted:
            raise PassphraseWrong("one that the passphrase does not open") from None
        raise ValueError(_DAMAGED) from None


def private_key_of_der(key_der: bytes, passphrase: bytes | None) -> PrivateKeyTypes:
    """Return a private key in DER; as `private_key`."""
    try:
        return serialization.load_der_private_key(key_der, None)
    except TypeError:  # it is encrypted
        if passphrase is None:
            raise PassphraseNeeded("an encrypted one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(_DAMAGED) from None
    try:
        return serialization.load_der_private_key(key_der, passphrase)
    except (ValueError, UnsupportedAlgorithm):
        raise PassphraseWrong("one that the passphrase does not open") from None


def public_half(key: PrivateKeyTypes) -> bytes:
    """Return the key's SubjectPublicKeyInfo, DER: equal to that of the certificates it belongs to."""
    return _encoded(key.public_key())


def certified_key(certificate_der: bytes) -> bytes | None:
    """Return the certificate's SubjectPublicKeyInfo, as `public_half` writes it; None if it is unreadable."""
    with warnings.catch_warnings():
        # What is odd about a certificate is told where it is judged.
        warnings.simplefilter("ignore")
        try:
            return _encoded(x509.load_der_x509_certificate(certificate_der).public_key())
        except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
            return None


def _encoded(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _key_block(data: bytes) -> pem.Block | None:
    return next((block for block in pem.blocks(data) if block.is_private_key), None)
