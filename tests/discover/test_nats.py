"""nats-server.conf beyond the ordinary: its own words, variables, repeated blocks, and MQTT for browsers."""

from __future__ import annotations

import pytest

from tests.support.broker_host import Host, facts, notes

MAIN = "/etc/nats-server.conf"
FOUND = {"port": 8883, "address": "192.0.2.7", "certificate": "/a.pem", "key": "/a.key"}
TLS = 'tls { cert_file: "/a.pem", key_file: "/a.key" }'

SPELLINGS = {
    "one line": f"mqtt {{ listen: 192.0.2.7:8883, {TLS} }}",
    "semicolons": "mqtt { host: 192.0.2.7; port: 8883; tls { cert_file: /a.pem; key_file: /a.key; } }",
    "equals signs": "mqtt = { host='192.0.2.7', port=8883, tls={cert_file='/a.pem', key_file='/a.key'} }",
    "capitals, and braces below": "MQTT\n{\n  Net: 192.0.2.7\n  Port: 8883\n"
    "  TLS { CERT_FILE: /a.pem, Key_File: /a.key }\n}",
    "variables": f"WHERE = 192.0.2.7:8883\nmqtt {{ listen: $WHERE, {TLS} }}",
    "addresses and passwords without quotes": "cluster { routes = [ nats://u:p@192.0.2.1:6222, nats://192.0.2.2 ] }\n"
    f"authorization {{ user: a, password: b#c//d== }}\nmqtt {{ listen: 192.0.2.7:8883, {TLS} }}",
    "a block that replaces an earlier one": f"mqtt {{ port: 1, tls {{ ca_file: /old.pem, verify: true }} }}\n"
    f"mqtt {{ listen: 192.0.2.7:8883, {TLS} }}",
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_spellings_of_one_listener(host: Host, text: str) -> None:
    host.write(MAIN, f"# MQTT\n{text} // done\n")
    assert facts(host.discover()) == [FOUND]
    assert notes(host.discover()) == []


@pytest.mark.parametrize(("setting", "demands"), [("verify: yes", True), ("verify_and_map: ON", True), ("", False)])
def test_demand_for_client_certificates(host: Host, setting: str, *, demands: bool) -> None:
    host.write(MAIN, f"mqtt {{ port: 8883, tls {{ cert_file: /a.pem, {setting} }} }}\n")
    (listener,) = host.discover().listeners
    assert listener.demands_client_certificate == demands


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (f"mqtt {{ port: $MQTT_PORT, {TLS} }}", "not understood: on which port"),
        ("mqtt: $block", "not understood: the value of mqtt"),
        ("mqtt { port: 8883, tls: $block }", "not understood: the value of mqtt.tls"),
        (f"mqtt {{ port: -1, {TLS} }}", "not understood: on which port"),
        ("mqtt { port: 8883, tls { certs: [ { cert_file: /a.pem } ] } }", "not understood: tls.certs; name the files"),
    ],
)
def test_what_only_the_server_can_know_is_noted(host: Host, text: str, note: str) -> None:
    host.write(MAIN, f"{text}\n")
    found = notes(host.discover())
    assert found[0].startswith(f"{MAIN}:1: {note}"), found


def test_port_for_browsers_speaks_mqtt_where_mqtt_is_on(host: Host) -> None:
    web = 'websocket { port: 8443, tls { cert_file: "/w.pem" } }\n'
    host.write(MAIN, f"{web}mqtt {{ listen: 192.0.2.7:8883, {TLS} }}\n")
    assert facts(host.discover()) == [FOUND, {"port": 8443, "certificate": "/w.pem", "is_websocket": True}]
    host.write(MAIN, web)
    assert facts(host.discover()) == []
