"""Topics, TLS versions, cipher suites and ports that must be refused."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from monitor.demo.pki import issue
from monitor.model.broker import Broker, MqttSettings, MqttVersion, Protocol, RefusalSettings, Secret
from monitor.model.refusal import RefusalCheck, RefusalOutcome
from tests.support import mqtt_script
from tests.support.brokers import Amqtt, Mosquitto, NatsServer, OpensslServer
from tests.support.client import client_context, connect_bytes, read_mqtt, tls_client
from tests.support.faults import FaultServer, Peer, Script
from tests.support.mqtt_bytes import PacketType, connack, packet, publish, string
from tests.support.mqtt_script import Act, all_of, close, deliver, disconnect, grant, puback, suback
from tests.support.pki import CertificateFiles, TestPki, write_chain
from tests.support.ports import closed_port, silent_port
from tests.support.probing import broker_at
from tests.support.refusing import ACCEPTED, REFUSED, UNKNOWN, outcomes, tried, tried_once
from tests.support.tls_engine import ServerTls

SUBSCRIBE, PUBLISH = RefusalCheck.FORBIDDEN_SUBSCRIBE, RefusalCheck.FORBIDDEN_PUBLISH
TOPICS = (SUBSCRIBE, PUBLISH)
VERSIONS = (RefusalCheck.TLS_1_0, RefusalCheck.TLS_1_1)
OFFERS = (*VERSIONS, RefusalCheck.WEAK_CIPHER)
PLAIN = RefusalCheck.PLAIN_MQTT_ON_TLS_PORT
USERS = {"monitor": "secret"}


@pytest.fixture
def known() -> Broker:
    mqtt = MqttSettings(username="monitor", password=Secret(b"secret"))
    settings = RefusalSettings(forbidden_subscribe="secret/#", forbidden_publish="secret/x", plain_port=1)
    return replace(broker_at(0, mqtt=mqtt, timeout_s=5), refusals=settings)


def speaking(broker: Broker, version: MqttVersion) -> Broker:
    return replace(broker, mqtt=replace(broker.mqtt, version=version))


def hasty(broker: Broker) -> Broker:
    """Give up soon where nothing is going to come."""
    return replace(broker, timeout_s=1.0)


# Topics


@pytest.mark.parametrize(("version", "publish"), [(MqttVersion.V3_1_1, UNKNOWN), (MqttVersion.V5, REFUSED)])
async def test_mosquitto_refuses_a_message_and_only_mqtt_5_says_so(
    pki: TestPki, known: Broker, tmp_path: Path, version: MqttVersion, publish: RefusalOutcome
) -> None:
    """It grants every subscription, and holds the messages back; so that one cannot be told."""
    acl = ["user monitor", "topic readwrite mqtt-tls-monitor/#"]
    with Mosquitto(tmp_path, certificate=pki.server_files, users=USERS, acl=acl) as server:
        retain(server.port, pki, "secret/x")
        found = outcomes(await tried(hasty(speaking(replace(known, port=server.port), version)), *TOPICS))
    assert found == {SUBSCRIBE: UNKNOWN, PUBLISH: publish}


@pytest.mark.parametrize("version", [MqttVersion.V3_1_1, MqttVersion.V5])
async def test_mosquitto_without_an_acl_lets_read_and_write_everything(
    pki: TestPki, known: Broker, tmp_path: Path, version: MqttVersion
) -> None:
    with Mosquitto(tmp_path, certificate=pki.server_files) as server:
        retain(server.port, pki, "secret/x")
        found = await tried(hasty(speaking(replace(known, port=server.port), version)), *TOPICS)
    assert set(outcomes(found).values()) == {ACCEPTED}, found
    assert found[SUBSCRIBE].detail == "the subscription to 'secret/#' was granted, and messages came"


async def test_nats_refuses_the_subscription_so_that_the_message_cannot_be_told(
    pki: TestPki, known: Broker, tmp_path: Path
) -> None:
    with NatsServer(tmp_path, certificate=pki.server_files, users=USERS, forbidden="secret.>") as server:
        found = await tried(replace(known, port=server.port), *TOPICS)
    assert outcomes(found) == {SUBSCRIBE: REFUSED, PUBLISH: UNKNOWN}
    assert found[PUBLISH].detail == "MQTT 3.1.1 does not say it, and the monitor may not subscribe to 'secret/x'"


async def test_nats_without_permissions_lets_write(pki: TestPki, known: Broker, tmp_path: Path) -> None:
    with NatsServer(tmp_path, certificate=pki.server_files, users=USERS) as server:
        refusal = await tried_once(replace(known, port=server.port), PUBLISH)
    assert refusal.outcome is ACCEPTED
    assert refusal.detail == "a message to 'secret/x' was taken, and came back to a subscriber"


def down_from(number: int, script: Script) -> Script:
    """Behave as the script until that connection; from then on hang up on whoever connects."""
    return lambda peer: (script if peer.number < number else mqtt_script.broker(connect=close))(peer)


def unasked(topic: str) -> Act:
    """Send a message of somebody else's."""
    return lambda peer, _: peer.send(publish(peer.level, topic, b"else"))


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        ((MqttVersion.V3_1_1, PUBLISH, mqtt_script.broker(publish=all_of(deliver, close))), ACCEPTED),
        ((MqttVersion.V3_1_1, SUBSCRIBE, mqtt_script.broker(subscribe=all_of(unasked("a"), suback((0x80,))))), REFUSED),
        (
            (MqttVersion.V3_1_1, SUBSCRIBE, mqtt_script.broker(subscribe=all_of(unasked("secret/x"), suback((0x80,))))),
            REFUSED,
        ),
        ((MqttVersion.V3_1_1, SUBSCRIBE, mqtt_script.broker(subscribe=all_of(grant, unasked("a"), close))), UNKNOWN),
        ((MqttVersion.V3_1_1, SUBSCRIBE, mqtt_script.broker(subscribe=all_of(grant, unasked("secret/x")))), ACCEPTED),
        ((MqttVersion.V3_1_1, PUBLISH, mqtt_script.broker(publish=close)), REFUSED),
        ((MqttVersion.V3_1_1, PUBLISH, down_from(2, mqtt_script.broker(publish=close))), UNKNOWN),
        ((MqttVersion.V5, PUBLISH, mqtt_script.broker(publish=disconnect(0x87))), REFUSED),
        ((MqttVersion.V5, PUBLISH, mqtt_script.broker(publish=disconnect(0x89))), UNKNOWN),
        ((MqttVersion.V5, PUBLISH, mqtt_script.broker(publish=puback(0x97))), UNKNOWN),
        ((MqttVersion.V5, PUBLISH, mqtt_script.broker(publish=puback(0x10))), ACCEPTED),
        ((MqttVersion.V3_1_1, SUBSCRIBE, mqtt_script.broker(subscribe=close)), REFUSED),
        ((MqttVersion.V3_1_1, SUBSCRIBE, down_from(2, mqtt_script.broker(subscribe=close))), UNKNOWN),
        ((MqttVersion.V5, SUBSCRIBE, mqtt_script.broker(subscribe=suback((0x87,)))), REFUSED),
        ((MqttVersion.V5, SUBSCRIBE, mqtt_script.broker(subscribe=suback((0x97,)))), UNKNOWN),
        ((MqttVersion.V3_1_1, SUBSCRIBE, mqtt_script.broker(subscribe=all_of(grant, close))), UNKNOWN),
    ],
)
async def test_only_the_right_failure_counts(
    pki: TestPki, known: Broker, case: tuple[MqttVersion, RefusalCheck, Script], outcome: RefusalOutcome
) -> None:
    version, check, script = case
    with FaultServer(script, tls=ServerTls(chain=pki.chain)) as server:
        refusal = await tried_once(speaking(replace(known, port=server.port), version), check)
    assert refusal.outcome is outcome, refusal


def retain(port: int, pki: TestPki, topic: str) -> None:
    """Leave a retained message there."""
    with tls_client(client_context(pki), "localhost", port) as client:
        client.sendall(connect_bytes(username="monitor", password="secret"))
        assert read_mqtt(client)[0] >> 4 == PacketType.CONNACK
        client.sendall(packet(PacketType.PUBLISH, string(topic) + b"kept", flags=1))
        client.sendall(packet(PacketType.PINGREQ))
        assert read_mqtt(client)[0] >> 4 == PacketType.PINGRESP


# Offers


async def test_brokers_that_are_well_agree_to_nothing_old_or_weak(pki: TestPki, known: Broker, tmp_path: Path) -> None:
    for kind in (Mosquitto, NatsServer, Amqtt):
        directory = tmp_path / kind.__name__
        directory.mkdir()
        with kind(directory, certificate=pki.server_files) as server:
            found = await tried(replace(known, port=server.port), *OFFERS, PLAIN)
        assert set(outcomes(found).values()) == {REFUSED}, found


async def test_mosquitto_that_agrees_to_anything_is_told(pki: TestPki, known: Broker, tmp_path: Path) -> None:
    server = Mosquitto(
        tmp_path, certificate=pki.server_files, minimum_version="1.1", extra=["ciphers ALL:eNULL:@SECLEVEL=0"]
    )
    with server:
        found = await tried(replace(known, port=server.port), *OFFERS)
    assert outcomes(found) == {
        RefusalCheck.TLS_1_0: REFUSED, RefusalCheck.TLS_1_1: ACCEPTED, RefusalCheck.WEAK_CIPHER: ACCEPTED
    }  # fmt: skip
    assert found[RefusalCheck.TLS_1_1].detail.startswith(
        "the broker agreed to TLS 1.1, with the cipher suite TLS_ECDHE_ECDSA_"
    )


async def test_old_version_is_agreed_to_though_a_client_certificate_is_missing(
    pki: TestPki, known: Broker, tmp_path: Path
) -> None:
    options = ["-cipher", "ALL:@SECLEVEL=0", "-Verify", "1", "-CAfile", str(pki.client_ca_file)]
    broker = replace(known, protocol=Protocol.TLS, tls=replace(known.tls, client_identity=pki.client_identity))
    with OpensslServer(tmp_path, certificate=pki.server_files, options=options) as server:
        found = await tried(replace(broker, port=server.port), *VERSIONS)
    assert set(outcomes(found).values()) == {ACCEPTED}, found


@pytest.fixture(scope="module")
def rsa_files(pki: TestPki, tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    key = rsa.generate_private_key(65537, 2048)
    leaf = issue(now=pki.now, issuer=pki.intermediate, subject="rsa", names=["DNS:localhost"], key=key)
    return write_chain(tmp_path_factory.mktemp("rsa"), "rsa", [leaf])


@pytest.mark.parametrize(
    ("ciphers", "expected"),
    [
        ("DHE-RSA-AES128-SHA", {**dict.fromkeys(VERSIONS, ACCEPTED), RefusalCheck.WEAK_CIPHER: REFUSED}),
        ("ADH-AES256-SHA256:DHE-RSA-AES128-SHA256", {RefusalCheck.WEAK_CIPHER: ACCEPTED}),
    ],
)
async def test_version_and_suite_that_are_agreed_to_with_finite_field_keys_alone_are_told(
    rsa_files: CertificateFiles,
    known: Broker,
    tmp_path: Path,
    ciphers: str,
    expected: dict[RefusalCheck, RefusalOutcome],
) -> None:
    broker = replace(known, protocol=Protocol.TLS)
    options = ["-cipher", f"{ciphers}:@SECLEVEL=0"]
    with OpensslServer(tmp_path, certificate=rsa_files, options=options) as server:
        found = await tried(replace(broker, port=server.port), *expected)
    assert outcomes(found) == expected, found


async def test_broker_that_was_given_3des_is_told(rsa_files: CertificateFiles, known: Broker, tmp_path: Path) -> None:
    suites = ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    with NatsServer(tmp_path, certificate=rsa_files, cipher_suites=suites) as server:
        refusal = await tried_once(replace(known, port=server.port), RefusalCheck.WEAK_CIPHER)
    assert refusal.outcome is ACCEPTED
    assert refusal.detail == (
        "the broker agreed to the cipher suite TLS_RSA_WITH_3DES_EDE_CBC_SHA, which can be broken"
    )


@pytest.mark.parametrize(
    ("options", "weak"),
    [
        (["-tls1_3"], REFUSED),
        (["-tls1_2", "-cipher", "ECDHE:NULL:@SECLEVEL=0"], ACCEPTED),
        (["-cipher", "DEFAULT:@SECLEVEL=2"], REFUSED),
    ],
)
async def test_each_way_of_not_agreeing_to_a_version_counts(
    pki: TestPki, known: Broker, tmp_path: Path, options: list[str], weak: RefusalOutcome
) -> None:
    broker = replace(known, protocol=Protocol.TLS, timeout_s=2)
    with OpensslServer(tmp_path, certificate=pki.server_files, options=options) as server:
        found = outcomes(await tried(replace(broker, port=server.port), *OFFERS))
    assert found == {**dict.fromkeys(VERSIONS, REFUSED), RefusalCheck.WEAK_CIPHER: weak}


def alerting(number: int) -> Script:
    """Serve the first connection well, and answer every further one with an alert."""

    def script(peer: Peer) -> None:
        if peer.number == 0:
            mqtt_script.broker()(peer)
        peer.read_hello()
        peer.alert(number)
        peer.close()

    return script


@pytest.mark.parametrize(("number", "outcome"), [(70, REFUSED), (40, UNKNOWN), (90, UNKNOWN)])
async def test_alert_that_any_broken_server_may_send_counts_only_beside_a_working_connection(
    pki: TestPki, known: Broker, number: int, outcome: RefusalOutcome
) -> None:
    with FaultServer(alerting(number), tls=ServerTls(chain=pki.chain)) as server:
        refusal = await tried_once(replace(known, port=server.port), RefusalCheck.TLS_1_0)
    assert refusal.outcome is outcome, refusal


# Without TLS


def bilingual(plain: Callable[[Peer], None]) -> Script:
    """Speak TLS and MQTT on the first and third connection, and whatever is given on the second and fourth."""
    return lambda peer: (plain if peer.number % 2 else mqtt_script.broker())(peer)


def answer(data: bytes) -> Callable[[Peer], None]:
    def act(peer: Peer) -> None:
        peer._receive()
        peer.send_raw(data)

    return act


def read_and_reset(peer: Peer) -> None:
    """Look at what comes before throwing it out, as brokers do: before, no connection is made for sure."""
    peer._receive()
    peer.reset()


def answer_and_reset(peer: Peer) -> None:
    peer._receive()
    peer.send_raw(connack(4))
    peer.reset()


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (answer(connack(4)), ACCEPTED),
        (answer_and_reset, ACCEPTED),
        (answer(connack(4, 5)), ACCEPTED),
        (answer(bytes((21, 3, 3, 0, 2, 2, 10))), REFUSED),
        (answer(b"HTTP/1.1 400 Bad Request\r\n"), UNKNOWN),
        (Peer.close, REFUSED),
        (read_and_reset, REFUSED),
        (Peer.freeze, UNKNOWN),
    ],
    ids=["connack", "connack and reset", "refusing connack", "alert", "http", "closed", "reset", "silent"],
)
async def test_plain_mqtt_on_the_tls_port(
    pki: TestPki, known: Broker, act: Callable[[Peer], None], outcome: RefusalOutcome
) -> None:
    with FaultServer(bilingual(act), tls=ServerTls(chain=pki.chain)) as server:
        refusal = await tried_once(hasty(replace(known, port=server.port)), PLAIN)
    assert refusal.outcome is outcome, refusal
    in_the_clear = server.peers[1].raw
    assert b"secret" not in in_the_clear
    assert b"mqtt-monitor-refusal-" in in_the_clear or act is Peer.freeze, "it reads nothing"


async def test_plain_port_is_open_refused_or_swallowed_by_a_firewall(
    pki: TestPki, known: Broker, tmp_path: Path
) -> None:
    with (
        Mosquitto(tmp_path, certificate=pki.server_files) as server,
        socket.create_server(("127.0.0.1", 0)) as listening,
        silent_port() as silent,
        closed_port() as nobody,
    ):
        broker, is_open = hasty(replace(known, port=server.port)), listening.getsockname()[1]
        found = [
            await tried_once(
                replace(broker, refusals=replace(broker.refusals, plain_port=port)), RefusalCheck.PLAIN_PORT_OPEN
            )
            for port in (is_open, silent, nobody)
        ]
    assert [refusal.outcome for refusal in found] == [ACCEPTED, REFUSED, REFUSED]
    assert found[0].detail == f"a connection to port {is_open} without TLS was accepted at 127.0.0.1"
    assert found[1].detail == f"port {silent}: no answer within 1 s"


async def test_nothing_is_told_of_a_plain_port_while_the_broker_is_down(known: Broker) -> None:
    with closed_port() as nobody:
        refusal = await tried_once(replace(known, port=nobody), RefusalCheck.PLAIN_PORT_OPEN)
    assert refusal.outcome is UNKNOWN
