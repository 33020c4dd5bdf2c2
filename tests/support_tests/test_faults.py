"""The fault server does what its scripts say, and proves what it received."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from monitor.demo.pki import issue
from tests.support import mqtt_script
from tests.support.client import client_context, connect_bytes, read_mqtt, subscribe_bytes, tls_client
from tests.support.faults import FaultServer, Peer, Script
from tests.support.mqtt_bytes import PacketType, connack, packet, publish, string
from tests.support.pki import TestPki
from tests.support.ports import PATIENCE_S
from tests.support.tls_engine import ServerTls, up_to, with_broken_signature, with_certificates, with_version
from tests.support.tls_records import HandshakeType

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
HOST = "127.0.0.1"
versions = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture
def tls(pki: TestPki) -> ServerTls:
    return ServerTls(chain=pki.chain)


def handshake_error(
    script: Script, tls: ServerTls, context: ssl.SSLContext, *, timeout_s: float = PATIENCE_S
) -> Exception:
    """What the handshake of a client of this script ends with."""
    with FaultServer(script, tls=tls) as server:
        try:
            with tls_client(context, HOST, server.port, timeout_s=timeout_s):
                pass
        except OSError as error:
            return error
    pytest.fail("the handshake succeeded")


def first_answer(
    script: Script, tls: ServerTls, context: ssl.SSLContext, *, level: int = 4
) -> tuple[int, bytes] | Exception:
    """What a client gets as answer to its CONNECT."""
    with FaultServer(script, tls=tls) as server:
        try:
            with tls_client(context, HOST, server.port, timeout_s=PATIENCE_S) as client:
                client.sendall(connect_bytes(level))
                return read_mqtt(client)
        except (OSError, EOFError) as error:
            return error


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


# TCP.


def test_scripts_without_tls_act_on_tcp() -> None:
    def greet(peer: Peer) -> None:
        peer.send_raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.close()

    with FaultServer(greet) as server, socket.create_connection((HOST, server.port), timeout=5) as client:
        assert client.recv(100).startswith(b"HTTP/1.1")
        assert client.recv(100) == b""


def test_reset_is_a_reset() -> None:
    with (
        FaultServer(lambda peer: peer.reset()) as server,
        pytest.raises(ConnectionResetError),  # by connect() itself, if the server is quick
        socket.create_connection((HOST, server.port), timeout=5) as client,
    ):
        client.recv(1)


def test_close_with_unread_bytes_is_no_reset() -> None:
    with FaultServer(lambda peer: peer.close()) as server:
        with socket.create_connection((HOST, server.port), timeout=5) as client:
            client.sendall(b"x" * 100_000)
            assert client.recv(1) == b""
        server.wait_until_left()
        assert server.peers[0].farewell == "eof"


def test_stalled_peer_is_released_when_the_server_ends() -> None:
    with socket.socket() as client:
        with FaultServer(lambda peer: peer.stall()) as server:
            client.connect((HOST, server.port))
        assert server.peers == [] or server.peers[0].farewell == "over"


def test_flood_ends_with_the_client() -> None:
    with FaultServer(lambda peer: peer.flood(b"\x16\x03\x01")) as server:
        with socket.create_connection((HOST, server.port), timeout=5) as client:
            for _ in range(50):
                assert client.recv(65536)
        server.wait_until_left()


def test_flood_against_a_client_that_does_not_read_ends_with_the_server() -> None:
    with socket.socket() as client, FaultServer(lambda peer: peer.flood(b"\x16\x03\x01")) as server:
        client.connect((HOST, server.port))


def test_drip_sends_single_bytes() -> None:
    def drip(peer: Peer) -> None:
        peer.drip(b"abc", 0.02)

    with FaultServer(drip) as server, socket.create_connection((HOST, server.port), timeout=5) as client:
        assert [client.recv(10) for _ in range(3)] == [b"a", b"b", b"c"]


def test_nothing_outlives_the_server() -> None:
    threads, descriptors = threading.active_count(), open_descriptors()
    with FaultServer(lambda peer: peer.freeze()) as server:
        clients = [socket.create_connection((HOST, server.port)) for _ in range(5)]
    for client in clients:
        client.close()
    assert threading.active_count() == threads
    assert open_descriptors() == descriptors


def test_mistake_in_a_script_is_raised_in_the_test(tls: ServerTls, pki: TestPki) -> None:
    def expects_wrongly(peer: Peer) -> None:
        peer.handshake()
        peer.read_packet(PacketType.SUBSCRIBE)

    server = FaultServer(expects_wrongly, tls=tls)
    server.__enter__()
    with tls_client(client_context(pki), HOST, server.port) as client:
        client.sendall(connect_bytes())
    server.wait_until_left()
    with pytest.raises(AssertionError, match="CONNECT, not SUBSCRIBE"):
        server.__exit__(None, None, None)


# TLS.


@versions
def test_well_behaved_broker_holds_a_conversation(version: ssl.TLSVersion, tls: ServerTls, pki: TestPki) -> None:
    with FaultServer(mqtt_script.broker(), tls=tls) as server:
        with tls_client(client_context(pki, version=version), HOST, server.port) as client:
            client.sendall(connect_bytes(username="ann", password="secret"))
            assert read_mqtt(client) == (0x20, b"\0\0")
            client.sendall(subscribe_bytes("a/b"))
            assert read_mqtt(client) == (0x90, b"\0\1\1")
            client.sendall(publish(4, "a/b", b"hello", qos=1, packet_id=7))
            assert read_mqtt(client) == (0x40, b"\0\7")
            assert read_mqtt(client) == (0x32, string("a/b") + b"\0\7hello")
            client.sendall(packet(PacketType.DISCONNECT))
            with suppress(ssl.SSLEOFError):  # the server hangs up without a goodbye of its own
                client.unwrap()
        server.wait_until_left()
        assert [one.type.name for one in server.received] == ["CONNECT", "SUBSCRIBE", "PUBLISH", "DISCONNECT"]
        assert server.saw_password
        assert server.saw(b"secret")
        assert not server.saw(b"something else")
        assert server.peers[0].farewell == "close_notify"


@versions
@pytest.mark.parametrize("number", [40, 112, 120])
def test_any_alert_answers_the_hello(number: int, version: ssl.TLSVersion, tls: ServerTls, pki: TestPki) -> None:
    def refuse(peer: Peer) -> None:
        peer.read_hello()
        peer.alert(number)
        peer.close()

    names = {40: "HANDSHAKE_FAILURE", 112: "UNRECOGNIZED_NAME", 120: "NO_APPLICATION_PROTOCOL"}
    error = handshake_error(refuse, tls, client_context(pki, version=version))
    assert names[number] in str(error).upper().replace(" ", "_")


@versions
@pytest.mark.parametrize("number", [42, 49, 80])
def test_any_alert_follows_the_handshake_encrypted(
    number: int, version: ssl.TLSVersion, tls: ServerTls, pki: TestPki
) -> None:
    def refuse(peer: Peer) -> None:
        peer.handshake()
        peer.read_packet(PacketType.CONNECT)
        peer.alert(number)
        peer.close()

    names = {42: "BAD_CERTIFICATE", 49: "ACCESS_DENIED", 80: "INTERNAL_ERROR"}
    answer = first_answer(refuse, tls, client_context(pki, version=version))
    assert names[number] in str(answer).upper().replace(" ", "_")


@pytest.mark.parametrize("kind", [HandshakeType.SERVER_HELLO, HandshakeType.CERTIFICATE, HandshakeType.FINISHED])
def test_alert_in_the_middle_of_the_tls13_flight_is_sealed_for_its_epoch(
    kind: HandshakeType, tls: ServerTls, pki: TestPki
) -> None:
    def refuse(peer: Peer) -> None:
        peer.send_flight(up_to(kind))
        peer.alert(49)
        peer.close()

    answer = first_answer(refuse, tls, client_context(pki, version=ssl.TLSVersion.TLSv1_3))
    assert "ACCESS_DENIED" in str(answer).upper().replace(" ", "_")


@versions
def test_refusal_of_the_client_before_any_ticket(version: ssl.TLSVersion, pki: TestPki) -> None:
    def refuse(peer: Peer) -> None:
        peer.handshake(sends_last=False)
        assert peer.client_certificate is None
        peer.alert(116)
        peer.close()

    tls = ServerTls(chain=pki.chain, requests_client_certificate=True)
    answer = first_answer(refuse, tls, client_context(pki, version=version))
    assert "CERTIFICATE_REQUIRED" in str(answer).upper().replace(" ", "_") or "CLOSED" in str(answer).upper()


@versions
def test_client_certificate_is_seen(version: ssl.TLSVersion, pki: TestPki) -> None:
    tls = ServerTls(chain=pki.chain, requests_client_certificate=True, accepted_cas=(pki.intermediate.certificate,))
    with FaultServer(mqtt_script.broker(), tls=tls) as server:
        with tls_client(client_context(pki, version=version, with_certificate=True), HOST, server.port) as client:
            client.sendall(connect_bytes())
            assert read_mqtt(client) == (0x20, b"\0\0")
            assert server.peers[0].client_certificate == pki.client.der
        server.wait_until_left()


@versions
def test_broken_signature_is_noticed(version: ssl.TLSVersion, tls: ServerTls, pki: TestPki) -> None:
    error = handshake_error(
        lambda peer: peer.handshake(with_broken_signature), tls, client_context(pki, version=version)
    )
    assert "BAD_SIGNATURE" in str(error).upper().replace(" ", "_")


@versions
def test_certificate_of_another_key_is_noticed(version: ssl.TLSVersion, tls: ServerTls, pki: TestPki) -> None:
    other = issue(now=pki.now, issuer=pki.intermediate)
    error = handshake_error(
        lambda peer: peer.handshake(with_certificates((other.der, pki.intermediate.der))),
        tls,
        client_context(pki, version=version),
    )
    assert "BAD_SIGNATURE" in str(error).upper().replace(" ", "_")


@versions
def test_certificate_that_does_not_parse_is_noticed(version: ssl.TLSVersion, tls: ServerTls, pki: TestPki) -> None:
    error = handshake_error(
        lambda peer: peer.handshake(with_certificates((b"\x30\x03\x02\x01\x01",))),
        tls,
        client_context(pki, version=version),
    )
    assert isinstance(error, ssl.SSLError)
    assert not isinstance(error, ssl.SSLCertVerificationError)


@versions
@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_half_a_flight_then_silence_times_out(
    share: float, version: ssl.TLSVersion, tls: ServerTls, pki: TestPki
) -> None:
    def stop_short(peer: Peer) -> None:
        flight = peer.flight()
        peer.send_raw(flight[: int(len(flight) * share)])
        peer.stall()

    error = handshake_error(stop_short, tls, client_context(pki, version=version), timeout_s=0.5)
    assert isinstance(error, TimeoutError)


@versions
def test_corrupt_record_is_noticed(version: ssl.TLSVersion, tls: ServerTls, pki: TestPki) -> None:
    answer = first_answer(mqtt_script.broker(connect=mqtt_script.corrupt), tls, client_context(pki, version=version))
    assert "MAC" in str(answer).upper()


@pytest.mark.parametrize("sends_tickets", [True, False])
def test_tls13_tickets_come_only_if_wanted(sends_tickets: bool, pki: TestPki) -> None:
    tls = ServerTls(chain=pki.chain, sends_tickets=sends_tickets)
    with (
        FaultServer(mqtt_script.broker(), tls=tls) as server,
        tls_client(client_context(pki, version=ssl.TLSVersion.TLSv1_3), HOST, server.port) as client,
    ):
        client.sendall(connect_bytes())
        assert read_mqtt(client) == (0x20, b"\0\0")
        assert client.session is not None
        assert client.session.has_ticket is sends_tickets


def test_hello_says_what_the_client_asks_for(tls: ServerTls, pki: TestPki) -> None:
    context = client_context(pki)
    context.set_alpn_protocols(["mqtt", "x-other"])
    with FaultServer(mqtt_script.broker(), tls=tls) as server:
        with tls_client(context, "localhost", server.port):
            pass
        server.wait_until_left()
        hello = server.peers[0].hello
    assert hello is not None
    assert (hello.server_name, hello.alpn) == ("localhost", ("mqtt", "x-other"))
    assert 0x0304 in hello.versions


def test_alpn_and_staple_are_served(pki: TestPki) -> None:
    context = client_context(pki)
    context.set_alpn_protocols(["mqtt"])
    with (
        FaultServer(mqtt_script.broker(), tls=ServerTls(chain=pki.chain, alpn="mqtt")) as server,
        tls_client(context, HOST, server.port) as client,
    ):
        assert client.selected_alpn_protocol() == "mqtt"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_server_of_old_versions_alone_refuses_a_new_client(version: str, pki: TestPki) -> None:
    tls = ServerTls(chain=pki.chain, minimum_version="1.0", maximum_version=version)
    context = client_context(pki)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    error = handshake_error(lambda peer: peer.handshake(), tls, context)
    assert "ALERT_PROTOCOL_VERSION" in str(error).upper().replace(" ", "_")


def test_version_that_nobody_offered_is_chosen(pki: TestPki) -> None:
    tls = ServerTls(chain=pki.chain, maximum_version="1.2")
    context = client_context(pki)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    error = handshake_error(lambda peer: peer.handshake(with_version(0x0302)), tls, context)
    assert "UNSUPPORTED_PROTOCOL" in str(error).upper().replace(" ", "_")


def test_openssl_itself_refuses_a_version_with_its_alert(pki: TestPki) -> None:
    tls = ServerTls(chain=pki.chain, minimum_version="1.3")
    with FaultServer(lambda peer: peer.handshake(), tls=tls) as server:
        with (
            pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"),
            tls_client(client_context(pki, version=ssl.TLSVersion.TLSv1_2), HOST, server.port),
        ):
            pass
        server.wait_until_left()
        assert server.peers[0].farewell == "alert: unsupported protocol"


def test_password_is_seen_though_the_script_left_the_handshake(tls: ServerTls, pki: TestPki) -> None:
    def ignore(peer: Peer) -> None:
        peer.send_flight()
        peer.stall()

    context = client_context(pki, version=ssl.TLSVersion.TLSv1_3)
    with FaultServer(ignore, tls=tls) as server:
        with tls_client(context, HOST, server.port) as client:
            client.sendall(connect_bytes(username="ann", password="secret"))
        server.wait_until_left()
        assert server.saw_password


# MQTT.


def test_time_of_the_act_is_kept(tls: ServerTls, pki: TestPki) -> None:
    with (
        FaultServer(mqtt_script.broker(connect=mqtt_script.close), tls=tls) as server,
        tls_client(client_context(pki), HOST, server.port) as client,
    ):
        before = time.monotonic()
        client.sendall(connect_bytes())
        with pytest.raises(EOFError):
            read_mqtt(client)
        assert server.acted_at is not None
        assert before < server.acted_at < time.monotonic()


@pytest.mark.parametrize("level", [3, 4, 5])
def test_connack_is_the_clients_version(level: int, tls: ServerTls, pki: TestPki) -> None:
    answer = first_answer(mqtt_script.broker(connect=mqtt_script.refuse(5)), tls, client_context(pki), level=level)
    assert answer == (0x20, b"\0\5" + (b"\0" if level == 5 else b""))


def test_reason_string_is_sent_in_mqtt5(tls: ServerTls, pki: TestPki) -> None:
    script = mqtt_script.broker(connect=mqtt_script.refuse(0x87, reason="no"))
    assert first_answer(script, tls, client_context(pki), level=5) == (0x20, b"\0\x87\5\x1f\0\2no")


def test_3x_answer_to_mqtt5_has_no_properties(tls: ServerTls, pki: TestPki) -> None:
    script = mqtt_script.broker(connect=mqtt_script.refuse_as_3x())
    assert first_answer(script, tls, client_context(pki), level=5) == (0x20, b"\0\1")


def test_qos_2_is_delivered_on_release(tls: ServerTls, pki: TestPki) -> None:
    with (
        FaultServer(mqtt_script.broker(), tls=tls) as server,
        tls_client(client_context(pki), HOST, server.port) as client,
    ):
        client.sendall(connect_bytes() + publish(4, "t", b"once", qos=2, packet_id=9))
        assert read_mqtt(client) == (0x20, b"\0\0")
        assert read_mqtt(client) == (0x50, b"\0\x09")
        client.sendall(b"\x62\2\0\x09")
        assert read_mqtt(client) == (0x70, b"\0\x09")
        assert read_mqtt(client) == (0x34, string("t") + b"\0\x09once")
        client.sendall(b"\x50\2\0\x09")
        assert read_mqtt(client) == (0x62, b"\0\x09")


def test_foreign_client_is_content_with_the_good_answers(tls: ServerTls, pki: TestPki) -> None:
    got = threading.Event()
    with FaultServer(mqtt_script.broker(), tls=tls) as server:
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.tls_set(str(pki.ca_file))
        client.username_pw_set("ann", "secret")
        client.on_connect = lambda c, *_: c.subscribe("t", 2)
        client.on_subscribe = lambda c, *_: c.publish("t", b"x", 2)
        client.on_message = lambda *_: got.set()
        client.connect(HOST, server.port)
        client.loop_start()
        assert got.wait(PATIENCE_S)
        client.disconnect()
        client.loop_stop()
        server.wait_until_left()
        first = server.received[0]
    assert (first.type, first.level, first.username, first.is_clean) == (PacketType.CONNECT, 5, "ann", True)
    assert [one.qos for one in server.received if one.type is PacketType.PUBLISH] == [2]


def test_good_connack_is_what_the_standard_says() -> None:
    assert connack(4) == b"\x20\2\0\0"
    assert connack(5) == b"\x20\3\0\0\0"
