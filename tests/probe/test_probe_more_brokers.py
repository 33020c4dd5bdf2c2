"""The probe against RabbitMQ (Erlang's TLS, which EMQX uses too) and aedes (Node's). They start slowly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitor.model.broker import MqttSettings, MqttVersion, Secret
from monitor.model.outcome import Clock, Confidence, Done, Phase, Skipped
from tests.support.aedes import Aedes
from tests.support.client import client_context, connect_bytes, read_mqtt, subscribe_bytes, tls_client
from tests.support.mqtt_bytes import PacketType, packet
from tests.support.pki import TestPki, write_chain
from tests.support.ports import wait_until
from tests.support.probing import assert_success, broker_at, failure, outcome_of, refuse_all, run_probe
from tests.support.rabbitmq import PASSWORD, USER, RabbitMq

pytestmark = [pytest.mark.brokers, pytest.mark.timeout(180)]  # the first test of each broker waits for its start

Server = RabbitMq | Aedes
EACH = [(kind, version) for kind in (RabbitMq, Aedes) for version in ("1.2", "1.3")]
NAMES = [f"{kind.__name__}-{version}" for kind, version in EACH]


@pytest.fixture(scope="module", params=EACH, ids=NAMES)
def one_way(request: pytest.FixtureRequest, pki: TestPki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A broker that asks for no client certificate and serves leaf and intermediate from one file."""
    kind, version = request.param
    directory = tmp_path_factory.mktemp("one-way")
    server: Server
    if kind is RabbitMq:
        server = RabbitMq(directory, certificate=pki.server_files, tls_version=version)
    else:
        server = Aedes(directory, certificate=pki.server_files, tls_version=version, users={USER: PASSWORD})
    with server:
        yield server


@pytest.fixture(scope="module", params=EACH, ids=NAMES)
def two_way(request: pytest.FixtureRequest, pki: TestPki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A broker that demands a client certificate and serves from a leaf's file and one with both CAs."""
    kind, version = request.param
    directory = tmp_path_factory.mktemp("two-way")
    server: Server
    if kind is RabbitMq:
        server = RabbitMq(
            directory,
            certificate=write_chain(directory, "leaf", [pki.leaf]),
            ca_file=pki.client_ca_file,
            demands_client_certificate=True,
            tls_version=version,
        )
    else:
        users = {USER: PASSWORD}
        certificate = write_chain(directory, "leaf", [pki.leaf])
        server = Aedes(
            directory, certificate=certificate, client_ca=pki.client_ca_file, tls_version=version, users=users
        )
    with server:
        yield server


def settings(version: MqttVersion = MqttVersion.V3_1_1, qos: int = 1, password: str = PASSWORD) -> MqttSettings:
    return MqttSettings(version=version, qos=qos, username=USER, password=Secret(password.encode()))


def quiet(server: Server) -> int:
    """Return the length of the log once every client that was let in has left."""
    wait_until(lambda: server.welcomes() == server.goodbyes(), "as many goodbyes as welcomes")
    return len(server.log)


async def test_every_phase_and_every_fact(one_way: Server, pki: TestPki) -> None:
    report = await run_probe(broker_at(one_way.port, mqtt=settings()))
    assert_success(report)
    assert report.tls is not None
    assert report.tls.version == f"TLSv{one_way.tls_version}"
    assert report.tls.cipher
    assert report.tls.group
    assert [certificate.der for certificate in report.tls.certificates] == [issued.der for issued in pki.chain]
    assert report.tls.is_complete
    assert report.tls.client_certificate_requested is False
    assert report.tls.accepted_cas == ()
    assert report.tls.alert is None
    assert report.mqtt is not None
    assert (report.mqtt.session_present, report.mqtt.connack_code, report.mqtt.suback_code) == (False, 0, 1)
    for phase in (Phase.HANDSHAKE, Phase.MQTT_CONNECT, Phase.SUBSCRIBE, Phase.PUBLISH, Phase.ROUNDTRIP):
        outcome = outcome_of(report, phase)
        assert isinstance(outcome, Done)
        assert outcome.clock is Clock.KERNEL
        assert 0 < outcome.elapsed_s < report.duration_s


@pytest.mark.parametrize("version", [MqttVersion.V3_1, MqttVersion.V3_1_1])
@pytest.mark.parametrize("qos", [0, 1])
async def test_both_old_versions_are_spoken(one_way: Server, version: MqttVersion, qos: int) -> None:
    report = await run_probe(broker_at(one_way.port, mqtt=settings(version, qos)))
    assert_success(report)
    assert report.mqtt is not None
    assert report.mqtt.suback_code == qos


async def test_qos_2_works_or_is_told(one_way: Server) -> None:
    report = await run_probe(broker_at(one_way.port, mqtt=settings(qos=2)))
    assert report.mqtt is not None
    if isinstance(one_way, RabbitMq):
        # It grants QoS 1 instead, and acknowledges a PUBLISH of QoS 2 as if it were one of QoS 1.
        assert report.mqtt.suback_code == 1
        assert failure(report).reason == "publish_unexpected_packet"
    else:
        assert_success(report)
        assert report.mqtt.suback_code == 2


async def test_version_5_is_refused(one_way: Server) -> None:
    outcome = failure(await run_probe(broker_at(one_way.port, mqtt=settings(MqttVersion.V5))))
    if isinstance(one_way, RabbitMq):  # without a word
        assert outcome.reason == "mqtt_connect_closed"
    else:
        assert outcome.reason == "mqtt_connect_unsupported_protocol_version"


async def test_wrong_password_is_told(one_way: Server) -> None:
    before = len(one_way.log)
    report = await run_probe(broker_at(one_way.port, mqtt=settings(password="wrong")))
    assert failure(report).reason == "mqtt_connect_bad_user_name_or_password"
    assert report.mqtt is not None
    assert report.mqtt.connack_code == 4
    wait_until(lambda: bool(one_way.complaints(before)), "the broker's own word about it")


async def test_client_certificate_that_nobody_asks_for_stays_here(one_way: Server, pki: TestPki) -> None:
    report = await run_probe(broker_at(one_way.port, mqtt=settings(), identity=pki.client_identity))
    assert_success(report)
    assert report.tls is not None
    assert not report.tls.client_certificate_sent


async def test_twenty_probes_leave_nothing_behind_and_no_complaint(one_way: Server, pki: TestPki) -> None:
    assert_success(
        await run_probe(broker_at(one_way.port, mqtt=settings()))
    )  # RabbitMQ warns once, of its own settings
    quiet(one_way)
    with tls_client(client_context(pki), "localhost", one_way.port) as witness:
        witness.sendall(connect_bytes(client_id="witness", username=USER, password=PASSWORD))
        read_mqtt(witness)
        witness.sendall(subscribe_bytes("witness/#"))
        read_mqtt(witness)
        before = len(one_way.log)
        for _ in range(20):
            assert_success(await run_probe(broker_at(one_way.port, mqtt=settings())))
        wait_until(lambda: one_way.goodbyes(before) == 20, "as many goodbyes as probes")
        assert one_way.welcomes(before) == 20
        if isinstance(one_way, RabbitMq):
            assert one_way.mqtt_clients() == ["witness"]
            assert len(one_way.queues()) == 1  # of the witness
        else:
            assert one_way.log.rstrip().endswith("clients=1 subscriptions=0 sessions=0")
        witness.sendall(packet(PacketType.DISCONNECT))
        # After about one DISCONNECT in a hundred, whoever sends it and however, RabbitMQ's own processes do not end in
        # the order that they expect of each other.
        assert [text for text in one_way.complaints(before) if "amqp_channel_sup_sup" not in text] == []


async def test_a_broker_that_is_not_accepted_does_not_complain(one_way: Server) -> None:
    before = quiet(one_way)
    for _ in range(10):
        report = await run_probe(broker_at(one_way.port, mqtt=settings()), refuse_all)
        assert failure(report).reason == "verify_chain_untrusted"
        assert outcome_of(report, Phase.MQTT_CONNECT) == Skipped(blocked_by=Phase.VERIFY)
    assert_success(await run_probe(broker_at(one_way.port, mqtt=settings())))  # its lines come after all of theirs
    quiet(one_way)
    assert [text for text in one_way.complaints(before) if "amqp_channel_sup_sup" not in text] == []


async def test_no_client_certificate_is_told_where_one_is_demanded(two_way: Server) -> None:
    report = await run_probe(broker_at(two_way.port, mqtt=settings()))
    outcome = failure(report)
    assert report.tls is not None
    assert report.tls.client_certificate_requested
    assert not report.tls.client_certificate_sent
    assert len(report.tls.accepted_cas) == 2
    if two_way.tls_version == "1.3":
        assert outcome.reason == "mqtt_connect_client_certificate_required"
        assert (report.tls.alert, outcome.confidence) == ("certificate_required", Confidence.OBSERVED)
        assert isinstance(outcome_of(report, Phase.HANDSHAKE), Done)
    else:
        assert outcome.reason == "handshake_client_certificate_required"
        assert (report.tls.alert, outcome.confidence) == ("handshake_failure", Confidence.INFERRED)


async def test_good_client_certificate_is_accepted(two_way: Server, pki: TestPki) -> None:
    report = await run_probe(broker_at(two_way.port, mqtt=settings(), identity=pki.client_identity))
    assert_success(report)
    assert report.tls is not None
    assert report.tls.client_certificate_requested
    assert report.tls.client_certificate_sent


async def test_foreign_client_certificate_is_told(two_way: Server, pki: TestPki) -> None:
    report = await run_probe(broker_at(two_way.port, mqtt=settings(), identity=pki.foreign_client_identity))
    outcome = failure(report)
    phase = "mqtt_connect" if two_way.tls_version == "1.3" else "handshake"
    assert outcome.reason == f"{phase}_client_certificate_rejected"
    assert report.tls is not None
    assert report.tls.client_certificate_sent
    if isinstance(two_way, RabbitMq):
        assert report.tls.alert in {"unknown_ca", "bad_certificate"}
        assert outcome.confidence is Confidence.OBSERVED
    else:  # Node only hangs up
        assert report.tls.alert is None
        assert outcome.confidence is Confidence.INFERRED


async def test_chain_is_seen_as_served_from_two_files(two_way: Server, pki: TestPki) -> None:
    report = await run_probe(broker_at(two_way.port, mqtt=settings(), identity=pki.client_identity))
    assert report.tls is not None
    served = [certificate.der for certificate in report.tls.certificates]
    # Both fill up the chain from the CAs that they check clients by: Erlang to its root, OpenSSL likewise.
    assert served == [issued.der for issued in (pki.leaf, pki.intermediate, pki.root)]


async def test_nothing_is_given_to_a_broker_that_is_not_accepted(two_way: Server, pki: TestPki) -> None:
    before = two_way.welcomes()
    report = await run_probe(broker_at(two_way.port, mqtt=settings(), identity=pki.client_identity), refuse_all)
    assert failure(report).reason == "verify_chain_untrusted"
    assert report.tls is not None
    assert not report.tls.client_certificate_sent
    assert not report.tls.is_complete
    assert two_way.welcomes() == before
