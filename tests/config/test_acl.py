from __future__ import annotations

import pytest

from monitor.config.acl import FLAVOURS, acl_lines
from monitor.model.broker import Broker, ClientIdentity, MqttSettings, Protocol, Secret, TlsSettings, Trust

TLS = TlsSettings(trust=Trust(source="system", anchors=()), server_name="a.example")
NAMED = Broker(name="a", host="a.example", tls=TLS, mqtt=MqttSettings(username="monitor", password=Secret(b"hunter2")))
NAMELESS = Broker(name="b", host="2001:db8::1", port=8884, tls=TLS)
ODD = Broker(
    name="c",
    host="c.example",
    tls=TLS,
    mqtt=MqttSettings(username='o"n\\e two', topic="/a.b/probe-{id}/{nonce}", client_id_prefix="m"),
)

GOLDEN = {
    "mosquitto": """\
# b ([2001:db8::1]:8884)
topic readwrite mqtt-tls-monitor/+/+

# a (a.example:8883)
user monitor
topic readwrite mqtt-tls-monitor/+/+

# c (c.example:8883)
user o"n\\e two
topic readwrite /a.b/+/+
""",
    "emqx": """\
%% b ([2001:db8::1]:8884)
{allow, {clientid, {re, "^mqtt-monitor-"}}, all, ["mqtt-tls-monitor/+/+"]}.

%% a (a.example:8883)
{allow, {user, "monitor"}, all, ["mqtt-tls-monitor/+/+"]}.

%% c (c.example:8883)
{allow, {user, "o\\"n\\\\e two"}, all, ["/a.b/+/+"]}.
""",
    "rabbitmq": """\
# b ([2001:db8::1]:8884)
# no username is configured: guest is who RabbitMQ takes nameless clients for
rabbitmqctl set_permissions -p / guest '^mqtt-subscription-mqtt-monitor-.*$' \
'^(amq\\.topic|mqtt-subscription-mqtt-monitor-.*)$' '^(amq\\.topic|mqtt-subscription-mqtt-monitor-.*)$'
rabbitmqctl set_topic_permissions -p / guest amq.topic \
'^mqtt-tls-monitor\\.mqtt-monitor-[^.]+\\.[^.]+$' '^mqtt-tls-monitor\\.mqtt-monitor-[^.]+\\.[^.]+$'

# a (a.example:8883)
rabbitmqctl set_permissions -p / monitor '^mqtt-subscription-mqtt-monitor-.*$' \
'^(amq\\.topic|mqtt-subscription-mqtt-monitor-.*)$' '^(amq\\.topic|mqtt-subscription-mqtt-monitor-.*)$'
rabbitmqctl set_topic_permissions -p / monitor amq.topic \
'^mqtt-tls-monitor\\.mqtt-monitor-[^.]+\\.[^.]+$' '^mqtt-tls-monitor\\.mqtt-monitor-[^.]+\\.[^.]+$'

# c (c.example:8883)
rabbitmqctl set_permissions -p / 'o"n\\e two' '^mqtt-subscription-m-.*$' \
'^(amq\\.topic|mqtt-subscription-m-.*)$' '^(amq\\.topic|mqtt-subscription-m-.*)$'
rabbitmqctl set_topic_permissions -p / 'o"n\\e two' amq.topic \
'^\\.a\\.b\\.probe-m-[^.]+\\.[^.]+$' '^\\.a\\.b\\.probe-m-[^.]+\\.[^.]+$'
""",
    "nats": """\
# b ([2001:db8::1]:8884)
# the user named by no_auth_user
permissions: {
  publish: ["mqtt-tls-monitor.*.*"]
  subscribe: ["mqtt-tls-monitor.*.*", "$MQTT.sub.>"]
}

# a (a.example:8883)
user: "monitor"
permissions: {
  publish: ["mqtt-tls-monitor.*.*"]
  subscribe: ["mqtt-tls-monitor.*.*", "$MQTT.sub.>"]
}

# c (c.example:8883)
user: "o\\"n\\\\e two"
permissions: {
  publish: ["/.a//b.*.*"]
  subscribe: ["/.a//b.*.*", "$MQTT.sub.>"]
}
""",
}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_lines_are_what_the_broker_reads(flavour: str) -> None:
    assert acl_lines([NAMED, NAMELESS, ODD], flavour) == GOLDEN[flavour]


def test_brokers_that_need_the_same_share_a_block() -> None:
    second = Broker(name="a2", host="a2.example", tls=TLS, mqtt=NAMED.mqtt)
    assert acl_lines([NAMED, second], "mosquitto") == (
        "# a (a.example:8883)\n# a2 (a2.example:8883)\nuser monitor\ntopic readwrite mqtt-tls-monitor/+/+\n"
    )


def test_user_may_come_from_the_client_certificate() -> None:
    identity = ClientIdentity(source="own.pem", chain=(b"",), key=Secret(b""))
    tls = TlsSettings(trust=TLS.trust, server_name="a.example", client_identity=identity)
    lines = acl_lines([Broker(name="a", host="a.example", tls=tls)], "mosquitto").splitlines()
    assert lines[1] == "# where the user is taken from the client certificate: for that user"


@pytest.mark.parametrize(
    ("qos", "internal"), [(0, ""), (1, ', "$MQTT.sub.>"'), (2, ', "$MQTT.sub.>", "$MQTT.deliver.pubrel.>"')]
)
def test_nats_is_asked_for_no_more_internal_subjects_than_the_qos_needs(qos: int, internal: str) -> None:
    broker = Broker(name="a", host="a.example", tls=TLS, mqtt=MqttSettings(qos=qos))
    assert f'  subscribe: ["mqtt-tls-monitor.*.*"{internal}]\n' in acl_lines([broker], "nats")


def test_listeners_without_mqtt_need_nothing() -> None:
    assert acl_lines([Broker(name="a", host="a.example", protocol=Protocol.TLS, tls=TLS)], "emqx") == ""


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_password_is_no_part_of_it(flavour: str) -> None:
    assert "hunter2" not in acl_lines([NAMED], flavour)


def test_unknown_flavour_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of mosquitto, emqx, rabbitmq, nats, found 'hivemq'"):
        acl_lines([NAMED], "hivemq")
