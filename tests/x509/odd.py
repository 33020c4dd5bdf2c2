"""Certificates that no library would issue: a DER writer, and a certificate with any field replaced."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def tlv(tag: int, *parts: bytes) -> bytes:
    """Encode one element."""
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes((tag, len(body))) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def oid(dotted: str) -> bytes:
    """Encode an OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    body = b""
    for arc in (first * 40 + second, *rest):
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.insert(0, 0x80 | arc & 0x7F)
        body += bytes(octets)
    return tlv(0x06, body)


def integer(value: int) -> bytes:
    """Encode an INTEGER."""
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def common_name(text: bytes, tag: int = 0x0C) -> bytes:
    """Encode a Name of one commonName."""
    return tlv(0x30, tlv(0x31, tlv(0x30, oid("2.5.4.3"), tlv(tag, text))))


def extension(kind: str, value: bytes) -> bytes:
    """Encode an Extension that is not critical."""
    return tlv(0x30, oid(kind), tlv(0x04, value))


def subject_alt_name(*entries: bytes) -> bytes:
    """Encode the subjectAltName extension of these GeneralNames."""
    return extension("2.5.29.17", tlv(0x30, *entries))


SERVER_AUTH = extension("2.5.29.37", tlv(0x30, oid("1.3.6.1.5.5.7.3.1")))
CLIENT_AUTH = extension("2.5.29.37", tlv(0x30, oid("1.3.6.1.5.5.7.3.2")))
LOCALHOST = subject_alt_name(tlv(0x82, b"localhost"))

_ECDSA = tlv(0x30, oid("1.2.840.10045.4.3.2"))
_KEY = (
    ec.derive_private_key(1, ec.SECP256R1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)


def certificate(
    *,
    version: bytes = tlv(0xA0, integer(2)),
    serial: bytes = integer(0x0A1B),
    signature: bytes = _ECDSA,
    issuer: bytes = common_name(b"issuer"),
    not_before: bytes = tlv(0x17, b"260101000000Z"),
    not_after: bytes = tlv(0x17, b"270101000000Z"),
    validity: bytes | None = None,
    subject: bytes = common_name(b"subject"),
    key: bytes = _KEY,
    extensions: Sequence[bytes] | bytes = (LOCALHOST,),
) -> bytes:
    """Assemble a certificate; each argument is the encoded field. Its signature is nothing but zeros."""
    dates = tlv(0x30, not_before, not_after) if validity is None else validity
    listed = extensions if isinstance(extensions, bytes) else tlv(0xA3, tlv(0x30, *extensions))
    signed = tlv(0x30, version, serial, signature, issuer, dates, subject, key, listed)
    return tlv(0x30, signed, _ECDSA, tlv(0x03, b"\x00" * 9))
