"""The access control lines in real brokers: enough for a whole probe, and no more than its own topics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.config.acl import acl_lines
from monitor.model.broker import Broker, MqttSettings, Secret, TlsSettings
from monitor.model.outcome import Failed
from monitor.model.report import ProbeReport
from monitor.probe.pipeline import probe
from monitor.probe.resolve import Resolver
from tests.support.brokers import Mosquitto, NatsServer
from tests.support.pki import TestPki
from tests.support.probing import accept_all

USER = "monitor of ours"
PASSWORD = "s3cret"
TOPICS = ["mqtt-tls-monitor/{id}/{nonce}", "{nonce}", "/a b/probe-{id}/{nonce}/end"]


class RestrictedNats(NatsServer):
    """A nats-server with one user, whose permissions are the given lines."""

    def __init__(self, directory: Path, *, pki: TestPki, lines: str) -> None:
        super().__init__(directory, certificate=pki.server_files)
        self._lines = lines

    def command(self) -> Sequence[str]:
        """Add the user to nats.conf."""
        command = super().command()
        config = self.directory / "nats.conf"
        entry = f'{{\n{self._lines}\npassword: "{PASSWORD}"\n}}'
        config.write_text(f"{config.read_text()}\nauthorization {{ users: [{entry}] }}\n")
        return command


def monitored(pki: TestPki, mqtt: MqttSettings) -> Broker:
    tls = TlsSettings(trust=pki.trust, server_name="127.0.0.1")
    return Broker(name="a", host="127.0.0.1", tls=tls, mqtt=mqtt)


async def probed(broker: Broker) -> ProbeReport:
    resolver = Resolver()
    try:
        return await probe(broker, verify=accept_all, now=lambda: datetime.now(UTC), resolver=resolver)
    finally:
        resolver.close()


def reason(report: ProbeReport) -> str | None:
    failure = report.failure
    return failure.outcome.reason if failure is not None and isinstance(failure.outcome, Failed) else None


@pytest.mark.parametrize("username", [USER, None])
@pytest.mark.parametrize("topic", TOPICS)
async def test_mosquitto_lets_the_monitor_use_its_topic_and_no_other(
    topic: str, username: str | None, pki: TestPki, tmp_path: Path
) -> None:
    password = None if username is None else Secret(PASSWORD.encode())
    broker = monitored(pki, MqttSettings(username=username, password=password, topic=topic))
    acl = acl_lines([broker], "mosquitto").splitlines()
    users = None if username is None else {username: PASSWORD}
    with Mosquitto(tmp_path / "m", certificate=pki.server_files, users=users, acl=acl) as mosquitto:
        own = await probed(replace(broker, port=mosquitto.port))
        other_topic = replace(broker.mqtt, topic="other/{nonce}")
        other = await probed(replace(broker, port=mosquitto.port, timeout_s=1.0, mqtt=other_topic))
    assert reason(own) is None
    # Debian's mosquitto grants any subscription and delivers nothing.
    assert not other.success


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("topic", [TOPICS[0], "/x/{nonce}"])
async def test_nats_lets_the_monitor_use_its_topic_and_no_other(
    topic: str, qos: int, pki: TestPki, tmp_path: Path
) -> None:
    settings = MqttSettings(username=USER, password=Secret(PASSWORD.encode()), topic=topic, qos=qos)
    broker = monitored(pki, settings)
    with RestrictedNats(tmp_path / "n", pki=pki, lines=acl_lines([broker], "nats")) as nats:
        own = await probed(replace(broker, port=nats.port))
        other_topic = replace(settings, topic="other/{nonce}")
        other = await probed(replace(broker, port=nats.port, timeout_s=2.0, mqtt=other_topic))
    assert reason(own) is None
    assert not other.success
