"""A server's half of the TLS record layer, keyed by OpenSSL's key log: it opens what OpenSSL sealed and seals anew.

With it a test server can send any record, encrypted as it has to be: an alert that OpenSSL never would, a record that
does not decrypt, a handshake message that was changed on its way. TLS 1.3 (RFC 8446 5.2, 7.3) and the AES-GCM suites
of TLS 1.2 (RFC 5246 6.2.3.3, 6.3; RFC 5288 3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

MAX_FRAGMENT = 16384
"""RFC 8446 5.1."""


class ContentType(IntEnum):
    """RFC 8446 5.1; RFC 5246 6.2.1."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23


class HandshakeType(IntEnum):
    """RFC 8446 4, and RFC 5246 7.4 for the ones of TLS 1.2."""

    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    NEW_SESSION_TICKET = 4
    ENCRYPTED_EXTENSIONS = 8
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12
    CERTIFICATE_REQUEST = 13
    SERVER_HELLO_DONE = 14
    CERTIFICATE_VERIFY = 15
    FINISHED = 20


@dataclass(frozen=True, slots=True)
class Record:
    """One record's content, in the clear."""

    type: int
    content: bytes


def split_records(data: bytes) -> Iterator[bytes]:
    """Cut whole records apart, headers included; what is left of a last one that is not whole comes last."""
    while data:
        end = 5 + int.from_bytes(data[3:5])
        yield data[:end]
        data = data[end:]


def plain_record(kind: int, content: bytes, version: int = 0x0303) -> bytes:
    """Frame content without encryption. TLS 1.3 gives itself out as 1.2 here (RFC 8446 5.1)."""
    return bytes((kind,)) + version.to_bytes(2) + len(content).to_bytes(2) + content


def split_messages(content: bytes) -> list[bytes]:
    """Cut whole handshake messages apart, headers included (RFC 8446 4)."""
    messages = []
    while content:
        end = 4 + int.from_bytes(content[1:4])
        messages.append(content[:end])
        content = content[end:]
    return messages


def message(kind: int, body: bytes) -> bytes:
    """Frame a handshake message."""
    return bytes((kind,)) + len(body).to_bytes(3) + body


class KeySource(Protocol):
    """Where a layer gets the server's keys from. Each call starts to count its records at 0."""

    @property
    def version(self) -> int:
        """The version chosen: 0x0304 is TLS 1.3."""

    def handshake(self) -> Keys:
        """TLS 1.3's handshake keys."""

    def application(self) -> Keys:
        """The keys of application data."""


class Keys:
    """The keys of one direction and epoch, for either sealing or opening: one count of records serves both."""

    def __init__(self, aead: AESGCM | ChaCha20Poly1305, iv: bytes, *, is_tls13: bool) -> None:
        self._aead = aead
        self._iv = iv
        self._is_tls13 = is_tls13
        self._count = 0

    def open(self, record: bytes) -> Record:
        """Decrypt a whole record, the next one of its sender."""
        number = self._next()
        if self._is_tls13:
            inner = self._aead.decrypt(self._nonce13(number), record[5:], record[:5]).rstrip(b"\0")
            return Record(inner[-1], inner[:-1])
        explicit, sealed = record[5:13], record[13:]
        header = _header12(number, record[0], len(sealed) - 16)
        return Record(record[0], self._aead.decrypt(self._iv + explicit, sealed, header))

    def seal(self, record: Record) -> bytes:
        """Encrypt the next record."""
        number = self._next()
        if self._is_tls13:
            inner = record.content + bytes((record.type,))
            header = bytes((ContentType.APPLICATION_DATA, 3, 3)) + (len(inner) + 16).to_bytes(2)
            return header + self._aead.encrypt(self._nonce13(number), inner, header)
        explicit = number.to_bytes(8)
        sealed = self._aead.encrypt(
            self._iv + explicit, record.content, _header12(number, record.type, len(record.content))
        )
        return plain_record(record.type, explicit + sealed)

    def _next(self) -> int:
        number, self._count = self._count, self._count + 1
        return number

    def _nonce13(self, number: int) -> bytes:
        return bytes(a ^ b for a, b in zip(self._iv, number.to_bytes(12), strict=True))


class Layer:
    """Follows one direction of a server's records through its epochs: in the clear, handshake, application.

    The records themselves say where one epoch ends (RFC 8446 2, RFC 5246 7.1), so the same steps open what OpenSSL
    sealed and seal what goes out.
    """

    def __init__(self, keys: KeySource) -> None:
        """Get keys from `keys`, once per epoch."""
        self._keys = keys
        self._current: Keys | None = None
        self._handshake = b""

    def open(self, record: bytes) -> Record:
        """Read one whole record, header included."""
        if self._current is None or record[0] == ContentType.CHANGE_CIPHER_SPEC:
            opened = Record(record[0], record[5:])
        else:
            opened = self._current.open(record)
        self._passed(opened)
        return opened

    def seal(self, record: Record) -> bytes:
        """Write a record of any length as one or more."""
        wire = b""
        for start in range(0, max(len(record.content), 1), MAX_FRAGMENT):
            part = Record(record.type, record.content[start : start + MAX_FRAGMENT])
            if self._current is None or record.type == ContentType.CHANGE_CIPHER_SPEC:
                wire += plain_record(part.type, part.content, min(self._keys.version, 0x0303))
            else:
                wire += self._current.seal(part)
            self._passed(part)
        return wire

    def _passed(self, record: Record) -> None:
        is_tls13 = self._keys.version == 0x0304
        if record.type == ContentType.CHANGE_CIPHER_SPEC and not is_tls13:
            self._current = self._keys.application()
        if record.type != ContentType.HANDSHAKE or not is_tls13:
            return
        self._handshake += record.content
        while len(self._handshake) >= 4:
            end = 4 + int.from_bytes(self._handshake[1:4])
            if len(self._handshake) < end:
                return
            kind, self._handshake = self._handshake[0], self._handshake[end:]
            if kind == HandshakeType.SERVER_HELLO:
                self._current = self._keys.handshake()
            elif kind == HandshakeType.FINISHED and self._current is not None:
                self._current = self._keys.application()


def _header12(number: int, kind: int, length: int) -> bytes:
    """RFC 5246 6.2.3.3: additional_data."""
    return number.to_bytes(8) + bytes((kind, 3, 3)) + length.to_bytes(2)


def keys13(secret: bytes, cipher: str) -> Keys:
    """Derive the keys of a traffic secret (RFC 8446 7.3); `cipher` is OpenSSL's name of the suite."""
    digest: hashes.HashAlgorithm = hashes.SHA384() if cipher.endswith("SHA384") else hashes.SHA256()
    length = 16 if "AES_128" in cipher else 32

    def expand(label: bytes, size: int) -> bytes:
        info = size.to_bytes(2) + bytes((len(label) + 6,)) + b"tls13 " + label + b"\0"
        return HKDFExpand(digest, size, info).derive(secret)

    key = expand(b"key", length)
    aead = ChaCha20Poly1305(key) if "CHACHA20" in cipher else AESGCM(key)
    return Keys(aead, expand(b"iv", 12), is_tls13=True)


def server_keys12(master: bytes, client_random: bytes, server_random: bytes, cipher: str) -> Keys:
    """Derive the server's write keys of an AES-GCM suite (RFC 5246 6.3)."""
    digest: hashes.HashAlgorithm = hashes.SHA384() if cipher.endswith("SHA384") else hashes.SHA256()
    length = 16 if "AES128" in cipher else 32
    # client_write_key, server_write_key, client_write_IV (4), server_write_IV (4); AEAD has no MAC keys.
    block = _prf(digest, master, b"key expansion" + server_random + client_random, 2 * length + 8)
    return Keys(AESGCM(block[length : 2 * length]), block[2 * length + 4 :], is_tls13=False)


def _prf(digest: hashes.HashAlgorithm, secret: bytes, seed: bytes, size: int) -> bytes:
    """RFC 5246 5: P_hash."""

    def mac(data: bytes) -> bytes:
        context = hmac.HMAC(secret, digest)
        context.update(data)
        return context.finalize()

    produced, link = b"", seed
    while len(produced) < size:
        link = mac(link)
        produced += mac(link + seed)
    return produced[:size]
