"""What `monitor.probe.session` takes for granted of aiomqtt and paho, most of it private.

If one of these fails after an upgrade, the session has to be looked at again before the new release is allowed.
"""

from __future__ import annotations

import asyncio
import logging
import math
import tomllib
from importlib.metadata import version
from pathlib import Path

import aiomqtt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from paho.mqtt import MQTTException
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.enums import MQTTErrorCode

from monitor.model.broker import MqttVersion
from monitor.model.outcome import Clock
from monitor.probe.fault import PhaseFault
from monitor.probe.witness import Arrival, OwnMessage, Witness
from monitor.wire.clock import Stamp
from monitor.wire.mqtt import Framer, MalformedPacketError, PacketType
from tests.support import mqtt_bytes
from tests.support.loop_state import live_timers, other_tasks, watched_descriptors

OWN = OwnMessage(b"monitor/abc/1", b"payload")
TOPIC = OWN.topic.decode()
HOOKS = ("on_socket_open", "on_socket_close", "on_socket_register_write", "on_socket_unregister_write")
PROTOCOLS = {
    MqttVersion.V3_1_1: (aiomqtt.ProtocolVersion.V311, 4),
    MqttVersion.V5: (aiomqtt.ProtocolVersion.V5, 5),
}


class RecordingSocket:
    """What paho may ask of a socket; anything else is an AttributeError."""

    def __init__(self, witness: Witness | None = None) -> None:
        self.sent: list[bytes] = []
        self.incoming = b""
        self.calls: set[str] = set()
        self._witness = witness

    def recv(self, size: int) -> bytes:
        if not self.incoming:
            raise BlockingIOError
        data, self.incoming = self.incoming[:size], self.incoming[size:]
        return data

    def send(self, data: bytes | bytearray) -> int:
        self.sent.append(bytes(data))
        if self._witness is not None:
            self._witness.sent(bytes(data), 0.0)
        return len(data)

    def pending(self) -> int:
        return len(self.incoming)

    def fileno(self) -> int:
        self.calls.add("fileno")
        return -1

    def setblocking(self, flag: bool) -> None:
        self.calls.add("setblocking")

    def close(self) -> None:
        self.calls.add("close")


class Hooked:
    """An aiomqtt client with the session's hooks set, over a socket that records."""

    def __init__(self, mqtt_version: MqttVersion = MqttVersion.V3_1_1) -> None:
        protocol, self.level = PROTOCOLS[mqtt_version]
        self.witness = Witness(mqtt_version, OWN)
        self.socket = RecordingSocket(self.witness)
        self.client = aiomqtt.Client("channel.invalid", identifier="x", protocol=protocol, timeout=math.inf)
        self.paho = self.client._client
        self.paho.disable_logger()
        self.paho._create_socket = lambda: self.socket  # type: ignore[method-assign]
        for hook in HOOKS:
            setattr(self.paho, hook, None)

    def hear(self, raw: bytes) -> MQTTErrorCode:
        self.socket.incoming += raw
        return self.paho.loop_read()

    def connected(self) -> Hooked:
        self.client._client_connect()
        assert self.hear(mqtt_bytes.connack(self.level)) == MQTTErrorCode.MQTT_ERR_SUCCESS
        return self

    @property
    def sent(self) -> list[int]:
        return [int(packet.type) for raw in self.socket.sent for packet in Framer().feed(raw)]


@pytest.mark.parametrize("distribution", ["aiomqtt", "paho-mqtt"])
def test_the_installed_release_is_one_that_the_project_allows(distribution: str) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    (pin,) = [line for line in project["dependencies"] if line.startswith(distribution)]
    specifiers = SpecifierSet(pin.removeprefix(distribution))
    installed = Version(version(distribution))
    assert installed in specifiers
    # The hooks are private: the next minor release must not come in by itself.
    assert f"{installed.major}.{installed.minor + 1}" not in specifiers, f"{distribution} is not pinned to its minor"


async def test_the_private_names_are_where_the_session_looks_for_them() -> None:
    client = aiomqtt.Client("channel.invalid")
    assert isinstance(client._client, PahoClient)
    assert isinstance(client._connected, asyncio.Future)
    assert callable(client._client_connect)
    assert callable(client._client._create_socket)
    for hook in HOOKS:
        assert isinstance(getattr(PahoClient, hook), property), hook
        setattr(client._client, hook, None)
        assert getattr(client._client, hook) is None


async def test_connecting_takes_our_socket_and_writes_connect_at_once() -> None:
    hooked = Hooked()
    hooked.client._client_connect()
    assert hooked.sent == [PacketType.CONNECT]
    assert not hooked.client._connected.done()


@pytest.mark.parametrize("mqtt_version", list(PROTOCOLS))
async def test_every_packet_is_written_at_once_and_whole(mqtt_version: MqttVersion) -> None:
    hooked = Hooked(mqtt_version).connected()
    level = hooked.level
    subscribe = asyncio.create_task(hooked.client.subscribe(TOPIC, qos=2, timeout=math.inf))
    await asyncio.sleep(0)
    assert hooked.sent[-1] == PacketType.SUBSCRIBE
    hooked.hear(mqtt_bytes.suback(level, 1, (2,)))
    await subscribe
    publish = asyncio.create_task(hooked.client.publish(TOPIC, OWN.payload, qos=2, timeout=math.inf))
    await asyncio.sleep(0)
    assert hooked.sent[-1] == PacketType.PUBLISH
    hooked.hear(mqtt_bytes.acknowledgement(level, mqtt_bytes.PacketType.PUBREC, 2))
    assert hooked.sent[-1] == PacketType.PUBREL
    assert not publish.done()
    hooked.hear(mqtt_bytes.acknowledgement(level, mqtt_bytes.PacketType.PUBCOMP, 2))
    await publish
    hooked.hear(mqtt_bytes.publish(level, TOPIC, OWN.payload, qos=1, packet_id=9))
    assert hooked.sent[-1] == PacketType.PUBACK
    hooked.paho.disconnect()
    assert hooked.sent[-1] == PacketType.DISCONNECT
    assert other_tasks() == frozenset()


async def test_the_event_loop_is_never_touched() -> None:
    hooked = Hooked().connected()
    await hooked.client.publish(TOPIC, OWN.payload, qos=0, timeout=math.inf)
    hooked.paho.disconnect()
    await asyncio.sleep(0)
    assert watched_descriptors() == frozenset()
    assert other_tasks() == frozenset()  # no misc loop
    assert live_timers() == []
    assert hooked.client._misc_task is None
    assert hooked.socket.calls <= {"setblocking", "close", "fileno"}


async def test_connack_completes_the_connected_future() -> None:
    hooked = Hooked()
    hooked.client._client_connect()
    hooked.hear(mqtt_bytes.connack(4))
    assert hooked.client._connected.done()
    assert hooked.client._connected.exception() is None


async def test_disconnecting_asks_the_connected_future_for_its_exception() -> None:
    # Why the session shields that future from cancellation. Once this fails, the shield can go.
    hooked = Hooked().connected()
    hooked.client._connected = asyncio.get_running_loop().create_future()
    hooked.client._connected.cancel()
    with pytest.raises(asyncio.CancelledError):
        hooked.paho.disconnect()


async def test_infinity_is_no_timeout() -> None:
    hooked = Hooked().connected()
    task = asyncio.create_task(hooked.client.publish(TOPIC, b"x", qos=1, timeout=math.inf))
    await asyncio.sleep(0)
    assert live_timers() == []
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert other_tasks() == frozenset()


@pytest.mark.parametrize("mqtt_version", list(PROTOCOLS))
async def test_the_session_is_clean(mqtt_version: MqttVersion) -> None:
    hooked = Hooked(mqtt_version)
    hooked.client._client_connect()
    connect = hooked.socket.sent[0]
    flags = connect[connect.index(b"MQTT") + 5]  # MQTT 5.0 3.1.2: name, version, flags
    assert flags & 2


async def test_nothing_is_logged_by_the_libraries(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        hooked = Hooked().connected()
        hooked.paho.disconnect()
    assert [record for record in caplog.records if record.name != "asyncio"] == []


_STREAMS = st.lists(
    st.one_of(
        st.builds(
            lambda kind, flags, body: mqtt_bytes.packet(kind, body, flags=flags),
            st.sampled_from(list(mqtt_bytes.PacketType)),
            st.integers(0, 15),
            st.binary(max_size=30),
        ),
        st.builds(
            lambda level, topic, payload, qos: mqtt_bytes.publish(level, topic, payload, qos=qos, packet_id=5),
            st.sampled_from((4, 5)),
            st.text(max_size=8),
            st.binary(max_size=8),
            st.sampled_from((0, 1, 2)),
        ),
        st.builds(
            mqtt_bytes.acknowledgement,
            st.sampled_from((4, 5)),
            st.sampled_from([mqtt_bytes.PacketType(number) for number in (4, 5, 6, 7)]),
            st.sampled_from((1, 2, 5)),
            st.integers(0, 255),
        ),
    ),
    max_size=4,
)


@pytest.mark.parametrize("mqtt_version", list(PROTOCOLS))
def test_what_the_witness_lets_through_raises_nothing_but_what_the_session_expects(mqtt_version: MqttVersion) -> None:
    @settings(max_examples=250, deadline=None)
    @given(_STREAMS)
    def run(packets: list[bytes]) -> None:
        asyncio.run(_listen(mqtt_version, packets))

    run()


async def _listen(mqtt_version: MqttVersion, packets: list[bytes]) -> None:
    hooked = Hooked(mqtt_version).connected()
    arrival = Arrival(Stamp(1.0, Clock.KERNEL), shares_segment=False)
    hooked.witness.connack = arrival
    hooked.paho.subscribe(TOPIC, qos=2)
    hooked.paho.publish(TOPIC, OWN.payload, qos=2)
    for raw in packets:
        try:
            for packet in Framer().feed(raw):
                hooked.witness.received(packet, arrival)
                hooked.hear(packet.raw)
        except (PhaseFault, MalformedPacketError, MQTTException, ValueError):
            return
