"""One code explained, and the sentences that several explanations share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from monitor.model.judgement import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A finding's code or a failure's reason, in words for someone who has never seen it."""

    code: str
    severity: Severity
    """What it is unless a check knows better."""
    title: str
    """A short sentence without its full stop."""
    meaning: str
    """What is the case, and what clients see of it."""
    fix: str
    """What to do."""
    reference: str
    """Document and section; empty if none speaks of it."""


SERVER_FILES: Final = (
    "EMQX: `listeners.ssl.default.ssl_options.certfile` and `.keyfile` in emqx.conf (taken up by itself within two "
    "minutes). Mosquitto: `certfile` and `keyfile` in mosquitto.conf, then `systemctl reload mosquitto` (SIGHUP). "
    "RabbitMQ: `ssl_options.certfile` and `ssl_options.keyfile` in rabbitmq.conf (taken up by itself within two "
    "minutes). NanoMQ: `listeners.ssl.certfile` and `.keyfile` in nanomq.conf, then restart it: its reload keeps "
    "the old certificate. NATS: `cert_file` and `key_file` of `mqtt { tls { ... } }`, then `nats-server --signal "
    "reload`."
)
"""Where each broker's certificate and key are named, and how it takes up new ones."""

SERVER_CA_FILES: Final = (
    "EMQX: `listeners.ssl.default.ssl_options.cacertfile`. Mosquitto: `cafile`. RabbitMQ: `ssl_options.cacertfile`. "
    "NanoMQ: `listeners.ssl.cacertfile`. NATS: `ca_file` of `mqtt { tls { ... } }`."
)
"""Where each broker is told which CAs may have issued its clients' certificates."""

BROKER_LOGS: Final = (
    "EMQX: /var/log/emqx/ and `emqx ctl listeners`. Mosquitto: /var/log/mosquitto/mosquitto.log or `journalctl -u "
    "mosquitto`. RabbitMQ: /var/log/rabbitmq/. NanoMQ: the file that `log.dir` names. NATS: `log_file`, or "
    "`journalctl -u nats-server`."
)
"""Where each broker says what it refused."""

ACL: Final = (
    "Let the broker's access rules (ACL) allow the monitor's user its own topic: `mqtt-tls-monitor check-config "
    "--acl mosquitto FILE` prints the lines for each broker in the configuration (`--acl emqx`, `rabbitmq` and "
    "`nats` likewise). Mosquitto: the file that `acl_file` names, then SIGHUP. EMQX: Access Control > "
    "Authorization, or `acl.conf`. RabbitMQ: `rabbitmqctl set_topic_permissions`, and `set_permissions` on the "
    "exchange amq.topic. NanoMQ: `nanomq_acl.conf`, then restart. NATS: the user's `permissions { publish, "
    "subscribe }`, where MQTT's `/` is `.`."
)
"""How the round trip's topic is allowed."""

CREDENTIALS: Final = (
    "Compare `username` and `password` (or `password_file`) under `mqtt` in the monitor's configuration with the "
    "account in the broker. EMQX: Access Control > Authentication. Mosquitto: `password_file`, written by "
    "`mosquitto_passwd`, then SIGHUP; `allow_anonymous true` only if no account is meant. RabbitMQ: `rabbitmqctl "
    "authenticate_user NAME PASSWORD`; the user `guest` may only come from localhost. NanoMQ: `nanomq_pwd.conf`. "
    "NATS: `authorization { users }`."
)
"""Where each broker keeps its accounts."""


def critical(code: str, title: str, meaning: str, fix: str, reference: str = "") -> Entry:
    """Make the entry of something that stands in every client's way."""
    return Entry(code=code, severity=Severity.CRITICAL, title=title, meaning=meaning, fix=fix, reference=reference)
