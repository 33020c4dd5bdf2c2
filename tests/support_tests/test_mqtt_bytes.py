"""The server's own codec of MQTT."""

from __future__ import annotations

import pytest

from tests.support.client import connect_bytes, subscribe_bytes
from tests.support.mqtt_bytes import MALFORMED_LENGTH, PacketType, decode, packet, publish, split_packet, string


@pytest.mark.parametrize("level", [3, 4, 5])
def test_connect_is_read_in_every_version(level: int) -> None:
    split = split_packet(connect_bytes(level, client_id="me", username="ann", password="secret"))
    assert split is not None
    connect = decode(split[0], split[1], 4)
    assert (connect.level, connect.client_id, connect.username, connect.password) == (level, "me", "ann", b"secret")
    assert connect.is_clean
    assert connect.keep_alive_s == 60


@pytest.mark.parametrize("level", [4, 5])
def test_will_does_not_hide_the_password(level: int) -> None:
    properties = b"\0" if level == 5 else b""
    body = string("MQTT") + bytes((level, 0xC6, 0, 60)) + properties + string("me")
    body += properties + string("will/topic") + string("gone") + string("ann") + string("secret")
    assert decode(0x10, body, level).password == b"secret"


@pytest.mark.parametrize("level", [4, 5])
def test_subscribe_names_filter_and_qos(level: int) -> None:
    split = split_packet(subscribe_bytes("a/+", 2, level=level, packet_id=9))
    assert split is not None
    subscribe = decode(split[0], split[1], level)
    assert (subscribe.packet_id, subscribe.topics, subscribe.requested_qos) == (9, ("a/+",), (2,))


@pytest.mark.parametrize("level", [4, 5])
def test_publish_survives_encoding_and_decoding(level: int) -> None:
    split = split_packet(publish(level, "t", b"x" * 300, qos=1, packet_id=7, retained=True, duplicate=True))
    assert split is not None
    message = decode(split[0], split[1], level)
    assert (message.topic, message.payload, message.qos, message.packet_id) == ("t", b"x" * 300, 1, 7)
    assert message.is_retained
    assert message.is_duplicate


def test_packets_are_split_at_every_byte() -> None:
    whole = packet(PacketType.PINGREQ) + connect_bytes()
    for cut in range(len(whole)):
        assert (split_packet(whole[:cut]) is None) is (cut < 2)


def test_length_of_five_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="four bytes"):
        split_packet(MALFORMED_LENGTH)
