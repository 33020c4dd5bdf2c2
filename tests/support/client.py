"""A small client on the standard library's ssl: independent of the probe, and able to misbehave."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.mqtt_bytes import PacketType, packet, split_packet, string
from tests.support.pki import TestPki

_TIMEOUT_S = 10.0


def client_context(
    pki: TestPki, *, version: ssl.TLSVersion | None = None, with_certificate: bool = False
) -> ssl.SSLContext:
    """Return a context that verifies against the test root; `version` pins the TLS version."""
    context = ssl.create_default_context(cafile=str(pki.ca_file))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if with_certificate:
        context.load_cert_chain(pki.client_files.chain, pki.client_files.key)
    return context


@contextmanager
def tls_client(
    context: ssl.SSLContext, host: str, port: int, *, timeout_s: float = _TIMEOUT_S
) -> Iterator[ssl.SSLSocket]:
    """Connect, and make the handshake."""
    with (
        socket.create_connection((host, port), timeout=timeout_s) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        yield secured


def read_exactly(connection: socket.socket, count: int) -> bytes:
    """Read that many bytes; EOFError if fewer come."""
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError(data)
        data += more
    return data


def read_mqtt(connection: socket.socket) -> tuple[int, bytes]:
    """Read one MQTT packet: its first byte and its body; EOFError at the end."""
    data = b""
    while (split := split_packet(data)) is None:
        data += read_exactly(connection, 1)
    return split[0], split[1]


def connect_bytes(
    level: int = 4, *, client_id: str = "c", username: str | None = None, password: str | None = None
) -> bytes:
    """Encode a CONNECT with a clean session and no properties."""
    flags = 2 | (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    body = string("MQIsdp" if level == 3 else "MQTT") + bytes((level, flags, 0, 60)) + (b"\0" if level == 5 else b"")
    body += b"".join(string(text) for text in (client_id, username, password) if text is not None)
    return packet(PacketType.CONNECT, body)


def subscribe_bytes(topic: str, qos: int = 1, *, level: int = 4, packet_id: int = 1) -> bytes:
    """Encode a SUBSCRIBE of one filter."""
    properties = b"\0" if level == 5 else b""
    return packet(PacketType.SUBSCRIBE, packet_id.to_bytes(2) + properties + string(topic) + bytes((qos,)), flags=2)
