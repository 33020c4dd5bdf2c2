"""Attempts without TLS. Nothing but a client id is sent."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import Final

from monitor.model.broker import Broker
from monitor.probe.fault import PhaseFault
from monitor.probe.refusals.evidence import Evidence, Means, accepted, refused, unknown
from monitor.wire.ending import ConnectionEnded, End
from monitor.wire.mqtt import PacketType
from monitor.wire.records import ALERT
from monitor.wire.tcp import TcpConnection

_DISCONNECT: Final = bytes((PacketType.DISCONNECT << 4, 0))
# Nobody listens there; or a firewall says so, or swallows what goes there.
_CLOSED: Final = ("refused", "timeout", "host_unreachable")


async def plain_port_open(broker: Broker, means: Means) -> Evidence:
    """Connect to the port for MQTT without TLS, and leave."""
    port = broker.refusals.plain_port
    try:
        tcp, address = await means.connected(broker, port)
    except PhaseFault as fault:
        seen = f"port {port}: {fault.detail}"
        return refused(seen, needs_control=True) if fault.word in _CLOSED else unknown(seen)
    tcp.close()
    return accepted(f"a connection to port {port} without TLS was accepted at {address}")


async def plain_mqtt_on_tls_port(broker: Broker, means: Means) -> Evidence:
    """Send a CONNECT without TLS to the port for TLS."""
    try:
        tcp, _ = await means.connected(broker, broker.port)
    except PhaseFault as fault:
        return unknown(fault.detail)
    try:
        async with asyncio.timeout(broker.timeout_s):
            answer = await _answer(tcp, _connect_packet(broker.mqtt.client_id_prefix))
    except TimeoutError:
        return unknown(f"no answer within {broker.timeout_s:g} s")
    except ConnectionEnded as ended:
        seen = ended.ending.detail
        return refused(seen, needs_control=True) if ended.ending.end is End.RESET else unknown(seen)
    finally:
        tcp.close()
    if not answer:
        return refused("closed by the peer", needs_control=True)
    if answer[0] == ALERT and answer[1:2] == b"\x03":
        return refused("the peer sent a TLS alert", needs_control=False)
    if answer[0] == PacketType.CONNACK << 4:
        return accepted("MQTT without TLS was answered on the port for TLS")
    return unknown(f"the answer began with {answer[:16]!r}")


async def _answer(tcp: TcpConnection, request: bytes) -> bytes:
    """Return the first that comes after the request; empty at the end of the stream.

    Raises:
        ConnectionEnded: the connection broke.
    """
    tcp.send(request)  # a few bytes on a fresh connection: the kernel takes them all
    await tcp.readable()
    received = tcp.receive()
    answer = b"" if received is None else received[0]
    if answer:
        # A broker that has answered and reset the connection has answered all the same.
        with suppress(ConnectionEnded):
            tcp.send(_DISCONNECT)
    return answer


def _connect_packet(prefix: str) -> bytes:
    """Encode a CONNECT of a clean session without user name (MQTT 3.1.1 3.1)."""
    client_id = f"{prefix}-{secrets.token_hex(4)}".encode()
    body = b"\0\4MQTT\4\2\0\x0a" + len(client_id).to_bytes(2, "big") + client_id
    return bytes((PacketType.CONNECT << 4, len(body))) + body
