"""MQTT control packets in a byte stream: framing alone (MQTT 5.0 2.1; the same since 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

MAX_PACKET_BYTES = 64 * 1024
"""No packet that a probe causes comes near; a broker that announces more is not waited for."""


class PacketType(IntEnum):
    """Control packet types (MQTT 5.0 2.1.2)."""

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


@dataclass(frozen=True, slots=True)
class Packet:
    """One whole control packet."""

    type: PacketType
    flags: int
    body: bytes
    """Variable header and payload."""
    raw: bytes
    """The whole packet, as received."""


class MalformedPacketError(Exception):
    """The bytes are no MQTT packet, or one too large. The text says which."""


class Framer:
    """Cuts a stream into packets. Holds at most one partial packet of `MAX_PACKET_BYTES`."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def partial_bytes(self) -> int:
        """How many bytes of an unfinished packet have arrived."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Packet]:
        """Return the packets that these bytes complete.

        Raises:
            MalformedPacketError: the stream cannot be MQTT from here on. Packets before that point are returned first;
                the next call, with or without more bytes, raises.
        """
        self._buffer += data
        packets = []
        start = 0
        try:
            while packet := self._packet_at(start):
                packets.append(packet)
                start += len(packet.raw)
        except MalformedPacketError:
            if not packets:
                raise
        self._buffer = self._buffer[start:]
        return packets

    def _packet_at(self, start: int) -> Packet | None:
        header = self._buffer[start : start + 5]
        if not header:
            return None
        kind = header[0] >> 4
        if kind == 0:
            # MQTT 5.0 2.1.2: type 0 is reserved and forbidden.
            raise MalformedPacketError(f"packet type 0 does not exist (first bytes {header.hex(' ')})")
        length = shift = 0
        for at, byte in enumerate(header[1:], start=start + 1):
            length |= (byte & 0x7F) << shift
            shift += 7
            if length > MAX_PACKET_BYTES:
                raise MalformedPacketError(f"a {PacketType(kind).name} of {length} bytes or more was announced")
            if byte < 0x80:
                end = at + 1 + length
                if len(self._buffer) < end:
                    return None
                return Packet(PacketType(kind), header[0] & 0x0F, self._buffer[at + 1 : end], self._buffer[start:end])
        if len(header) > 4:
            # MQTT 5.0 1.5.5: a remaining length has four bytes at most.
            raise MalformedPacketError(f"the remaining length does not end (first bytes {header.hex(' ')})")
        return None
