"""The TLS engine against real servers in memory: what it shows of a handshake, and when."""

from __future__ import annotations

import ssl
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from monitor.model.broker import TlsVersion
from monitor.wire.ending import ConnectionEnded, End
from monitor.wire.engine import ServedTls, TlsEngine
from monitor.wire.records import ClientFlight
from tests.support.pki import TestPki
from tests.support.tls_peer import MemoryServer, server_context, shake_hands

VERSIONS = [TlsVersion.V1_2, TlsVersion.V1_3]
NAMES = {TlsVersion.V1_2: "TLSv1.2", TlsVersion.V1_3: "TLSv1.3"}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_handshake_shows_version_cipher_group_and_chain(pki: TestPki, version: TlsVersion) -> None:
    engine = TlsEngine(server_name="localhost")
    shake_hands(engine, MemoryServer(server_context(*pki.chain, version=version)))
    served = engine.served()
    assert served.version == NAMES[version]
    assert served.cipher
    assert served.group
    assert served.chain == (pki.leaf.der, pki.intermediate.der)
    assert (served.alpn, served.ocsp_response, served.accepted_cas) == (None, None, ())


def test_before_the_first_answer_nothing_is_known() -> None:
    engine = TlsEngine(server_name="localhost")
    nothing = ServedTls(
        version=None, cipher=None, group=None, alpn=None, chain=(), left_out=0, ocsp_response=None, accepted_cas=()
    )
    assert engine.served() == nothing
    engine.handshake()
    assert engine.take()
    assert engine.served() == nothing


@pytest.mark.parametrize("version", VERSIONS)
def test_the_chain_is_as_served_root_and_strangers_and_order_included(pki: TestPki, version: TlsVersion) -> None:
    chain = (pki.leaf, pki.root, pki.foreign_root, pki.intermediate, pki.intermediate)
    engine = TlsEngine(server_name=None)
    shake_hands(engine, MemoryServer(server_context(*chain, version=version)))
    assert engine.served().chain == tuple(issued.der for issued in chain)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_facts_can_be_asked_for_after_every_byte(pki: TestPki, version: TlsVersion) -> None:
    context = server_context(*pki.chain, version=version, asks_for_certificate=True, accepted_cas=(pki.root,))
    engine, server = TlsEngine(server_name="localhost"), MemoryServer(context)
    engine.handshake()
    server.feed(engine.take())
    seen = [engine.served()]
    for byte in server.take():
        engine.feed(bytes((byte,)))
        engine.handshake()
        if (served := engine.served()) != seen[-1]:
            seen.append(served)
    assert seen[-1].chain == (pki.leaf.der, pki.intermediate.der)
    assert seen[-1].accepted_cas == ("CN=Test Root",)
    # Nothing that was known is unknown again.
    assert [len(served.chain) for served in seen] == sorted(len(served.chain) for served in seen)
    assert {served.version for served in seen} == {None, NAMES[version]}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_servers_choice_of_alpn_is_shown(pki: TestPki, version: TlsVersion) -> None:
    engine = TlsEngine(server_name=None, alpn=("http/1.1", "mqtt"))
    shake_hands(engine, MemoryServer(server_context(*pki.chain, version=version, alpn=b"mqtt")))
    assert engine.served().alpn == "mqtt"


@pytest.mark.parametrize("server_name", ["broker.example", None])
def test_the_server_name_is_sent_as_it_is_or_not_at_all(pki: TestPki, server_name: str | None) -> None:
    engine, server = TlsEngine(server_name=server_name), MemoryServer(server_context(*pki.chain))
    shake_hands(engine, server)
    assert server.connection.get_servername() == (server_name.encode() if server_name else None)


# RFC 6960 4.2.1: OCSPResponse { tryLater }, and { successful, a basic response of so many zero bytes }.
TRY_LATER = bytes.fromhex("30030a0103")
LARGE = bytes.fromhex("30823ab20a0100a0823aab30823aa706092b060105050730010104823a98") + bytes(
    15_000
)  # OpenSSL takes no more than 16 KiB in TLS 1.2


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("staple", [TRY_LATER, LARGE])
def test_a_stapled_response_is_kept_byte_for_byte(pki: TestPki, version: TlsVersion, staple: bytes) -> None:
    engine = TlsEngine(server_name=None)
    shake_hands(engine, MemoryServer(server_context(*pki.chain, version=version, staple=staple)))
    assert engine.served().ocsp_response == staple


def test_a_staple_that_cannot_be_decoded_is_no_alert_of_the_peer_and_leaves_the_chain(pki: TestPki) -> None:
    engine = TlsEngine(server_name=None)
    server = MemoryServer(server_context(*pki.chain, version=TlsVersion.V1_2, staple=TRY_LATER))
    engine.handshake()
    server.feed(engine.take())
    engine.feed(server.take().replace(TRY_LATER, b"no DER"[: len(TRY_LATER)]))
    with pytest.raises(ConnectionEnded) as caught:
        engine.handshake()
    assert caught.value.ending.end is End.TLS_ERROR
    assert "bad certificate status response" in caught.value.ending.detail
    assert engine.served().chain == (pki.leaf.der, pki.intermediate.der)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_names_of_accepted_cas_are_shown_in_order(pki: TestPki, version: TlsVersion) -> None:
    context = server_context(
        *pki.chain, version=version, asks_for_certificate=True, accepted_cas=(pki.intermediate, pki.root)
    )
    engine = TlsEngine(server_name=None)
    shake_hands(engine, MemoryServer(context))
    assert engine.served().accepted_cas == ("CN=Test Intermediate", "CN=Test Root")


@pytest.mark.parametrize(("sent", "left_out"), [(64, 0), (70, 6)])
def test_certificates_behind_the_64th_are_counted_and_not_read(pki: TestPki, sent: int, left_out: int) -> None:
    engine = TlsEngine(server_name=None)
    shake_hands(engine, MemoryServer(server_context(pki.leaf, *[pki.intermediate] * (sent - 1))))
    served = engine.served()
    assert len(served.chain) == 64
    assert served.left_out == left_out


def test_no_more_than_32_accepted_cas_are_read_however_many_are_sent(pki: TestPki) -> None:
    context = server_context(*pki.chain, asks_for_certificate=True, accepted_cas=(pki.root,) * 2_500)
    engine = TlsEngine(server_name=None)
    shake_hands(engine, MemoryServer(context))

    def elapsed_s() -> float:
        begun = time.perf_counter()
        assert engine.served().accepted_cas == ("CN=Test Root",) * 32
        return time.perf_counter() - begun

    # Copying them all takes 10 ms.
    assert min(elapsed_s() for _ in range(5)) < 3e-3


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("has_identity", [True, False])
def test_a_client_certificate_is_sent_to_who_asks(pki: TestPki, version: TlsVersion, has_identity: bool) -> None:
    engine = TlsEngine(server_name=None, identity=pki.client_identity if has_identity else None)
    server = MemoryServer(server_context(*pki.chain, version=version, asks_for_certificate=True))
    shake_hands(engine, server)
    received = server.connection.get_peer_certificate(as_cryptography=True)
    assert received == (pki.client.certificate if has_identity else None)


def test_a_client_chain_is_sent_whole(pki: TestPki) -> None:
    engine = TlsEngine(server_name=None, identity=pki.client_identity)
    server = MemoryServer(server_context(*pki.chain, version=TlsVersion.V1_2, asks_for_certificate=True))
    shake_hands(engine, server)
    # The server's side of OpenSSL keeps the leaf apart.
    assert server.connection.get_peer_certificate(as_cryptography=True) == pki.client.certificate
    assert server.connection.get_peer_cert_chain(as_cryptography=True) == [pki.intermediate.certificate]


def test_the_answer_to_a_hello_retry_request_is_not_yet_our_flight(pki: TestPki) -> None:
    engine = TlsEngine(server_name=None)
    server = MemoryServer(server_context(*pki.chain, group=ec.SECP521R1()))  # none that we guess
    engine.handshake()
    server.feed(engine.take())
    engine.feed(server.take())
    assert not engine.handshake()
    second_hello = engine.take()
    assert second_hello
    assert engine.client_flight(second_hello) is None
    server.feed(second_hello)
    engine.feed(server.take())
    assert engine.handshake()
    assert engine.client_flight(engine.take()) == ClientFlight(False, False)
    assert engine.served().group == "secp521r1"


@pytest.mark.parametrize("minimum", VERSIONS)
def test_a_server_below_the_minimum_version_is_told_apart(pki: TestPki, minimum: TlsVersion) -> None:
    engine = TlsEngine(server_name=None, minimum_version=minimum)
    server = MemoryServer(server_context(*pki.chain, version=TlsVersion.V1_2))
    engine.handshake()
    hello = engine.take()
    if minimum is TlsVersion.V1_2:
        server.feed(hello)
        engine.feed(server.take())
        assert not engine.handshake()
        return
    with pytest.raises(SSL.Error):
        server.feed(hello)
    engine.feed(server.take())
    with pytest.raises(ConnectionEnded) as caught:
        engine.handshake()
    assert (caught.value.ending.end, caught.value.ending.alert) == (End.ALERT, "protocol_version")


@pytest.mark.parametrize("version", VERSIONS)
def test_plaintext_passes_both_ways_and_ends_with_close_notify(pki: TestPki, version: TlsVersion) -> None:
    engine, server = TlsEngine(server_name=None), MemoryServer(server_context(*pki.chain, version=version))
    shake_hands(engine, server)
    large = bytes(range(256)) * 300
    engine.write(large)
    server.feed(engine.take())
    assert server.read() == large
    engine.feed(server.seal(b"first") + server.seal(b"second") + server.close_notify())
    assert (engine.read(), engine.read()) == (b"first", b"second")
    with pytest.raises(ConnectionEnded) as caught:
        engine.read()
    assert caught.value.ending.end is End.CLOSE_NOTIFY


@pytest.mark.parametrize("version", VERSIONS)
def test_close_notify_leaves_in_order(pki: TestPki, version: TlsVersion) -> None:
    engine, server = TlsEngine(server_name=None), MemoryServer(server_context(*pki.chain, version=version))
    shake_hands(engine, server)
    engine.close_notify()
    server.connection.bio_write(engine.take())
    with pytest.raises(SSL.ZeroReturnError):
        server.connection.recv(1)


def test_close_notify_before_tls_is_up_is_nothing() -> None:
    engine = TlsEngine(server_name=None)
    engine.close_notify()
    assert engine.take() == b""
    engine.handshake()
    engine.take()
    engine.close_notify()
    assert engine.take() == b""


@pytest.mark.parametrize("version", VERSIONS)
def test_records_after_the_handshake_are_counted(pki: TestPki, version: TlsVersion) -> None:
    engine, server = TlsEngine(server_name=None), MemoryServer(server_context(*pki.chain, version=version))
    shake_hands(engine, server)
    tickets = engine.records_after_handshake
    assert tickets == (2 if version is TlsVersion.V1_3 else 0)  # OpenSSL's number of TLS 1.3 session tickets
    for byte in server.seal(b"first") + server.seal(b"second"):
        engine.feed(bytes((byte,)))
    assert engine.records_after_handshake == tickets + 2


def test_a_record_that_begins_in_the_servers_last_flight_is_counted_when_it_ends(pki: TestPki) -> None:
    engine, server = TlsEngine(server_name=None), MemoryServer(server_context(*pki.chain, version=TlsVersion.V1_2))
    engine.handshake()
    server.feed(engine.take())
    engine.feed(server.take())
    engine.handshake()
    server.feed(engine.take())
    last_flight, record = server.take(), server.seal(b"x" * 300)
    engine.feed(last_flight + record[:7])
    assert engine.handshake()
    assert engine.records_after_handshake == 0
    engine.feed(record[7:] + server.seal(b"y"))
    assert engine.records_after_handshake == 2


def test_a_server_of_the_standard_library_is_read_too(pki: TestPki) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.server_files.chain, pki.server_files.key)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    engine = TlsEngine(server_name="localhost")
    engine.handshake()
    incoming.write(engine.take())
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    engine.feed(outgoing.read())
    assert engine.handshake()
    incoming.write(engine.take())
    server.do_handshake()
    server.write(b"hello")
    engine.feed(outgoing.read())
    assert engine.read() == b"hello"
    assert engine.served().chain == (pki.leaf.der, pki.intermediate.der)


def test_renegotiation_is_refused_and_the_connection_goes_on(pki: TestPki) -> None:
    engine, server = TlsEngine(server_name=None), MemoryServer(server_context(*pki.chain, version=TlsVersion.V1_2))
    shake_hands(engine, server)
    server.connection.renegotiate()
    server.connection.do_handshake()  # sends HelloRequest
    engine.feed(server.take())
    assert engine.read() == b""
    answer = engine.take()
    assert answer[0] == 21  # an alert, no ClientHello
    engine.feed(server.seal(b"still here"))
    assert engine.read() == b"still here"
