"""A broker that speaks MQTT endlessly: the probe ends, in short turns of the event loop, with a quiet log."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable

import pytest

from monitor.model.broker import MqttSettings, MqttVersion
from monitor.probe.witness import MAX_PACKETS, MAX_PROPERTY_BYTES
from monitor.wire.engine import MAX_CERTIFICATES
from tests.support.faults import FaultServer, Peer, Script
from tests.support.mqtt_bytes import PacketType, connack, packet, string, variable_length
from tests.support.pki import TestPki
from tests.support.probing import broker_at, failure, run_probe
from tests.support.tls_engine import ServerTls, with_certificates

RECORD_BYTES = 16_000
USER_PROPERTY = b"\x26\0\0\0\0"
SUBSCRIPTION_IDENTIFIER = b"\x0b\x01"
V3 = MqttSettings(version=MqttVersion.V3_1_1)
V5 = MqttSettings(version=MqttVersion.V5)


def _send_all(peer: Peer, data: bytes) -> None:
    for start in range(0, len(data), RECORD_BYTES):
        peer.send(data[start : start + RECORD_BYTES])


def subscribed(data: Callable[[], bytes]) -> Script:
    """Say all that where SUBACK is due."""

    def script(peer: Peer) -> None:
        peer.handshake()
        peer.read_packet(PacketType.CONNECT)
        peer.send(connack(peer.level))
        peer.read_packet(PacketType.SUBSCRIBE)
        _send_all(peer, data())

    return script


def _publish(properties: bytes) -> bytes:
    return packet(PacketType.PUBLISH, string("a") + variable_length(len(properties)) + properties)


@pytest.mark.parametrize(
    ("settings", "data"),
    [
        pytest.param(V3, packet(PacketType.PUBLISH, string("a")) * 10_000, id="tiny messages"),
        pytest.param(V5, _publish(b"") * 10_000, id="tiny messages, MQTT 5"),
        pytest.param(V5, _publish(USER_PROPERTY * 13_000), id="user properties"),
        pytest.param(V5, _publish(SUBSCRIPTION_IDENTIFIER * 32_000), id="subscription identifiers"),
        pytest.param(V5, _publish(SUBSCRIPTION_IDENTIFIER * 500) * 50, id="subscription identifiers in many messages"),
    ],
)
async def test_flood_of_messages_or_properties_is_cut_short(pki: TestPki, settings: MqttSettings, data: bytes) -> None:
    with FaultServer(subscribed(lambda: data), tls=ServerTls(chain=pki.chain)) as server:
        outcome = failure(await run_probe(broker_at(server.port, mqtt=settings)))
    assert outcome.reason == "subscribe_too_much_data"


async def test_properties_of_connack_are_bounded(pki: TestPki) -> None:
    properties = USER_PROPERTY * (MAX_PROPERTY_BYTES // len(USER_PROPERTY) + 1)

    def script(peer: Peer) -> None:
        peer.handshake()
        peer.read_packet(PacketType.CONNECT)
        peer.send(packet(PacketType.CONNACK, b"\0\0" + variable_length(len(properties)) + properties))

    with FaultServer(script, tls=ServerTls(chain=pki.chain)) as server:
        outcome = failure(await run_probe(broker_at(server.port, mqtt=V5)))
    assert outcome.reason == "mqtt_connect_too_much_data"


async def test_some_messages_of_others_are_borne(pki: TestPki) -> None:
    message = packet(PacketType.PUBLISH, string("a"))
    with FaultServer(subscribed(lambda: message * (MAX_PACKETS - 2)), tls=ServerTls(chain=pki.chain)) as server:
        outcome = failure(await run_probe(broker_at(server.port, mqtt=V3, timeout_s=1.0)))
    assert outcome.reason == "subscribe_timeout"


async def test_breach_that_the_client_library_finds_is_no_line_in_our_log(
    pki: TestPki, caplog: pytest.LogCaptureFixture
) -> None:
    def script(peer: Peer) -> None:
        peer.handshake()
        peer.read_packet(PacketType.CONNECT)
        peer.send(connack(peer.level))
        peer.read_packet(PacketType.SUBSCRIBE)
        peer.send(packet(PacketType.PUBLISH, string("a") + b"\0\1", flags=4))
        peer.read_packet(PacketType.PUBREC)
        peer.send(packet(PacketType.PUBREL, b"\0", flags=2))

    with caplog.at_level(logging.WARNING), FaultServer(script, tls=ServerTls(chain=pki.chain)) as server:
        outcome = failure(await run_probe(broker_at(server.port, mqtt=V3)))
        gc.collect()
    assert outcome.reason == "subscribe_malformed"
    assert not caplog.records


async def test_of_hundreds_of_certificates_only_so_many_are_read(pki: TestPki) -> None:
    served = [pki.leaf.der] + [pki.intermediate.der] * 200
    with FaultServer(lambda peer: peer.handshake(with_certificates(served)), tls=ServerTls(chain=pki.chain)) as server:
        report = await run_probe(broker_at(server.port))
    assert report.tls is not None
    assert len(report.tls.certificates) == MAX_CERTIFICATES
    assert report.tls.certificates[0].der == pki.leaf.der
