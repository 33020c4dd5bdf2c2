"""What the MQTT phases need of an MQTT client, and aiomqtt behind it.

aiomqtt 2 hides and leaks in ways that a monitor cannot live with: it turns every refusal into its own timeout, connects
in a thread whose late callbacks can take over a reused descriptor, and leaves a task behind when cancelled. So it runs
here over a socket of ours that never touches the descriptor, without its own timeout, and every wait is cut short as
soon as the peer has made its success impossible. The hooks are private (`_client`, `_create_socket`, `_client_connect`,
`_connected`) and held by tests/probe/test_paho_contract.py.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

import aiomqtt
from paho.mqtt import MQTTException
from paho.mqtt.client import error_string
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from monitor.model.broker import MqttSettings, MqttVersion
from monitor.probe.fault import PhaseFault
from monitor.probe.interruptible import Interruptible
from monitor.probe.witness import Arrival, OwnMessage, Witness
from monitor.wire.channel import Channel
from monitor.wire.clock import Stamp
from monitor.wire.ending import ConnectionEnded, Ending
from monitor.wire.mqtt import Framer, MalformedPacketError, Packet

_VERSIONS = {
    MqttVersion.V3_1: aiomqtt.ProtocolVersion.V31,
    MqttVersion.V3_1_1: aiomqtt.ProtocolVersion.V311,
    MqttVersion.V5: aiomqtt.ProtocolVersion.V5,
}


class MqttSession(Protocol):
    """One MQTT conversation. Every method raises `PhaseFault` as soon as the peer makes its success impossible."""

    witness: Witness

    async def connect(self) -> None:
        """Send CONNECT; return on a successful CONNACK."""

    async def subscribe(self) -> None:
        """Subscribe to the probe's own topic; return on SUBACK."""

    async def publish(self) -> None:
        """Publish the probe's own message; return when the QoS's handshake is over."""

    async def own_message(self) -> None:
        """Return when the probe's own message has come back."""

    def disconnect(self) -> None:
        """Send DISCONNECT, if the session is up."""


class AiomqttSession:
    """A clean session by aiomqtt over a channel whose handshake is complete."""

    def __init__(
        self,
        channel: Channel,
        settings: MqttSettings,
        *,
        client_id: str,
        own: OwnMessage,
        keep_alive_s: int,
    ) -> None:
        self.witness = Witness(settings.version, own, settings.password)
        self._channel = channel
        self._own = own
        self._qos = settings.qos
        self._interruptible = Interruptible()
        self._own_arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._framer = Framer()
        self._socket = _PahoSocket(channel, self.witness)
        is_v5 = settings.version is MqttVersion.V5
        password = settings.password.reveal().decode("utf-8") if settings.password else None
        self._client = aiomqtt.Client(
            # Never connected to by paho: the channel is. An empty one would be refused.
            "channel.invalid",
            username=settings.username,
            password=password,
            identifier=client_id,
            protocol=_VERSIONS[settings.version],
            clean_session=None if is_v5 else True,
            # clean_start needs no saying: the first connection of a client is clean.
            keepalive=keep_alive_s,
            properties=_session_expires_at_once() if is_v5 else None,
            timeout=math.inf,
        )
        paho = self._client._client
        paho.disable_logger()
        paho._create_socket = lambda: self._socket  # type: ignore[method-assign]
        # Without these four, paho writes at once and leaves readers and writers of the event loop alone.
        paho.on_socket_open = None
        paho.on_socket_close = None
        paho.on_socket_register_write = None
        paho.on_socket_unregister_write = None
        # aiomqtt reports a peer's breach of MQTT there as well; unread, it would be an error line in our own log.
        self._client._disconnected.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        channel.deliver_to(self._received)
        channel.ended.add_done_callback(self._channel_ended)

    async def connect(self) -> None:
        """See `MqttSession`."""
        await self._complete(self._connect, lambda: self.witness.connack)

    async def subscribe(self) -> None:
        """See `MqttSession`."""
        topic = self._own.topic.decode()
        subscribe = partial(self._client.subscribe, topic, qos=self._qos, timeout=math.inf)
        await self._complete(subscribe, lambda: self.witness.suback)

    async def publish(self) -> None:
        """See `MqttSession`."""
        topic = self._own.topic.decode()
        publish = partial(self._client.publish, topic, self._own.payload, qos=self._qos, timeout=math.inf)
        await self._complete(publish, lambda: self.witness.published)

    async def own_message(self) -> None:
        """See `MqttSession`."""
        await self._complete(lambda: self._own_arrived, lambda: self.witness.own_message)

    def disconnect(self) -> None:
        """See `MqttSession`."""
        if self.witness.connack is not None and not self._channel.ended.done():
            self._client._client.disconnect()

    async def _connect(self) -> None:
        # On the loop, not in aiomqtt's executor: nothing here blocks, since the channel is connected already.
        self._client._client_connect()
        # Shielded: aiomqtt's own callbacks ask this future for its exception, and a cancelled one would raise there.
        await asyncio.shield(self._client._connected)

    async def _complete(
        self, operation: Callable[[], Awaitable[object]], arrived: Callable[[], Arrival | None]
    ) -> None:
        try:
            async with self._interruptible:
                await operation()
        except PhaseFault:
            if arrived() is None:
                raise
            # What was awaited came just before the end; the next phase meets the end.

    def _received(self, plaintext: bytes, stamp: Stamp) -> None:
        if self._interruptible.is_interrupted:
            return
        try:
            packets = self._framer.feed(plaintext)
            arrival = Arrival(stamp, shares_segment=len(packets) > 1 or self._framer.partial_bytes > 0)
            for packet in packets:
                self.witness.received(packet, arrival)
                self._socket.deliver(packet.raw)
                self._let_client_read(packet)
            if self.witness.own_message is not None and not self._own_arrived.done():
                self._own_arrived.set_result(None)
            self._framer.feed(b"")  # what follows the packets must be MQTT too
        except MalformedPacketError as error:
            self._fail(PhaseFault("malformed", str(error)))
        except PhaseFault as fault:
            self._fail(fault)

    def _let_client_read(self, packet: Packet) -> None:
        try:
            code = self._client._client.loop_read()
        except (MQTTException, ValueError) as error:
            raise PhaseFault("malformed", f"a {packet.type.name} that cannot be read: {error}") from None
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise PhaseFault("malformed", f"a {packet.type.name} that breaks the protocol: {error_string(code)}")

    def _fail(self, fault: PhaseFault) -> None:
        self._interruptible.interrupt(fault)

    def _channel_ended(self, ended: asyncio.Future[Ending]) -> None:
        if not ended.cancelled():
            self._fail(ChannelFault(ended.result()))


class ChannelFault(PhaseFault):
    """The connection ended; the phase that is under way finds the word for it."""

    def __init__(self, ending: Ending) -> None:
        super().__init__("closed", ending.detail)
        self.ending = ending


class _PahoSocket:
    """The socket face that paho sees: whole, accepted packets come out; what goes in is sent at once, and stamped."""

    def __init__(self, channel: Channel, witness: Witness) -> None:
        self._channel = channel
        self._witness = witness
        self._incoming = b""

    def deliver(self, raw: bytes) -> None:
        self._incoming += raw

    def recv(self, size: int) -> bytes:
        if not self._incoming:
            raise BlockingIOError
        data, self._incoming = self._incoming[:size], self._incoming[size:]
        return data

    def send(self, data: bytes | bytearray) -> int:
        # paho hands over a packet at a time, and as all of it is taken, never a part of one.
        raw = bytes(data)
        try:
            self._witness.sent(raw, self._channel.send(raw))
        except ConnectionEnded as ended:
            self._channel.end(ended.ending)
        return len(raw)

    def pending(self) -> int:
        return len(self._incoming)

    def fileno(self) -> int:
        return -1

    def setblocking(self, flag: bool) -> None:
        """Nothing to do: it never blocks."""

    def close(self) -> None:
        """Nothing to do: the channel is closed by the pipeline."""


def _session_expires_at_once() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 0
    return properties
