"""Reading TLS record headers, for what OpenSSL does not tell: RFC 8446 5.1 and RFC 5246 6.2.1. No decryption."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

HEADER_BYTES = 5
ALERT, HANDSHAKE, APPLICATION_DATA = 21, 22, 23
_CONTENT_TYPES = frozenset((20, ALERT, HANDSHAKE, APPLICATION_DATA))
_CERTIFICATE, _CERTIFICATE_VERIFY = 11, 15


@dataclass(frozen=True, slots=True)
class Record:
    """One TLS record; the body is ciphertext once keys are in use."""

    content_type: int
    body: bytes


def looks_like_tls(start: bytes) -> bool:
    """Whether a stream that begins with these bytes (at least one) can be TLS: content type, then version 3.x."""
    return start[0] in _CONTENT_TYPES and start[1:2] in {b"", b"\x03"}


def split(data: bytes) -> list[Record]:
    """Return the whole records at the start of `data`; a partial one at its end is left out."""
    records = []
    at = 0
    while at + HEADER_BYTES <= len(data):
        end = at + HEADER_BYTES + int.from_bytes(data[at + 3 : at + 5], "big")
        if end > len(data):
            break
        records.append(Record(data[at], data[at + HEADER_BYTES : end]))
        at = end
    return records


class RecordCounter:
    """Counts whole records in a stream that arrives in pieces, by header alone; holds at most one header."""

    __slots__ = ("_header", "_skip", "whole")

    def __init__(self) -> None:
        self.whole = 0
        self._header = b""
        self._skip = 0

    def feed(self, data: bytes) -> None:
        """Take the next piece of the stream."""
        at = 0
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
                at += step
                if self._skip == 0:
                    self.whole += 1
                continue
            wanted = HEADER_BYTES - len(self._header)
            self._header += data[at : at + wanted]
            at += wanted
            if len(self._header) == HEADER_BYTES:
                self._skip = int.from_bytes(self._header[3:5], "big")
                self._header = b""
                if self._skip == 0:
                    self.whole += 1


@dataclass(frozen=True, slots=True)
class ClientFlight:
    """What our own answer to the server's flight gives away about the server's wish."""

    has_certificate_message: bool
    """The server sent a CertificateRequest: only then does a client send a Certificate message."""
    has_certificate: bool
    """The message is not empty: a certificate of ours is in it."""


def read_client_flight(flight: bytes, *, is_tls13: bool) -> ClientFlight:
    """Read the client's last handshake flight as it lies in the outgoing BIO.

    In TLS 1.3 it is encrypted, one record per message: Finished alone; an empty Certificate and Finished; or
    Certificate, CertificateVerify and Finished (RFC 8446 4.4). In TLS 1.2 it is plain until ChangeCipherSpec, and
    CertificateVerify says that the certificate is not empty (RFC 5246 7.4.8).
    """
    records = split(flight)
    if is_tls13:
        messages = sum(record.content_type == APPLICATION_DATA for record in records)
        return ClientFlight(messages > 1, messages > 2)
    plain = takewhile(lambda record: record.content_type == HANDSHAKE, records)  # up to ChangeCipherSpec
    kinds = _handshake_types(b"".join(record.body for record in plain))
    return ClientFlight(_CERTIFICATE in kinds, _CERTIFICATE_VERIFY in kinds)


def _handshake_types(body: bytes) -> set[int]:
    types = set()
    at = 0
    while at + 4 <= len(body):
        types.add(body[at])
        at += 4 + int.from_bytes(body[at + 1 : at + 4], "big")
    return types
