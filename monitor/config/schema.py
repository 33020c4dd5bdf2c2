"""The keys of a configuration, their types and defaults. `docs/configuration.md` is checked against this."""

from __future__ import annotations

import dataclasses
import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from monitor.config import hosts
from monitor.config.durations import duration
from monitor.config.text import flag, hidden_reader, list_of, one_of, quoted, reader, refused, scalar, whole_number
from monitor.config.topics import topic_filter_text, topic_name, topic_template
from monitor.model.broker import (
    CONFIGURED_TRUST,
    Addresses,
    Broker,
    Fetch,
    FetchSettings,
    MqttSettings,
    MqttVersion,
    Policy,
    Protocol,
    RefusalSettings,
    TlsSettings,
    TlsVersion,
)
from monitor.model.config import LogFormat, Settings
from monitor.model.refusal import RefusalCheck

# Every label of every metric of ours, and what Prometheus itself attaches to a target.
RESERVED_LABELS = frozenset(
    {
        "address",
        "alpn",
        "broker",
        "cause",
        "check",
        "cipher_suite",
        "code",
        "finding_severity",
        "fingerprint_sha256",
        "group",
        "host",
        "instance",
        "issuer",
        "job",
        "le",
        "phase",
        "port",
        "position",
        "protocol",
        "reason",
        "role",
        "serial",
        "source",
        "status",
        "subject",
        "tls_version",
        "trust",
        "what",
    }
)
_LONGEST_LABEL_VALUE = 256
_PREFIX = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_PROFILE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}", re.ASCII)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)

_IN_FILE = "expected password_file, password_env or password_credential, found a secret written here"
ELSEWHERE = {
    ("", "password"): _IN_FILE,
    ("", "token"): _IN_FILE,
    ("", "client_key_passphrase"): "expected client_key_passphrase_file, found a secret written here",
    ("", "<<"): "expected a known key, found a merge key; put what brokers share into 'defaults'",
    ("DefaultOptions", "name"): "expected what brokers share, found a name, which belongs to one broker",
    ("DefaultOptions", "host"): "expected what brokers share, found a host, which belongs to one broker",
}
"""Unknown keys with an answer of their own, by section (empty: any)."""


class LogLevel(StrEnum):
    """The least grave line that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class TrustChoice(StrEnum):
    """Which certificate authorities a chain may end at."""

    SYSTEM = "system"
    CA_FILE = "ca_file"
    BOTH = "both"


def _unlike(expected: str, raw: object) -> ValueError:
    # A text is not shown: a URL in the place of a section may carry a password.
    return (
        refused(expected, raw)
        if raw is None or isinstance(raw, dict | list)
        else ValueError(f"expected {expected}, found a text")
    )


def _section(raw: object) -> object:
    """Let a section whose keys are all commented out be empty."""
    if raw is None:
        return {}
    if not isinstance(raw, dict | Section):
        raise _unlike("a section of keys and values", raw)
    return raw


def _brokers(raw: object) -> object:
    if not isinstance(raw, list):
        raise _unlike("a list of brokers", raw)
    if not raw:
        raise ValueError("expected at least one broker, found an empty list")
    return raw


def _broker(raw: object) -> object:
    if not isinstance(raw, dict):
        raise _unlike("a broker with name and host", raw)
    return raw


def _name(raw: object) -> str:
    expected = "a name of at most 256 characters, without slashes"
    text = scalar(raw, expected)
    # It is a label value and a step of a URL's path.
    if len(text) > _LONGEST_LABEL_VALUE or "/" in text or text in {".", ".."} or text != text.strip():
        raise ValueError(f"expected {expected}, found {quoted(text)}")
    return text


def _label_name(raw: object) -> str:
    expected = "a label name of letters, digits and _, not starting with a digit or __"
    text = scalar(raw, expected)
    if not _LABEL.fullmatch(text) or text.startswith("__"):
        raise ValueError(f"expected {expected}, found {quoted(text)}")
    if text in RESERVED_LABELS:
        raise ValueError(f"expected a label of your own, found {quoted(text)}, which the metrics use themselves")
    return text


def _label_value(raw: object) -> str:
    text = scalar(raw, "a label value")
    if len(text) > _LONGEST_LABEL_VALUE:
        raise ValueError(f"expected a label value of at most 256 characters, found {len(text)}")
    return text


def _prefix(raw: object) -> str:
    expected = "a client id prefix of at most 64 letters, digits, - and _"
    text = scalar(raw, expected)
    if not _PREFIX.fullmatch(text):
        raise ValueError(f"expected {expected}, found {quoted(text)}")
    return text


def _alpn(raw: object) -> str:
    expected = "an ALPN protocol name of 1 to 255 ASCII characters"
    text = scalar(raw, expected)
    if not text.isascii() or len(text) > 255:
        raise ValueError(f"expected {expected}, found {quoted(text)}")
    return text


def _profile_name(raw: object) -> str:
    expected = "a profile name of at most 64 letters, digits, ., _ and -, starting with a letter or digit"
    text = scalar(raw, expected)
    if not _PROFILE.fullmatch(text):
        raise ValueError(f"expected {expected}, found {quoted(text)}")
    if text == CONFIGURED_TRUST:
        raise ValueError(f"expected a name of your own, found {quoted(text)}, which stands for the broker's own trust")
    return text


def _profiles(raw: object) -> object:
    if raw is not None and not isinstance(raw, dict):
        raise _unlike("a mapping of profile names to PEM files or 'system'", raw)
    return raw or {}


def _scan_interval(raw: object) -> float | None:
    # A broker has to be able to say no where `defaults` say how often.
    return None if raw == "off" else duration("1h", "30d")(raw)


def _default(record: type[Any], name: str) -> Any:
    """Return a record's default: it is stated once, there."""
    return next(field.default for field in dataclasses.fields(record) if field.name == name)


_file = reader("a path", most_bytes=4096)
_secret_file = hidden_reader("a path")

File = Annotated[str | None, BeforeValidator(_file)]
_ProfileTrust = Annotated[str, BeforeValidator(reader("a path or 'system'", most_bytes=4096))]
SecretFile = Annotated[str | None, BeforeValidator(_secret_file)]


class Section(BaseModel):
    """A group of keys; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TlsOptions(Section):
    """`tls`: how TLS is spoken, and whom it trusts."""

    trust: Annotated[TrustChoice | None, BeforeValidator(one_of(TrustChoice, "a trust"))] = None
    ca_file: File = None
    server_name: Annotated[str | None, BeforeValidator(hosts.server_name)] = None
    client_certificate: File = None
    client_key: File = None
    client_key_passphrase_file: SecretFile = None
    minimum_version: Annotated[TlsVersion, BeforeValidator(one_of(TlsVersion, "a TLS version"))] = _default(
        TlsSettings, "minimum_version"
    )
    alpn: Annotated[tuple[str, ...], BeforeValidator(list_of(_alpn, "a list of ALPN protocol names"))] = _default(
        TlsSettings, "alpn"
    )
    crl_files: Annotated[tuple[str, ...], BeforeValidator(list_of(_file, "a list of paths"))] = ()
    trust_profiles: Annotated[
        dict[Annotated[str, BeforeValidator(_profile_name)], _ProfileTrust], BeforeValidator(_profiles)
    ] = {}


class MqttOptions(Section):
    """`mqtt`: how the round trip is made."""

    version: Annotated[MqttVersion, BeforeValidator(one_of(MqttVersion, "an MQTT version"))] = _default(
        MqttSettings, "version"
    )
    client_id_prefix: Annotated[str, BeforeValidator(_prefix)] = _default(MqttSettings, "client_id_prefix")
    username: Annotated[str | None, BeforeValidator(reader("a user name"))] = None
    password_file: SecretFile = None
    password_env: Annotated[str | None, BeforeValidator(hidden_reader("the name of an environment variable"))] = None
    password_credential: Annotated[str | None, BeforeValidator(hidden_reader("the name of a systemd credential"))] = (
        None
    )
    topic: Annotated[str, BeforeValidator(topic_template)] = _default(MqttSettings, "topic")
    qos: Annotated[int, BeforeValidator(whole_number(0, 2, "a quality of service"))] = _default(MqttSettings, "qos")


class CertificateFileOptions(Section):
    """`files`: where the broker's own certificate and key lie on this host."""

    certificate: File = None
    key: File = None


class ExpiryOptions(Section):
    """`expiry`: how long before the end of a certificate it becomes a finding."""

    warning: Annotated[float, BeforeValidator(duration("0s", "100y"))] = _default(Policy, "expiry_warning_s")
    critical: Annotated[float, BeforeValidator(duration("0s", "100y"))] = _default(Policy, "expiry_critical_s")


class RefusalOptions(Section):
    """`refusals`: what the broker must refuse, and what that is tried with."""

    interval: Annotated[float, BeforeValidator(duration("1m", "7d"))] = _default(RefusalSettings, "interval_s")
    checks: Annotated[
        tuple[RefusalCheck, ...],
        BeforeValidator(list_of(one_of(RefusalCheck, "a check"), "a list of checks")),
    ] = _default(RefusalSettings, "checks")
    expired_client_certificate: File = None
    expired_client_key: File = None
    expired_client_key_passphrase_file: SecretFile = None
    forbidden_subscribe: Annotated[str | None, BeforeValidator(topic_filter_text)] = None
    forbidden_publish: Annotated[str | None, BeforeValidator(topic_name)] = None
    plain_port: Annotated[int, BeforeValidator(whole_number(1, 65535, "a port"))] = _default(
        RefusalSettings, "plain_port"
    )


class ScanOptions(Section):
    """`scan`: how often it is asked what the broker's TLS accepts beside the best."""

    interval: Annotated[float | None, BeforeValidator(_scan_interval)] = _default(Broker, "scan_interval_s")


class RevocationOptions(Section):
    """`revocation`: what is fetched to find out whether certificates were revoked."""

    fetch: Annotated[Fetch, BeforeValidator(one_of(Fetch, "what to fetch"))] = _default(FetchSettings, "what")
    allow: Annotated[
        tuple[tuple[str, int], ...], BeforeValidator(list_of(hosts.host_and_port, "a list of hosts with ports"))
    ] = ()
    refresh: Annotated[float, BeforeValidator(duration("1s", "7d"))] = _default(FetchSettings, "refresh_s")


class DefaultOptions(Section):
    """`defaults`: what all brokers share unless they say otherwise."""

    port: Annotated[int, BeforeValidator(whole_number(1, 65535, "a port"))] = _default(Broker, "port")
    addresses: Annotated[Addresses, BeforeValidator(one_of(Addresses, "a choice of addresses"))] = _default(
        Broker, "addresses"
    )
    protocol: Annotated[Protocol, BeforeValidator(one_of(Protocol, "a protocol"))] = _default(Broker, "protocol")
    interval: Annotated[float, BeforeValidator(duration("100ms", "7d"))] = _default(Broker, "interval_s")
    timeout: Annotated[float, BeforeValidator(duration("10ms", "10m"))] = _default(Broker, "timeout_s")
    labels: Annotated[
        dict[Annotated[str, BeforeValidator(_label_name)], Annotated[str, BeforeValidator(_label_value)]],
        BeforeValidator(_section),
    ] = {}
    tls: Annotated[TlsOptions, BeforeValidator(_section)] = TlsOptions()
    mqtt: Annotated[MqttOptions, BeforeValidator(_section)] = MqttOptions()
    files: Annotated[CertificateFileOptions, BeforeValidator(_section)] = CertificateFileOptions()
    expiry: Annotated[ExpiryOptions, BeforeValidator(_section)] = ExpiryOptions()
    refusals: Annotated[RefusalOptions, BeforeValidator(_section)] = RefusalOptions()
    scan: Annotated[ScanOptions, BeforeValidator(_section)] = ScanOptions()
    revocation: Annotated[RevocationOptions, BeforeValidator(_section)] = RevocationOptions()
    remarks: Annotated[bool, BeforeValidator(flag("true or false"))] = _default(Policy, "remarks")


class BrokerOptions(DefaultOptions):
    """One item of `brokers`. That name and host are there is checked later, beside everything else."""

    name: Annotated[str | None, BeforeValidator(_name)] = None
    host: Annotated[str | None, BeforeValidator(hosts.host)] = None


class LogOptions(Section):
    """`log`: how the daemon logs."""

    level: Annotated[LogLevel, BeforeValidator(one_of(LogLevel, "a log level"))] = LogLevel(
        _default(Settings, "log_level")
    )
    format: Annotated[LogFormat, BeforeValidator(one_of(LogFormat, "a log format"))] = _default(Settings, "log_format")


Listen = Annotated[tuple[str, int], BeforeValidator(hosts.listen_address)]
MaxInFlight = Annotated[int, BeforeValidator(whole_number(1, 4096, "a number of probes"))]


class FileOptions(Section):
    """The whole file."""

    listen: Listen = (_default(Settings, "listen_host"), _default(Settings, "listen_port"))
    max_in_flight: MaxInFlight = _default(Settings, "max_in_flight")
    state_file: File = None
    log: Annotated[LogOptions, BeforeValidator(_section)] = LogOptions()
    defaults: Annotated[DefaultOptions, BeforeValidator(_section)] = DefaultOptions()
    brokers: Annotated[tuple[Annotated[BrokerOptions, BeforeValidator(_broker)], ...], BeforeValidator(_brokers)] = ()
