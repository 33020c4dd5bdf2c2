"""One way for a probe to fail: a server that causes it, the broker as configured, and the reason it must have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from monitor.model.broker import (
    Broker,
    ClientIdentity,
    MqttSettings,
    MqttVersion,
    Protocol,
    TlsSettings,
)
from tests.support.faults import FaultServer, Script
from tests.support.pki import TestPki
from tests.support.tls_engine import ServerTls

SHORT_S = 1.0
"""Deadline where a probe has to run into it: enough for every phase before, on a busy machine too."""
AMPLE_S = 10.0

V3_1_1 = MqttSettings(version=MqttVersion.V3_1_1)
V5 = MqttSettings(version=MqttVersion.V5)

Tls = Callable[[TestPki], ServerTls | None]
Server = Callable[[TestPki], AbstractContextManager[int]]
"""Starts the server; what it yields is its port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A failure, to be caused for real."""

    id: str
    reason: str
    """Of `monitor.model.reasons.REASONS`."""
    server: Server
    host: str = "127.0.0.1"
    server_name: str = "localhost"
    identity: Callable[[TestPki], ClientIdentity] | None = None
    mqtt: MqttSettings = V3_1_1
    timeout_s: float = AMPLE_S

    @contextmanager
    def broker(self, pki: TestPki) -> Iterator[Broker]:
        """Run the server, and yield the broker to probe: trusts the test root, speaks MQTT, TLS 1.2 or 1.3."""
        with self.server(pki) as port:
            yield Broker(
                name="test",
                host=self.host,
                port=port,
                protocol=Protocol.MQTT,
                timeout_s=self.timeout_s,
                tls=TlsSettings(
                    trust=pki.trust,
                    server_name=self.server_name,
                    client_identity=None if self.identity is None else self.identity(pki),
                ),
                mqtt=self.mqtt,
            )


def good_tls(pki: TestPki) -> ServerTls:
    """TLS as it should be, one-way."""
    return ServerTls(chain=pki.chain)


def tls12(pki: TestPki) -> ServerTls:
    """The same in TLS 1.2."""
    return ServerTls(chain=pki.chain, maximum_version="1.2")


def two_way(pki: TestPki) -> ServerTls:
    """Asks for a client certificate."""
    return ServerTls(chain=pki.chain, requests_client_certificate=True)


def two_way_tls12(pki: TestPki) -> ServerTls:
    """The same in TLS 1.2."""
    return ServerTls(chain=pki.chain, maximum_version="1.2", requests_client_certificate=True)


def no_tls(_: TestPki) -> None:
    """Leave all bytes to the script."""


def scripted(script: Script, tls: Tls = good_tls) -> Server:
    """Return the server of a case out of a script."""

    @contextmanager
    def start(pki: TestPki) -> Iterator[int]:
        with FaultServer(script, tls=tls(pki)) as server:
            yield server.port

    return start
