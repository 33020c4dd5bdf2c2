"""A server's first words in TLS 1.2 and before, made by hand (RFC 5246 7.4)."""

from __future__ import annotations

from tests.support.tls_records import ContentType, HandshakeType, message, plain_record

RANDOM = bytes(range(32))


def server_hello(version: int = 0x0303, suite: int = 0x0005, *extensions: int, session_id: bytes = b"") -> bytes:
    """Make a ServerHello; each extension holds one byte."""
    block = b"".join(kind.to_bytes(2) + b"\0\1\0" for kind in extensions)
    return message(
        HandshakeType.SERVER_HELLO,
        version.to_bytes(2)
        + RANDOM
        + bytes((len(session_id),))
        + session_id
        + suite.to_bytes(2)
        + b"\0"
        + (len(block).to_bytes(2) + block if extensions else b""),
    )


def certificates(*ders: bytes) -> bytes:
    """Make a Certificate message."""
    listed = b"".join(len(der).to_bytes(3) + der for der in ders)
    return message(HandshakeType.CERTIFICATE, len(listed).to_bytes(3) + listed)


def record(content: bytes) -> bytes:
    """Frame handshake messages, or a part of them, in the clear."""
    return plain_record(ContentType.HANDSHAKE, content)
