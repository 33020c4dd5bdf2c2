"""Failures of MQTT inside good TLS: `mqtt_connect_*`, `subscribe_*`, `publish_*`, `roundtrip_*`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from monitor.model.broker import MqttSettings, MqttVersion
from monitor.model.reasons import ALERTS, CONNACK_V3, CONNACK_V5, PUBACK_V5, SUBACK_V5
from tests.support import mqtt_bytes
from tests.support.case import AMPLE_S, SHORT_S, V3_1_1, V5, Case, good_tls, scripted, tls12
from tests.support.cases_tls import UNKNOWN_ALERT_NUMBER, USER_CANCELED
from tests.support.faults import Peer, Script
from tests.support.mqtt_bytes import MALFORMED_LENGTH, Packet, PacketType
from tests.support.mqtt_script import (
    Act,
    acknowledge,
    alert,
    all_of,
    broker,
    close,
    close_bare,
    corrupt,
    disconnect,
    flood,
    flood_of_messages,
    message,
    nothing,
    puback,
    refuse,
    refuse_as_3x,
    reset,
    send,
    stall,
    suback,
)
from tests.support.tls_records import ContentType, HandshakeType
from tests.support.tls_records import message as handshake_message

UNKNOWN_CODE_V3 = 0x42
UNKNOWN_CODE_V5 = 0xF0
INTERNAL_ERROR = 80
HALF_A_PACKET = b"\x30\x20half"
"""A PUBLISH of 32 bytes, of which four come."""
PINGRESP = mqtt_bytes.packet(PacketType.PINGRESP)
QOS_2 = MqttSettings(qos=2)


def flood_of_tickets(peer: Peer, packet: Packet) -> None:
    """Session tickets without end: good TLS 1.3 (RFC 8446 4.6.1), and not a byte of MQTT."""
    ticket = bytes(8) + b"\0" + (1000).to_bytes(2) + bytes(1000) + b"\0\0"
    while True:
        peer.send_record(ContentType.HANDSHAKE, handshake_message(HandshakeType.NEW_SESSION_TICKET, ticket))


def drip_a_packet(peer: Peer, packet: Packet) -> None:
    """A packet whose bytes come so slowly that its end is never seen."""
    peer.send_slowly(b"\x20\x40" + bytes(64), 0.1)


class _Fault(NamedTuple):
    act: Act
    word: str
    """Of the reason, behind the phase."""


# What can go wrong in any exchange.
_EXCHANGE: Mapping[str, _Fault] = {
    "stall": _Fault(stall, "timeout"),
    "drip": _Fault(drip_a_packet, "timeout"),
    "half-a-packet-and-stall": _Fault(all_of(send(HALF_A_PACKET), stall), "timeout"),
    "close": _Fault(close, "closed"),
    "close-without-close-notify": _Fault(close_bare, "closed"),
    "half-a-packet-and-close": _Fault(all_of(send(HALF_A_PACKET), close), "closed"),
    "reset": _Fault(reset, "reset"),
    "record-that-does-not-decrypt": _Fault(corrupt, "tls_error"),
    "packet-type-zero": _Fault(send(bytes(16)), "malformed"),
    "length-of-five-bytes": _Fault(send(MALFORMED_LENGTH), "malformed"),
    "packet-without-end": _Fault(flood, "malformed"),
    "tickets-without-end": _Fault(flood_of_tickets, "too_much_data"),
    "packet-out-of-place": _Fault(send(PINGRESP), "unexpected_packet"),
}

_PLACES: Mapping[str, Callable[[Act], Script]] = {
    "mqtt_connect": lambda act: broker(connect=act),
    "subscribe": lambda act: broker(subscribe=act),
    "publish": lambda act: broker(publish=act),
    "roundtrip": lambda act: broker(publish=all_of(acknowledge, act)),
}


def _case(phase: str, name: str, act: Act, word: str, *, mqtt: MqttSettings = V3_1_1, old_tls: bool = False) -> Case:
    """Return a broker that is well until that phase, and there does `act`."""
    return Case(
        id=f"{phase}-{name}",
        reason=f"{phase}_{word}",
        server=scripted(_PLACES[phase](act), tls12 if old_tls else good_tls),
        mqtt=mqtt,
        timeout_s=SHORT_S if word in {"timeout", "foreign_message"} else AMPLE_S,
    )


def _exchanges() -> Iterator[Case]:
    for phase in _PLACES:
        for name, (act, word) in _EXCHANGE.items():
            yield _case(phase, name, act, word)
        if phase != "mqtt_connect":
            yield _case(phase, "alert", alert(INTERNAL_ERROR), "alert")
            yield _case(phase, "disconnect", disconnect(0x8B, reason="going down"), "disconnected", mqtt=V5)
            yield _case(phase, "messages-of-others-without-end", flood_of_messages, "too_much_data")


def _connects() -> Iterator[Case]:
    for number, name in (*ALERTS.items(), (UNKNOWN_ALERT_NUMBER, "unknown")):
        # OpenSSL lets user_canceled pass in TLS 1.3, where it only announces the goodbye (RFC 8446 6.1).
        old_tls = number == USER_CANCELED
        yield _case("mqtt_connect", f"alert-{name}", alert(number), f"alert_{name}", old_tls=old_tls)
    for version in (MqttVersion.V3_1, MqttVersion.V3_1_1):
        for code, name in CONNACK_V3.items():
            settings = MqttSettings(version=version)
            yield _case("mqtt_connect", f"code-{code}-in-{version}", refuse(code), name, mqtt=settings)
    for code, name in CONNACK_V5.items():
        yield _case("mqtt_connect", f"code-{code:#x}", refuse(code, reason="because"), name, mqtt=V5)
    yield _case("mqtt_connect", "unknown-code", refuse(UNKNOWN_CODE_V3), "refused")
    yield _case("mqtt_connect", "unknown-code-v5", refuse(UNKNOWN_CODE_V5), "refused", mqtt=V5)
    yield _case("mqtt_connect", "3x-answer-to-v5", refuse_as_3x(), "unsupported_protocol_version", mqtt=V5)
    yield _case("mqtt_connect", "disconnect-for-connack", disconnect(0x87), "unexpected_packet", mqtt=V5)


def _subscribes() -> Iterator[Case]:
    for code, name in SUBACK_V5.items():
        yield _case("subscribe", f"code-{code:#x}", suback((code,), reason="because"), name, mqtt=V5)
    yield _case("subscribe", "failure", suback((0x80,)), "refused")
    yield _case("subscribe", "unknown-code-v5", suback((UNKNOWN_CODE_V5,)), "refused", mqtt=V5)
    yield _case("subscribe", "no-code", suback(()), "malformed")
    yield _case("subscribe", "two-codes", suback((1, 1)), "malformed")
    yield _case("subscribe", "other-packet-id", suback((1,), packet_id_offset=7), "unexpected_packet")


def _publishes() -> Iterator[Case]:
    for code, name in PUBACK_V5.items():
        yield _case("publish", f"code-{code:#x}", puback(code, reason="because"), name, mqtt=V5)
    settings = MqttSettings(version=MqttVersion.V5, qos=2)
    yield _case("publish", "pubrec-not-authorized", puback(0x87), "not_authorized", mqtt=settings)
    yield _case("publish", "unknown-code-v5", puback(UNKNOWN_CODE_V5), "refused", mqtt=V5)
    yield _case("publish", "other-packet-id", puback(0, packet_id_offset=7), "unexpected_packet")
    yield Case(
        id="publish-pubcomp-missing",
        reason="publish_timeout",
        server=scripted(broker(pubrel=nothing)),
        mqtt=QOS_2,
        timeout_s=SHORT_S,
    )


def _roundtrips() -> Iterator[Case]:
    yield _case("roundtrip", "never-delivered", nothing, "timeout")
    yield _case("roundtrip", "altered", message(payload=b"something else"), "foreign_message")
    yield _case("roundtrip", "retained-copy", message(retained=True), "foreign_message")
    yield _case("roundtrip", "other-topic", message(topic="somebody/else"), "foreign_message")


CASES = (*_exchanges(), *_connects(), *_subscribes(), *_publishes(), *_roundtrips())
