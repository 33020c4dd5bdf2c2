"""emqx.conf beyond the ordinary: HOCON as people write it, defaults, files elsewhere, and EMQX 4."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.broker_host import Host, facts, notes

MAIN = "/etc/emqx/emqx.conf"
# Only what a test writes itself is listened on.
QUIET = "listeners.ssl.default.enable = false\nlisteners.wss.default.enabled = false\n"


SPELLINGS = {
    "inline": """
        listeners.ssl.a { bind = "192.0.2.7:8886", ssl_options { certfile = "/a.pem", keyfile = "/a.key" } }
    """,
    "dotted keys within blocks": """
        listeners { ssl { a { bind: "192.0.2.7:8886"
            ssl_options.certfile: "/a.pem"
            ssl_options.keyfile: "/a.key" } } }
    """,
    "JSON": """{
        "listeners": {"ssl": {"a": {"bind": "192.0.2.7:8886",
            "ssl_options": {"certfile": "/a.pem", "keyfile": "/a.key"}}}}}
    """,
    "braces below their keys, and comments": """
        // one
        # two
        listeners.ssl.a
        {
            bind = 192.0.2.7:8886 // three
            ssl_options
            {
                certfile = \"\"\"/a.pem\"\"\"
                keyfile = /a.key # four
            }
        }
    """,
    "piece by piece": """
        listeners.ssl.a = { bind = 1 }
        listeners.ssl.a = { bind = "192.0.2.7:8886" }
        listeners.ssl.a.ssl_options = { certfile = "/a.pem" }
        listeners.ssl.a { ssl_options { keyfile = "/a.key" } }
    """,
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_spellings_of_one_listener(host: Host, text: str) -> None:
    host.write(MAIN, text)
    (found,) = (each for each in facts(host.discover()) if each["port"] == 8886)
    assert found == {
        "port": 8886,
        "address": "192.0.2.7",
        "certificate": "/a.pem",
        "key": "/a.key",
        "ca_file": "/etc/emqx/certs/cacert.pem",
    }
    assert notes(host.discover()) == []


def test_listener_without_bind_has_the_port_of_its_kind(host: Host) -> None:
    host.write(MAIN, f"{QUIET}listeners.ssl.a.max_connections = 5\nlisteners.wss.b {{ acceptors = 4 }}\n")
    assert [(each.port, each.place.line) for each in host.discover().listeners] == [(8883, 3), (8084, 4)]


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("listeners.ssl.a = ${base} { bind = 8886 }", "not understood: the value of listeners.ssl.a"),
        ("listeners.ssl.a { bind = ${PORT} }", "not understood: on which port"),
        (
            'listeners.ssl.a { bind = 8886, ssl_options.certfile = "${CERTS}/a.pem" }',
            "not understood: the names of files '${CERTS}/a.pem'",
        ),
        (
            "listeners.ssl.a { bind = 8886, ssl_options { verify = verify_peer, fail_if_no_peer_cert = ${STRICT} } }",
            "neither yes nor no: listeners.ssl.a.ssl_options.fail_if_no_peer_cert",
        ),
        ("listeners.quic.a { bind = 14567 }", "listeners.quic.a: QUIC is not watched"),
        (
            "listeners.ssl.a { bind = 8886, proxy_protocol = true }",
            ":8886 expects the PROXY protocol: watch what is in",
        ),
        ("include required(url(x))", "cannot use /etc/emqx/url(x): no such file"),
        ("listeners.ssl.a { bind = 8886", "not understood: a block that does not end"),
        ("} listeners.ssl.a { bind = 8886 }", "not understood: the end of no block"),
        ('a = "b\nlisteners.ssl.a { bind = 8886 }', "not understood: a quotation mark alone"),
        ("a = { b = 1 } { bind = 8886 }", "not understood: a block without a name"),
    ],
)
def test_what_only_emqx_can_know_is_a_note_at_its_line(host: Host, line: str, note: str) -> None:
    host.write(MAIN, f"{QUIET}{line}\n")
    (found,) = notes(host.discover())
    assert found.startswith(f"{MAIN}:3: {note}")


@pytest.mark.parametrize("name", ["default", "second"])
def test_listener_that_only_emqx_can_know_is_none_by_default(host: Host, name: str) -> None:
    host.write(MAIN, f"listeners.wss.default.enable = false\nlisteners.ssl.{name} = ${{base}} {{ bind = 8886 }}\n")
    found = host.discover()
    assert notes(found) == [f"{MAIN}:2: not understood: the value of listeners.ssl.{name}"]
    assert [each.place.line for each in found.listeners] == ([] if name == "default" else [1])


def test_included_files_are_found_by_either_spelling(host: Host) -> None:
    host.write(MAIN, f'{QUIET}include "one.conf"\ninclude required("two.conf")\n')
    host.write("/etc/emqx/one.conf", "listeners.ssl.one.bind = 8891\n")
    host.write("/etc/emqx/two.conf", "listeners.ssl.two.bind = 8892\n")
    assert [each.port for each in host.discover().listeners] == [8891, 8892]
    assert notes(host.discover()) == []


def test_emqx_conf_wins_over_the_dashboard_and_5_0_s_dashboard_over_it(host: Host) -> None:
    host.write("/etc/emqx/base.hocon", "listeners.ssl.a.bind = 1\n")
    host.write("/var/lib/emqx/configs/cluster.hocon", "listeners.ssl.a.bind = 2\nlisteners.ssl.b.bind = 8892\n")
    host.write(MAIN, f"{QUIET}listeners.ssl.a.bind = 8891\nlisteners.ssl.c.bind = 3\n")
    host.write("/var/lib/emqx/configs/local-override.conf", "listeners.ssl.c.bind = 8893\n")
    assert {each.port for each in host.discover().listeners} == {8891, 8892, 8893}


@pytest.mark.parametrize(
    ("main", "text", "data"),
    [
        (MAIN, "", "/var/lib/emqx"),
        ("/opt/emqx/etc/emqx.conf", 'node.data_dir = "data"\n', "/opt/emqx/data"),
        (MAIN, 'node { data_dir = "/srv/emqx" }\n', "/srv/emqx"),
    ],
)
def test_files_of_the_dashboard_are_in_the_data_directory(host: Host, main: str, text: str, data: str) -> None:
    host.write(main, QUIET + text)
    host.write(
        f"{data}/configs/cluster.hocon",
        'listeners.ssl.a { bind = 8891, ssl_options { certfile = "data/certs/a/cert", keyfile = "etc/certs/a.key" }}\n',
    )
    (listener,) = host.discover().listeners
    assert str(listener.certificate) == f"{data}/certs/a/cert"
    assert str(listener.key) == f"{main.removesuffix('emqx.conf')}certs/a.key"


def test_unreadable_file_is_a_note_and_no_guess_at_defaults(host: Host) -> None:
    host.write(f"{MAIN}/a-directory", "")
    found = host.discover(Path(MAIN))
    assert found.listeners == []
    assert notes(found) == [f"{MAIN}:1: cannot use {MAIN}: a directory"]


def test_emqx_4_has_no_certificates_by_default(host: Host) -> None:
    host.write(
        MAIN,
        "listener.wss.external = 192.0.2.7:8084\nlistener.wss.external.certfile = {{ platform_etc_dir }}/certs/c.pem\n"
        "listener.ssl.external = 8883\nlistener.ssl.external.proxy_protocol = on\n",
    )
    assert facts(host.discover()) == [
        {"port": 8084, "address": "192.0.2.7", "certificate": "/etc/emqx/certs/c.pem", "is_websocket": True}
    ]
    assert notes(host.discover()) == [
        f"{MAIN}:3: :8883 expects the PROXY protocol: watch what is in front of it instead"
    ]


def test_file_that_is_set_to_null_is_none(host: Host) -> None:
    host.write(MAIN, f"{QUIET}listeners.ssl.a.ssl_options {{ cacertfile = null, keyfile = null }}\n")
    assert facts(host.discover()) == [{"port": 8883, "certificate": "/etc/emqx/certs/cert.pem"}]
    assert notes(host.discover()) == []
