"""The monitor's own certificate and private key for a broker, checked to belong together."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from monitor.config import pem
from monitor.config.text import quoted
from monitor.model.broker import ClientIdentity, Secret


class Unusable(ValueError):  # noqa: N818  an answer, raised like one
    """Certificate and key cannot be used; carries the key of the setting at fault."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def is_encrypted(key_pem: bytes) -> bool:
    """Say whether the private key in the file needs a passphrase."""
    block = _key_block(key_pem)
    # PKCS#8 says it in the label, the older forms in a header (RFC 1421 4.6.1.1).
    return block is not None and (block.label.startswith("ENCRYPTED") or b"\nProc-Type: 4,ENCRYPTED" in block.text)


def client_identity(
    certificate_pem: bytes, key_pem: bytes, passphrase: bytes | None, *, source: str, key_source: str
) -> ClientIdentity:
    """Return the identity; the key becomes unencrypted PKCS#8.

    Args:
        certificate_pem: leaf first, then what a broker may need to build the path.
        key_pem: PKCS#8, PKCS#1 or SEC1.
        passphrase: of an encrypted key; not used for another.
        source: path of the certificate file, for messages and the record.
        key_source: path of the key file, for messages.

    Raises:
        Unusable: with what was expected and found.
    """
    try:
        chain = pem.certificates(certificate_pem)
    except ValueError as error:
        expected = f"expected PEM certificates in {quoted(source)}, leaf first, found {error}"
        raise Unusable("client_certificate", expected) from None
    key = _private_key(key_pem, passphrase, key_source)
    own = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    keys = [_public_key(der) for der in chain]
    if keys[0] is None:
        raise Unusable(
            "client_certificate", f"expected a certificate, found one that is unreadable in {quoted(source)}"
        )
    if keys[0] != own:
        found = "another"
        if own in keys:
            found = f"that of certificate {keys.index(own) + 1} in the file; the client's own must come first"
        message = f"expected the private key of the first certificate in {quoted(source)}, found {found}"
        raise Unusable("client_key", message)
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return ClientIdentity(source=source, chain=chain, key=Secret(plain))


def _key_block(data: bytes) -> pem.Block | None:
    return next((block for block in pem.blocks(data) if block.is_private_key), None)


def _private_key(data: bytes, passphrase: bytes | None, source: str) -> PrivateKeyTypes:
    expected = f"expected a private key in PEM in {quoted(source)}"
    block = _key_block(data)
    if block is None:
        labels = ", ".join(dict.fromkeys(block.label for block in pem.blocks(data)))
        raise Unusable("client_key", f"{expected}, found {f'only {labels}' if labels else 'no PEM block'}")
    encrypted = is_encrypted(data)
    if encrypted and passphrase is None:
        message = f"{expected} without passphrase or client_key_passphrase_file beside it, found an encrypted one"
        raise Unusable("client_key", message)
    try:
        return serialization.load_pem_private_key(block.text, passphrase if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's own words may quote the file.
        if encrypted:
            message = f"expected the passphrase of the key in {quoted(source)}, found one that does not open it"
            raise Unusable("client_key_passphrase_file", message) from None
        raise Unusable("client_key", f"{expected}, found one that is damaged or of an unknown kind") from None


def _public_key(der: bytes) -> bytes | None:
    try:
        return (
            x509.load_der_x509_certificate(der)
            .public_key()
            .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
    except (ValueError, UnsupportedAlgorithm):
        return None
