"""What must be refused, and what came of trying it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RefusalCheck(StrEnum):
    """One thing that a broker must not let anybody do. Closed: it is a metric's label."""

    NO_CLIENT_CERTIFICATE = "no_client_certificate"
    EXPIRED_CLIENT_CERTIFICATE = "expired_client_certificate"
    FOREIGN_CLIENT_CERTIFICATE = "foreign_client_certificate"
    """Of a CA that the broker cannot know."""
    ANONYMOUS = "anonymous"
    """Without user name and password."""
    WRONG_PASSWORD = "wrong_password"  # noqa: S105  # the name of a check
    FORBIDDEN_SUBSCRIBE = "forbidden_subscribe"
    FORBIDDEN_PUBLISH = "forbidden_publish"
    TLS_1_0 = "tls_1_0"
    TLS_1_1 = "tls_1_1"
    WEAK_CIPHER = "weak_cipher"
    """A cipher suite that enciphers nothing, does without a certificate, or can be broken."""
    PLAIN_MQTT_ON_TLS_PORT = "plain_mqtt_on_tls_port"
    PLAIN_PORT_OPEN = "plain_port_open"


class RefusalOutcome(StrEnum):
    """How an attempt ended."""

    REFUSED = "refused"
    """For the reason for which it must be."""
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    """It could not be told: the broker was down, or it failed for another reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What came of one attempt."""

    check: RefusalCheck
    outcome: RefusalOutcome
    detail: str
    """What was seen, for people: one line without a full stop, free of secrets."""
    at: datetime
    """UTC, aware."""
    address: str | None = None
    """The IP address that was talked to, where each address of the broker's name is watched for itself; None where none
    is, and where no connection was made, which concerns all."""
