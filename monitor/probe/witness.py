"""Watches the MQTT conversation packet by packet: what the broker said, when, and whether it was allowed to.

The MQTT client below the probe drives the protocol but keeps little of what it saw; this is the record. A packet that
the witness refuses never reaches the client.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from paho.mqtt import MQTTException
from paho.mqtt.client import topic_matches_sub
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from monitor.model.broker import MqttVersion, Secret
from monitor.model.facts import MqttFacts
from monitor.model.reasons import CONNACK_V3, CONNACK_V5, DISCONNECT_V5, PUBACK_V5, SUBACK_V5
from monitor.probe.echo import repeats
from monitor.probe.fault import PhaseFault
from monitor.wire.clock import Stamp
from monitor.wire.ending import printable
from monitor.wire.mqtt import Framer, Packet, PacketType

_FAILURE = 0x80
"""MQTT 5.0 2.4: reason codes from here on are failures."""
_QOS = 0b0110
"""PUBLISH flags (MQTT 5.0 3.3.1.2)."""
_MAX_TEXT = 256
_MAX_BYTES_SHOWN = 32
_WITHHELD = "(withheld: it repeats the password)"
# Every packet costs the event loop a tenth of a millisecond, and properties cost paho the square of their number. An
# honest conversation takes a dozen packets, and a few hundred bytes of properties.
MAX_PACKETS = 128
MAX_PROPERTY_BYTES = 2048
# Who acknowledges a PUBLISH of each QoS (MQTT 5.0 4.3).
_ACKNOWLEDGEMENTS = {1: (PacketType.PUBACK,), 2: (PacketType.PUBREC, PacketType.PUBCOMP)}
# What this module and paho's property reader raise on bytes that are cut off or make no sense.
_UNREADABLE = (IndexError, KeyError, TypeError, ValueError, struct.error, MQTTException)


@dataclass(frozen=True, slots=True)
class Arrival:
    """When an awaited packet came."""

    stamp: Stamp
    shares_segment: bool


@dataclass(frozen=True, slots=True)
class OwnMessage:
    """What this probe publishes, and nobody else can."""

    topic: bytes
    """What it subscribes to as well; a filter with wildcards where nothing is published."""
    payload: bytes


class Witness:
    """One conversation. Feed it every packet in order; it raises at the first one that has no place.

    Args:
        version: what is spoken.
        own: the probe's own message.
        password: what the broker is told; some put all they were told into the reason of a refusal.
    """

    def __init__(self, version: MqttVersion, own: OwnMessage, password: Secret | None = None) -> None:
        self._is_v5 = version is MqttVersion.V5
        self._own = own
        self._password = password
        self._received = self._property_bytes = 0
        self._sent: dict[PacketType, float] = {}
        self._sent_ids: dict[PacketType, bytes] = {}
        self._acknowledgements: tuple[PacketType, ...] = ()
        self.connack: Arrival | None = None
        self.suback: Arrival | None = None
        self.published: Arrival | None = None
        """The PUBACK, or the PUBCOMP of QoS 2."""
        self.own_message: Arrival | None = None
        self._facts: dict[str, object] = {}
        self.foreign_messages = 0
        self.foreign_on_topic = 0
        self.duplicates = 0

    def facts(self) -> MqttFacts:
        """Return what was said so far."""
        return MqttFacts(
            **self._facts,  # type: ignore[arg-type]
            foreign_messages=self.foreign_messages,
            foreign_on_topic=self.foreign_on_topic,
            has_own_message=self.own_message is not None,
            duplicates=self.duplicates,
        )

    def sent(self, raw: bytes, at: float) -> None:
        """Note a whole packet of ours and the moment just before it left."""
        (packet,) = Framer().feed(raw)
        self._sent.setdefault(packet.type, at)
        if packet.type is PacketType.SUBSCRIBE:
            self._sent_ids[packet.type] = packet.body[:2]
        elif packet.type is PacketType.PUBLISH and packet.flags & _QOS:
            after_topic = 2 + int.from_bytes(packet.body[:2], "big")
            self._sent_ids[packet.type] = packet.body[after_topic : after_topic + 2]
            self._acknowledgements = _ACKNOWLEDGEMENTS[_qos(packet)]

    def sent_at(self, kind: PacketType) -> float | None:
        """Return when the first packet of this type left, on the monotonic clock."""
        return self._sent.get(kind)

    def received(self, packet: Packet, arrival: Arrival) -> None:
        """Take the broker's next packet.

        Raises:
            PhaseFault: it is a refusal, malformed, or out of place.
        """
        self._received += 1
        if self._received > MAX_PACKETS:
            raise PhaseFault("too_much_data", f"the broker sent more than {MAX_PACKETS} packets")
        try:
            self._take(packet, arrival)
        except _UNREADABLE as error:
            start = packet.raw[:_MAX_BYTES_SHOWN]
            shown = _WITHHELD if repeats(start, self._password) else f"({start.hex(' ')})"
            detail = f"a {packet.type.name} that cannot be read {shown}: {error}"
            raise PhaseFault("malformed", detail) from None

    def _take(self, packet: Packet, arrival: Arrival) -> None:
        if self.connack is None:
            if packet.type is not PacketType.CONNACK:
                raise PhaseFault("unexpected_packet", f"{packet.type.name} came where CONNACK was due")
            if PacketType.CONNECT not in self._sent:
                raise PhaseFault("unexpected_packet", "CONNACK came before we had sent CONNECT")
            self._take_connack(packet, arrival)
            return
        match packet.type:
            case PacketType.SUBACK if self.suback is None and PacketType.SUBSCRIBE in self._sent:
                self._take_suback(packet, arrival)
            case PacketType.PUBLISH if PacketType.SUBSCRIBE in self._sent:
                self._take_publish(packet, arrival)
            case kind if kind in self._acknowledgements and self.published is None:
                self._take_acknowledgement(packet, arrival)
            case PacketType.PUBREL if PacketType.PUBREC in self._sent:
                pass
            case PacketType.DISCONNECT if self._is_v5:
                self._take_disconnect(packet)
            case _:
                raise PhaseFault("unexpected_packet", f"{packet.type.name} came, which has no place here")

    def _take_connack(self, packet: Packet, arrival: Arrival) -> None:
        body = packet.body
        flags, code = body[0], body[1]
        self._facts["session_present"] = bool(flags & 1)
        self._facts["connack_code"] = code
        # A broker that knows only 3.x answers a 5.0 CONNECT with a 3.x CONNACK, which has no properties.
        codes = CONNACK_V5 if self._is_v5 and len(body) > 2 else CONNACK_V3
        if codes is CONNACK_V5:
            self._facts["connack_properties"] = self._last_properties(PacketTypes.CONNACK, body[2:])
        elif len(body) != 2:
            raise ValueError(f"{len(body)} bytes after the fixed header, not 2")
        if code:
            raise self._refusal("CONNACK", code, codes.get(code, "refused"))
        if codes is CONNACK_V3 and self._is_v5:
            raise ValueError("a success in the form of MQTT 3 to a CONNECT of MQTT 5")
        self.connack = arrival

    def _take_suback(self, packet: Packet, arrival: Arrival) -> None:
        self._check_id(packet, PacketType.SUBSCRIBE)
        codes = packet.body[2:]
        if self._is_v5:
            _, codes = self._properties(PacketTypes.SUBACK, codes)
        if len(codes) != 1:
            raise ValueError(f"{len(codes)} return codes for one subscription")
        code = codes[0]
        self._facts["suback_code"] = code
        if code >= _FAILURE:
            raise self._refusal("SUBACK", code, SUBACK_V5.get(code, "refused") if self._is_v5 else "refused")
        if code > 2:
            raise ValueError(f"the granted QoS is {code}")
        self.suback = arrival

    def _take_acknowledgement(self, packet: Packet, arrival: Arrival) -> None:
        self._check_id(packet, PacketType.PUBLISH)
        if packet.type is PacketType.PUBCOMP and PacketType.PUBREL not in self._sent:
            raise PhaseFault("unexpected_packet", "PUBCOMP came before we had sent PUBREL")
        if not self._is_v5 and len(packet.body) != 2:
            raise ValueError(f"{len(packet.body)} bytes after the fixed header, not 2")
        code = packet.body[2] if self._is_v5 and len(packet.body) > 2 else 0
        if packet.type is not PacketType.PUBCOMP:
            self._facts["puback_code"] = code
        if self._is_v5 and len(packet.body) > 3:
            self._last_properties(int(packet.type), packet.body[3:])
        if code >= _FAILURE:
            raise self._refusal(packet.type.name, code, PUBACK_V5.get(code, "refused"))
        if packet.type is not PacketType.PUBREC:
            self.published = arrival

    def _check_id(self, packet: Packet, ours: PacketType) -> None:
        if len(packet.body) < 2:
            raise ValueError("no packet identifier")
        if packet.body[:2] != self._sent_ids.get(ours):
            detail = f"{packet.type.name} names packet {int.from_bytes(packet.body[:2], 'big')}, which we did not send"
            raise PhaseFault("unexpected_packet", detail)

    def _take_publish(self, packet: Packet, arrival: Arrival) -> None:
        length = int.from_bytes(packet.body[:2], "big")
        topic = packet.body[2 : 2 + length]
        if len(topic) != length:
            raise ValueError("the topic is cut off")
        name = topic.decode()
        # MQTT-3.3.2-2: no wildcards. An empty one would be an alias (MQTT 5.0 3.3.2.1), and we allowed none.
        if not name or "#" in name or "+" in name:
            raise ValueError("no topic that can be published to")
        if _qos(packet) == 3:
            raise ValueError("QoS 3 does not exist")  # MQTT-3.3.1-4
        payload = packet.body[2 + length :]
        if _qos(packet):
            if len(payload) < 2:
                raise ValueError("no packet identifier")
            payload = payload[2:]
        if self._is_v5:
            _, payload = self._properties(PacketTypes.PUBLISH, payload)
        # A retained copy is an older message by definition (MQTT 3.1.1 3.3.1.3): not what was just published.
        is_own = (topic, payload) == (self._own.topic, self._own.payload) and not packet.flags & 1
        if not is_own or PacketType.PUBLISH not in self._sent:
            self.foreign_messages += 1
            self.foreign_on_topic += topic_matches_sub(self._own.topic.decode(), name)
        elif self.own_message is None:
            self.own_message = arrival
        else:
            self.duplicates += 1

    def _take_disconnect(self, packet: Packet) -> None:
        code = packet.body[0] if packet.body else 0
        self._facts["disconnect_code"] = code
        if len(packet.body) > 1:
            self._last_properties(PacketTypes.DISCONNECT, packet.body[1:])
        raise self._refusal("DISCONNECT", code, "disconnected", DISCONNECT_V5.get(code))

    def _last_properties(self, packet_type: int, data: bytes) -> tuple[tuple[str, str], ...]:
        """Decode the properties that end a packet."""
        found, rest = self._properties(packet_type, data)
        if rest:
            raise ValueError(f"{len(rest)} bytes after the properties")
        return found

    def _properties(self, packet_type: int, data: bytes) -> tuple[tuple[tuple[str, str], ...], bytes]:
        """Decode MQTT 5 properties, and keep the Reason String. Returns them and what follows them."""
        length, start = _variable_length(data)
        end = start + length
        if end > len(data):
            raise ValueError("the properties are cut off")
        self._property_bytes += length
        if self._property_bytes > MAX_PROPERTY_BYTES:
            raise PhaseFault("too_much_data", f"the broker sent {self._property_bytes} bytes of properties")
        properties = Properties(packet_type)  # type: ignore[no-untyped-call]
        properties.unpack(data[:end])  # type: ignore[no-untyped-call]
        found = tuple(
            (name, self._shown(str(value)))
            for name, value in properties.json().items()  # type: ignore[no-untyped-call]
        )
        for name, value in found:
            if name == "ReasonString":
                self._facts["reason_string"] = value
        return found, data[end:]

    def _shown(self, text: str) -> str:
        # First of all: a text that was cut off or made printable may hold the password unnoticed.
        return _WITHHELD if repeats(text.encode(), self._password) else printable(text[:_MAX_TEXT])

    def _refusal(self, packet: str, code: int, word: str, name: str | None = None) -> PhaseFault:
        detail = f"{packet} with code 0x{code:02x}" if code >= _FAILURE else f"{packet} with code {code}"
        if (meaning := name or word) not in {"refused", "disconnected"}:
            detail += f" ({meaning.replace('_', ' ')})"
        if reason := self._facts.get("reason_string"):
            detail += f": {reason}"
        return PhaseFault(word, detail)


def _qos(packet: Packet) -> int:
    return (packet.flags & _QOS) >> 1


def _variable_length(data: bytes) -> tuple[int, int]:
    """Return a variable byte integer (MQTT 5.0 1.5.5) and how many bytes it took."""
    value = 0
    for at, byte in enumerate(data[:4]):
        value |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:
            return value, at + 1
    raise ValueError("a property length that does not end")
