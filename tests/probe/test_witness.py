"""The witness: every packet in and out of place, every code, and bytes that make no sense."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model.broker import MqttVersion, Secret
from monitor.model.outcome import Clock
from monitor.model.reasons import (
    CONNACK_V3,
    CONNACK_V5,
    DISCONNECT_V5,
    PUBACK_V5,
    REASONS,
    SUBACK_V5,
)
from monitor.probe.fault import PhaseFault
from monitor.probe.witness import Arrival, OwnMessage, Witness
from monitor.wire.clock import Stamp
from monitor.wire.mqtt import Framer, Packet, PacketType
from tests.support import mqtt_bytes
from tests.support.mqtt_bytes import (
    acknowledgement,
    connack,
    disconnect,
    packet,
    publish,
    reason_string,
    string,
    suback,
)

OWN = OwnMessage(b"monitor/abc/1", b"payload")
TOPIC = OWN.topic.decode()
LEVELS = {MqttVersion.V3_1: 3, MqttVersion.V3_1_1: 4, MqttVersion.V5: 5}
VERSIONS = list(LEVELS)
SUBSCRIBE_ID, PUBLISH_ID = 11, 12

ACK = {name: mqtt_bytes.PacketType[name] for name in ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP")}


def _arrival(at: float = 1.0, *, shares_segment: bool = False) -> Arrival:
    return Arrival(Stamp(at, Clock.KERNEL), shares_segment)


class Conversation:
    """A witness, and what is said past it in order."""

    def __init__(
        self,
        version: MqttVersion = MqttVersion.V3_1_1,
        qos: int = 1,
        own: OwnMessage = OWN,
        password: Secret | None = None,
    ) -> None:
        self.witness = Witness(version, own, password)
        self.level = LEVELS[version]
        self.qos = qos

    def connect(self) -> Conversation:
        self.witness.sent(packet(mqtt_bytes.PacketType.CONNECT, b"\0\4MQTT\4\2\0\x0a\0\1x"), 0.1)
        return self

    def connected(self) -> Conversation:
        self.connect().hear(connack(self.level))
        return self

    def subscribe(self) -> Conversation:
        body = SUBSCRIBE_ID.to_bytes(2) + (b"\0" if self.level == 5 else b"") + string(TOPIC) + bytes((self.qos,))
        self.witness.sent(packet(mqtt_bytes.PacketType.SUBSCRIBE, body, flags=2), 0.2)
        return self

    def subscribed(self) -> Conversation:
        self.connected().subscribe().hear(suback(self.level, SUBSCRIBE_ID, (self.qos,)))
        return self

    def publish(self) -> Conversation:
        own = publish(self.level, TOPIC, OWN.payload, qos=self.qos, packet_id=PUBLISH_ID)
        self.witness.sent(own, 0.3)
        return self

    def published(self) -> Conversation:
        return self.subscribed().publish()

    def sends(self, kind: mqtt_bytes.PacketType) -> Conversation:
        self.witness.sent(acknowledgement(self.level, kind, PUBLISH_ID), 0.4)
        return self

    def hear(self, raw: bytes, arrival: Arrival | None = None) -> None:
        for heard in Framer().feed(raw):
            self.witness.received(heard, arrival or _arrival())

    def refuses(self, raw: bytes) -> PhaseFault:
        with pytest.raises(PhaseFault) as caught:
            self.hear(raw)
        assert caught.value.detail
        assert caught.value.detail.isprintable()
        return caught.value


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_whole_conversation_is_kept_with_its_arrivals(version: MqttVersion, qos: int) -> None:
    talk = Conversation(version, qos)
    witness = talk.witness
    talk.connect().hear(connack(talk.level, session_present=True), _arrival(1))
    talk.subscribe().hear(suback(talk.level, SUBSCRIBE_ID, (qos,)), _arrival(2, shares_segment=True))
    talk.publish()
    if qos == 1:
        talk.hear(acknowledgement(talk.level, ACK["PUBACK"], PUBLISH_ID), _arrival(3))
    if qos == 2:
        talk.hear(acknowledgement(talk.level, ACK["PUBREC"], PUBLISH_ID), _arrival(2.5))
        assert witness.published is None
        talk.sends(ACK["PUBREL"]).hear(acknowledgement(talk.level, ACK["PUBCOMP"], PUBLISH_ID), _arrival(3))
    talk.hear(publish(talk.level, TOPIC, OWN.payload, qos=qos, packet_id=77), _arrival(4))
    assert witness.connack == _arrival(1)
    assert witness.suback == _arrival(2, shares_segment=True)
    assert witness.published == (_arrival(3) if qos else None)
    assert witness.own_message == _arrival(4)
    facts = witness.facts()
    assert (facts.session_present, facts.connack_code, facts.suback_code) == (True, 0, qos)
    assert facts.puback_code == (0 if qos else None)
    assert (facts.foreign_messages, facts.duplicates, facts.reason_string) == (0, 0, None)
    assert witness.sent_at(PacketType.CONNECT) == 0.1
    assert witness.sent_at(PacketType.PUBLISH) == 0.3
    assert witness.sent_at(PacketType.PINGREQ) is None


def test_nothing_said_is_nothing_known() -> None:
    facts = Conversation().witness.facts()
    assert facts.connack_code is None
    assert facts.session_present is None


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", [kind for kind in PacketType if kind is not PacketType.CONNACK])
def test_anything_but_connack_first_is_unexpected(version: MqttVersion, kind: PacketType) -> None:
    fault = Conversation(version).connect().refuses(bytes((kind << 4, 2, 0, 0)))
    assert fault.word == "unexpected_packet"
    assert kind.name in fault.detail


def test_a_connack_to_no_connect_is_unexpected() -> None:
    assert Conversation().refuses(connack(4)).word == "unexpected_packet"


OUT_OF_PLACE: dict[str, Callable[[int], bytes]] = {
    "second CONNACK": connack,
    "SUBACK without SUBSCRIBE": lambda level: suback(level, SUBSCRIBE_ID),
    "PUBLISH without SUBSCRIBE": lambda level: publish(level, TOPIC, b"x"),
    "PUBACK without PUBLISH": lambda level: acknowledgement(level, ACK["PUBACK"], PUBLISH_ID),
    "PUBREC without PUBLISH": lambda level: acknowledgement(level, ACK["PUBREC"], PUBLISH_ID),
    "PUBCOMP without PUBLISH": lambda level: acknowledgement(level, ACK["PUBCOMP"], PUBLISH_ID),
    "PUBREL without PUBREC": lambda level: acknowledgement(level, ACK["PUBREL"], PUBLISH_ID),
    "CONNECT from a broker": lambda _: packet(mqtt_bytes.PacketType.CONNECT, b"\0\4MQTT\4\2\0\x0a\0\1x"),
    "SUBSCRIBE from a broker": lambda _: packet(mqtt_bytes.PacketType.SUBSCRIBE, b"\0\1\0\1x\0", flags=2),
    "UNSUBACK": lambda _: packet(mqtt_bytes.PacketType.UNSUBACK, b"\0\1"),
    "PINGREQ": lambda _: packet(mqtt_bytes.PacketType.PINGREQ),
    "PINGRESP without PINGREQ": lambda _: packet(mqtt_bytes.PacketType.PINGRESP),
    "AUTH": lambda _: packet(mqtt_bytes.PacketType.AUTH, b"\x18\0"),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("what", OUT_OF_PLACE)
def test_a_packet_out_of_place_is_unexpected(version: MqttVersion, what: str) -> None:
    talk = Conversation(version).connected()
    assert talk.refuses(OUT_OF_PLACE[what](talk.level)).word == "unexpected_packet"


@pytest.mark.parametrize("version", [MqttVersion.V3_1, MqttVersion.V3_1_1])
def test_a_disconnect_from_a_broker_of_mqtt_3_is_unexpected(version: MqttVersion) -> None:
    assert Conversation(version).connected().refuses(b"\xe0\0").word == "unexpected_packet"


@pytest.mark.parametrize(
    ("qos", "kind"), [(0, "PUBACK"), (0, "PUBREC"), (1, "PUBREC"), (1, "PUBCOMP"), (2, "PUBACK"), (2, "PUBCOMP")]
)
def test_an_acknowledgement_of_another_qos_or_too_early_is_unexpected(qos: int, kind: str) -> None:
    talk = Conversation(qos=qos).published()
    assert talk.refuses(acknowledgement(4, ACK[kind], PUBLISH_ID)).word == "unexpected_packet"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_second_acknowledgement_is_unexpected_even_as_a_refusal(version: MqttVersion) -> None:
    # As a refusal it would carry a word that the phase `roundtrip` does not have.
    talk = Conversation(version).published()
    talk.hear(acknowledgement(talk.level, ACK["PUBACK"], PUBLISH_ID), _arrival(3))
    code = 0x87 if version is MqttVersion.V5 else 0
    assert talk.refuses(acknowledgement(talk.level, ACK["PUBACK"], PUBLISH_ID, code)).word == "unexpected_packet"
    assert talk.witness.published == _arrival(3)


def test_a_second_suback_is_unexpected() -> None:
    assert Conversation().subscribed().refuses(suback(4, SUBSCRIBE_ID)).word == "unexpected_packet"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("what", ["SUBACK", "PUBACK", "PUBREC"])
def test_a_wrong_packet_identifier_is_unexpected_and_named(version: MqttVersion, what: str) -> None:
    talk = Conversation(version, qos=2 if what == "PUBREC" else 1)
    if what == "SUBACK":
        fault = talk.connected().subscribe().refuses(suback(talk.level, 999))
    else:
        fault = talk.published().refuses(acknowledgement(talk.level, ACK[what], 999))
    assert fault.word == "unexpected_packet"
    assert "999" in fault.detail


def test_a_pubrel_to_our_pubrec_has_its_place() -> None:
    talk = Conversation(qos=2).published()
    talk.witness.sent(acknowledgement(4, ACK["PUBREC"], 77), 0.5)
    talk.hear(acknowledgement(4, ACK["PUBREL"], 77))


class TestCodes:
    """Every code of the standards' tables, and codes that are in none."""

    @pytest.mark.parametrize("version", [MqttVersion.V3_1, MqttVersion.V3_1_1])
    @pytest.mark.parametrize("code", [*CONNACK_V3, 6, 0x7F, 0x80, 0xFF])
    def test_connack_of_mqtt_3(self, version: MqttVersion, code: int) -> None:
        talk = Conversation(version).connect()
        fault = talk.refuses(connack(talk.level, code))
        assert fault.word == CONNACK_V3.get(code, "refused")
        assert f"mqtt_connect_{fault.word}" in REASONS
        assert talk.witness.facts().connack_code == code
        assert talk.witness.connack is None

    @pytest.mark.parametrize("code", [*CONNACK_V5, 1, 0x7F, 0x8B, 0xFF])
    def test_connack_of_mqtt_5(self, code: int) -> None:
        talk = Conversation(MqttVersion.V5).connect()
        fault = talk.refuses(connack(5, code, properties=reason_string("because")))
        assert fault.word == CONNACK_V5.get(code, "refused")
        assert f"mqtt_connect_{fault.word}" in REASONS
        assert fault.detail.endswith("because")
        assert talk.witness.facts().reason_string == "because"

    @pytest.mark.parametrize("code", sorted(CONNACK_V3))
    def test_connack_of_mqtt_3_to_a_connect_of_mqtt_5(self, code: int) -> None:
        fault = Conversation(MqttVersion.V5).connect().refuses(connack(4, code))
        assert fault.word == CONNACK_V3[code]

    def test_success_in_the_form_of_mqtt_3_to_a_connect_of_mqtt_5_is_malformed(self) -> None:
        assert Conversation(MqttVersion.V5).connect().refuses(connack(4)).word == "malformed"

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("code", [*SUBACK_V5, 0, 1, 2, 3, 0x7F, 0x81, 0xFF])
    def test_suback(self, version: MqttVersion, code: int) -> None:
        talk = Conversation(version).connected().subscribe()
        raw = suback(talk.level, SUBSCRIBE_ID, (code,))
        if code <= 2:
            talk.hear(raw)
            assert talk.witness.suback is not None
            assert talk.witness.facts().suback_code == code
            return
        fault = talk.refuses(raw)
        if code < 0x80:
            assert fault.word == "malformed"
        else:
            assert fault.word == (SUBACK_V5.get(code, "refused") if version is MqttVersion.V5 else "refused")
            assert f"subscribe_{fault.word}" in REASONS

    @pytest.mark.parametrize("kind", ["PUBACK", "PUBREC"])
    @pytest.mark.parametrize("code", [*PUBACK_V5, 0, 0x10, 0x7F, 0x81, 0xFF])
    def test_acknowledgements_of_mqtt_5(self, kind: str, code: int) -> None:
        talk = Conversation(MqttVersion.V5, qos=1 if kind == "PUBACK" else 2).published()
        raw = acknowledgement(5, ACK[kind], PUBLISH_ID, code, properties=reason_string("why"))
        if code < 0x80:
            talk.hear(raw)
            assert (talk.witness.published is not None) is (kind == "PUBACK")
        else:
            fault = talk.refuses(raw)
            assert fault.word == PUBACK_V5.get(code, "refused")
            assert f"publish_{fault.word}" in REASONS
            assert kind in fault.detail
        assert talk.witness.facts().puback_code == code
        assert talk.witness.facts().reason_string == "why"

    @pytest.mark.parametrize("code", [*DISCONNECT_V5, 1, 0x7F, 0xFF])
    def test_disconnect_of_mqtt_5(self, code: int) -> None:
        talk = Conversation(MqttVersion.V5).connected()
        fault = talk.refuses(disconnect(code, properties=reason_string("tired")))
        assert fault.word == "disconnected"
        assert DISCONNECT_V5.get(code, "").replace("_", " ") in fault.detail
        assert talk.witness.facts().disconnect_code == code

    def test_a_disconnect_without_a_code_is_a_normal_one(self) -> None:
        talk = Conversation(MqttVersion.V5).connected()
        assert "normal disconnection" in talk.refuses(b"\xe0\0").detail
        assert talk.witness.facts().disconnect_code == 0


MALFORMED = {
    "CONNACK of one byte": b"\x20\x01\x00",
    "CONNACK of three bytes in MQTT 3": b"\x20\x03\x00\x00\x00",
    "CONNACK of nothing": b"\x20\x00",
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_connack_is_malformed(what: str) -> None:
    assert Conversation().connect().refuses(MALFORMED[what]).word == "malformed"


CONNACK_PROPERTIES = {
    "length beyond the packet": b"\x05\x24\x01",
    "length that does not end": b"\xff\xff\xff\xff\xff",
    "unknown property": b"\x02\x7f\x00",
    "property of another packet": b"\x03\x23\x00\x01",  # Topic Alias
    "property twice": b"\x04\x24\x01\x24\x01",
    "value beyond the properties": b"\x02\x21\x00\x10",
    "string beyond the properties": b"\x05\x1f\x00\x10ab" + b"c" * 14,
    "string that is no UTF-8": b"\x05\x1f\x00\x02\xff\xfe",
    "string with a null": b"\x05\x1f\x00\x02a\x00",
    "forbidden value": b"\x03\x21\x00\x00",  # Receive Maximum 0
    "bytes after the properties": b"\x00\x00",
}


@pytest.mark.parametrize("what", CONNACK_PROPERTIES)
def test_malformed_properties_are_malformed(what: str) -> None:
    talk = Conversation(MqttVersion.V5).connect()
    assert talk.refuses(packet(mqtt_bytes.PacketType.CONNACK, b"\0\0" + CONNACK_PROPERTIES[what])).word == "malformed"


def test_properties_are_kept_as_text_in_order_and_short() -> None:
    talk = Conversation(MqttVersion.V5).connect()
    properties = b"\x21\x00\x14" + b"\x24\x01" + b"\x26" + string("key") + string("x" * 400)
    talk.hear(connack(5, properties=properties))
    found = dict(talk.witness.facts().connack_properties)
    assert found["ReceiveMaximum"] == "20"
    assert found["MaximumQoS"] == "1"
    assert len(found["UserProperty"]) == 256


WORDS = "wrong password 'marked-password' of monitor"
USER_PROPERTY = bytes((0x26,)) + string("connect") + string(WORDS)
ECHOES = {
    "CONNACK": lambda talk: (talk.connect(), connack(5, 0x86, properties=reason_string(WORDS))),
    "CONNACK, far in": lambda talk: (talk.connect(), connack(5, 0x86, properties=reason_string("x" * 250 + WORDS))),
    "CONNACK, user property": lambda talk: (talk.connect(), connack(5, 0x86, properties=USER_PROPERTY)),
    "CONNACK, malformed": lambda talk: (
        talk.connect(),
        packet(mqtt_bytes.PacketType.CONNACK, b"\0\0" + WORDS.encode()),
    ),
    "SUBACK": lambda talk: (
        talk.connected().subscribe(),
        suback(5, SUBSCRIBE_ID, (0x87,), properties=reason_string(WORDS)),
    ),
    "PUBACK": lambda talk: (
        talk.published(),
        acknowledgement(5, ACK["PUBACK"], PUBLISH_ID, 0x87, properties=reason_string(WORDS)),
    ),
    "DISCONNECT": lambda talk: (talk.subscribed(), disconnect(0x87, properties=reason_string(WORDS))),
}


@pytest.mark.parametrize("echo", ECHOES)
def test_password_that_the_broker_says_back_is_withheld(echo: str) -> None:
    talk = Conversation(MqttVersion.V5, password=Secret(b"marked-password"))
    _, raw = ECHOES[echo](talk)
    fault = talk.refuses(raw)
    known = f"{fault.detail} {talk.witness.facts()}"
    assert "marked" not in known
    assert b"marked".hex(" ") not in known
    assert "withheld" in known


def test_a_reason_string_cannot_forge_a_line_or_command_a_terminal() -> None:
    talk = Conversation(MqttVersion.V5).connect()
    fault = talk.refuses(connack(5, 0x87, properties=reason_string("no\n2026-01-01 ok\x1b[2J\u2028" + "x" * 500)))
    assert fault.detail.isprintable()
    shown = talk.witness.facts().reason_string
    assert shown is not None
    assert len(shown) == 256


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "body",
    [b"", b"\0", SUBSCRIBE_ID.to_bytes(2), SUBSCRIBE_ID.to_bytes(2) + b"\0\1\1", SUBSCRIBE_ID.to_bytes(2) + b"\0" * 4],
)
def test_a_suback_of_no_or_several_codes_is_malformed(version: MqttVersion, body: bytes) -> None:
    talk = Conversation(version).connected().subscribe()
    assert talk.refuses(packet(mqtt_bytes.PacketType.SUBACK, body)).word == "malformed"


@pytest.mark.parametrize("body", [b"", b"\0", PUBLISH_ID.to_bytes(2) + b"\0"])
def test_a_puback_of_another_length_is_malformed_in_mqtt_3(body: bytes) -> None:
    fault = Conversation().published().refuses(packet(mqtt_bytes.PacketType.PUBACK, body))
    assert fault.word == "malformed"


PUBLISHES = {
    "no topic length": (0, b"\0"),
    "topic beyond the packet": (0, b"\0\x10abc"),
    "empty topic": (0, b"\0\0payload"),
    "topic that is no UTF-8": (0, b"\0\2\xff\xfepayload"),
    "topic with a wildcard": (0, string("a/+") + b"payload"),
    "topic with the other wildcard": (0, string("#") + b"payload"),
    "QoS 3": (3, string("a") + b"\0\1payload"),
    "QoS 1 without identifier": (1, string("a") + b"\0"),
}


@pytest.mark.parametrize("what", PUBLISHES)
def test_a_malformed_message_is_malformed(what: str) -> None:
    qos, body = PUBLISHES[what]
    talk = Conversation().subscribed()
    assert talk.refuses(packet(mqtt_bytes.PacketType.PUBLISH, body, flags=qos << 1)).word == "malformed"


def test_a_message_with_malformed_properties_is_malformed() -> None:
    talk = Conversation(MqttVersion.V5).published()
    body = string(TOPIC) + b"\x02\x7f\x00" + OWN.payload
    assert talk.refuses(packet(mqtt_bytes.PacketType.PUBLISH, body)).word == "malformed"
    assert talk.witness.own_message is None


class TestOwnMessage:
    """Only the message that was just published counts."""

    @pytest.mark.parametrize("version", VERSIONS)
    def test_it_is_recognised_with_properties_too(self, version: MqttVersion) -> None:
        talk = Conversation(version).published()
        properties = b"\x01\x01" if version is MqttVersion.V5 else b""
        talk.hear(publish(talk.level, TOPIC, OWN.payload, properties=properties))
        assert talk.witness.own_message is not None

    @pytest.mark.parametrize(
        ("topic", "payload", "retained"),
        [
            (TOPIC, b"payloaD", False),
            (TOPIC, b"payload ", False),
            (TOPIC, b"", False),
            ("monitor/abc/2", b"payload", False),
            (TOPIC, b"payload", True),
        ],
    )
    def test_another_topic_payload_or_a_retained_copy_is_foreign(
        self, topic: str, payload: bytes, retained: bool
    ) -> None:
        talk = Conversation().published()
        talk.hear(publish(4, topic, payload, retained=retained))
        assert talk.witness.own_message is None
        assert talk.witness.facts().foreign_messages == 1

    @pytest.mark.parametrize(
        ("wanted", "topic", "count"),
        [
            (TOPIC, TOPIC, 1),
            (TOPIC, "monitor/abc/2", 0),
            ("secret/#", "secret", 1),
            ("secret/#", "secret/a/b", 1),
            ("secret/+", "secret/a/b", 0),
            ("#", "$SYS/uptime", 0),
        ],
    )
    def test_only_what_the_subscription_covers_came_on_topic(self, wanted: str, topic: str, count: int) -> None:
        talk = Conversation(own=OwnMessage(wanted.encode(), b"payload")).subscribed()
        talk.hear(publish(4, topic, b"else"))
        facts = talk.witness.facts()
        assert (facts.foreign_messages, facts.foreign_on_topic, facts.has_own_message) == (1, count, False)

    def test_before_it_was_published_it_is_foreign(self) -> None:
        talk = Conversation().subscribed()
        talk.hear(publish(4, TOPIC, OWN.payload))
        assert talk.witness.own_message is None
        assert talk.witness.facts().foreign_messages == 1

    def test_further_copies_are_duplicates_and_the_first_keeps_its_arrival(self) -> None:
        talk = Conversation().published()
        for at in (5, 6, 7):
            talk.hear(publish(4, TOPIC, OWN.payload, qos=1, duplicate=at > 5), _arrival(at))
        assert talk.witness.own_message == _arrival(5)
        assert talk.witness.facts().duplicates == 2

    def test_it_may_come_before_the_suback(self) -> None:
        # MQTT 5.0 3.8.4: messages may overtake the SUBACK.
        talk = Conversation().connected().subscribe()
        talk.hear(publish(4, TOPIC, b"older"))
        talk.hear(suback(4, SUBSCRIBE_ID))
        assert talk.witness.suback is not None


_KINDS = st.sampled_from(sorted(PacketType))
_BODIES = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda rest: SUBSCRIBE_ID.to_bytes(2) + rest, st.binary(max_size=30)),
    st.builds(lambda rest: PUBLISH_ID.to_bytes(2) + rest, st.binary(max_size=30)),
    st.builds(lambda rest: string(TOPIC) + rest, st.binary(max_size=30)),
    st.builds(
        lambda ident, rest: struct.pack("!BBBB", 0, 0, len(rest) + 1, ident) + rest,
        st.integers(0, 50),
        st.binary(max_size=30),
    ),
)


@settings(max_examples=400, deadline=None)
@given(
    version=st.sampled_from(VERSIONS),
    qos=st.sampled_from((0, 1, 2)),
    stage=st.sampled_from(("connect", "connected", "subscribed", "published")),
    packets=st.lists(st.tuples(_KINDS, st.integers(0, 15), _BODIES), min_size=1, max_size=4),
)
def test_whatever_comes_only_a_phase_fault_comes_out(
    version: MqttVersion, qos: int, stage: str, packets: list[tuple[PacketType, int, bytes]]
) -> None:
    talk = Conversation(version, qos)
    getattr(talk, stage)()
    for kind, flags, body in packets:
        try:
            talk.witness.received(Packet(kind, flags, body, b"raw"), _arrival())
        except PhaseFault:
            break
    talk.witness.facts()
