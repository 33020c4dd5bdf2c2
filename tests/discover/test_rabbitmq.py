"""rabbitmq.conf beyond the ordinary: its further files, WebSocket, and what keeps a port closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.broker_host import Host, facts, notes

MAIN = "/etc/rabbitmq/rabbitmq.conf"
OPTIONS = "ssl_options.certfile = /a.pem\nssl_options.keyfile = /a.key\n"
FILES = {"certificate": "/a.pem", "key": "/a.key"}


@pytest.mark.parametrize(
    ("value", "address", "port"),
    [
        ("8883", None, 8883),
        ("127.0.0.1:8884", "127.0.0.1", 8884),
        ("::1:8884", "::1", 8884),
        ("0.0.0.0:8884  # everywhere", None, 8884),
    ],
)
def test_address_of_a_listener(host: Host, value: str, address: str | None, port: int) -> None:
    host.write(MAIN, f"mqtt.listeners.ssl.1 = {value}\n{OPTIONS}")
    (listener,) = host.discover().listeners
    assert (listener.address, listener.port) == (address, port)
    assert notes(host.discover()) == []


def test_none_closes_the_listeners_that_have_names(host: Host) -> None:
    host.write(MAIN, f"mqtt.listeners.ssl.1 = 8883\nmqtt.listeners.ssl = none\n{OPTIONS}")
    assert facts(host.discover()) == []
    assert notes(host.discover()) == []


@pytest.mark.parametrize(
    "text", ["web_mqtt.ssl.listener = 192.0.2.7:15676\n", "web_mqtt.ssl.ip = 192.0.2.7\nweb_mqtt.ssl.port = 15676\n"]
)
def test_websocket_has_an_address_and_certificates_of_its_own(host: Host, text: str) -> None:
    host.write(MAIN, f"{OPTIONS}{text}web_mqtt.ssl.certfile = /w.pem\n")
    assert facts(host.discover()) == [
        {"port": 15676, "address": "192.0.2.7", "certificate": "/w.pem", "is_websocket": True}
    ]


def test_websocket_without_a_listener_is_none(host: Host) -> None:
    host.write(MAIN, "web_mqtt.ssl.listener = none\nweb_mqtt.ssl.certfile = /w.pem\n")
    assert facts(host.discover()) == []


def test_quoted_values_and_those_of_several_lines(host: Host) -> None:
    host.write(
        MAIN,
        "default_pass = 'a#b'\n"
        "auth_ldap.queries.tags = '''[{administrator,\n  {constant, false}},\nmqtt.listeners.ssl.9 = 9}]'''\n"
        "mqtt.listeners.ssl.1 = 8883\nssl_options.certfile = '/with#sign.pem'\n",
    )
    assert facts(host.discover()) == [{"port": 8883, "certificate": "/with#sign.pem"}]
    assert notes(host.discover()) == []


def test_value_that_does_not_end_is_noted(host: Host) -> None:
    host.write(MAIN, "a = '''b\nmqtt.listeners.ssl.1 = 8883\n")
    assert notes(host.discover()) == [f"{MAIN}:3: not understood: a value that does not end"]


def test_included_files_are_read_and_missing_ones_noted(host: Host) -> None:
    host.write(MAIN, f"include more/*.conf\ninclude one.conf\ninclude gone.conf\ninclude no/*.conf\n{OPTIONS}")
    host.write("/etc/rabbitmq/more/a.conf", "mqtt.listeners.ssl.1 = 8883\n")
    host.write("/etc/rabbitmq/one.conf", "mqtt.listeners.ssl.2 = 8884\n")
    assert facts(host.discover()) == [{"port": 8883, **FILES}, {"port": 8884, **FILES}]
    assert notes(host.discover()) == [
        f"{MAIN}:3: cannot use /etc/rabbitmq/gone.conf: no such file",
        f"{MAIN}:4: cannot use /etc/rabbitmq/no: no such directory",
    ]


def test_file_that_includes_itself_ends(host: Host) -> None:
    host.write(MAIN, f"mqtt.listeners.ssl.1 = 8883\n{OPTIONS}include rabbitmq.conf\n")
    assert facts(host.discover()) == [{"port": 8883, **FILES}]
    assert notes(host.discover()) == [
        f"{MAIN}:4: files include each other too deeply: {MAIN} is not read",
    ]


@pytest.mark.parametrize("beside", ["conf.d/10-tls.conf", "advanced.config", "rabbitmq.config"])
def test_main_file_may_be_missing(host: Host, beside: str) -> None:
    host.write(f"/etc/rabbitmq/{beside}", f"mqtt.listeners.ssl.1 = 8883\n{OPTIONS}")
    found = host.discover()
    if beside.startswith("conf.d"):
        assert facts(found) == [{"port": 8883, **FILES}]
        assert notes(found) == []
    else:
        assert facts(found) == []
        assert notes(found) == [f"/etc/rabbitmq/{beside}:1: not understood: Erlang terms; it may say more"]


def test_proxy_protocol_is_noted(host: Host) -> None:
    host.write(MAIN, f"mqtt.listeners.ssl.1 = 8883\nmqtt.proxy_protocol = true\n{OPTIONS}")
    assert notes(host.discover()) == [
        f"{MAIN}:1: :8883 expects the PROXY protocol: watch what is in front of it instead"
    ]


@pytest.mark.parametrize(
    ("plugins", "remarks"),
    [
        ("[rabbitmq_mqtt,rabbitmq_web_mqtt].\n", [None, None]),
        (
            "[rabbitmq_web_mqtt].\n",
            ["rabbitmq_mqtt is not in /etc/rabbitmq/enabled_plugins: nothing listens there yet", None],
        ),
    ],
)
def test_port_of_a_plugin_that_is_not_enabled_says_so(host: Host, plugins: str, remarks: list[str | None]) -> None:
    host.write(MAIN, "mqtt.listeners.ssl.1 = 8883\nweb_mqtt.ssl.port = 15676\n")
    host.write("/etc/rabbitmq/enabled_plugins", plugins)
    assert [listener.remark for listener in host.discover(Path(MAIN)).listeners] == remarks


def test_template_that_was_never_filled_in_is_noted_once(host: Host) -> None:
    host.write(
        MAIN, "mqtt.listeners.ssl.1 = 8883\nssl_options.certfile = ${CERTS}/a.pem\nssl_options.keyfile = $(K)/a.key\n"
    )
    assert notes(host.discover()) == [f"{MAIN}:1: not understood: the names of files '${{CERTS}}/a.pem', '$(K)/a.key'"]


def test_certificates_that_mqtt_cannot_have_are_noted(host: Host) -> None:
    host.write(MAIN, f"mqtt.listeners.ssl.1 = 8883\n{OPTIONS}mqtt.ssl_options.certfile = /b.pem\n")
    assert facts(host.discover()) == [{"port": 8883, **FILES}]
    assert notes(host.discover()) == [
        f"{MAIN}:4: mqtt.ssl_options.certfile is unknown to RabbitMQ: MQTT has the certificates of ssl_options"
    ]
