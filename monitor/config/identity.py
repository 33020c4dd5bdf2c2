"""The monitor's own certificate and private key for a broker, checked to belong together."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from monitor.config import pem
from monitor.config.private_key import PassphraseNeeded, PassphraseWrong, certified_key, private_key, public_half
from monitor.config.text import quoted
from monitor.model.broker import ClientIdentity, Secret


class Unusable(ValueError):  # noqa: N818  an answer, raised like one
    """Certificate and key cannot be used; carries the key of the setting at fault."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


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
    own = public_half(key)
    keys = [certified_key(der) for der in chain]
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


def _private_key(data: bytes, passphrase: bytes | None, source: str) -> PrivateKeyTypes:
    expected = f"expected a private key in PEM in {quoted(source)}"
    try:
        return private_key(data, passphrase)
    except PassphraseNeeded as error:
        message = f"{expected} without passphrase or client_key_passphrase_file beside it, found {error}"
        raise Unusable("client_key", message) from None
    except PassphraseWrong:
        message = f"expected the passphrase of the key in {quoted(source)}, found one that does not open it"
        raise Unusable("client_key_passphrase_file", message) from None
    except ValueError as error:
        raise Unusable("client_key", f"{expected}, found {error}") from None
