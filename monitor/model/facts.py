"""What a probe saw, without any opinion of it. Absent facts are None; None never means "no"."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """A certificate's part in the chain, as its own fields and its place say it."""

    LEAF = "leaf"
    INTERMEDIATE = "intermediate"
    ROOT = "root"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """The subject's public key."""

    algorithm: str
    """`RSA`, `EC`, `Ed25519`, ..., or the dotted OID of one that is not known."""
    bits: int | None = None
    curve: str | None = None
    """`P-256`, `P-384`, ... for EC."""
    exponent: int | None = None
    """Public exponent, for RSA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """One certificate, read field by field (RFC 5280 4.1, 4.2): an odd field costs that field alone."""

    position: int
    """0 = as sent first."""
    role: Role
    der: bytes = field(repr=False)
    fingerprint_sha256: str
    """64 lower-case hex digits."""
    subject: str | None
    """RFC 4514; empty string for an empty name; None if unreadable. Likewise `issuer`."""
    issuer: str | None
    subject_der: bytes | None = field(repr=False)
    """The encoded Name, for comparing. Likewise `issuer_der`."""
    issuer_der: bytes | None = field(repr=False)
    serial: str | None
    """Lower-case hex without separators; a leading `-` for a negative one."""
    not_before: datetime | None
    """UTC, aware. The first second in which it is valid."""
    not_after: datetime | None
    """UTC, aware. The last second in which it is valid."""
    dns_names: tuple[str, ...] = ()
    """subjectAltName dNSName, as encoded, in order."""
    ip_addresses: tuple[str, ...] = ()
    """subjectAltName iPAddress, in canonical text."""
    other_names: tuple[str, ...] = ()
    """Other subjectAltName entries, as `URI:...`, `email:...`, `other:...`."""
    common_name: str | None = None
    """The last commonName of the subject."""
    key: KeyFacts | None
    signature: str | None
    """`ecdsa-with-SHA256`, `sha256WithRSAEncryption`, ..., or the dotted OID."""
    is_ca: bool | None
    """basicConstraints cA; None when the extension is absent or unreadable."""
    path_length: int | None = None
    key_usage: tuple[str, ...] | None = None
    """RFC 5280 names (`digitalSignature`, `keyCertSign`, ...); None when the extension is absent."""
    extended_key_usage: tuple[str, ...] | None = None
    """Short names (`serverAuth`, `clientAuth`, `anyExtendedKeyUsage`) or dotted OIDs; None when absent."""
    subject_key_id: str | None = None
    authority_key_id: str | None = None
    ca_issuers: tuple[str, ...] = ()
    """AIA caIssuers URIs: where the issuing certificate can be had."""
    ocsp_responders: tuple[str, ...] = ()
    """AIA ocsp URIs: where to ask whether it was revoked."""
    crl_uris: tuple[str, ...] = ()
    """URIs of cRLDistributionPoints: where the list of revoked certificates can be had."""
    must_staple: bool = False
    """The TLS feature extension demands a stapled OCSP response (RFC 7633, status_request)."""
    critical_extensions: tuple[str, ...] = ()
    """RFC 5280 names, or dotted OIDs, of the extensions that are marked critical, in order."""
    certificate_policies: tuple[str, ...] = ()
    """Dotted OIDs of certificatePolicies; empty when the extension is absent."""
    explicit_policy_after: int | None = None
    """policyConstraints requireExplicitPolicy: how many certificates further down policies begin to be demanded; None
    if they are not."""
    maps_policies: bool = False
    """policyMappings is there: a policy may go by another name further down."""
    embedded_scts: int = 0
    """Signed certificate timestamps within the certificate (RFC 6962 3.3)."""
    is_self_issued: bool | None
    """Subject and issuer are the same Name, byte for byte."""
    spki_sha256: str | None = None
    """SHA-256 of the SubjectPublicKeyInfo (what RFC 7469 2.4 pins), 64 lower-case hex digits; None if unreadable."""
    unreadable: tuple[str, ...] = ()
    """Names of the fields that could not be decoded, in certificate order."""

    @property
    def is_illegible(self) -> bool:
        """Not even the frame of the certificate can be decoded: nothing is known of it."""
        return "certificate" in self.unreadable

    @property
    def names(self) -> tuple[str, ...]:
        """Every subjectAltName, prefixed with its kind: `DNS:a.example`, `IP:192.0.2.1`."""
        return (
            *(f"DNS:{name}" for name in self.dns_names),
            *(f"IP:{address}" for address in self.ip_addresses),
            *self.other_names,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpFacts:
    """From the kernel's TCP_INFO."""

    rtt_s: float | None
    """Of the SYN, read before any data; None where the platform does not say."""
    retransmitted_segments: int | None
    """Over the whole connection, read at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFacts:
    """The handshake, as far as it came."""

    version: str | None
    """`TLSv1.3`, `TLSv1.2`, ...; None if the handshake ended before one was chosen. Likewise the next two."""
    cipher: str | None
    group: str | None
    """Key-exchange group, e.g. `X25519MLKEM768`; None as well for a key exchange without one."""
    alpn: str | None
    certificates: tuple[CertificateFacts, ...]
    """As served, in that order; empty if none arrived."""
    is_complete: bool
    """Both sides finished. False where our client certificate was held back from an unaccepted broker."""
    ocsp_response: bytes | None = field(repr=False)
    """The stapled response, DER; None if none was stapled."""
    client_certificate_requested: bool | None
    client_certificate_sent: bool
    accepted_cas: tuple[str, ...]
    """Distinguished names of the CertificateRequest; empty if none were named."""
    alert: str | None
    """Name of the alert that the peer sent (RFC 8446 6, RFC 5246 7.2), whenever it came."""
    certificates_left_out: int = 0
    """How many more were served behind `certificates`, and not read: hundreds fit into a handshake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttFacts:
    """What the broker said in MQTT, packet by packet; None for what it never said."""

    session_present: bool | None = None
    connack_code: int | None = None
    connack_properties: tuple[tuple[str, str], ...] = ()
    """MQTT 5: name and value as text, in the order sent."""
    suback_code: int | None = None
    """Granted QoS, or a failure code from 0x80 on."""
    puback_code: int | None = None
    """PUBACK's or PUBREC's reason code; 0 where the version has none."""
    disconnect_code: int | None = None
    """MQTT 5: the broker's own DISCONNECT."""
    reason_string: str | None = None
    """MQTT 5: the last Reason String the broker sent, shortened to 256 characters."""
    foreign_messages: int = 0
    """Messages that arrived and were not ours."""
    foreign_on_topic: int = 0
    """Of those, on a topic that the subscription is about: brokers can send others unasked."""
    has_own_message: bool = False
    """Our own message came back."""
    duplicates: int = 0
    """Further copies of our own message."""
