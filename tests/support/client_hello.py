"""What a ClientHello asks for, read from its bytes (RFC 8446 4.1.2)."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.tls_records import ContentType, HandshakeType

_SERVER_NAME = 0
_ALPN = 16
_SUPPORTED_VERSIONS = 43


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHello:
    """The part of a ClientHello that tests look at."""

    random: bytes
    server_name: str | None
    """None if no server_name extension was sent."""
    alpn: tuple[str, ...]
    versions: tuple[int, ...]
    """supported_versions: 0x0304 is TLS 1.3; empty if there is no such extension."""
    cipher_suites: tuple[int, ...]


def hello_message(records: bytes) -> bytes | None:
    """Return the whole ClientHello message out of plaintext records; None while some of it is missing.

    Raises:
        ValueError: this is no TLS handshake record.
    """
    content = b""
    while len(records) >= 5:
        if records[0] != ContentType.HANDSHAKE:
            raise ValueError("not a handshake record")
        end = 5 + int.from_bytes(records[3:5])
        if len(records) < end:
            return None
        content, records = content + records[5:end], records[end:]
        if len(content) >= 4 and len(content) >= 4 + int.from_bytes(content[1:4]):
            return content
    return None


def parse_hello(message: bytes) -> ClientHello:
    """Read a whole ClientHello message, header included."""
    if message[0] != HandshakeType.CLIENT_HELLO:
        raise ValueError("not a ClientHello")
    random, rest = message[6:38], message[38:]
    _session_id, rest = _vector(rest, 1)
    suites, rest = _vector(rest, 2)
    _compression, rest = _vector(rest, 1)
    extensions: dict[int, bytes] = {}
    block = _vector(rest, 2)[0] if rest else b""
    while block:
        kind = int.from_bytes(block[:2])
        extensions[kind], block = _vector(block[2:], 2)
    name = extensions.get(_SERVER_NAME)
    protocols = []
    names = extensions[_ALPN][2:] if _ALPN in extensions else b""
    while names:
        protocol, names = _vector(names, 1)
        protocols.append(protocol.decode("ascii"))
    return ClientHello(
        random=random,
        server_name=None if name is None else _vector(name[3:], 2)[0].decode("ascii"),
        alpn=tuple(protocols),
        versions=_uint16s(extensions.get(_SUPPORTED_VERSIONS, b"\0")[1:]),
        cipher_suites=_uint16s(suites),
    )


def _vector(data: bytes, length_bytes: int) -> tuple[bytes, bytes]:
    """Split off a vector with its length in front (RFC 8446 3.4): content and rest."""
    end = length_bytes + int.from_bytes(data[:length_bytes])
    return data[length_bytes:end], data[end:]


def _uint16s(data: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(data[place : place + 2]) for place in range(0, len(data), 2))
