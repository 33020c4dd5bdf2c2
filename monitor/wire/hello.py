"""A ClientHello of our own, and the server's first words in answer: for asking about what OpenSSL no longer carries.

Bytes in, bytes out; no handshake is gone through. For versions up to TLS 1.2 (RFC 5246 7.4.1), where the server's
answer and its certificates are in the clear.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.model.broker import TlsVersion
from monitor.model.reasons import ALERTS, UNKNOWN_ALERT
from monitor.wire.records import ALERT, HANDSHAKE, Record, looks_like_tls, split

MAX_ANSWER_BYTES: Final = 128 * 1024
"""OpenSSL takes 100 KiB of certificates; nothing else before them is long."""
_MOST_RECORDS: Final = 1024
"""Of up to 16 KiB each. All that has come is read anew with each piece, so that tiny ones must have an end."""
RANDOM_BYTES: Final = 32
RENEGOTIATION_INFO: Final = 0xFF01
"""The extension by which a server says that it renegotiates securely (RFC 5746 3.2)."""
VERSIONS: Final = {TlsVersion.V1_0: 0x0301, TlsVersion.V1_1: 0x0302, TlsVersion.V1_2: 0x0303}
"""As numbers on the wire."""

_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE, _SERVER_HELLO_DONE = 1, 2, 11, 14
_SERVER_NAME, _SUPPORTED_GROUPS, _EC_POINT_FORMATS, _SIGNATURE_ALGORITHMS = 0, 10, 11, 13
_GROUPS = (0x001D, 0x0017, 0x0018, 0x0019)  # x25519, secp256r1, secp384r1, secp521r1
# ECDSA, RSA-PSS and RSA over SHA-256, 384, 512, and over SHA-1: RFC 8446 4.2.3.
_SIGNATURES = (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201)
_WARNING, _CLOSE_NOTIFY = 1, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHello:
    """What the server chose."""

    version: int
    """As on the wire: 0x0303 is TLS 1.2. Likewise the next."""
    suite: int
    extensions: frozenset[int]


@dataclass(frozen=True, slots=True)
class Alert:
    """The server's refusal."""

    name: str
    """RFC 8446 6, `close_notify`, or `unknown`."""


def client_hello(version: TlsVersion, suites: Sequence[int], *, server_name: str | None, random: bytes) -> bytes:
    """Return the record of a ClientHello.

    Args:
        version: the newest that the client claims to speak; 1.2 at most.
        suites: what it offers, most wanted first.
        server_name: SNI, an A-label DNS name; None for none.
        random: 32 bytes.
    """
    extensions = [
        (_SUPPORTED_GROUPS, _vector(2, _uint16s(_GROUPS))),
        (_EC_POINT_FORMATS, _vector(1, b"\0")),
        (RENEGOTIATION_INFO, _vector(1, b"")),
    ]
    if server_name is not None:
        extensions.insert(0, (_SERVER_NAME, _vector(2, b"\0" + _vector(2, server_name.encode("ascii")))))
    if version is TlsVersion.V1_2:
        extensions.append((_SIGNATURE_ALGORITHMS, _vector(2, _uint16s(_SIGNATURES))))
    body = b"".join(
        (
            VERSIONS[version].to_bytes(2),
            random,
            _vector(1, b""),  # no session to resume
            _vector(2, _uint16s(suites)),
            _vector(1, b"\0"),  # no compression
            _vector(2, b"".join(kind.to_bytes(2) + _vector(2, content) for kind, content in extensions)),
        )
    )
    # RFC 5246 E.1: the record's own version is the oldest, which every server takes.
    return bytes((HANDSHAKE, 3, 1)) + _vector(2, bytes((_CLIENT_HELLO,)) + _vector(3, body))


def close_notify(version: int) -> bytes:
    """Return the alert, in the clear, of a client that wants no more (RFC 5246 7.2.1).

    Args:
        version: as the server chose it.
    """
    return bytes((ALERT,)) + version.to_bytes(2) + _vector(2, bytes((_WARNING, _CLOSE_NOTIFY)))


def read_answer(data: bytes) -> ServerHello | Alert | None:
    """Read the server's first word from all that has come; None while it is not whole.

    Raises:
        ValueError: this is no TLS, or not in order, or endless.
    """
    records = _records(data)
    for record in records:
        if record.content_type == ALERT:
            if len(record.body) != 2:
                raise ValueError("an alert that is none")
            level, description = record.body
            # A warning, such as unrecognized_name, may come before a ServerHello (RFC 6066 3).
            if level != _WARNING or description == _CLOSE_NOTIFY:
                return Alert("close_notify" if description == _CLOSE_NOTIFY else ALERTS.get(description, UNKNOWN_ALERT))
        else:
            break
    for kind, body in _messages(records):
        if kind != _SERVER_HELLO:
            raise ValueError(f"a message of type {kind} where a ServerHello belongs")
        return _server_hello(body)
    return None


def read_certificates(data: bytes) -> tuple[bytes, ...] | None:
    """Read the certificates (DER, as served) behind the ServerHello; None while they are not whole.

    Nothing where the server serves none.

    Raises:
        ValueError: as above.
    """
    for kind, body in _messages(_records(data)):
        if kind == _CERTIFICATE:
            return tuple(_certificates(body))
        if kind == _SERVER_HELLO_DONE:
            return ()
    return None


def _records(data: bytes) -> list[Record]:
    if data and not looks_like_tls(data):
        raise ValueError(f"the answer began with {data[:16]!r}")
    records = split(data)
    if len(data) > MAX_ANSWER_BYTES or len(records) > _MOST_RECORDS:
        raise ValueError("the answer has no end")
    return records


def _messages(records: Sequence[Record]) -> Iterator[tuple[int, bytes]]:
    """Yield the whole handshake messages; they may share records, or spread over several (RFC 5246 6.2.1)."""
    content = b"".join(record.body for record in records if record.content_type == HANDSHAKE)
    while len(content) >= 4:
        end = 4 + int.from_bytes(content[1:4])
        if end > MAX_ANSWER_BYTES:
            raise ValueError("a message that is too long")
        if end > len(content):
            return
        yield content[0], content[4:end]
        content = content[end:]


def _server_hello(body: bytes) -> ServerHello:
    rest = _Reader(body)
    version = int.from_bytes(rest.take(2))
    rest.take(RANDOM_BYTES)
    rest.vector(1)  # session id
    suite = int.from_bytes(rest.take(2))
    rest.take(1)  # compression
    extensions = set()
    block = _Reader(rest.vector(2)) if rest.left else _Reader(b"")
    while block.left:
        extensions.add(int.from_bytes(block.take(2)))
        block.vector(2)
    return ServerHello(version=version, suite=suite, extensions=frozenset(extensions))


def _certificates(body: bytes) -> Iterator[bytes]:
    listed = _Reader(_Reader(body).vector(3))
    while listed.left:
        yield listed.vector(3)


class _Reader:
    """Takes a message apart from its front."""

    def __init__(self, data: bytes) -> None:
        self.left = data

    def take(self, count: int) -> bytes:
        if len(self.left) < count:
            raise ValueError("a message that ends too early")
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def vector(self, length_bytes: int) -> bytes:
        """Take content with its length in front (RFC 5246 4.3)."""
        return self.take(int.from_bytes(self.take(length_bytes)))


def _vector(length_bytes: int, content: bytes) -> bytes:
    return len(content).to_bytes(length_bytes) + content


def _uint16s(numbers: Sequence[int]) -> bytes:
    return b"".join(number.to_bytes(2) for number in numbers)
