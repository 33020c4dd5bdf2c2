"""What the benchmarks share: a mosquitto with a chain of three, and a broker record for it."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from monitor.demo.pki import issue
from monitor.model.broker import Broker, TlsSettings, Trust
from tests.support.brokers import Mosquitto
from tests.support.pki import write_chain


@dataclasses.dataclass(frozen=True, slots=True)
class Rig:
    """A running broker, and how to probe it."""

    server: Mosquitto
    broker: Broker
    ca_file: Path


@contextmanager
def rig() -> Iterator[Rig]:
    """Start mosquitto with TLS 1.3 and an ECDSA P-256 chain of three: leaf, intermediate, root."""
    now = datetime.now(UTC)
    root = issue(now=now, is_ca=True, subject="Bench Root")
    intermediate = issue(now=now, issuer=root, is_ca=True, subject="Bench Intermediate")
    leaf = issue(now=now, issuer=intermediate)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        ca_file = directory / "ca.pem"
        ca_file.write_bytes(root.pem)
        files = write_chain(directory, "server", (leaf, intermediate, root))
        place = directory / "mosquitto"
        place.mkdir()
        # Logging every packet would put the broker's disk into the broker's latency.
        with Mosquitto(place, certificate=files, extra=("connection_messages false",)) as server:
            trust = Trust(source=str(ca_file), anchors=(root.der,))
            tls = TlsSettings(trust=trust, server_name="localhost")
            broker = Broker(name="bench", host="127.0.0.1", port=server.port, timeout_s=30.0, tls=tls)
            yield Rig(server, broker, ca_file)
