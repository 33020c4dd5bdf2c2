"""The demo's brokers: one healthy, the others broken, each in one instructive way.

All are the same MQTT broker behind different doors. Certificates are made at the start, with dates relative to a
given moment, by a test PKI of a root and an intermediate.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import yaml

from monitor.config.hosts import endpoint
from monitor.demo.embedded import LOOPBACK, Behind, Door, mqtt_broker, never_answer
from monitor.demo.pki import Issued, issue
from monitor.model.judgement import Verdict

INTERVAL = "10s"
TIMEOUT = "3s"

HEALTHY = "healthy"
CLIENT_CERTIFICATE_REQUIRED = "client-certificate-required"
PLAIN_TCP = "plain-tcp"
BLACK_HOLE = "black-hole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One broker of the demo: what is the matter with it, and what the monitor says."""

    name: str
    summary: str
    verdict: Verdict
    reason: str | None
    """Why its probes fail; None where they succeed."""


LESSONS = (
    Lesson(name=HEALTHY, summary="nothing is wrong", verdict=Verdict.OK, reason=None),
    Lesson(
        name="expiring-soon",
        summary="its certificate has ten days left",
        verdict=Verdict.WARNING,
        reason=None,
    ),
    Lesson(
        name="expired",
        summary="its certificate ended three days ago",
        verdict=Verdict.CRITICAL,
        reason="verify_certificate_expired",
    ),
    Lesson(
        name="wrong-name",
        summary="its certificate is for mqtt.example.org",
        verdict=Verdict.CRITICAL,
        reason="verify_name_mismatch",
    ),
    Lesson(
        name="incomplete-chain",
        summary="it does not serve the intermediate certificate",
        verdict=Verdict.CRITICAL,
        reason="verify_chain_incomplete",
    ),
    Lesson(
        name=CLIENT_CERTIFICATE_REQUIRED,
        summary="it wants a client certificate, and the monitor has none",
        verdict=Verdict.CRITICAL,
        reason="mqtt_connect_client_certificate_required",
    ),
    Lesson(
        name=PLAIN_TCP,
        summary="it speaks plain MQTT where TLS is expected",
        verdict=Verdict.CRITICAL,
        reason="handshake_closed",
    ),
    Lesson(
        name=BLACK_HOLE,
        summary="it accepts connections and never answers",
        verdict=Verdict.CRITICAL,
        reason="handshake_timeout",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBroker:
    """A running broker of the demo, on 127.0.0.1."""

    lesson: Lesson
    door: Door

    @property
    def port(self) -> int:
        """Where it listens, while it does."""
        return self.door.port


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """The running brokers and the files about them."""

    directory: Path
    ca_file: Path
    """The root certificate, PEM: what clients trust."""
    brokers: tuple[DemoBroker, ...]
    """In the order of `LESSONS`."""
    well: Behind
    """What is behind the healthy one's door, and cures any other."""


@asynccontextmanager
async def demo_brokers(directory: Path, now: datetime) -> AsyncIterator[Demo]:
    """Run the brokers, with their certificates and keys in a directory that exists and only we can read.

    Raises:
        OSError: a file cannot be written, or a port not be opened.
    """
    root = issue(now=now, is_ca=True, subject="Demo root CA")
    ca_file = directory / "ca.pem"
    ca_file.write_bytes(root.pem)
    chains = _chains(root, now)
    async with AsyncExitStack() as stack:
        serve = await stack.enter_async_context(mqtt_broker())
        running = []
        for lesson in LESSONS:
            chain = chains.get(lesson.name)
            context = None if chain is None else _server_context(directory / f"{lesson.name}.pem", chain)
            if lesson.name == CLIENT_CERTIFICATE_REQUIRED and context is not None:
                context.load_verify_locations(ca_file)
                context.verify_mode = ssl.CERT_REQUIRED
            door = Door(Behind(never_answer if lesson.name == BLACK_HOLE else serve, context))
            stack.push_async_callback(door.close)
            running.append(DemoBroker(lesson=lesson, door=door))
        well = next(broker.door.behind for broker in running if broker.lesson.name == HEALTHY)
        yield Demo(directory=directory, ca_file=ca_file, brokers=tuple(running), well=well)


def write_config(demo: Demo, *, listen_host: str, listen_port: int) -> Path:
    """Write `monitor.yml`, which watches every broker of the demo, and return its path."""
    path = demo.directory / "monitor.yml"
    document = {
        "listen": endpoint(listen_host, listen_port),
        "defaults": {"interval": INTERVAL, "timeout": TIMEOUT, "tls": {"ca_file": str(demo.ca_file)}},
        "brokers": [_watched(demo, broker) for broker in demo.brokers],
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def _watched(demo: Demo, broker: DemoBroker) -> dict[str, object]:
    watched: dict[str, object] = {"name": broker.lesson.name, "host": LOOPBACK, "port": broker.port}
    if broker.lesson.name == HEALTHY:
        # What only a broker on the monitor's host, and one of one's own, can be asked.
        watched["files"] = {"certificate": str(demo.directory / f"{HEALTHY}.pem")}
        watched["refusals"] = {"checks": ["tls_1_0", "tls_1_1", "weak_cipher", "plain_mqtt_on_tls_port"]}
    return watched


def _chains(root: Issued, now: datetime) -> Mapping[str, tuple[Issued, ...]]:
    """Return what each broker with TLS serves, leaf first."""
    intermediate = issue(now=now, issuer=root, is_ca=True, path_length=0, subject="Demo intermediate CA")
    leaf = partial(issue, now=now, issuer=intermediate)
    day, hour = timedelta(days=1), timedelta(hours=1)
    return {
        HEALTHY: (leaf(), intermediate),
        "expiring-soon": (leaf(not_before=now - 80 * day, not_after=now + 10 * day + hour), intermediate),
        "expired": (leaf(not_before=now - 93 * day, not_after=now - 3 * day), intermediate),
        "wrong-name": (leaf(names=("DNS:mqtt.example.org",)), intermediate),
        "incomplete-chain": (leaf(),),
        CLIENT_CERTIFICATE_REQUIRED: (leaf(), intermediate),
    }


def _server_context(path: Path, chain: tuple[Issued, ...]) -> ssl.SSLContext:
    # load_cert_chain reads nothing but files: key and chain in one.
    path.write_bytes(chain[0].key_pem + b"".join(issued.pem for issued in chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
