"""nanomq.conf beyond the ordinary: several listeners, WebSocket, and what depends on the version."""

from __future__ import annotations

from tests.support.broker_host import Host, facts, notes

MAIN = "/etc/nanomq.conf"
TLS = 'keyfile = "/a.key"\n  certfile = "/a.pem"\n'
FILES = {"certificate": "/a.pem", "key": "/a.key"}


def test_listeners_with_names_have_certificates_of_their_own(host: Host) -> None:
    host.write(
        MAIN,
        f'listeners.ssl {{\n  bind = "0.0.0.0:8883"\n  {TLS}}}\n'
        'listeners.ssl.inside { bind = "192.0.2.7:8884", certfile = "/b.pem", verify_peer = true,'
        " fail_if_no_peer_cert = true }\nlisteners.ssl.off { bind = 8885, enable = false }\n"
        'listeners.tcp { bind = "0.0.0.0:1883" }\n',
    )
    assert facts(host.discover()) == [
        {"port": 8883, **FILES},
        {"port": 8884, "address": "192.0.2.7", "certificate": "/b.pem", "demands_client_certificate": True},
    ]
    assert notes(host.discover()) == []


def test_websocket_has_the_certificates_of_the_other_port(host: Host) -> None:
    host.write(MAIN, f'listeners.ssl {{\n  bind = "8883"\n  {TLS}}}\nlisteners.wss {{ bind = "0.0.0.0:8084/mqtt" }}\n')
    assert facts(host.discover()) == [{"port": 8883, **FILES}, {"port": 8084, **FILES, "is_websocket": True}]


def test_websocket_of_the_old_format(host: Host) -> None:
    host.write(
        MAIN,
        "tls.enable=true\ntls.url=tls+nmq-tcp://0.0.0.0:8883\ntls.certfile=/a.pem\ntls.keyfile=/a.key\n"
        "websocket.enable=true\nwebsocket.tls_url=nmq-wss://0.0.0.0:8084/mqtt\n",
    )
    assert facts(host.discover()) == [{"port": 8883, **FILES}, {"port": 8084, **FILES, "is_websocket": True}]


def test_listener_without_bind_is_a_note(host: Host) -> None:
    host.write(MAIN, f"listeners.ssl {{\n  {TLS}}}\n")
    assert facts(host.discover()) == []
    assert notes(host.discover()) == [
        f"{MAIN}:2: listeners.ssl without bind: whether a port is open depends on the version"
    ]
