"""Each broker's configuration, as its packages and manuals write it: ports, files, demands; nonsense becomes notes."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.discover.files import Tree
from monitor.discover.host import CANDIDATES, UnknownBrokerError, discover
from monitor.discover.render import render
from tests.support.broker_host import Host, facts, notes


def test_mosquitto_with_included_files_and_several_listeners(host: Host) -> None:
    host.write(
        "/etc/mosquitto/mosquitto.conf",
        "pid_file /run/mosquitto/mosquitto.pid\npersistence true\ninclude_dir /etc/mosquitto/conf.d\n",
    )
    host.write(
        "/etc/mosquitto/conf.d/tls.conf",
        """# TLS
per_listener_settings false
listener 1883 localhost
allow_anonymous true

listener 8883
certfile /etc/mosquitto/certs/server.pem
keyfile /etc/mosquitto/certs/server.key
cafile /etc/mosquitto/ca_certificates/ca.pem
require_certificate true
tls_version tlsv1.2

listener 8084 192.0.2.7
protocol websockets
certfile /etc/mosquitto/certs/server.pem
keyfile /etc/mosquitto/certs/server.key
capath /etc/ssl/certs
""",
    )
    host.write("/etc/mosquitto/conf.d/README", "listener 1 this is no configuration\n")
    found = host.discover()
    files = {"certificate": "/etc/mosquitto/certs/server.pem", "key": "/etc/mosquitto/certs/server.key"}
    assert facts(found) == [
        {"port": 8883, **files, "ca_file": "/etc/mosquitto/ca_certificates/ca.pem", "demands_client_certificate": True},
        {"port": 8084, "address": "192.0.2.7", **files, "is_websocket": True},
    ]
    assert notes(found) == [
        "/etc/mosquitto/conf.d/tls.conf:17: capath: a directory; name the CA's certificate as tls.ca_file"
    ]


def test_mosquitto_with_tls_on_its_default_listener(host: Host) -> None:
    host.write("/etc/mosquitto/mosquitto.conf", "port 8883\ncertfile certs/a.pem\nkeyfile /k.pem\n")
    found = host.discover()
    assert facts(found) == [{"port": 8883, "key": "/k.pem"}]
    assert notes(found) == [
        "/etc/mosquitto/mosquitto.conf:2: relative to where the broker is started, which is not known here: certs/a.pem"
    ]


def test_mosquitto_nonsense_is_noted_and_the_rest_is_read(host: Host) -> None:
    host.write(
        "/etc/mosquitto/mosquitto.conf",
        "listener eighty\ncertfile /lost.pem\nlistener 8883\ncertfile /a.pem\ntls_new_thing 7\ninclude_dir /nowhere\n",
    )
    found = host.discover()
    assert facts(found) == [{"port": 8883, "certificate": "/a.pem"}]
    assert notes(found) == [
        "/etc/mosquitto/mosquitto.conf:1: not understood: on which port",
        "/etc/mosquitto/mosquitto.conf:5: not understood: tls_new_thing",
        "/etc/mosquitto/mosquitto.conf:6: cannot use /nowhere: no such directory",
    ]


def test_emqx_5(host: Host) -> None:
    host.write(
        "/etc/emqx/emqx.conf",
        """## EMQX
node {
  name = "emqx@127.0.0.1"
  cookie = "x{y}#z"
}
listeners.ssl.default {
  bind = "0.0.0.0:8883"
  max_connections = 512000
  ssl_options {
    keyfile = "${EMQX_ETC_DIR}/certs/server.key"
    certfile = "${EMQX_ETC_DIR}/certs/server.pem"  # renewed weekly
    cacertfile = "/etc/pki/ca.pem"
    verify = verify_peer
    fail_if_no_peer_cert = true
    versions = ["tlsv1.3", "tlsv1.2"]
  }
}
listeners.wss.default { bind = 8084, ssl_options.certfile = "etc/certs/wss.pem" }
listeners.ssl.off { enable = false, bind = 8885 }
""",
    )
    assert facts(host.discover()) == [
        {
            "port": 8883,
            "certificate": "/etc/emqx/certs/server.pem",
            "key": "/etc/emqx/certs/server.key",
            "ca_file": "/etc/pki/ca.pem",
            "demands_client_certificate": True,
        },
        {
            "port": 8084,
            "certificate": "/etc/emqx/certs/wss.pem",
            "key": "/etc/emqx/certs/key.pem",
            "ca_file": "/etc/emqx/certs/cacert.pem",
            "is_websocket": True,
        },
    ]
    assert notes(host.discover()) == []


def test_emqx_5_opens_8883_and_8084_unless_it_is_told_not_to(host: Host) -> None:
    host.write("/etc/emqx/emqx.conf", 'node.name = "emqx@127.0.0.1"\n')
    found = host.discover()
    assert [(listener.port, listener.is_websocket) for listener in found.listeners] == [(8883, False), (8084, True)]
    assert {str(listener.remark) for listener in found.listeners} == {
        "not in the file: EMQX opens this port unless it is told not to"
    }
    host.write(
        "/etc/emqx/emqx.conf", "listeners.ssl.default.enable = false\nlisteners.wss.default = marked_for_deletion\n"
    )
    assert host.discover().listeners == []
    assert notes(host.discover()) == []


def test_emqx_5_with_changes_made_in_the_dashboard(host: Host) -> None:
    host.write("/etc/emqx/emqx.conf", 'node.name = "emqx@127.0.0.1"\n')
    host.write(
        "/var/lib/emqx/configs/cluster.hocon",
        'listeners { ssl { default { bind = "0.0.0.0:18883", ssl_options { certfile = "/data/new.pem" } } } }\n',
    )
    assert (18883, "/data/new.pem") in [(each.port, str(each.certificate)) for each in host.discover().listeners]


def test_emqx_4(host: Host) -> None:
    host.write("/etc/emqx/emqx.conf", "## EMQ X 4.4\nnode.name = emqx@127.0.0.1\n")
    host.write(
        "/etc/emqx/listeners.conf",
        """## Value: IP:Port | Port
listener.ssl.external = 8883
listener.ssl.external.keyfile = etc/certs/key.pem
listener.ssl.external.certfile = etc/certs/cert.pem
listener.ssl.external.cacertfile = etc/certs/cacert.pem
## listener.ssl.external.verify = verify_peer
listener.tcp.external = 0.0.0.0:1883
""",
    )
    assert facts(host.discover()) == [
        {
            "port": 8883,
            "certificate": "/etc/emqx/certs/cert.pem",
            "key": "/etc/emqx/certs/key.pem",
            "ca_file": "/etc/emqx/certs/cacert.pem",
        }
    ]


def test_rabbitmq(host: Host) -> None:
    host.write(
        "/etc/rabbitmq/rabbitmq.conf",
        """listeners.ssl.default = 5671
mqtt.listeners.tcp.default = 1883
mqtt.listeners.ssl.default = 8883
ssl_options.cacertfile = /etc/rabbitmq/ca.pem
ssl_options.certfile   = /etc/rabbitmq/server.pem
ssl_options.keyfile    = /etc/rabbitmq/server.key
ssl_options.verify     = verify_peer
""",
    )
    files = {
        "certificate": "/etc/rabbitmq/server.pem",
        "key": "/etc/rabbitmq/server.key",
        "ca_file": "/etc/rabbitmq/ca.pem",
    }
    assert facts(host.discover()) == [{"port": 8883, **files}]
    host.write("/etc/rabbitmq/conf.d/10-tls.conf", "ssl_options.fail_if_no_peer_cert = true\n")
    assert facts(host.discover()) == [{"port": 8883, **files, "demands_client_certificate": True}]


def test_nats_server(host: Host) -> None:
    host.write(
        "/etc/nats-server.conf",
        """# NATS
listen: "127.0.0.1:4222"
tls { cert_file: "/not/of/mqtt.pem" }
mqtt {
  host: 0.0.0.0
  port: 8883
  include 'mqtt-tls.conf'
}
""",
    )
    host.write(
        "/etc/mqtt-tls.conf", "tls {\n cert_file: /c.pem\n key_file: /k.pem\n ca_file: ca.pem\n verify: true\n}\n"
    )
    assert facts(host.discover()) == [
        {
            "port": 8883,
            "certificate": "/c.pem",
            "key": "/k.pem",
            "demands_client_certificate": True,
        }
    ]
    assert notes(host.discover()) == [
        "/etc/nats-server.conf:6: relative to where the broker is started, which is not known here: ca.pem"
    ]
    host.write("/etc/nats-server.conf", "mqtt: { port: 1883 }\n")
    assert facts(host.discover()) == []
    assert notes(host.discover()) == ["/etc/nats-server.conf:1: mqtt has no tls block of its own: this port is plain"]


NANOMQ = """listeners.ssl {
  bind = "0.0.0.0:8883"
  keyfile = "/k.pem"
  certfile = "/c.pem"
  cacertfile = "/ca.pem"
  verify_peer = true
  fail_if_no_peer_cert = true
}
"""
OLD_NANOMQ = """tls.enable=true
tls.url=tls+nmq-tcp://0.0.0.0:8883
tls.keyfile=/k.pem
tls.certfile=/c.pem
tls.cacertfile=/ca.pem
tls.verify_peer=true
tls.fail_if_no_peer_cert=true
"""


@pytest.mark.parametrize("text", [NANOMQ, OLD_NANOMQ])
def test_nanomq_old_and_new(host: Host, text: str) -> None:
    host.write("/etc/nanomq.conf", text)
    assert facts(host.discover()) == [
        {
            "port": 8883,
            "certificate": "/c.pem",
            "key": "/k.pem",
            "ca_file": "/ca.pem",
            "demands_client_certificate": True,
        }
    ]


def test_unreadable_include_is_noted_where_it_is_asked_for(host: Host) -> None:
    path = host.write("/etc/nats-server.conf", "include missing.conf\nmqtt { port: 8883, tls { cert_file: /c.pem } }\n")
    found = host.discover(path)
    assert [each.port for each in found.listeners] == [8883]
    assert notes(found) == ["/etc/nats-server.conf:1: cannot use /etc/missing.conf: no such file"]


def test_file_that_includes_itself_ends(host: Host) -> None:
    host.write("/etc/nats-server.conf", "include nats-server.conf\nmqtt { port: 8883, tls { cert_file: /c.pem } }\n")
    assert {each.port for each in host.discover().listeners} == {8883}


def test_file_of_an_unknown_broker_is_refused(host: Host) -> None:
    path = host.write("/etc/hivemq.xml", "<hivemq/>")
    with pytest.raises(UnknownBrokerError, match=r"hivemq\.xml"):
        host.discover(path)


@pytest.mark.parametrize("path", CANDIDATES, ids=str)
@pytest.mark.parametrize("text", ["\n", "a =" + " " * 500 + "x\n", '"\\', '"""a ', "a {\n", "{", "a = '''\n", "a\n"])
def test_long_nonsense_comes_to_an_end(host: Host, path: Path, text: str) -> None:
    host.write(str(path), text * (200_000 // len(text)))
    begun = time.process_time()
    host.discover(path)
    assert time.process_time() - begun < 20, "read again and again at each place, it would take a minute"


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(CANDIDATES), st.text(alphabet=" \n\t{}[]=:,.#\"'/\\abc18listenerportmqtttlsfile\x00é", max_size=300)
)
def test_no_text_breaks_a_reader(tmp_path_factory: pytest.TempPathFactory, path: Path, text: str) -> None:
    host = Host(tmp_path_factory.mktemp("host"))
    host.write(str(path), text)
    host.discover(path)


PEM = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49hunter2\n-----END PRIVATE KEY-----"
SECRETS = {
    # As they should be written, and as they are when a sign is missing or a value stands in the wrong place.
    "mosquitto.conf": (
        "listener 8883\ncertfile /a.pem\ntls_keypass=hunter2\ntls_psk_key:hunter2\n"
        "connection bridge\naddress far.example:8883\nremote_username u\nremote_password hunter2\nbridge_psk hunter2\n"
    ),
    "emqx.conf": (
        'authentication = [{password = "hunter2"}]\nnode.cookie = hunter2\n'
        'listeners.ssl.a { bind = 8884 password = "hunter2"\n ssl_options { password = "hunter2" } }\n'
        f'listeners.ssl.b {{ bind = 8885, ssl_options {{ keyfile = """{PEM}""", certfile = "/a.pem" }} }}\n'
        f"listeners.ssl.c {{ bind = 8886, ssl_options {{ keyfile = {json.dumps(PEM)} }} }}\n"
        'dashboard { default_password = "hunter2\n'
    ),
    "emqx4/emqx.conf": f"listener.ssl.a = 8883\nlistener.ssl.a.keyfile = /a.key\nnode.cookie hunter2\n{PEM}\n",
    "rabbitmq.conf": (
        "mqtt.listeners.ssl.a = 8883\nssl_options.password = hunter2\ndefault_pass = hunter2\n"
        f"default_pass hunter2\nssl_options.password:hunter2\nmqtt.listeners.ssl.b = hunter2\n{PEM}\n"
    ),
    "nats-server.conf": (
        'authorization { token: "hunter2", users: [{user: u, password: hunter2}] }\n'
        'mqtt { port: 8883; token: "hunter2"\n tls { cert_file: "/a.pem", password: hunter2 } }\n'
    ),
    "nanomq.conf": (
        'listeners.ssl { bind = "0.0.0.0:8883 hunter2", key_password = "hunter2", keyfile = "/a.key" }\n'
        'bridges.mqtt.far { server = "mqtt-tcp://u:hunter2@far.example:1883", password = hunter2 }\n'
    ),
}


@pytest.mark.parametrize("name", SECRETS)
def test_nothing_secret_is_printed_wherever_it_stands(host: Host, name: str) -> None:
    path = host.write(f"/etc/{name}", SECRETS[name])
    tree = Tree(host.root)
    found = discover(tree, [path])
    text = render(found, tree, None, datetime.now(UTC))
    assert found[path].listeners or found[path].notes
    assert "hunter2" not in text
    assert "MIGH" not in text
