"""The lines that brokers need in their access control lists, so that the monitor may use its topics.

Each flavour's lines are the narrowest that its language can say for every topic of a template. One block per distinct
user and template; passwords are never part of it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from types import MappingProxyType

from monitor.config.hosts import endpoint
from monitor.config.topics import levels, parts, topic_filter
from monitor.model.broker import Broker, Protocol

_Group = Sequence[Broker]
"""Brokers that need the same, so that the first speaks for all; never empty."""


def acl_lines(brokers: Sequence[Broker], flavour: str) -> str:
    """Return the lines for one kind of broker, each block headed by a comment that names the brokers it is for.

    Brokers that are watched with TLS alone need none.

    Args:
        brokers: in the order in which the blocks shall appear; nameless users come first.
        flavour: one of `FLAVOURS`.

    Raises:
        ValueError: an unknown flavour.
    """
    if flavour not in _WRITERS:
        raise ValueError(f"expected one of {', '.join(FLAVOURS)}, found {flavour!r}")
    comment, write = _WRITERS[flavour]
    blocks: list[str] = []
    for group in _groups(brokers):
        heading = [f"{comment} {broker.name} ({endpoint(broker.host, broker.port)})" for broker in group]
        if _may_be_named_by_certificate(group[0]):
            heading.append(f"{comment} where the user is taken from the client certificate: for that user")
        blocks.append("\n".join([*heading, *write(group)]))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _groups(brokers: Sequence[Broker]) -> list[_Group]:
    groups: dict[tuple[str | None, str, str, bool], list[Broker]] = {}
    for broker in brokers:
        if broker.protocol is Protocol.MQTT:
            mqtt = broker.mqtt
            needs = (mqtt.username, mqtt.topic, mqtt.client_id_prefix, _may_be_named_by_certificate(broker))
            groups.setdefault(needs, []).append(broker)
    # mosquitto applies lines to nameless clients only as long as no `user` line stands above them.
    return sorted(groups.values(), key=lambda group: group[0].mqtt.username is not None)


def _may_be_named_by_certificate(broker: Broker) -> bool:
    return broker.mqtt.username is None and broker.tls.client_identity is not None


def _mosquitto(group: _Group) -> list[str]:
    """Return lines of an acl_file: mosquitto.conf(5), acl_file."""
    mqtt = group[0].mqtt
    user = [] if mqtt.username is None else [f"user {mqtt.username}"]
    return [*user, f"topic readwrite {topic_filter(mqtt.topic)}"]


def _emqx(group: _Group) -> list[str]:
    """Return Erlang terms of acl.conf; they must stand before a final `{deny, all}.`."""
    mqtt = group[0].mqtt
    if mqtt.username is None:
        who = f'{{clientid, {{re, "^{mqtt.client_id_prefix}-"}}}}'
    else:
        who = f"{{user, {_string(mqtt.username)}}}"
    return [f"{{allow, {who}, all, [{_string(topic_filter(mqtt.topic))}]}}."]


def _rabbitmq(group: _Group) -> list[str]:
    """Return rabbitmqctl commands for virtual host /.

    A subscription is a queue of the client's own, bound to amq.topic; `/` in topics is `.` in routing keys.
    """
    mqtt = group[0].mqtt
    user = shlex.quote("guest" if mqtt.username is None else mqtt.username)
    queue = f"mqtt-subscription-{mqtt.client_id_prefix}-.*"
    exchange = rf"^(amq\.topic|{queue})$"
    patterns = {"{id}": rf"{mqtt.client_id_prefix}-[^.]+", "{nonce}": "[^.]+"}
    key = "".join(patterns.get(part, _literal(part.replace("/", "."))) for part in parts(mqtt.topic))
    topic = shlex.quote(f"^{key}$")
    configure, use = shlex.quote(f"^{queue}$"), shlex.quote(exchange)
    lines = [
        f"rabbitmqctl set_permissions -p / {user} {configure} {use} {use}",
        f"rabbitmqctl set_topic_permissions -p / {user} amq.topic {topic} {topic}",
    ]
    if mqtt.username is None:
        lines.insert(0, "# no username is configured: guest is who RabbitMQ takes nameless clients for")
    return lines


def _nats(group: _Group) -> list[str]:
    """Return the permissions of one entry of `authorization { users = [...] }`.

    QoS 1 and 2 are kept in JetStream: the server delivers them to the client's own `$MQTT.sub.` subject, and the
    second half of QoS 2 to `$MQTT.deliver.pubrel.`. Servers from 2.12.3 on allow both by themselves.
    """
    mqtt = group[0].mqtt
    subject = _string(".".join(_nats_token(level) for level in levels(mqtt.topic)))
    user = "# the user named by no_auth_user" if mqtt.username is None else f"user: {_string(mqtt.username)}"
    qos = max(broker.mqtt.qos for broker in group)
    internal = ("$MQTT.sub.>", "$MQTT.deliver.pubrel.>")[:qos]
    subscribe = ", ".join([subject, *(_string(each) for each in internal)])
    return [user, "permissions: {", f"  publish: [{subject}]", f"  subscribe: [{subscribe}]", "}"]


def _nats_token(level: str | None) -> str:
    # NATS 2.10 maps a dot to two slashes and an empty level to one; older servers refuse such topics.
    if level is None:
        return "*"
    return level.replace(".", "//") or "/"


def _literal(text: str) -> str:
    """Return a regular expression for exactly this text, with no more backslashes than it needs."""
    return re.sub(r"[\\^$.|?*+()\[\]{}]", r"\\\g<0>", text)


def _string(text: str) -> str:
    """Return a string literal, which Erlang and NATS' configuration write alike."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_WRITERS: MappingProxyType[str, tuple[str, Callable[[_Group], list[str]]]] = MappingProxyType(
    {"mosquitto": ("#", _mosquitto), "emqx": ("%%", _emqx), "rabbitmq": ("#", _rabbitmq), "nats": ("#", _nats)}
)
FLAVOURS = tuple(_WRITERS)
"""The kinds of brokers that `acl_lines` knows."""
