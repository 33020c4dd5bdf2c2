"""A probe cancelled at any of its steps leaves nothing: no descriptor, no reader or writer, no task, no timer."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import socket
import time
from datetime import UTC, datetime

import pytest
from OpenSSL import SSL

from monitor.model.broker import Broker, MqttSettings, TlsVersion
from monitor.probe.pipeline import probe
from monitor.probe.resolve import Resolver
from monitor.wire.mqtt import Framer, Packet, PacketType
from tests.support import mqtt_bytes
from tests.support.loop_state import descriptors, live_timers, other_tasks, watched_descriptors
from tests.support.pki import TestPki
from tests.support.probing import accept_all, broker_at
from tests.support.tls_peer import LoopbackPeer, MemoryServer, server_context

LEVEL = 4
MOST_STEPS = 2000
"""Far more turns of the event loop than a probe on loopback takes."""


class SteppedBroker:
    """An MQTT broker for one connection that moves only when it is told to."""

    def __init__(self, context: SSL.Context) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._peer: LoopbackPeer | None = None
        self._framer = Framer()

    def pump(self) -> None:
        """Do whatever is due. Never waits."""
        if self._peer is None:
            try:
                accepted, _ = self._listener.accept()
            except BlockingIOError:
                return
            accepted.setblocking(False)
            self._peer = LoopbackPeer(accepted, MemoryServer(self._context))
        if self._peer.socket.fileno() < 0:
            return
        self._peer.pump()
        for packet in self._framer.feed(self._peer.tls.read()):
            for answer in self._answers(packet):
                self._peer.say(answer)
        if self._peer.saw_end or self._peer.tls.connection.get_shutdown() & SSL.RECEIVED_SHUTDOWN:
            self._peer.socket.close()

    def close(self) -> None:
        """Give back both sockets."""
        self._listener.close()
        if self._peer is not None:
            self._peer.socket.close()

    def _answers(self, packet: Packet) -> list[bytes]:
        match packet.type:
            case PacketType.CONNECT:
                return [mqtt_bytes.connack(LEVEL)]
            case PacketType.SUBSCRIBE:
                return [mqtt_bytes.suback(LEVEL, int.from_bytes(packet.body[:2]), (2,))]
            case PacketType.PUBLISH:
                length = 2 + int.from_bytes(packet.body[:2])
                packet_id = int.from_bytes(packet.body[length : length + 2])
                own = mqtt_bytes.publish(
                    LEVEL, packet.body[2:length].decode(), packet.body[length + 2 :], qos=2, packet_id=7
                )
                return [mqtt_bytes.acknowledgement(LEVEL, mqtt_bytes.PacketType.PUBREC, packet_id), own]
            case PacketType.PUBREL:
                packet_id = int.from_bytes(packet.body[:2])
                return [mqtt_bytes.acknowledgement(LEVEL, mqtt_bytes.PacketType.PUBCOMP, packet_id)]
            case _:
                return []


async def _cancelled_after(steps: int, context: SSL.Context, settings: Broker, *, blocked: bool) -> bool:
    """Probe, cancel after so many turns of the loop, and look at what is left. True if the probe was done before."""
    stepped = SteppedBroker(context)
    before = descriptors()
    resolver = Resolver()
    try:
        task = asyncio.create_task(
            probe(
                dataclasses.replace(settings, port=stepped.port),
                verify=accept_all,
                now=lambda: datetime.now(UTC),
                resolver=resolver,
            )
        )
        for _ in range(steps):
            stepped.pump()
            await asyncio.sleep(0)
        if blocked:
            # Several things become due at once, and the cancellation with them.
            stepped.pump()
            time.sleep(0.002)
        was_done = task.done()
        task.cancel()
        if was_done:
            assert task.result().success, task.result()
        else:
            with pytest.raises(asyncio.CancelledError):
                await task
    finally:
        stepped.close()
        resolver.close()
    assert watched_descriptors() == frozenset()
    assert other_tasks() == frozenset()
    assert live_timers() == []
    assert descriptors() <= before
    await asyncio.sleep(0)  # whatever was called soon
    assert watched_descriptors() == frozenset()
    assert other_tasks() == frozenset()
    return was_done


@pytest.mark.parametrize("blocked", [False, True])
@pytest.mark.parametrize("version", [TlsVersion.V1_2, TlsVersion.V1_3])
@pytest.mark.parametrize("has_identity", [False, True])
async def test_cancelled_at_any_step_a_probe_leaves_nothing(
    pki: TestPki, version: TlsVersion, has_identity: bool, blocked: bool
) -> None:
    context = server_context(*pki.chain, version=version, demands_certificate=has_identity)
    settings = broker_at(0, identity=pki.client_identity if has_identity else None, mqtt=MqttSettings(qos=2))
    for steps in itertools.count():
        assert steps < MOST_STEPS
        if await _cancelled_after(steps, context, settings, blocked=blocked):
            assert steps > 10  # it was stopped in many places before it came through
            return
