"""What must be refused, tried with real brokers that are well, down, and configured wrongly."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from monitor.demo.pki import issue
from monitor.model.broker import (
    Addresses,
    Broker,
    ClientIdentity,
    MqttSettings,
    MqttVersion,
    RefusalSettings,
    Secret,
    TlsVersion,
)
from monitor.model.refusal import RefusalCheck, RefusalOutcome
from monitor.probe.refusals import round_limit_s
from monitor.wire.engine import TlsEngine
from tests.support.brokers import Mosquitto, NatsServer
from tests.support.faults import FaultServer, Peer
from tests.support.mqtt_bytes import PacketType, connack
from tests.support.names import Names
from tests.support.pki import TestPki, identity_of
from tests.support.ports import closed_port
from tests.support.probing import broker_at, refuse_all
from tests.support.refusing import ACCEPTED, REFUSED, UNKNOWN, outcomes, tried, tried_once
from tests.support.tls_engine import ServerTls

Act = Callable[[Peer], None]
CERTIFICATES = (
    RefusalCheck.NO_CLIENT_CERTIFICATE,
    RefusalCheck.EXPIRED_CLIENT_CERTIFICATE,
    RefusalCheck.FOREIGN_CLIENT_CERTIFICATE,
)
PASSWORDS = (RefusalCheck.ANONYMOUS, RefusalCheck.WRONG_PASSWORD)
CREDENTIALS = (*CERTIFICATES, *PASSWORDS)
USERS = {"monitor": "secret"}


@pytest.fixture(scope="module")
def expired(pki: TestPki) -> ClientIdentity:
    day = timedelta(days=1)
    leaf = issue(
        now=pki.now,
        issuer=pki.intermediate,
        subject="left",
        names=None,
        extended_key_usage=("clientAuth",),
        not_before=pki.now - 9 * day,
        not_after=pki.now - day,
    )
    return identity_of(leaf, pki.intermediate)


@pytest.fixture
def known(pki: TestPki, expired: ClientIdentity) -> Broker:
    """A broker as the configuration has it: user name, password and client certificate are right."""
    mqtt = MqttSettings(username="monitor", password=Secret(b"secret"))
    settings = RefusalSettings(checks=CREDENTIALS, expired_identity=expired)
    return replace(broker_at(0, identity=pki.client_identity, mqtt=mqtt, timeout_s=5), refusals=settings)


# Brokers that are well


@pytest.mark.parametrize("tls_version", ["1.2", "1.3"])
async def test_mosquitto_that_is_well_refuses_all(
    pki: TestPki, known: Broker, tmp_path: Path, tls_version: str
) -> None:
    server = Mosquitto(
        tmp_path, certificate=pki.server_files, client_ca=pki.client_ca_file, maximum_version=tls_version, users=USERS
    )
    with server:
        found = await tried(replace(known, port=server.port))
    assert set(outcomes(found).values()) == {REFUSED}, found
    assert "as mqtt-monitor-refusal-" in server.log


@pytest.mark.parametrize("maximum", [TlsVersion.V1_2, None])
async def test_nats_that_is_well_refuses_all(
    pki: TestPki, known: Broker, tmp_path: Path, maximum: TlsVersion | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # nats-server's own versions have no upper bound.
    monkeypatch.setattr("monitor.probe.tls.TlsEngine", partial(TlsEngine, maximum_version=maximum))
    server = NatsServer(tmp_path, certificate=pki.server_files, client_ca=pki.client_ca_file, users=USERS)
    with server:
        found = await tried(replace(known, port=server.port))
    assert set(outcomes(found).values()) == {REFUSED}, found


# Brokers that are configured wrongly


async def test_mosquitto_that_demands_nothing_lets_all_in(pki: TestPki, known: Broker, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, certificate=pki.server_files) as server:
        found = await tried(replace(known, port=server.port))
    assert set(outcomes(found).values()) == {ACCEPTED}, found
    assert found[RefusalCheck.ANONYMOUS].detail == "a client without user name and password was let in"


async def test_broker_that_asks_for_no_certificate_is_not_said_to_have_seen_one(
    pki: TestPki, known: Broker, tmp_path: Path
) -> None:
    with Mosquitto(tmp_path, certificate=pki.server_files) as server:
        found = await tried(replace(known, port=server.port), *CERTIFICATES)
    assert [found[check].detail for check in CERTIFICATES] == [
        "a client without a certificate was let in",
        "the broker asks for no client certificate, and let a client in without",
        "the broker asks for no client certificate, and let a client in without",
    ]


async def test_broker_that_asks_for_a_certificate_and_takes_any_is_said_to(pki: TestPki, known: Broker) -> None:
    tls = ServerTls(chain=pki.chain, requests_client_certificate=True)
    with FaultServer(answering(let_in), tls=tls) as server:
        found = await tried(replace(known, port=server.port), *CERTIFICATES)
    assert [found[check].detail for check in CERTIFICATES] == [
        "a client without a certificate was let in",
        "a client with an expired certificate was let in",
        "a client with a certificate of a CA that nobody knows was let in",
    ]


async def test_mosquitto_that_demands_only_certificates_lets_in_any_name(
    pki: TestPki, known: Broker, tmp_path: Path
) -> None:
    with Mosquitto(tmp_path, certificate=pki.server_files, client_ca=pki.client_ca_file) as server:
        found = outcomes(await tried(replace(known, port=server.port)))
    assert found == {**dict.fromkeys(CERTIFICATES, REFUSED), **dict.fromkeys(PASSWORDS, ACCEPTED)}


async def test_nats_that_demands_only_passwords_lets_in_any_certificate(
    pki: TestPki, known: Broker, tmp_path: Path
) -> None:
    with NatsServer(tmp_path, certificate=pki.server_files, users=USERS) as server:
        found = outcomes(await tried(replace(known, port=server.port)))
    assert found == {**dict.fromkeys(CERTIFICATES, ACCEPTED), **dict.fromkeys(PASSWORDS, REFUSED)}


# What cannot be told


async def test_nothing_is_told_of_a_broker_that_is_down(known: Broker) -> None:
    with closed_port() as nobody:
        found = await tried(replace(known, port=nobody))
    assert set(outcomes(found).values()) == {UNKNOWN}
    details = {refusal.detail for refusal in found.values()}
    assert details == {"an ordinary connection fails as well (connect_refused: 127.0.0.1: Connection refused)"}


async def test_nothing_is_told_and_nothing_sent_where_the_chain_is_not_accepted(
    pki: TestPki, known: Broker, tmp_path: Path
) -> None:
    with Mosquitto(tmp_path, certificate=pki.server_files, users=USERS) as server:
        found = await tried(replace(known, port=server.port), verify=refuse_all)
    assert set(outcomes(found).values()) == {UNKNOWN}
    assert "mqtt-monitor" not in server.log, "nobody got as far as CONNECT"


async def test_certificate_that_has_not_expired_tells_nothing(pki: TestPki, known: Broker, tmp_path: Path) -> None:
    settings = RefusalSettings(checks=known.refusals.checks[1:2], expired_identity=pki.client_identity)
    with Mosquitto(tmp_path, certificate=pki.server_files) as server:
        found = await tried(replace(known, port=server.port, refusals=settings))
    assert next(iter(found.values())).detail == "the certificate that is configured as expired has not expired"
    assert set(outcomes(found).values()) == {UNKNOWN}


@pytest.mark.parametrize("tls_version", ["1.2", "1.3"])
async def test_expired_certificate_of_a_ca_that_the_broker_does_not_know_tells_nothing_of_dates(
    pki: TestPki, known: Broker, tmp_path: Path, tls_version: str
) -> None:
    day = timedelta(days=1)
    old_ca = issue(now=pki.now, issuer=None, subject="old CA", names=None, is_ca=True)
    leaf = issue(
        now=pki.now, issuer=old_ca, subject="left", names=None, not_before=pki.now - 9 * day, not_after=pki.now - day
    )
    settings = RefusalSettings(checks=CERTIFICATES[1:2], expired_identity=identity_of(leaf))
    server = Mosquitto(
        tmp_path, certificate=pki.server_files, client_ca=pki.client_ca_file, maximum_version=tls_version
    )
    with server:
        found = await tried(replace(known, port=server.port, refusals=settings))
    (refusal,) = found.values()
    assert refusal.outcome is UNKNOWN, refusal
    assert refusal.detail.endswith("that says nothing of its dates")


def answering(*acts: Act) -> Callable[[Peer], None]:
    """Serve each connection by the next act, and those that come after as the last one does."""

    def script(peer: Peer) -> None:
        peer.handshake()
        acts[min(peer.number, len(acts) - 1)](peer)

    return script


def let_in(peer: Peer) -> None:
    peer.read_packet(PacketType.CONNECT)
    peer.send(connack(peer.level))


def hang_up(peer: Peer) -> None:
    peer.read_packet(PacketType.CONNECT)
    peer.close()


def say_busy(peer: Peer) -> None:
    peer.read_packet(PacketType.CONNECT)
    peer.send(connack(peer.level, 3))


@pytest.mark.parametrize(
    ("acts", "check", "outcome"),
    [
        ((let_in, hang_up, let_in, hang_up), RefusalCheck.ANONYMOUS, REFUSED),
        ((let_in, hang_up, let_in, let_in), RefusalCheck.ANONYMOUS, ACCEPTED),
        ((let_in, hang_up, let_in, say_busy), RefusalCheck.ANONYMOUS, UNKNOWN),
        ((let_in, hang_up, hang_up), RefusalCheck.ANONYMOUS, UNKNOWN),
        ((let_in, say_busy), RefusalCheck.ANONYMOUS, UNKNOWN),
        ((let_in, hang_up, let_in), RefusalCheck.NO_CLIENT_CERTIFICATE, UNKNOWN),
        ((let_in, say_busy), RefusalCheck.NO_CLIENT_CERTIFICATE, UNKNOWN),
        ((let_in, let_in), RefusalCheck.NO_CLIENT_CERTIFICATE, ACCEPTED),
    ],
)
async def test_only_the_right_failure_beside_a_working_connection_counts(
    pki: TestPki, known: Broker, acts: tuple[Act, ...], check: RefusalCheck, outcome: RefusalOutcome
) -> None:
    with FaultServer(answering(*acts), tls=ServerTls(chain=pki.chain)) as server:
        found = await tried(replace(known, port=server.port), check)
    assert found[check].outcome is outcome, found[check]


def certificate_demanded(*acts: Act) -> Callable[[Peer], None]:
    """Ask for a certificate and hang up on whoever shows none, TLS 1.3's tickets still unsent."""

    def script(peer: Peer) -> None:
        peer.handshake(sends_last=False)
        if peer.client_certificate is None:
            peer.close()
        peer.send_last_flight()
        acts[min(peer.number, len(acts) - 1)](peer)

    return script


@pytest.mark.parametrize(("acts", "outcome"), [((let_in,), REFUSED), ((let_in, let_in, hang_up), UNKNOWN)])
async def test_bare_hanging_up_is_a_refusal_only_while_others_are_let_in(
    pki: TestPki, known: Broker, acts: tuple[Act, ...], outcome: RefusalOutcome
) -> None:
    tls = ServerTls(chain=pki.chain, requests_client_certificate=True)
    with FaultServer(certificate_demanded(*acts), tls=tls) as server:
        found = await tried(replace(known, port=server.port), RefusalCheck.NO_CLIENT_CERTIFICATE)
    (refusal,) = found.values()
    assert refusal.outcome is outcome, refusal


async def test_certificate_that_mqtt_demands_instead_of_tls_is_demanded(pki: TestPki, known: Broker) -> None:
    """Such a listener lets anybody through TLS, and names clients by their certificate."""

    def named_by_certificate(peer: Peer) -> None:
        peer.read_packet(PacketType.CONNECT)
        peer.send(connack(peer.level, 0 if peer.client_certificate else 4))

    tls = ServerTls(chain=pki.chain, requests_client_certificate=True)
    with FaultServer(answering(named_by_certificate), tls=tls) as server:
        found = await tried(replace(known, port=server.port), RefusalCheck.NO_CLIENT_CERTIFICATE)
    (refusal,) = found.values()
    assert refusal.outcome is REFUSED
    assert refusal.detail.startswith("mqtt_connect_bad_user_name_or_password")


# Several addresses


async def test_round_keeps_to_one_address_where_each_is_watched(
    pki: TestPki, known: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(tmp_path / "names.json")
    names.answer("cluster.test", "127.0.0.1")
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)

    def rotate(peer: Peer) -> None:
        names.answer("cluster.test", "127.0.0.2", "127.0.0.1")
        let_in(peer)

    broker = replace(known, host="cluster.test", addresses=Addresses.ALL, timeout_s=2.0)
    with (
        FaultServer(answering(rotate), tls=ServerTls(chain=pki.chain)) as server,
        socket.create_server(("127.0.0.2", server.port)),
    ):
        found = await tried_once(replace(broker, port=server.port), RefusalCheck.ANONYMOUS)
    assert len(server.peers) == 2
    assert (found.outcome, found.address) == (ACCEPTED, "127.0.0.1")


# Manners


@pytest.mark.parametrize("version", MqttVersion)
async def test_client_ids_are_unmistakable_and_short_enough(pki: TestPki, known: Broker, version: MqttVersion) -> None:
    broker = replace(known, mqtt=replace(known.mqtt, version=version))
    with FaultServer(answering(say_busy), tls=ServerTls(chain=pki.chain)) as server:
        await tried(replace(broker, port=server.port))
    (connect,) = server.received
    assert connect.client_id is not None
    assert "-refusal-" in connect.client_id
    if version is MqttVersion.V3_1:
        assert len(connect.client_id) <= 23


async def test_one_connection_at_a_time_each_left_with_disconnect_and_close_notify(pki: TestPki, known: Broker) -> None:
    open_before: list[int] = []

    def counted(peer: Peer) -> None:
        # The client waits for us now: an earlier connection ends only if it was given up before this one was made.
        open_before.append(sum(not other.ended.wait(4.0) for other in server.peers[: peer.number]))
        let_in(peer)
        peer.read_packet(PacketType.DISCONNECT)

    with FaultServer(answering(counted), tls=ServerTls(chain=pki.chain)) as server:
        await tried(replace(known, port=server.port))
        server.wait_until_left(len(CREDENTIALS) + 1)
        farewells = [peer.farewell for peer in server.peers]
    assert open_before == [0] * (len(CREDENTIALS) + 1)
    assert set(farewells) == {"close_notify"}


def test_limit_counts_every_attempt_its_control_and_its_repetition(known: Broker) -> None:
    assert round_limit_s(known) == pytest.approx(16 * 5.05)
