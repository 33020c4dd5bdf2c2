"""Phases `mqtt_connect` to `roundtrip`: a clean session, a topic of our own, and our own message back."""

from __future__ import annotations

import secrets

from monitor.model.broker import CLIENT_ID_SUFFIX_BYTES, Broker
from monitor.model.outcome import Clock, Phase
from monitor.probe.fault import PhaseFault, client_certificate_fault, exchange_fault
from monitor.probe.recorder import Recorder
from monitor.probe.session import AiomqttSession, ChannelFault, MqttSession
from monitor.probe.witness import OwnMessage
from monitor.wire.channel import Channel
from monitor.wire.mqtt import PacketType

MAX_EXCHANGE_BYTES = 256 * 1024
"""Per phase; an honest one takes a few hundred."""

_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_ID_LENGTH = CLIENT_ID_SUFFIX_BYTES - 1


def open_session(channel: Channel, broker: Broker) -> MqttSession:
    """Return a session that no other prober, nor an earlier probe, can be mistaken for."""
    settings = broker.mqtt
    word = "".join(_ID_ALPHABET[byte % len(_ID_ALPHABET)] for byte in secrets.token_bytes(_ID_LENGTH))
    client_id = f"{settings.client_id_prefix}-{word}"
    topic = settings.topic.replace("{id}", client_id).replace("{nonce}", secrets.token_hex(8))
    payload = f"mqtt-tls-monitor {client_id} {secrets.token_hex(16)}"
    return AiomqttSession(
        channel,
        settings,
        client_id=client_id,
        own=OwnMessage(topic.encode(), payload.encode()),
        # Beyond the deadline, so that a probe never needs a PINGREQ.
        keep_alive_s=min(65535, int(broker.timeout_s) * 2 + 10),
    )


async def converse(
    session: MqttSession, channel: Channel, broker: Broker, recorder: Recorder, phases: tuple[Phase, ...]
) -> None:
    """Go through these phases.

    Raises:
        PhaseFault: the present phase failed.
    """
    witness = session.witness
    try:
        for phase in phases:
            recorder.begin(phase)
            channel.allow(MAX_EXCHANGE_BYTES)
            match phase:
                case Phase.MQTT_CONNECT:
                    await session.connect()
                    recorder.exchanged(witness.sent_at(PacketType.CONNECT), witness.connack)
                case Phase.SUBSCRIBE:
                    await session.subscribe()
                    recorder.exchanged(witness.sent_at(PacketType.SUBSCRIBE), witness.suback)
                case Phase.PUBLISH:
                    await session.publish()
                    if broker.mqtt.qos:
                        recorder.exchanged(witness.sent_at(PacketType.PUBLISH), witness.published)
                    else:
                        recorder.done(0.0, Clock.USER)  # QoS 0 waits for nothing
                case Phase.ROUNDTRIP:
                    await session.own_message()
                    recorder.exchanged(witness.sent_at(PacketType.PUBLISH), witness.own_message)
    except ChannelFault as fault:
        raise _worded(fault, channel, recorder.phase) from None


def timeout_fault(phase: Phase, session: MqttSession | None, timeout_s: float) -> PhaseFault:
    """Return what the deadline means in this phase."""
    if phase is Phase.ROUNDTRIP and session is not None and session.witness.foreign_messages:
        count = session.witness.foreign_messages
        return PhaseFault("foreign_message", f"{count} messages came on our topic, none of them ours")
    return PhaseFault("timeout", f"the probe's limit of {timeout_s:g} s was reached")


def _worded(fault: ChannelFault, channel: Channel, phase: Phase) -> PhaseFault:
    """Find the phase's word for a connection that ended under it."""
    is_connecting = phase is Phase.MQTT_CONNECT
    if is_connecting and not channel.heard_after_handshake:
        # TLS 1.3: the verdict on the client's certificate comes after the handshake, at the first read or write.
        certificate_fault = client_certificate_fault(fault.ending, channel.sent_flight)
        if certificate_fault is not None:
            return certificate_fault
    return exchange_fault(fault.ending, names_alerts=is_connecting)
