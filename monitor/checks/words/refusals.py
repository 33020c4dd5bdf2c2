"""The words for what a broker must refuse, and does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from monitor.checks.words.entry import Advice, Entry, critical, do
from monitor.checks.words.hints import ACCOUNTS, ACL, CIPHER_SUITES, CLIENT_CA_FILES, TLS_SWITCH, TLS_VERSIONS
from monitor.model.judgement import Hints, Severity
from monitor.model.refusal import RefusalCheck

_CLIENT_CERTIFICATE_DEMANDED: Final = Hints(
    caption="Letting in nobody without a valid client certificate",
    by_broker=(
        (
            "EMQX",
            (
                "`verify = verify_peer` and `fail_if_no_peer_cert = true` in `listeners.ssl.default.ssl_options` of "
                "emqx.conf."
            ),
        ),
        ("Mosquitto", "`require_certificate true` below that `listener` in mosquitto.conf; then restart it."),
        (
            "RabbitMQ",
            (
                "`ssl_options.verify = verify_peer` and `ssl_options.fail_if_no_peer_cert = true` in rabbitmq.conf; "
                "then restart it."
            ),
        ),
        (
            "NanoMQ",
            (
                "`listeners.ssl.verify_peer = true` and `listeners.ssl.fail_if_no_peer_cert = true` in nanomq.conf; "
                "then restart it."
            ),
        ),
        ("NATS", "`verify: true` and `ca_file` in `mqtt { tls { ... } }`; then `nats-server --signal reload`."),
    ),
)
_NOBODY_NAMELESS: Final = Hints(
    caption="Letting in nobody without a name",
    by_broker=(
        (
            "EMQX",
            (
                "Access Control > Authentication in its dashboard: as long as no authenticator is there and enabled, "
                "everybody is let in."
            ),
        ),
        ("Mosquitto", "`allow_anonymous false` and a `password_file` in mosquitto.conf; then restart it."),
        ("RabbitMQ", "`mqtt.allow_anonymous = false` in rabbitmq.conf, from 4.0 on `anonymous_login_user = none`."),
        ("NanoMQ", "`auth.allow_anonymous = false` in nanomq.conf; then restart it."),
        ("NATS", "`authorization { users }`, and no `no_auth_user` in `mqtt { ... }`."),
    ),
)
_TOPICS_BY_DEFAULT: Final = Hints(
    caption="Forbidding every topic that no rule allows",
    by_broker=(
        ("EMQX", "`authorization.no_match = deny` in emqx.conf, and `{deny, all}.` as the last line of acl.conf."),
        ("Mosquitto", "an `acl_file` in mosquitto.conf: what it does not name is forbidden; then restart it."),
        ("RabbitMQ", "`rabbitmqctl set_topic_permissions` for each user: without any, every topic is allowed."),
        ("NanoMQ", "`auth.no_match = deny` in nanomq.conf; then restart it."),
        ("NATS", "`permissions { publish, subscribe }` of each user: without any, every subject is allowed."),
    ),
)
_PLAIN_LISTENER: Final = Hints(
    caption="Switching MQTT without TLS off",
    by_broker=(
        ("EMQX", "`listeners.tcp.default.enable = false` in emqx.conf."),
        ("Mosquitto", "no `listener 1883` in mosquitto.conf, or one that is bound to 127.0.0.1; then restart it."),
        ("RabbitMQ", "`mqtt.listeners.tcp = none` in rabbitmq.conf; then restart it."),
        ("NanoMQ", "no `listeners.tcp` in nanomq.conf; then restart it."),
        ("NATS", "has one port for MQTT; with `mqtt { tls { ... } }` it speaks TLS alone."),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalWords:
    """What there is to say of one check."""

    who: str
    """Whom or what the broker must refuse, as the object of a sentence."""
    severity: Severity
    """Of its not being refused."""
    advice: Advice


_TRUSTED_CLIENT_CAS: Final = do(
    "Let the broker check client certificates, and name in its file of trusted CAs only those that issue certificates "
    "for your clients. A script or plugin that decides about certificates may also be at fault.",
    _CLIENT_CERTIFICATE_DEMANDED,
    CLIENT_CA_FILES,
)
_TOPIC_RULES: Final = do(
    "Forbid the topic to the monitor's account on the broker, or better every topic that the account has no need of.",
    _TOPICS_BY_DEFAULT,
    ACL,
)
_NEW_VERSIONS: Final = do(
    "Allow TLS 1.2 and 1.3 on the broker, and nothing older. If old devices need that, give them a listener of their "
    "own.",
    TLS_VERSIONS,
)
WORDS: Final[Mapping[RefusalCheck, RefusalWords]] = MappingProxyType(
    {
        RefusalCheck.NO_CLIENT_CERTIFICATE: RefusalWords(
            who="clients without a certificate",
            severity=Severity.CRITICAL,
            advice=do("Let the broker demand a client certificate.", _CLIENT_CERTIFICATE_DEMANDED),
        ),
        RefusalCheck.EXPIRED_CLIENT_CERTIFICATE: RefusalWords(
            who="clients with an expired certificate",
            severity=Severity.CRITICAL,
            advice=do(
                "Let the broker check client certificates, their dates included. If it does, compare its clock with "
                "that of other machines (`timedatectl`).",
                _CLIENT_CERTIFICATE_DEMANDED,
            ),
        ),
        RefusalCheck.FOREIGN_CLIENT_CERTIFICATE: RefusalWords(
            who="clients with a certificate of a CA that nobody knows",
            severity=Severity.CRITICAL,
            advice=_TRUSTED_CLIENT_CAS,
        ),
        RefusalCheck.ANONYMOUS: RefusalWords(
            who="clients without user name and password",
            severity=Severity.CRITICAL,
            advice=do("Let the broker demand a user name and a password.", _NOBODY_NAMELESS),
        ),
        RefusalCheck.WRONG_PASSWORD: RefusalWords(
            who="clients with a wrong password",
            severity=Severity.CRITICAL,
            advice=do(
                "Let the broker check passwords. If it names clients by their certificate, it does not need to; then "
                "take this check out of `refusals.checks`.",
                _NOBODY_NAMELESS,
                ACCOUNTS,
            ),
        ),
        RefusalCheck.FORBIDDEN_SUBSCRIBE: RefusalWords(
            who="subscriptions to the forbidden topic",
            severity=Severity.CRITICAL,
            advice=_TOPIC_RULES,
        ),
        RefusalCheck.FORBIDDEN_PUBLISH: RefusalWords(
            who="messages to the forbidden topic",
            severity=Severity.CRITICAL,
            advice=_TOPIC_RULES,
        ),
        RefusalCheck.TLS_1_0: RefusalWords(who="TLS 1.0", severity=Severity.WARNING, advice=_NEW_VERSIONS),
        RefusalCheck.TLS_1_1: RefusalWords(who="TLS 1.1", severity=Severity.WARNING, advice=_NEW_VERSIONS),
        RefusalCheck.WEAK_CIPHER: RefusalWords(
            who="cipher suites that protect nothing",
            severity=Severity.WARNING,
            advice=do(
                "Allow only suites on the broker whose names begin with ECDHE, and take NULL and anonymous suites "
                "(`aNULL`, ADH, AECDH) and those with EXPORT, DES, 3DES and RC4 out of its list.",
                CIPHER_SUITES,
            ),
        ),
        RefusalCheck.PLAIN_MQTT_ON_TLS_PORT: RefusalWords(
            who="MQTT without TLS on the port for TLS",
            severity=Severity.CRITICAL,
            advice=do(
                "Let the broker speak TLS alone on this port: passwords and messages travel there for all to read.",
                TLS_SWITCH,
            ),
        ),
        RefusalCheck.PLAIN_PORT_OPEN: RefusalWords(
            who="connections without TLS on the other port",
            severity=Severity.WARNING,
            advice=do(
                "Close the port, on the broker or by a firewall: passwords and messages travel there for all to read. "
                "If local programs need it, bind it to 127.0.0.1.",
                _PLAIN_LISTENER,
            ),
        ),
    }
)
REFUSALS: Final = (
    critical(
        "refusal_not_enforced",
        "The broker lets in what it must refuse",
        "The configuration says that the broker must refuse something, as clients without a certificate. The monitor "
        "tried, and was let in: anybody can do the same. Ordinary clients notice nothing of it, which is why such "
        "gaps stay open for years.",
        do(
            "Close the gap on the broker, and connect with `mqtt-tls-monitor probe --config FILE NAME --refusals` to "
            "see whether it is closed. Then see in the broker's log who has used it.",
            _CLIENT_CERTIFICATE_DEMANDED,
            _NOBODY_NAMELESS,
            _TOPICS_BY_DEFAULT,
            TLS_VERSIONS,
            CIPHER_SUITES,
            _PLAIN_LISTENER,
        ),
    ),
    Entry(
        code="refusal_not_told",
        severity=Severity.INFO,
        title="Whether the broker refuses something could not be told",
        meaning="The attempt failed, but not in the way in which a refusal looks, so that it proves nothing. Some "
        "brokers and versions of MQTT never say that they refuse; else the broker was busy or down at that moment.",
        advice=do(
            "Nothing needs to be done if it passes with the next round. If it stays, read what was seen: it may show "
            "another mistake, of the broker's or in `refusals`. Take the check out where nothing can be told."
        ),
        reference="",
    ),
)
