"""What to probe, and how: one frozen record per broker, complete and validated by `monitor.config`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from monitor.model.refusal import RefusalCheck

CLIENT_ID_SUFFIX_BYTES = 9
"""A hyphen and eight random characters follow the prefix of a client id."""
LONGEST_V3_1_PREFIX_BYTES = 23 - CLIENT_ID_SUFFIX_BYTES  # MQTT 3.1, CONNECT, "Client Identifier"
CONFIGURED_TRUST = "configured"
"""What the broker's own trust is called beside its trust profiles."""


class Protocol(StrEnum):
    """What is spoken inside TLS."""

    MQTT = "mqtt"
    TLS = "tls"
    """TLS alone: an HTTPS API, a dashboard. The probe ends after `verify`."""


class Addresses(StrEnum):
    """Which addresses of a broker's name are probed."""

    FIRST = "first"
    """Whichever accepts a connection first, as a client does."""
    ALL = "all"
    """Each of them, as the nodes of a cluster may differ."""


class MqttVersion(StrEnum):
    """MQTT protocol versions, as their documents call them."""

    V3_1 = "3.1"
    V3_1_1 = "3.1.1"
    V5 = "5"


class TlsVersion(StrEnum):
    """TLS protocol versions, oldest first."""

    V1_0 = "1.0"
    V1_1 = "1.1"
    V1_2 = "1.2"
    V1_3 = "1.3"


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must not be seen. Only `reveal()` gives it out; it prints as dots everywhere else."""

    _value: bytes = field(repr=False)

    def reveal(self) -> bytes:
        """Return the bytes themselves: a password as UTF-8, a private key as PEM."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """A set of trust anchors, read once when the configuration is loaded."""

    source: str
    """For people: `system`, the path of a CA file, or both joined with ` + `."""
    anchors: tuple[bytes, ...] = field(repr=False)
    """DER certificates, in file order, without duplicates. May hold non-self-signed ones."""
    includes_system: bool = False
    """The system's trust store is part of it: clients may hold the broker to the rules for public CAs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustProfile:
    """What a group of clients trusts: an opinion of the served chain, never the gate."""

    name: str
    """A label value, unique within the broker; never `CONFIGURED_TRUST`."""
    trust: Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientIdentity:
    """The certificate and key that the monitor shows when a broker asks for one."""

    source: str
    """Path of the certificate file."""
    chain: tuple[bytes, ...] = field(repr=False)
    """DER, leaf first; never empty. The key was checked to belong to the leaf."""
    key: Secret
    """The private key, as unencrypted PKCS#8 PEM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """How TLS is spoken, and whom it trusts."""

    trust: Trust
    server_name: str
    """Reference identity (RFC 9525): A-label DNS name without trailing dot, or IP literal. Also the SNI, if DNS."""
    client_identity: ClientIdentity | None = None
    minimum_version: TlsVersion = TlsVersion.V1_2
    alpn: tuple[str, ...] = ()
    trust_profiles: tuple[TrustProfile, ...] = ()
    """Sorted by name."""
    crl_files: tuple[str, ...] = ()
    """Paths of files with lists of revoked certificates, or of directories of such files. They change while the daemon
    runs, so what they hold is no setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSettings:
    """How the round trip is made. The session is always clean and nothing is ever retained."""

    version: MqttVersion = MqttVersion.V3_1_1
    client_id_prefix: str = "mqtt-monitor"
    username: str | None = None
    password: Secret | None = None
    topic: str = "mqtt-tls-monitor/{id}/{nonce}"
    """Template: `{id}` is the client id of this probe, `{nonce}` is new for each probe."""
    qos: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """From when on a fact is worth a finding."""

    expiry_warning_s: float = 21 * 86400.0
    """At most: of a short-lived certificate, a share of its lifetime counts instead. Likewise the next."""
    expiry_critical_s: float = 7 * 86400.0
    remarks: bool = False
    """Say what stands in nobody's way as well."""


class Fetch(StrEnum):
    """What the monitor asks for itself of where certificates point."""

    NONE = "none"
    OCSP = "ocsp"
    CRL = "crl"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    """Whether and where revocation answers are fetched. Only ever for an accepted chain, and beside the probe."""

    what: Fetch = Fetch.NONE
    allowed: frozenset[tuple[str, int]] = frozenset()
    """Hosts and ports beyond port 80 of public addresses; the host is a lower-case name or canonical IP literal."""
    refresh_s: float = 12 * 3600.0
    """The longest time between two askings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    """Where the broker's certificate and key lie, if that is on this host. They may not exist yet."""

    certificate: str
    """Path of the file from which the broker takes what it serves."""
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalSettings:
    """What the broker must refuse, and how often that is tried."""

    checks: tuple[RefusalCheck, ...] = ()
    """In the order in which they are tried, each once; what each of them needs is there."""
    interval_s: float = 3600.0
    expired_identity: ClientIdentity | None = None
    """What `expired_client_certificate` shows."""
    forbidden_subscribe: str | None = None
    """A topic filter."""
    forbidden_publish: str | None = None
    """A topic name."""
    plain_port: int = 1883


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """One broker to watch: one connection per probe and address, all phases under one deadline."""

    name: str
    host: str
    """A-label DNS name or IP literal, without brackets; IPv6 may carry a scope id."""
    port: int = 8883
    addresses: Addresses = Addresses.FIRST
    protocol: Protocol = Protocol.MQTT
    interval_s: float = 60.0
    timeout_s: float = 10.0
    labels: tuple[tuple[str, str], ...] = ()
    """Further Prometheus labels, sorted by name."""
    tls: TlsSettings
    mqtt: MqttSettings = MqttSettings()
    policy: Policy = Policy()
    files: CertificateFiles | None = None
    refusals: RefusalSettings = RefusalSettings()
    scan_interval_s: float | None = None
    """Between two scans of what its TLS accepts; None for none."""
    fetch: FetchSettings = FetchSettings()
