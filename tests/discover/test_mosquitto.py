"""mosquitto.conf beyond the ordinary: which listener a line belongs to, and what keeps a port from being watched."""

from __future__ import annotations

import pytest

from tests.support.broker_host import Host, facts, notes

MAIN = "/etc/mosquitto/mosquitto.conf"
TLS = "certfile /a.pem\nkeyfile /a.key\n"
FILES = {"certificate": "/a.pem", "key": "/a.key"}


def test_lines_of_an_included_file_belong_to_no_listener_of_another_file(host: Host) -> None:
    host.write(MAIN, f"listener 8883\n{TLS}include_dir /etc/mosquitto/conf.d\n")
    host.write("/etc/mosquitto/conf.d/default.conf", "port 8885\ncertfile /b.pem\n")
    assert facts(host.discover()) == [{"port": 8885, "certificate": "/b.pem"}, {"port": 8883, **FILES}]
    assert notes(host.discover()) == []


def test_included_files_are_read_in_the_order_of_mosquitto(host: Host) -> None:
    host.write(MAIN, "include_dir /conf.d\n")
    for port, name in ((8883, "B.conf"), (8884, "a.conf"), (8885, "C.conf")):
        host.write(f"/conf.d/{name}", f"listener {port}\n{TLS}")
    assert [listener.port for listener in host.discover().listeners] == [8884, 8883, 8885]


def test_line_behind_included_listeners_is_noted_since_mosquitto_may_lose_it(host: Host) -> None:
    host.write(MAIN, f"listener 8883\n{TLS}include_dir /conf.d\nrequire_certificate true\nlistener 8885\n{TLS}")
    host.write("/conf.d/more.conf", f"listener 8884\n{TLS}")
    assert notes(host.discover()) == [
        f"{MAIN}:5: require_certificate behind include_dir may not be taken up; put it in front of that"
    ]


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        ("listener 8883 ::1", "::1"),
        ("listener 8883 0.0.0.0", None),
        ("listener 8883 ::", None),
        ("listener   8883   192.0.2.7  ", "192.0.2.7"),
        ("listener 8883 # for everyone", None),
        ("listener\t8883\tbroker.example.org", "broker.example.org"),
        ("port 8883\nbind_address 192.0.2.7", "192.0.2.7"),
    ],
)
def test_address_of_a_listener(host: Host, lines: str, address: str | None) -> None:
    host.write(MAIN, f"{lines}\n{TLS}")
    (listener,) = host.discover().listeners
    assert (listener.port, listener.address) == (8883, address)
    assert notes(host.discover()) == []


@pytest.mark.parametrize(
    ("line", "note"),
    [
        (
            "enable_proxy_protocol 1",
            f"{MAIN}:1: :8883 expects the PROXY protocol: watch what is in front of it instead",
        ),
        ("protocol http_api", f"{MAIN}:4: protocol http_api is not MQTT: its port is not watched"),
    ],
)
def test_port_that_no_client_can_talk_to_is_a_note(host: Host, line: str, note: str) -> None:
    host.write(MAIN, f"listener 8883\n{TLS}{line}\n")
    assert facts(host.discover()) == []
    assert notes(host.discover()) == [note]


def test_listener_bound_to_an_interface_says_that_localhost_may_not_be_it(host: Host) -> None:
    host.write(MAIN, f"listener 8883\nbind_interface eth1\n{TLS}")
    (listener,) = host.discover().listeners
    assert listener.remark == "bound to the interface eth1: localhost may not reach it; name its address as host"


def test_settings_of_plugins_and_bridges_are_none_of_a_listener(host: Host) -> None:
    host.write(
        MAIN,
        "per_listener_settings true\nlistener 8883\n"
        f"{TLS}auth_opt_http_with_tls true\nplugin_opt_cafile /p.pem\nconnection cloud\nbridge_certfile /c.pem\n",
    )
    assert facts(host.discover()) == [{"port": 8883, **FILES}]
    assert notes(host.discover()) == []


def test_old_settings_behind_a_listener_are_noted_since_versions_differ(host: Host) -> None:
    host.write(MAIN, f"listener 8883\nport 1883\n{TLS}")
    assert facts(host.discover()) == [{"port": 8883, **FILES}]
    assert notes(host.discover()) == [
        f"{MAIN}:2: port behind a listener: what follows is that one's until mosquitto 2.0 only"
    ]


def test_demand_that_is_neither_true_nor_false_is_noted(host: Host) -> None:
    host.write(MAIN, f"listener 8883\n{TLS}require_certificate yes\n")
    assert notes(host.discover()) == [f"{MAIN}:4: require_certificate is neither true nor false: yes"]


def test_comment_does_not_end_where_only_python_sees_a_line_end(host: Host) -> None:
    host.write(MAIN, f"# once:\x0clistener 1\u2028certfile /old.pem\nlistener 8883\r\n{TLS}")
    assert facts(host.discover()) == [{"port": 8883, **FILES}]


def test_byte_order_mark_hides_no_first_line(host: Host) -> None:
    host.write(MAIN, f"\ufefflistener 8883\n{TLS}")
    assert facts(host.discover()) == [{"port": 8883, **FILES}]


def test_included_file_includes_nothing_itself(host: Host) -> None:
    host.write(MAIN, "include_dir /conf.d\n")
    host.write("/conf.d/a.conf", "include_dir /conf.d\n")
    assert notes(host.discover()) == ["/conf.d/a.conf:1: include_dir: mosquitto takes it from its main file alone"]
