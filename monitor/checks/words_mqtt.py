"""The words for failures in MQTT: what the broker answered to CONNECT, SUBSCRIBE and PUBLISH, or did not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from monitor.checks.entry import ACL, BROKER_LOGS, CREDENTIALS, Entry, critical
from monitor.checks.words_certificates import CLIENT_CERTIFICATE_REJECTED, CLIENT_CERTIFICATE_REQUIRED
from monitor.model.reasons import CONNACK_V3, CONNACK_V5, PUBACK_V5, SUBACK_V5

_LOOK: Final = f"Look at the broker's log for the same moment. {BROKER_LOGS}"
_TOPIC: Final = (
    "Set `topic` under `mqtt` to a template that the broker takes; the default is `mqtt-tls-monitor/{id}/{nonce}`."
)
_CLIENT_ID: Final = (
    "Set `client_id_prefix` under `mqtt` to what the broker's rules allow (letters, digits and `-`, short: MQTT 3.1 "
    "allows 23 characters in all)."
)
_VERSION: Final = (
    "Set `version` under `mqtt` to one that the broker speaks. EMQX, Mosquitto and NanoMQ: 3.1, 3.1.1, 5. RabbitMQ "
    "before 3.13: 3.1 and 3.1.1. NATS: 3.1.1."
)
_LIMITS: Final = (
    "Look at the broker's limits on connections, sessions and messages, and at who uses them up. EMQX: `emqx ctl "
    "clients list`, `limiter`. Mosquitto: `max_connections`, `max_queued_messages`. RabbitMQ: alarms in "
    "`rabbitmq-diagnostics status`. NATS: `max_connections`, and the account's limits."
)
_ELSEWHERE: Final = (
    "Point `host` at the server that the broker names (its Server Reference is in the detail, if it gave one), or "
    "take this node back into service."
)
_LOAD: Final = f"Look at the broker's load and its log. {BROKER_LOGS}"

# MQTT 5.0 2.4 and 3.x's CONNACK: what a refusal says, and what to do.
_CODES: Final = {
    "unspecified_error": ("it does not want to say why, or no other code fits", _LOOK),
    "malformed_packet": ("it could not decode the packet", f"{_VERSION} {_LOOK}"),
    "protocol_error": ("the packet does not fit the protocol's state", f"{_VERSION} {_LOOK}"),
    "implementation_specific_error": ("the packet is valid, but this broker does not take it", _LOOK),
    "unsupported_protocol_version": ("it does not speak this version of MQTT", _VERSION),
    "client_identifier_not_valid": ("it does not allow this client id", _CLIENT_ID),
    "bad_user_name_or_password": ("user name or password is wrong", CREDENTIALS),
    "not_authorized": ("this client may not do that", ""),
    "server_unavailable": (
        "the MQTT service behind the listener is not available: starting, stopping, or cut off from its cluster",
        f"{_LOAD} EMQX: `emqx ctl cluster status`. RabbitMQ: `rabbitmq-diagnostics check_running`.",
    ),
    "server_busy": ("it is busy and asks to come again later", _LOAD),
    "banned": (
        "this client was banned by an administrator, or by the broker itself for flapping",
        (
            "Lift the ban. EMQX: the dashboard's list of banned clients, and `flapping_detect`. Others: the "
            "firewall or fail2ban in front of it."
        ),
    ),
    "bad_authentication_method": (
        "it wants another way of authentication than user name and password",
        f"Use an account with a password for the monitor, or a client certificate. {CREDENTIALS}",
    ),
    "topic_filter_invalid": ("it does not accept this topic filter", _TOPIC),
    "topic_name_invalid": ("it does not accept this topic", _TOPIC),
    "packet_identifier_in_use": ("it still holds an exchange under this packet's number", _LOOK),
    "packet_identifier_not_found": ("it knows of no exchange under this packet's number", _LOOK),
    "packet_too_large": (
        "the packet is longer than it takes",
        (
            "Raise the limit, or shorten `topic` and credentials: the monitor's packets are a few hundred bytes. "
            "EMQX: `mqtt.max_packet_size`. Mosquitto: `max_packet_size`. NanoMQ: `mqtt.max_packet_size`. NATS: "
            "`max_payload`."
        ),
    ),
    "quota_exceeded": ("a limit on this client, or on all, is used up", _LIMITS),
    "payload_format_invalid": ("the payload is not of the kind that it expects", _LOOK),
    "retain_not_supported": ("it does not keep retained messages; the monitor sends none", _LOOK),
    "qos_not_supported": (
        "it does not support this quality of service",
        "Lower `qos` under `mqtt`, or raise the limit. EMQX: `mqtt.max_qos_allowed`. Mosquitto: `max_qos`.",
    ),
    "use_another_server": ("it asks clients to use another server for now", _ELSEWHERE),
    "server_moved": ("it asks clients to use another server from now on", _ELSEWHERE),
    "connection_rate_exceeded": ("too many connections are being made at once", _LIMITS),
    "shared_subscriptions_not_supported": ("it has no shared subscriptions", _TOPIC),
    "subscription_identifiers_not_supported": ("it has no subscription identifiers", _LOOK),
    "wildcard_subscriptions_not_supported": ("it has no subscriptions with wildcards", _TOPIC),
}
# The packet that the monitor sent, what it was doing, and what it waited for in vain.
_PACKETS: Final = {
    "mqtt_connect": ("CONNECT", "connecting", "answering the CONNECT"),
    "subscribe": ("SUBSCRIBE", "subscribing", "answering the SUBSCRIBE"),
    "publish": ("PUBLISH", "publishing", "acknowledging the message"),
    "roundtrip": ("PUBLISH", "waiting for its own message", "delivering the monitor's own message"),
}
_REFERENCES: Final = {
    "mqtt_connect": "MQTT 3.1.1 3.2.2.3; MQTT 5.0 3.2.2.2",
    "subscribe": "MQTT 3.1.1 3.9.3; MQTT 5.0 3.9.3",
    "publish": "MQTT 5.0 3.4.2.1, 3.5.2.1",
    "roundtrip": "MQTT 3.1.1 4.3; MQTT 5.0 4.3",
}
_NOT_AUTHORIZED: Final = {"mqtt_connect": CREDENTIALS, "subscribe": ACL, "publish": ACL}


def mqtt() -> Iterator[Entry]:
    """Yield the entries of every failure in MQTT, phase by phase."""
    for phase in _PACKETS:
        yield from _exchange(phase)
    yield from _client_certificates()
    answers = (
        ("mqtt_connect", dict.fromkeys((*CONNACK_V3.values(), *CONNACK_V5.values()))),
        ("subscribe", dict.fromkeys(SUBACK_V5.values())),
        ("publish", dict.fromkeys(PUBACK_V5.values())),
    )
    for phase, names in answers:
        yield from (_refusal(phase, name) for name in names)
        yield _refused(phase)
    yield from _ended()
    yield critical(
        "roundtrip_foreign_message",
        "Only messages of others came on the monitor's own topic",
        "The monitor's message did not come back, while somebody else publishes to the topic that is made anew for "
        "every probe. A bridge or a rule in the broker may be rewriting messages.",
        f"Look for bridges, rewrite rules and republishing rules on that topic. {_TOPIC}",
        _REFERENCES["roundtrip"],
    )


def _exchange(phase: str) -> Iterator[Entry]:
    _, doing, wanted = _PACKETS[phase]
    refusable = "the version, the account, or the client id" if phase == "mqtt_connect" else "the topic"
    for word, title, meaning, fix in (
        ("timeout", *_silence(phase)),
        (
            "closed",
            f"The broker closed the connection while the monitor was {doing}",
            (
                f"It hung up instead of {wanted}, without saying why. Brokers also do so to refuse something without "
                f"a word: {refusable}."
            ),
            _refusal_fix(phase),
        ),
        (
            "reset",
            f"The connection was reset while the monitor was {doing}",
            f"It was torn down instead of {wanted}: by the broker, by its crash, or by something in between.",
            _refusal_fix(phase),
        ),
        (
            "too_much_data",
            f"The broker sent far too much while the monitor was {doing}",
            "More bytes came than this exchange can need; the monitor stopped reading.",
            f"Find out what listens there, and who publishes to the monitor's topic. {_LOOK}",
        ),
        (
            "tls_error",
            f"TLS broke down while the monitor was {doing}",
            (
                "A record could not be decrypted, or broke the rules of TLS. The connection was damaged on its way, "
                "or the broker's TLS library is at fault."
            ),
            f"Look for a middlebox that touches the connection, and update the broker's TLS library. {BROKER_LOGS}",
        ),
        (
            "malformed",
            f"The broker answered with something that is not MQTT while the monitor was {doing}",
            (
                "The bytes that came cannot be read as an MQTT packet. It may be another service: HTTP, or MQTT "
                "over WebSocket."
            ),
            (
                "Is it the port of MQTT over TLS (mostly 8883; WebSocket has 8084, 8083 or 443)? If it speaks TLS "
                f"but not MQTT, set `protocol: tls` for it. {_VERSION}"
            ),
        ),
        (
            "unexpected_packet",
            f"The broker sent a packet that has no place here while the monitor was {doing}",
            (
                f"It is valid MQTT, but may not come instead of {wanted}. The broker breaks the protocol, or "
                "something in between mixes connections up."
            ),
            f"Update the broker, and look at proxies that understand MQTT. {_LOOK}",
        ),
    ):
        yield critical(f"{phase}_{word}", title, meaning, fix, _REFERENCES[phase])


def _silence(phase: str) -> tuple[str, str, str]:
    title = f"The broker did not answer the {_PACKETS[phase][0]} in time"
    if phase == "roundtrip":
        return (
            "The monitor's own message did not come back in time",
            (
                "The broker took the message and did not deliver it to the monitor, which had subscribed to the "
                "topic. Other subscribers may be waiting as well: a full queue, an overloaded broker, or a rule "
                "that drops it."
            ),
            f"{_LOAD} Some brokers silently drop what their access rules forbid. {ACL}",
        )
    if phase == "publish":
        return (
            "The broker did not acknowledge the message in time",
            "The message was sent; whether the broker took it is not known.",
            f"{_LOAD} RabbitMQ holds publishers back under a memory or disk alarm: `rabbitmq-diagnostics status`.",
        )
    meaning = "TLS is up, but the broker stays silent. It is overloaded, or waits for its database of accounts"
    if phase == "mqtt_connect":
        return title, f"{meaning}, or does not know what to do with this version of MQTT.", f"{_LOAD} {_VERSION}"
    return title, f"{meaning}.", _LOAD


def _refusal_fix(phase: str) -> str:
    if phase == "mqtt_connect":
        return f"{_LOOK} {_VERSION} {CREDENTIALS}"
    return f"{_LOOK} {ACL}"


def _refusal(phase: str, name: str) -> Entry:
    packet, _, _ = _PACKETS[phase]
    said, fix = _CODES[name]
    meaning = f"The broker answered the {packet} with the code {name}: {said}."
    if name == "not_authorized" and phase != "mqtt_connect":
        meaning += " The account itself was accepted; its rights do not cover the monitor's topic."
    return critical(
        f"{phase}_{name}",
        f"The broker refused the {packet}: {name.replace('_', ' ')}",
        meaning,
        fix or _NOT_AUTHORIZED[phase],
        _REFERENCES[phase],
    )


def _refused(phase: str) -> Entry:
    packet, doing, _ = _PACKETS[phase]
    meaning = f"The broker answered the {packet} with a code that the standard does not know at this point; the detail "
    fix = _LOOK
    if phase == "subscribe":
        meaning = (
            "MQTT 3 knows one code for every refused subscription (0x80). Mostly the rights are missing; the detail "
        )
        fix = ACL
    return critical(
        f"{phase}_refused",
        f"The broker refused the monitor while it was {doing}",
        f"{meaning}has the number.",
        fix,
        _REFERENCES[phase],
    )


def _client_certificates() -> Iterator[Entry]:
    # RFC 8446 4.4.2.4: under TLS 1.3 the client is done before the server has looked at its certificate.
    yield critical(
        "mqtt_connect_client_certificate_required",
        "The broker demands a client certificate",
        "Under TLS 1.3 the handshake succeeds for the client before the broker has seen that no certificate came; "
        "the refusal follows at the first exchange. Clients with a certificate are not concerned.",
        CLIENT_CERTIFICATE_REQUIRED,
        "RFC 8446 4.4.2.4",
    )
    yield critical(
        "mqtt_connect_client_certificate_rejected",
        "The broker refused the monitor's client certificate",
        "Under TLS 1.3 the handshake succeeds for the client before the broker has looked at its certificate; the "
        "refusal follows at the first exchange. The broker does not know its CA, or it is expired, revoked, or not "
        "for clients.",
        CLIENT_CERTIFICATE_REJECTED,
        "RFC 8446 4.4.2.4",
    )


def _ended() -> Iterator[Entry]:
    for phase in ("subscribe", "publish", "roundtrip"):
        _, doing, wanted = _PACKETS[phase]
        yield critical(
            f"{phase}_alert",
            f"The broker ended TLS with an alert while the monitor was {doing}",
            f"Instead of {wanted} it sent a TLS alert; the detail names it. Something went wrong inside the broker, "
            "or it closes down.",
            _LOOK,
            "RFC 8446 6.2",
        )
        yield critical(
            f"{phase}_disconnected",
            f"The broker disconnected the monitor while it was {doing}",
            f"Instead of {wanted} the broker sent a DISCONNECT (MQTT 5); the detail names its reason. "
            "`session_taken_over` means that another client uses the same client id.",
            _refusal_fix(phase),
            "MQTT 5.0 3.14.2.1",
        )
