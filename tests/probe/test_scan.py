"""A scan of real servers finds what they accept and serve, asks one thing after the other, and guesses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from monitor.demo.pki import issue
from monitor.model.broker import Broker, TlsVersion
from monitor.model.facts import CertificateFacts
from monitor.model.scan import ScanFacts, Weakness
from monitor.probe.resolve import Resolver
from monitor.probe.scan import scan, scan_limit_s
from monitor.wire.hello import RENEGOTIATION_INFO
from tests.support.brokers import Mosquitto, NatsServer, OpensslServer
from tests.support.faults import FaultServer, Peer
from tests.support.loop_state import descriptors, live_timers, other_tasks, watched_descriptors
from tests.support.pki import CertificateFiles, TestPki, write_chain
from tests.support.ports import closed_port, silent_port
from tests.support.probing import broker_at
from tests.support.server_hello import certificates, record, server_hello
from tests.support.tls_engine import ServerTls
from tests.support.tls_records import message

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
EVERYTHING = ("-cipher", "ALL:eNULL:@SECLEVEL=0", "-no_tls1_3", "-client_renegotiation")
RSA_KEY = rsa.generate_private_key(65537, 2048)


async def scanned(of: Broker) -> ScanFacts:
    resolver = Resolver()
    try:
        return await scan(of, now=lambda: NOW, resolver=resolver)
    finally:
        resolver.close()


def rsa_files(pki: TestPki, directory: Path, *, names: Sequence[str] = ("DNS:localhost",)) -> CertificateFiles:
    leaf = issue(now=pki.now, issuer=pki.intermediate, subject="rsa", names=names, key=RSA_KEY)
    return write_chain(directory, "rsa", [leaf])


def leaf(chain: tuple[CertificateFacts, ...] | None) -> str | None:
    assert chain
    return chain[0].subject


# Real servers


async def test_mosquitto_as_it_is_delivered_has_nothing_to_hide(mosquitto: Mosquitto) -> None:
    facts = await scanned(broker_at(mosquitto.port))
    assert (facts.at, facts.address, facts.untold) == (NOW, "127.0.0.1", ())
    assert (facts.old_versions, facts.weak_suites) == ((), ())
    assert (facts.has_secure_renegotiation, facts.lets_clients_renegotiate) == (True, False)
    assert facts.served == facts.without_name == facts.for_ecdsa
    assert facts.for_rsa is None
    assert facts.refusal_without_name is None


async def test_nats_server_that_was_given_rc4_and_3des_is_caught(pki: TestPki, tmp_path: Path) -> None:
    suites = ("TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    with NatsServer(tmp_path / "nats", certificate=rsa_files(pki, tmp_path), cipher_suites=suites) as server:
        facts = await scanned(broker_at(server.port))
    assert {(suite.name, suite.weakness) for suite in facts.weak_suites} == {
        ("TLS_RSA_WITH_RC4_128_SHA", Weakness.RC4),
        ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", Weakness.TRIPLE_DES),
    }
    assert (facts.old_versions, facts.lets_clients_renegotiate, facts.untold) == ((), False, ())
    assert facts.for_rsa == facts.served


async def test_server_that_accepts_everything_is_told_in_full(pki: TestPki, tmp_path: Path) -> None:
    second = rsa_files(pki, tmp_path)
    options = (*EVERYTHING, "-dcert", str(second.chain), "-dkey", str(second.key))
    with OpensslServer(tmp_path / "s_server", certificate=pki.server_files, options=options) as server:
        facts = await scanned(broker_at(server.port))
    assert facts.old_versions == (TlsVersion.V1_0, TlsVersion.V1_1)
    assert {suite.weakness for suite in facts.weak_suites} == {Weakness.NULL, Weakness.ANONYMOUS}
    assert (facts.has_secure_renegotiation, facts.lets_clients_renegotiate) == (True, True)
    assert leaf(facts.for_rsa) == "CN=rsa"
    assert leaf(facts.for_ecdsa) == leaf(facts.served) == pki.leaf.certificate.subject.rfc4514_string()
    assert facts.untold == ()


async def test_server_of_tls_1_3_alone_is_asked_for_no_renegotiation(pki: TestPki, tmp_path: Path) -> None:
    with OpensslServer(tmp_path / "s_server", certificate=pki.server_files, options=("-tls1_3",)) as server:
        facts = await scanned(broker_at(server.port))
    assert facts == ScanFacts(at=NOW, address="127.0.0.1", served=facts.served, without_name=facts.served)
    assert facts.served


async def test_default_certificate_of_a_server_that_chooses_by_name_is_seen(pki: TestPki, tmp_path: Path) -> None:
    default = rsa_files(pki, tmp_path, names=("DNS:default.example",))
    named = ("-servername", "localhost", "-cert2", str(pki.server_files.chain), "-key2", str(pki.server_files.key))
    with OpensslServer(tmp_path / "s_server", certificate=default, options=named) as server:
        facts = await scanned(broker_at(server.port))
        by_address = await scanned(broker_at(server.port, server_name="127.0.0.1"))
    assert leaf(facts.without_name) == "CN=rsa"
    assert leaf(facts.served) == pki.leaf.certificate.subject.rfc4514_string()
    assert by_address.without_name is None, "an ordinary probe sends no name either"
    assert leaf(by_address.served) == "CN=rsa"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
async def test_broker_that_demands_a_certificate_shows_its_own_and_never_gets_ours(
    version: str, pki: TestPki, tmp_path: Path
) -> None:
    with Mosquitto(
        tmp_path / "mosquitto",
        certificate=pki.server_files,
        client_ca=pki.client_ca_file,
        minimum_version=version,
        maximum_version=version,
    ) as server:
        facts = await scanned(broker_at(server.port, identity=pki.client_identity))
    assert facts.served == facts.without_name
    assert facts.served
    assert facts.lets_clients_renegotiate is None
    assert [said.partition(":")[0] for said in facts.untold] == (["renegotiation"] if version == "1.2" else [])


# Servers that misbehave


async def test_alert_for_want_of_a_name_is_told(pki: TestPki) -> None:
    def wants_a_name(peer: Peer) -> None:
        if peer.read_hello().server_name is None:
            peer.alert(112)
            peer.close()
        peer.handshake()
        peer.stall()

    with FaultServer(wants_a_name, tls=ServerTls(chain=pki.chain)) as server:
        facts = await scanned(broker_at(server.port, timeout_s=0.5))
    assert (facts.refusal_without_name, facts.without_name) == ("unrecognized_name", None)
    assert facts.served


@pytest.mark.parametrize("is_announced", [True, False])
async def test_server_from_before_rfc_5746_is_told(is_announced: bool, pki: TestPki) -> None:
    hello = server_hello(0x0303, 0xC02B, *((RENEGOTIATION_INFO,) if is_announced else ()))

    def old(peer: Peer) -> None:
        if 0xC02B not in peer.read_hello().cipher_suites:
            peer.alert(40)
            peer.close()
        peer.send_raw(record(hello + certificates(pki.leaf.der) + message(14, b"")))
        peer.stall()

    with FaultServer(old) as server:
        facts = await scanned(broker_at(server.port, timeout_s=0.5))
    assert facts.has_secure_renegotiation is is_announced
    assert leaf(facts.for_ecdsa) == pki.leaf.certificate.subject.rfc4514_string()


def hang_up(peer: Peer) -> None:
    peer.read_hello()
    peer.close()


def break_off(peer: Peer) -> None:
    peer.read_hello()
    peer.send_raw(record(server_hello())[:20])
    peer.close()


def speak_http(peer: Peer) -> None:
    peer.read_hello()
    peer.send_raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    peer.close()


def choose_freely(peer: Peer) -> None:
    peer.read_hello()
    peer.send_raw(record(server_hello(0x0303, 0x00FF) + certificates() + message(14, b"")))
    peer.close()


def babble(peer: Peer) -> None:
    peer.read_hello()
    peer.flood(record(b""))


def reset(peer: Peer) -> None:
    peer.read_hello()
    peer.reset()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (hang_up, "hung up without a word"),
        (break_off, "hung up in its answer"),
        (speak_http, "the answer began with b'HTTP/1.1"),
        (choose_freely, "chose what was not offered"),
        (babble, "the answer has no end"),
        (reset, "reset"),
        (Peer.stall, "no answer within 0.3 s"),
    ],
)
async def test_what_is_no_answer_is_told_as_such_and_finds_nothing(script: object, said: str) -> None:
    of = broker_at(0, timeout_s=0.3) if script is Peer.stall else broker_at(0)
    with FaultServer(script) as server:  # type: ignore[arg-type]
        facts = await scanned(replace(of, port=server.port))
    assert facts == ScanFacts(at=NOW, address="127.0.0.1", untold=facts.untold)
    hellos = facts.untold[:5]
    assert [line.partition(":")[0] for line in hellos] == [
        "TLS 1.0",
        "TLS 1.1",
        "weak cipher suites",
        "RSA keys",
        "EC keys",
    ]
    assert all(said in line for line in hellos)


async def test_broker_that_is_down_is_asked_once() -> None:
    with closed_port() as port:
        facts = await scanned(broker_at(port))
    assert facts == ScanFacts(at=NOW, untold=("TLS 1.0: 127.0.0.1: Connection refused",))
    with silent_port() as port:
        facts = await scanned(broker_at(port, timeout_s=0.2))
    assert facts == ScanFacts(at=NOW, untold=("TLS 1.0: no answer within 0.2 s",))


# Manners


async def test_never_two_connections_at_once_and_never_more_than_the_limit() -> None:
    def accept_all(peer: Peer) -> None:
        # The client waits for us now: an earlier connection ends only if it was given up before this one was made.
        assert all(earlier.ended.wait(4.0) for earlier in server.peers[: peer.number])
        suites = peer.read_hello().cipher_suites
        peer.send_raw(record(server_hello(0x0303, suites[-1]) + certificates() + message(14, b"")))
        peer.stall()

    with FaultServer(accept_all) as server:
        of = broker_at(server.port, timeout_s=5.0)
        facts = await scanned(of)
    assert {suite.weakness for suite in facts.weak_suites} == set(Weakness)
    assert len(server.peers) == 7 + len(Weakness)
    assert scan_limit_s(of) >= len(server.peers) * of.timeout_s


async def test_cancelled_scan_leaves_nothing(mosquitto: Mosquitto) -> None:
    resolver = Resolver()
    before = (descriptors(), watched_descriptors(), other_tasks())
    cancelled = []
    for delay_s in (0.0, 0.002, 0.02, 0.06, 0.11, 0.3, 0.36):
        task = asyncio.create_task(scan(broker_at(mosquitto.port), now=lambda: NOW, resolver=resolver))
        await asyncio.sleep(delay_s)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        cancelled.append(task.cancelled())
        assert (descriptors(), watched_descriptors(), other_tasks()) == before
    assert all(cancelled[:-1]), "the pauses of a scan alone take longer than all but the last"
    assert live_timers() == []
    resolver.close()


async def test_old_version_is_looked_for_where_probes_allow_it_too(pki: TestPki, tmp_path: Path) -> None:
    options = ("-cipher", "DEFAULT:@SECLEVEL=0", "-tls1")
    with OpensslServer(tmp_path / "s_server", certificate=pki.server_files, options=options) as server:
        of = broker_at(server.port, minimum_version=TlsVersion.V1_0)
        facts = await scanned(of)
        strict = await scanned(replace(of, tls=replace(of.tls, minimum_version=TlsVersion.V1_2)))
    assert facts.old_versions == strict.old_versions == (TlsVersion.V1_0,)
    assert facts.served
    assert strict.served is None
