"""A broker as a script: a well-behaved one, of which single answers are replaced by acts.

broker()                                        # accepts, grants, acknowledges, delivers
broker(connect=refuse(5))                       # CONNACK "not authorized"
broker(subscribe=close)                         # closes when SUBSCRIBE arrives
broker(publish=send(b"\\xff\\xff"))               # garbage instead of PUBACK
broker(publish=all_of(acknowledge, stall))      # message never delivered
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.support import mqtt_bytes
from tests.support.faults import Peer, Script
from tests.support.mqtt_bytes import Packet, PacketType

Act = Callable[[Peer, Packet], None]
"""What the broker does when a packet arrives."""


def accept(peer: Peer, packet: Packet) -> None:
    """CONNACK, success."""
    peer.send(mqtt_bytes.connack(packet.level))


def grant(peer: Peer, packet: Packet) -> None:
    """SUBACK, every filter at the QoS it asks for."""
    peer.send(mqtt_bytes.suback(peer.level, packet.packet_id, packet.requested_qos))


def acknowledge(peer: Peer, packet: Packet) -> None:
    """PUBACK or PUBREC; nothing for QoS 0."""
    if packet.qos:
        peer.send(_acknowledgement(peer, packet))


def deliver(peer: Peer, packet: Packet) -> None:
    """Send the message back at its own QoS, without acknowledging it."""
    peer.send(message_of(peer, packet))


def acknowledge_and_deliver(peer: Peer, packet: Packet) -> None:
    """PUBACK and the message; with QoS 2 PUBREC alone, for the message follows PUBREL."""
    acknowledge(peer, packet)
    if packet.qos < 2:
        deliver(peer, packet)


def acknowledge_and_deliver_at_once(peer: Peer, packet: Packet) -> None:
    """PUBACK and the message in one record, and so in one segment."""
    peer.send(_acknowledgement(peer, packet), message_of(peer, packet))


def deliver_and_acknowledge(peer: Peer, packet: Packet) -> None:
    """The message first, PUBACK after it."""
    deliver(peer, packet)
    acknowledge(peer, packet)


def complete(peer: Peer, packet: Packet) -> None:
    """PUBCOMP, and then the message that this PUBREL releases."""
    peer.send(mqtt_bytes.acknowledgement(peer.level, PacketType.PUBCOMP, packet.packet_id))
    deliver(peer, published(peer, packet.packet_id))


def release(peer: Peer, packet: Packet) -> None:
    """PUBREL, for the message that the client received at QoS 2."""
    peer.send(mqtt_bytes.acknowledgement(peer.level, PacketType.PUBREL, packet.packet_id))


def pong(peer: Peer, packet: Packet) -> None:
    """PINGRESP."""
    peer.send(mqtt_bytes.packet(PacketType.PINGRESP))


def nothing(peer: Peer, packet: Packet) -> None:
    """No answer; the conversation goes on."""


def broker(
    *,
    connect: Act = accept,
    subscribe: Act = grant,
    publish: Act = acknowledge_and_deliver,
    pubrel: Act = complete,
    handshake: Callable[[Peer], None] | None = None,
) -> Script:
    """Make a broker of these answers. `handshake` replaces the well-made one; without TLS there is none."""

    def script(peer: Peer) -> None:
        if handshake is not None:
            handshake(peer)
        elif peer.speaks_tls:
            peer.handshake()
        while True:
            packet = peer.read_packet()
            acts.get(packet.type, nothing)(peer, packet)

    acts = {
        PacketType.CONNECT: connect,
        PacketType.SUBSCRIBE: subscribe,
        PacketType.PUBLISH: publish,
        PacketType.PUBREL: pubrel,
        PacketType.PUBREC: release,
        PacketType.PINGREQ: pong,
    }
    return script


# Acts, to replace the good ones.


def all_of(*acts: Act) -> Act:
    """Do one after the other."""

    def act(peer: Peer, packet: Packet) -> None:
        for one in acts:
            one(peer, packet)

    return act


def send(data: bytes) -> Act:
    """Send these bytes inside TLS, whatever they are."""
    return lambda peer, _: peer.send(data)


def stall(peer: Peer, packet: Packet) -> None:
    """Never answer."""
    peer.stall()


def close(peer: Peer, packet: Packet) -> None:
    """Close as a broker does: close_notify, FIN."""
    peer.close_notify()
    peer.close()


def close_bare(peer: Peer, packet: Packet) -> None:
    """FIN without close_notify."""
    peer.close()


def reset(peer: Peer, packet: Packet) -> None:
    """RST."""
    peer.reset()


def corrupt(peer: Peer, packet: Packet) -> None:
    """A record that does not decrypt."""
    peer.send_corrupt()


def alert(number: int) -> Act:
    """A fatal alert, and FIN."""

    def act(peer: Peer, packet: Packet) -> None:
        peer.alert(number)
        peer.close()

    return act


def flood(peer: Peer, packet: Packet) -> None:
    """One packet without end: a PUBLISH of 256 MiB, byte after byte."""
    peer.send(mqtt_bytes.OVERSIZED_PUBLISH_HEADER)
    peer.send_endlessly(b"\0")


def flood_of_messages(peer: Peer, packet: Packet) -> None:
    """Messages of others without end."""
    peer.send_endlessly(mqtt_bytes.publish(peer.level, "somebody/else", b"x" * 100))


def refuse(code: int, *, reason: str = "") -> Act:
    """CONNACK with this code, and close; `reason` becomes a Reason String in MQTT 5."""

    def act(peer: Peer, packet: Packet) -> None:
        properties = mqtt_bytes.reason_string(reason) if reason and packet.level >= 5 else b""
        peer.send(mqtt_bytes.connack(packet.level, code, properties=properties))
        close(peer, packet)

    return act


def refuse_as_3x(code: int = 1) -> Act:
    """CONNACK without properties, whatever the client speaks: a 3.x broker's answer to MQTT 5 (`20 02 00 01`)."""

    def act(peer: Peer, packet: Packet) -> None:
        peer.send(mqtt_bytes.connack(4, code))
        close(peer, packet)

    return act


def suback(codes: Sequence[int], *, packet_id_offset: int = 0, reason: str = "") -> Act:
    """SUBACK with these codes, for this packet id or another one."""

    def act(peer: Peer, packet: Packet) -> None:
        properties = mqtt_bytes.reason_string(reason) if reason else b""
        peer.send(mqtt_bytes.suback(peer.level, packet.packet_id + packet_id_offset, codes, properties=properties))

    return act


def puback(code: int, *, packet_id_offset: int = 0, reason: str = "") -> Act:
    """PUBACK or PUBREC with this code, and no delivery."""

    def act(peer: Peer, packet: Packet) -> None:
        properties = mqtt_bytes.reason_string(reason) if reason else b""
        peer.send(
            mqtt_bytes.acknowledgement(
                peer.level,
                PacketType.PUBACK if packet.qos == 1 else PacketType.PUBREC,
                packet.packet_id + packet_id_offset,
                code,
                properties=properties,
            )
        )

    return act


def disconnect(code: int, *, reason: str = "") -> Act:
    """MQTT 5's DISCONNECT, and close."""

    def act(peer: Peer, packet: Packet) -> None:
        properties = mqtt_bytes.reason_string(reason) if reason else b""
        peer.send(mqtt_bytes.disconnect(code, properties=properties))
        close(peer, packet)

    return act


def message(
    *, payload: bytes | None = None, topic: str | None = None, retained: bool = False, duplicate: bool = False
) -> Act:
    """Send a message like the published one, but for what is given."""

    def act(peer: Peer, packet: Packet) -> None:
        peer.send(
            mqtt_bytes.publish(
                peer.level,
                packet.topic if topic is None else topic,
                packet.payload if payload is None else payload,
                retained=retained,
                duplicate=duplicate,
            )
        )

    return act


def message_of(peer: Peer, packet: Packet) -> bytes:
    """Encode the published message as its subscriber gets it."""
    return mqtt_bytes.publish(peer.level, packet.topic, packet.payload, qos=packet.qos, packet_id=packet.packet_id or 1)


def published(peer: Peer, packet_id: int) -> Packet:
    """Return the last PUBLISH of this packet id."""
    return next(one for one in reversed(peer.received) if one.type is PacketType.PUBLISH and one.packet_id == packet_id)


def _acknowledgement(peer: Peer, packet: Packet) -> bytes:
    kind = PacketType.PUBACK if packet.qos == 1 else PacketType.PUBREC
    return mqtt_bytes.acknowledgement(peer.level, kind, packet.packet_id)
