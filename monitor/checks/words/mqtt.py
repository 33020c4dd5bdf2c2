"""The words for failures in MQTT: what the broker answered to CONNECT, SUBSCRIBE and PUBLISH, or did not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from monitor.checks.words.certificates import CLIENT_CERTIFICATE_REJECTED, CLIENT_CERTIFICATE_REQUIRED
from monitor.checks.words.entry import Advice, Entry, critical, do
from monitor.checks.words.hints import (
    ACCOUNTS,
    ACL,
    BROKER_LOGS,
    CLUSTER_STATE,
    HIGHEST_QOS,
    LIMITS,
    MQTT_VERSIONS,
    PACKET_SIZES,
)
from monitor.model.reasons import CONNACK_V3, CONNACK_V5, PUBACK_V5, SUBACK_V5

_ACL_COMMAND: Final = (
    "`mqtt-tls-monitor check-config --acl mosquitto FILE` prints the lines for it (`--acl emqx`, `rabbitmq` and `nats` "
    "likewise)."
)
_RIGHTS: Final = do(
    "Allow the monitor's user to read (subscribe) and to write (publish) its own topic in the broker's access rules. "
    f"{_ACL_COMMAND}",
    ACL,
)
_CREDENTIALS: Final = do(
    "If the monitor has no account yet, give it one: `username` and `password_file` under `mqtt` in its configuration. "
    "Otherwise compare these with the account in the broker: was the password changed, or the account removed? If "
    "other clients are refused too, it is the broker's store of accounts.",
    ACCOUNTS,
    BROKER_LOGS,
)
_LOOK: Final = do("Look at the broker's log for the same moment.", BROKER_LOGS)
_TOPIC: Final = do(
    "Set `topic` under `mqtt` in the monitor's configuration to a template that the broker takes; the default is "
    "`mqtt-tls-monitor/{id}/{nonce}`."
)
_CLIENT_ID: Final = do(
    "The monitor calls itself by a new client id in each probe: `client_id_prefix` under `mqtt` in its configuration, "
    "`-`, and eight letters and digits. Allow ids that begin so in the broker's rules, for this account or certificate "
    "too; or set the prefix to what they allow. Short ones of letters and digits are taken everywhere: MQTT 3.1 allows "
    "23 characters in all."
)
_VERSION: Final = do(
    "Set `version` under `mqtt` in the monitor's configuration to one that the broker speaks.", MQTT_VERSIONS
)
_LIMITS: Final = do(
    "Look at the broker's limits on connections, sessions and messages, and at who uses them up: often one client "
    "that connects over and over.",
    LIMITS,
)
_ELSEWHERE: Final = do(
    "Take this node back into service if it was taken out by mistake. Otherwise set `host` to the server that the "
    "broker names in the detail, if it names one."
)
_LOAD: Final = do("Look at the broker's load (CPU, memory, disk) and at its log.", BROKER_LOGS, CLUSTER_STATE)
_MALFORMED: Final = do(
    "Try another `version` under `mqtt` in the monitor's configuration; the broker's log says what it minded.",
    MQTT_VERSIONS,
    BROKER_LOGS,
)

# MQTT 5.0 2.4 and 3.x's CONNACK: what a refusal says, and what to do; what rights and accounts are about stands below.
_CODES: Final[dict[str, tuple[str, Advice]]] = {
    "unspecified_error": ("it does not want to say why, or no other code fits", _LOOK),
    "malformed_packet": ("it could not read the packet", _MALFORMED),
    "protocol_error": ("the packet is one that it did not expect at this point", _MALFORMED),
    "implementation_specific_error": ("the packet is valid, but this broker does not take it", _LOOK),
    "unsupported_protocol_version": ("it does not speak this version of MQTT", _VERSION),
    "client_identifier_not_valid": ("it does not allow this client id", _CLIENT_ID),
    "bad_user_name_or_password": ("the user name or the password is wrong", _CREDENTIALS),
    "server_unavailable": (
        "the MQTT service behind the port is not available: starting, stopping, or cut off from its cluster",
        do(
            "Is the broker starting or stopping, or cut off from its cluster? Its log says.", CLUSTER_STATE, BROKER_LOGS
        ),
    ),
    "server_busy": ("it is busy and asks to come again later", _LOAD),
    "banned": (
        "this client was banned by an administrator, or by the broker itself for connecting too often",
        do(
            "Lift the ban. In EMQX, see the list of banned clients in the dashboard, and `flapping_detect` in "
            "emqx.conf."
        ),
    ),
    "bad_authentication_method": (
        "it wants another way of authentication than user name and password",
        do(
            "Give the monitor an account with a password (`username` and `password_file` under `mqtt`), or a client "
            "certificate (`client_certificate` under `tls`).",
            ACCOUNTS,
        ),
    ),
    "topic_filter_invalid": ("it does not accept this topic filter", _TOPIC),
    "topic_name_invalid": ("it does not accept this topic", _TOPIC),
    "packet_identifier_in_use": ("it still holds an exchange under this packet's number", _LOOK),
    "packet_identifier_not_found": ("it knows of no exchange under this packet's number", _LOOK),
    "packet_too_large": (
        "the packet is longer than it takes",
        do(
            "Raise the broker's limit, or shorten `topic` and credentials: the monitor's packets are a few hundred "
            "bytes.",
            PACKET_SIZES,
        ),
    ),
    "quota_exceeded": ("a limit on this client, or on all, is used up", _LIMITS),
    "payload_format_invalid": ("the payload is not of the kind that it expects", _LOOK),
    "retain_not_supported": ("it does not keep retained messages; the monitor sends none", _LOOK),
    "qos_not_supported": (
        "it does not support this quality of service (QoS)",
        do("Lower `qos` under `mqtt` in the monitor's configuration, or raise the broker's limit.", HIGHEST_QOS),
    ),
    "use_another_server": ("it asks clients to use another server for now", _ELSEWHERE),
    "server_moved": ("it asks clients to use another server from now on", _ELSEWHERE),
    "connection_rate_exceeded": ("too many connections are being made at once", _LIMITS),
    "shared_subscriptions_not_supported": ("it has no shared subscriptions", _TOPIC),
    "subscription_identifiers_not_supported": ("it has no subscription identifiers", _LOOK),
    "wildcard_subscriptions_not_supported": ("it has no subscriptions with wildcards", _TOPIC),
}
_NOT_AUTHORIZED: Final = {
    "mqtt_connect": (
        "this client may not connect; Mosquitto says so of a wrong user name or password as well, and of none at all",
        _CREDENTIALS,
    ),
    "subscribe": ("the account was accepted, but may not read the monitor's topic", _RIGHTS),
    "publish": ("the account was accepted, but may not write to the monitor's topic", _RIGHTS),
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
        "every probe. A bridge or a rule in the broker may be rewriting messages, those of other clients too.",
        do(
            "Look for bridges, rewrite rules and republishing rules on that topic. If `topic` under `mqtt` was set to "
            "one that others use, choose another; the default is `mqtt-tls-monitor/{id}/{nonce}`."
        ),
        _REFERENCES["roundtrip"],
    )


def _exchange(phase: str) -> Iterator[Entry]:
    _, doing, wanted = _PACKETS[phase]
    refusable = "the version, the account or the client id" if phase == "mqtt_connect" else "the topic"
    reference = _REFERENCES[phase]
    yield _silence(phase)
    yield critical(
        f"{phase}_closed",
        f"The connection ended while the monitor was {doing}",
        f"The broker hung up instead of {wanted}, without saying why. Some brokers do so to refuse {refusable} "
        "without a word.",
        _refusal_advice(phase),
        reference,
    )
    yield critical(
        f"{phase}_reset",
        f"The connection was reset while the monitor was {doing}",
        f"It was torn down instead of {wanted}: by the broker, by its crash, or by something in between. If the broker "
        "crashed, every client was cut off.",
        _refusal_advice(phase),
        reference,
        title_says_all=True,
    )
    yield critical(
        f"{phase}_too_much_data",
        f"The broker sent far too much while the monitor was {doing}",
        "More bytes came than this exchange can need; the monitor stopped reading.",
        do("Find out what listens there, and what the broker's log says of this client.", BROKER_LOGS),
        reference,
        title_says_all=True,
    )
    yield critical(
        f"{phase}_tls_error",
        f"TLS broke down while the monitor was {doing}",
        "What came could not be decrypted, or broke the rules of TLS: it was damaged on its way, or the broker's TLS "
        "library is at fault.",
        do(
            "If it happens every time, look for a device on the way that touches the connection, and update the "
            "broker's TLS library.",
            BROKER_LOGS,
        ),
        reference,
    )
    yield _malformed(phase)
    yield critical(
        f"{phase}_unexpected_packet",
        f"The broker sent a packet that has no place here while the monitor was {doing}",
        f"It is valid MQTT, but may not come instead of {wanted}. The broker breaks the protocol, or something in "
        "between mixes connections up.",
        do(
            "Look at proxies in between that understand MQTT, then update the broker. Its log may say more.",
            BROKER_LOGS,
        ),
        reference,
    )


def _malformed(phase: str) -> Entry:
    _, doing, _ = _PACKETS[phase]
    meaning = (
        "The broker had spoken MQTT before, and what came now cannot be read as MQTT. Its software is at fault, or "
        "something in between mixes connections up."
    )
    advice = do(
        "Look at proxies in between that understand MQTT, then update the broker. Its log may say more.", BROKER_LOGS
    )
    if phase == "mqtt_connect":
        meaning = (
            "TLS works, but what came cannot be read as MQTT. It may be another service: HTTP, or MQTT over WebSocket."
        )
        advice = do(
            "Is it the port of MQTT over TLS (mostly 8883), and not that of a web service or of MQTT over WebSocket "
            "(8084, 443)? If it is not meant to speak MQTT, set `protocol: tls` for it. If it is, try another "
            "`version` under `mqtt`.",
            MQTT_VERSIONS,
        )
    title = f"The broker answered with something that is not MQTT while the monitor was {doing}"
    return critical(f"{phase}_malformed", title, meaning, advice, _REFERENCES[phase])


def _silence(phase: str) -> Entry:
    packet, _, _ = _PACKETS[phase]
    title = f"The broker did not answer the {packet} in time"
    waiting = "TLS is up, but the broker stays silent: it is overloaded or stuck, or waits for its database of accounts"
    match phase:
        case "roundtrip":
            title = "The monitor's own message did not come back in time"
            meaning = (
                "The broker took the subscription and the message, and did not deliver it. Some brokers drop without a "
                "word what their access rules forbid: Mosquitto with an `acl_file` still grants the subscription and "
                "acknowledges the message (MQTT 3.1.1), and delivers nothing. If the rights are there, other clients "
                "wait for their messages as well."
            )
            advice = do(
                "Check first that the monitor's user may both write (publish) and read (subscribe) its own topic. "
                f"{_ACL_COMMAND} If it may, and it worked before, look at the broker's load, at full queues, and at "
                "rules that drop messages.",
                ACL,
                BROKER_LOGS,
            )
        case "publish":
            title = "The broker did not acknowledge the message in time"
            meaning = (
                "The message was sent; whether the broker took it is not known. RabbitMQ holds publishers back while "
                "it is short of memory or disk. Other publishers are likely to wait too."
            )
            advice = _LOAD
        case "mqtt_connect":
            meaning = f"{waiting}, or does not know what to do with this version of MQTT. Clients hang likewise."
            advice = do(
                "Look at the broker's load (CPU, memory, disk), at its log, and at the database that it asks about "
                "accounts. If it has never worked: is this an MQTT listener at all? One that speaks TLS but no MQTT "
                "(an HTTPS API, a dashboard) wants `protocol: tls` in the monitor's configuration, or `probe "
                "--tls-only`. If it is, try another `version` under `mqtt`.",
                BROKER_LOGS,
                MQTT_VERSIONS,
            )
        case _:
            meaning = f"{waiting} and rights. Clients hang likewise."
            advice = _LOAD
    return critical(f"{phase}_timeout", title, meaning, advice, _REFERENCES[phase])


def _refusal_advice(phase: str) -> Advice:
    if phase == "mqtt_connect":
        return do(
            "Look at the broker's log for the same moment. If it has never worked, compare `username` and "
            "`password_file` under `mqtt` in the monitor's configuration with the account in the broker, and try "
            "another `version`.",
            BROKER_LOGS,
            ACCOUNTS,
            MQTT_VERSIONS,
        )
    return do(
        "Look at the broker's log for the same moment. If it has never worked, allow the monitor's user to read "
        f"(subscribe) and to write (publish) its own topic. {_ACL_COMMAND}",
        BROKER_LOGS,
        ACL,
    )


def _refusal(phase: str, name: str) -> Entry:
    packet, _, _ = _PACKETS[phase]
    said, advice = _NOT_AUTHORIZED[phase] if name == "not_authorized" else _CODES[name]
    return critical(
        f"{phase}_{name}",
        f"The broker refused the {packet}: {name.replace('_', ' ')}",
        f"The broker answered the {packet} with the code {name}: {said}.",
        advice,
        _REFERENCES[phase],
        title_says_all=True,
    )


def _refused(phase: str) -> Entry:
    packet, doing, _ = _PACKETS[phase]
    meaning = (
        f"The broker answered the {packet} with a code that the standard does not know at this point; the detail has "
        "the number."
    )
    advice = _LOOK
    if phase == "subscribe":
        meaning = (
            "MQTT 3 knows one code for every refused subscription (0x80). Mostly the account was accepted, but may not "
            "read the monitor's topic."
        )
        advice = _RIGHTS
    return critical(
        f"{phase}_refused",
        f"The broker refused the monitor while it was {doing}",
        meaning,
        advice,
        _REFERENCES[phase],
    )


def _client_certificates() -> Iterator[Entry]:
    # RFC 8446 4.4.2.4: under TLS 1.3 the client is done before the server has looked at its certificate.
    yield critical(
        "mqtt_connect_client_certificate_required",
        "The broker demands a client certificate",
        "It lets nobody in who does not show a certificate, and the monitor has none for it. With TLS 1.3 the "
        "handshake still succeeds, and the refusal follows after it. Clients with a certificate are not concerned.",
        CLIENT_CERTIFICATE_REQUIRED,
        "RFC 8446 4.4.2.4",
    )
    yield critical(
        "mqtt_connect_client_certificate_rejected",
        "The broker refused the monitor's client certificate",
        "The monitor showed its certificate, and the broker did not accept it: its CA is unknown there, or it is "
        "expired, revoked, or not for clients. With TLS 1.3 the handshake still succeeds, and the refusal follows "
        "after it. Clients with certificates of their own may be all right.",
        CLIENT_CERTIFICATE_REJECTED,
        "RFC 8446 4.4.2.4",
    )


def _ended() -> Iterator[Entry]:
    for phase in ("subscribe", "publish", "roundtrip"):
        _, doing, wanted = _PACKETS[phase]
        yield critical(
            f"{phase}_alert",
            f"The broker ended TLS with an alert while the monitor was {doing}",
            f"Instead of {wanted} it sent a TLS alert, its last word before it hangs up; the detail names it. "
            "Something went wrong inside the broker, or it is shutting down.",
            _LOOK,
            "RFC 8446 6.2",
        )
        yield critical(
            f"{phase}_disconnected",
            f"The broker disconnected the monitor while it was {doing}",
            f"Instead of {wanted} the broker sent a DISCONNECT (MQTT 5); the detail names its reason. "
            "`session taken over` means that another client uses the same client id.",
            _refusal_advice(phase),
            "MQTT 5.0 3.14.2.1",
        )
