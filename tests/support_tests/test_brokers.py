"""The real servers start, answer, misbehave on demand, and end."""

from __future__ import annotations

import os
import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.demo.pki import issue
from tests.support.brokers import Amqtt, Mosquitto, NatsServer, OpensslServer
from tests.support.client import client_context, connect_bytes, read_mqtt, tls_client
from tests.support.pki import TestPki, write_chain
from tests.support.processes import ServerProcess

CONNACK = 0x20


def connack_code(server: ServerProcess, context: ssl.SSLContext, packet: bytes | None = None) -> int:
    with tls_client(context, server.host, server.port) as client:
        client.sendall(connect_bytes() if packet is None else packet)
        first, body = read_mqtt(client)
    assert first == CONNACK
    return body[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("kind", [Mosquitto, NatsServer, Amqtt])
def test_broker_accepts_a_client_on_both_families_and_is_gone_afterwards(
    kind: type[Mosquitto | NatsServer | Amqtt], host: str, pki: TestPki, tmp_path: Path
) -> None:
    with kind(tmp_path, certificate=pki.server_files, host=host) as broker:
        assert connack_code(broker, client_context(pki)) == 0
        pid = broker.pid
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("kind", [Mosquitto, NatsServer, Amqtt])
def test_users_file_lets_in_the_right_password_alone(
    kind: type[Mosquitto | NatsServer | Amqtt], pki: TestPki, tmp_path: Path
) -> None:
    with kind(tmp_path, certificate=pki.server_files, users={"ann": "secret"}) as broker:
        assert connack_code(broker, client_context(pki), connect_bytes(username="ann", password="secret")) == 0
        with tls_client(client_context(pki), broker.host, broker.port) as client:
            client.sendall(connect_bytes(username="ann", password="wrong"))
            first, body = read_mqtt(client)
        assert (first, body[1]) in {(CONNACK, 4), (CONNACK, 5)}


@pytest.mark.parametrize(("minimum", "maximum", "expected"), [("1.2", "1.2", "TLSv1.2"), ("1.3", "1.3", "TLSv1.3")])
def test_mosquitto_speaks_only_the_versions_asked_for(
    minimum: str, maximum: str, expected: str, pki: TestPki, tmp_path: Path
) -> None:
    with (
        Mosquitto(tmp_path, certificate=pki.server_files, minimum_version=minimum, maximum_version=maximum) as broker,
        tls_client(client_context(pki), broker.host, broker.port) as client,
    ):
        assert client.version() == expected


@pytest.mark.parametrize("kind", [Mosquitto, NatsServer])
def test_client_certificate_is_demanded(kind: type[Mosquitto | NatsServer], pki: TestPki, tmp_path: Path) -> None:
    with kind(tmp_path, certificate=pki.server_files, client_ca=pki.client_ca_file) as broker:
        assert connack_code(broker, client_context(pki, with_certificate=True)) == 0
        with pytest.raises((OSError, EOFError)):
            connack_code(broker, client_context(pki))


@pytest.mark.parametrize("kind", [Mosquitto, NatsServer])
def test_reload_serves_the_replaced_certificate(
    kind: type[Mosquitto | NatsServer], pki: TestPki, tmp_path: Path
) -> None:
    fresh = issue(now=pki.now, issuer=pki.intermediate, not_after=pki.now + timedelta(days=3))
    with kind(tmp_path / "broker", certificate=pki.server_files) as broker:
        broker.replace_certificate(write_chain(tmp_path, "fresh", (fresh, pki.intermediate)))
        broker.reload()
        with tls_client(client_context(pki), broker.host, broker.port) as client:
            assert client.getpeercert(binary_form=True) == fresh.der


def test_paused_broker_accepts_and_stays_silent_until_resumed(mosquitto: Mosquitto, pki: TestPki) -> None:
    mosquitto.pause()
    with pytest.raises(TimeoutError), tls_client(client_context(pki), mosquitto.host, mosquitto.port, timeout_s=0.3):
        pass
    mosquitto.resume()
    assert connack_code(mosquitto, client_context(pki)) == 0


def test_stopped_broker_refuses_and_returns_on_the_same_port(mosquitto: Mosquitto, pki: TestPki) -> None:
    port = mosquitto.port
    mosquitto.stop()
    with pytest.raises(ConnectionRefusedError):
        connack_code(mosquitto, client_context(pki))
    mosquitto.start()
    assert mosquitto.port == port
    assert connack_code(mosquitto, client_context(pki)) == 0


def test_killed_broker_is_reaped(mosquitto: Mosquitto) -> None:
    pid = mosquitto.pid
    mosquitto.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_start_leaves_no_line_of_a_client_in_the_log(mosquitto: Mosquitto) -> None:
    assert "connection" not in mosquitto.log.lower()


def test_server_that_ends_at_once_shows_its_log(pki: TestPki, tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, certificate=pki.server_files, extra=["no_such_option 1"])
    with pytest.raises(RuntimeError, match="no_such_option"):
        broker.start()


def test_openssl_server_serves_the_chain_once_and_logs_what_it_gets(pki: TestPki, tmp_path: Path) -> None:
    with OpensslServer(tmp_path, certificate=pki.server_files, options=["-tls1_2", "-alpn", "mqtt"]) as server:
        context = client_context(pki)
        context.set_alpn_protocols(["mqtt"])
        with tls_client(context, server.host, server.port) as client:
            assert client.version() == "TLSv1.2"
            assert client.selected_alpn_protocol() == "mqtt"
            client.sendall(b"hello over there\n")
            server.wait_for_log("hello over there")
