"""The lines that brokers need in their access control lists, so that the monitor may use its topics.

Each flavour's lines are the narrowest that its language can say for every topic of a template. One block per distinct
user and template; passwords are never part of it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from monitor.config.hosts import endpoint
from monitor.config.topics import levels, parts, topic_filter
from monitor.model.broker import Broker, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grant:
    """What one user needs, on every broker where it needs the same."""

    username: str | None
    topic: str
    client_id_prefix: str
    shows_certificate: bool
    """Without user name, brokers may take the user from the client certificate."""
    brokers: tuple[str, ...]
    """For people: `name (host:port)`."""


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
    for grant in _grants(brokers):
        heading = [f"{comment} {broker}" for broker in grant.brokers]
        if grant.shows_certificate:
            heading.append(f"{comment} where the user is taken from the client certificate: for that user")
        blocks.append("\n".join([*heading, *write(grant)]))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _grants(brokers: Sequence[Broker]) -> list[_Grant]:
    users: dict[tuple[str | None, str, str, bool], list[str]] = {}
    for broker in brokers:
        if broker.protocol is Protocol.MQTT:
            mqtt = broker.mqtt
            shows_certificate = mqtt.username is None and broker.tls.client_identity is not None
            key = (mqtt.username, mqtt.topic, mqtt.client_id_prefix, shows_certificate)
            users.setdefault(key, []).append(f"{broker.name} ({endpoint(broker.host, broker.port)})")
    grants = [
        _Grant(
            username=username,
            topic=topic,
            client_id_prefix=prefix,
            shows_certificate=shows_certificate,
            brokers=tuple(names),
        )
        for (username, topic, prefix, shows_certificate), names in users.items()
    ]
    # mosquitto applies lines to nameless clients only as long as no `user` line stands above them.
    return sorted(grants, key=lambda grant: grant.username is not None)


def _mosquitto(grant: _Grant) -> list[str]:
    """Return lines of an acl_file: mosquitto.conf(5), acl_file."""
    user = [] if grant.username is None else [f"user {grant.username}"]
    return [*user, f"topic readwrite {topic_filter(grant.topic)}"]


def _emqx(grant: _Grant) -> list[str]:
    """Return Erlang terms of acl.conf; they must stand before a final `{deny, all}.`."""
    if grant.username is None:
        who = f'{{clientid, {{re, "^{grant.client_id_prefix}-"}}}}'
    else:
        who = f"{{user, {_string(grant.username)}}}"
    return [f"{{allow, {who}, all, [{_string(topic_filter(grant.topic))}]}}."]


def _rabbitmq(grant: _Grant) -> list[str]:
    """Return rabbitmqctl commands for virtual host /.

    A subscription is a queue of the client's own, bound to amq.topic; `/` in topics is `.` in routing keys.
    """
    user = shlex.quote("guest" if grant.username is None else grant.username)
    queue = f"mqtt-subscription-{grant.client_id_prefix}-.*"
    exchange = rf"^(amq\.topic|{queue})$"
    patterns = {"{id}": rf"{grant.client_id_prefix}-[^.]+", "{nonce}": "[^.]+"}
    key = "".join(patterns.get(part, _literal(part.replace("/", "."))) for part in parts(grant.topic))
    topic = shlex.quote(f"^{key}$")
    configure, use = shlex.quote(f"^{queue}$"), shlex.quote(exchange)
    lines = [
        f"rabbitmqctl set_permissions -p / {user} {configure} {use} {use}",
        f"rabbitmqctl set_topic_permissions -p / {user} amq.topic {topic} {topic}",
    ]
    if grant.username is None:
        lines.insert(0, "# no username is configured: guest is who RabbitMQ takes nameless clients for")
    return lines


def _nats(grant: _Grant) -> list[str]:
    """Return the permissions of one entry of `authorization { users = [...] }`.

    QoS 1 and 2 are kept in JetStream: the server delivers them to the client's own `$MQTT.sub.` subject.
    """
    subject = _string(".".join(_nats_token(level) for level in levels(grant.topic)))
    user = "# the user named by no_auth_user" if grant.username is None else f"user: {_string(grant.username)}"
    return [
        user,
        "permissions: {",
        f"  publish: [{subject}]",
        f'  subscribe: [{subject}, "$MQTT.sub.>"]',
        "}",
    ]


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


_WRITERS: MappingProxyType[str, tuple[str, Callable[[_Grant], list[str]]]] = MappingProxyType(
    {"mosquitto": ("#", _mosquitto), "emqx": ("%%", _emqx), "rabbitmq": ("#", _rabbitmq), "nats": ("#", _nats)}
)
FLAVOURS = tuple(_WRITERS)
"""The kinds of brokers that `acl_lines` knows."""
