"""MQTT packets as a broker sees them: what a client sends, decoded; what a broker answers, encoded.

Written apart from the probe's own codec, so that the two check each other. Levels are the protocol's numbers:
3 (MQTT 3.1), 4 (3.1.1), 5.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum


class PacketType(IntEnum):
    """MQTT 5.0, 2.1.2 (table 2-1)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One packet from a client. What its type does not carry is empty or None."""

    type: PacketType
    flags: int
    body: bytes = field(repr=False)
    """Everything after the remaining length."""
    level: int
    packet_id: int = 0
    """0 where the packet has none."""
    client_id: str = ""
    is_clean: bool = False
    """CONNECT's clean session, clean start in MQTT 5."""
    keep_alive_s: int = 0
    properties: bytes = field(default=b"", repr=False)
    """MQTT 5: undecoded."""
    username: str | None = None
    password: bytes | None = field(default=None, repr=False)
    topics: tuple[str, ...] = ()
    """PUBLISH's topic; the filters of SUBSCRIBE and UNSUBSCRIBE."""
    requested_qos: tuple[int, ...] = ()
    """SUBSCRIBE: per filter."""
    payload: bytes = field(default=b"", repr=False)
    qos: int = 0
    is_retained: bool = False
    is_duplicate: bool = False
    code: int | None = None
    """Reason code of an acknowledgement or DISCONNECT in MQTT 5, if one was sent."""

    @property
    def topic(self) -> str:
        """The one topic of a PUBLISH, the first filter of a SUBSCRIBE."""
        return self.topics[0]


class _Reader:
    """Takes MQTT's data types off the front of a body (MQTT 5.0, 1.5). IndexError or struct.error at its end."""

    def __init__(self, body: bytes) -> None:
        self.rest = body

    def take(self, count: int) -> bytes:
        if count > len(self.rest):
            raise IndexError("the packet is shorter than its fields")
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def byte(self) -> int:
        return self.take(1)[0]

    def uint16(self) -> int:
        return int.from_bytes(self.take(2))

    def binary(self) -> bytes:
        return self.take(self.uint16())

    def text(self) -> str:
        return self.binary().decode()

    def properties(self, level: int) -> bytes:
        if level < 5:
            return b""
        length, consumed = _varint(self.rest)
        self.take(consumed)
        return self.take(length)


def split_packet(data: bytes) -> tuple[int, bytes, int] | None:
    """Take the first packet off `data`: its first byte, its body, and how many bytes it took. None: not whole yet.

    Raises:
        ValueError: a remaining length of more than four bytes.
    """
    try:
        length, consumed = _varint(data[1:])
    except IndexError:
        return None
    end = 1 + consumed + length
    return None if len(data) < end else (data[0], data[1 + consumed : end], end)


def decode(first: int, body: bytes, level: int) -> Packet:
    """Decode a client's packet; `level` is the connection's, and CONNECT's own."""
    kind, flags = PacketType(first >> 4), first & 0x0F
    reader = _Reader(body)
    if kind is PacketType.CONNECT:
        return _decode_connect(reader, flags, body)
    if kind is PacketType.PUBLISH:
        qos = flags >> 1 & 3
        topic = reader.text()
        packet_id = reader.uint16() if qos else 0
        return Packet(
            type=kind,
            flags=flags,
            body=body,
            level=level,
            topics=(topic,),
            packet_id=packet_id,
            properties=reader.properties(level),
            payload=reader.rest,
            qos=qos,
            is_retained=bool(flags & 1),
            is_duplicate=bool(flags & 8),
        )
    if kind in {PacketType.SUBSCRIBE, PacketType.UNSUBSCRIBE}:
        packet_id, properties = reader.uint16(), reader.properties(level)
        topics, requested = [], []
        while reader.rest:
            topics.append(reader.text())
            if kind is PacketType.SUBSCRIBE:
                requested.append(reader.byte() & 3)
        return Packet(
            type=kind,
            flags=flags,
            body=body,
            level=level,
            packet_id=packet_id,
            properties=properties,
            topics=tuple(topics),
            requested_qos=tuple(requested),
        )
    has_id = kind in {PacketType.PUBACK, PacketType.PUBREC, PacketType.PUBREL, PacketType.PUBCOMP}
    packet_id = reader.uint16() if has_id else 0
    code = reader.byte() if level >= 5 and reader.rest else None
    return Packet(type=kind, flags=flags, body=body, level=level, packet_id=packet_id, code=code)


def _decode_connect(reader: _Reader, flags: int, body: bytes) -> Packet:
    """Decode MQTT 3.1.1 and 5.0, 3.1, but for authentication methods and the like, which stay in the properties."""
    reader.text()  # MQTT, or MQIsdp
    level = reader.byte() & 0x7F  # bridges set the highest bit
    connect_flags, keep_alive_s = reader.byte(), reader.uint16()
    properties = reader.properties(level)
    client_id = reader.text()
    if connect_flags & 0x04:  # will
        reader.properties(level)
        reader.text()
        reader.binary()
    username = reader.text() if connect_flags & 0x80 else None
    password = reader.binary() if connect_flags & 0x40 else None
    return Packet(
        type=PacketType.CONNECT,
        flags=flags,
        body=body,
        level=level,
        client_id=client_id,
        is_clean=bool(connect_flags & 0x02),
        keep_alive_s=keep_alive_s,
        properties=properties,
        username=username,
        password=password,
    )


def packet(kind: PacketType, body: bytes = b"", *, flags: int = 0) -> bytes:
    """Encode any packet from its body."""
    return bytes((kind << 4 | flags,)) + variable_length(len(body)) + body


def string(text: str) -> bytes:
    """Encode a UTF-8 string with its length (MQTT 5.0, 1.5.4)."""
    encoded = text.encode()
    return len(encoded).to_bytes(2) + encoded


def reason_string(text: str) -> bytes:
    """Encode the property of that name (MQTT 5.0, 3.2.2.3.9), for `properties`."""
    return b"\x1f" + string(text)


def connack(level: int, code: int = 0, *, session_present: bool = False, properties: bytes = b"") -> bytes:
    """Encode a CONNACK; the code is used as given, whichever version it belongs to."""
    return packet(PacketType.CONNACK, bytes((session_present, code)) + _properties(level, properties))


def suback(level: int, packet_id: int, codes: Sequence[int] = (1,), *, properties: bytes = b"") -> bytes:
    """Encode a SUBACK."""
    return packet(PacketType.SUBACK, packet_id.to_bytes(2) + _properties(level, properties) + bytes(codes))


def publish(
    level: int,
    topic: str,
    payload: bytes,
    *,
    qos: int = 0,
    packet_id: int = 1,
    retained: bool = False,
    duplicate: bool = False,
    properties: bytes = b"",
) -> bytes:
    """Encode a PUBLISH."""
    identifier = packet_id.to_bytes(2) if qos else b""
    body = string(topic) + identifier + _properties(level, properties) + payload
    return packet(PacketType.PUBLISH, body, flags=duplicate << 3 | qos << 1 | retained)


def acknowledgement(level: int, kind: PacketType, packet_id: int, code: int = 0, *, properties: bytes = b"") -> bytes:
    """Encode a PUBACK, PUBREC, PUBREL or PUBCOMP; in MQTT 5 a code of 0 without properties is left out."""
    body = packet_id.to_bytes(2)
    if level >= 5 and (code or properties):
        body += bytes((code,)) + _properties(level, properties)
    return packet(kind, body, flags=2 if kind is PacketType.PUBREL else 0)


def disconnect(code: int, *, properties: bytes = b"") -> bytes:
    """Encode the broker's DISCONNECT, which only MQTT 5 has."""
    return packet(PacketType.DISCONNECT, bytes((code,)) + _properties(5, properties))


OVERSIZED_PUBLISH_HEADER = struct.pack("B4s", PacketType.PUBLISH << 4, b"\xff\xff\xff\x7f")
"""A packet of 256 MiB begins: the largest remaining length (MQTT 5.0, 1.5.5)."""

MALFORMED_LENGTH = b"\x20\xff\xff\xff\xff\x01"
"""A CONNACK whose remaining length has five bytes: one more than any packet may have."""


def _properties(level: int, properties: bytes) -> bytes:
    return variable_length(len(properties)) + properties if level >= 5 else b""


def _varint(data: bytes) -> tuple[int, int]:
    """Decode a variable byte integer: value and bytes taken (MQTT 5.0, 1.5.5). IndexError if it is not whole."""
    value = 0
    for place in range(4):
        value |= (data[place] & 0x7F) << 7 * place
        if not data[place] & 0x80:
            return value, place + 1
    raise ValueError("a length of more than four bytes")


def variable_length(value: int) -> bytes:
    """Encode a variable byte integer (MQTT 5.0 1.5.5)."""
    encoded = bytearray()
    while True:
        value, low = divmod(value, 128)
        encoded.append(low | (0x80 if value else 0))
        if not value:
            return bytes(encoded)
