"""Certificates made to order: valid by default, one deviation per argument.

Made for the demo and for tests. No files: callers write what they need.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from monitor.x509.moments import whole_second

Digest = (
    hashes.SHA224
    | hashes.SHA256
    | hashes.SHA384
    | hashes.SHA512
    | hashes.SHA3_224
    | hashes.SHA3_256
    | hashes.SHA3_384
    | hashes.SHA3_512
)


class Default(Enum):
    """Marks an argument whose default depends on what the certificate is for."""

    BY_ROLE = "by role"


LOOPBACK_NAMES: Final = ("DNS:localhost", "IP:127.0.0.1", "IP:::1")
LEAF_LIFETIME: Final = timedelta(days=90)
CA_LIFETIME: Final = timedelta(days=3650)

# RFC 5280 4.2.1.3, and what cryptography calls the same bits.
_KEY_USAGES: Final = {
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
    "encipherOnly": "encipher_only",
    "decipherOnly": "decipher_only",
}
# RFC 5280 4.2.1.12.
_EXTENDED_KEY_USAGES: Final = {
    "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH,
    "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "codeSigning": ExtendedKeyUsageOID.CODE_SIGNING,
    "emailProtection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "timeStamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "OCSPSigning": ExtendedKeyUsageOID.OCSP_SIGNING,
    "anyExtendedKeyUsage": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate together with its private key."""

    der: bytes
    key_pem: bytes
    """PKCS#8, unencrypted."""
    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes

    @property
    def pem(self) -> bytes:
        """The certificate alone, as one PEM block with a final newline."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def issue(
    *,
    now: datetime,
    issuer: Issued | None = None,
    subject: str | Default = Default.BY_ROLE,
    names: Sequence[str] | Default | None = Default.BY_ROLE,
    is_ca: bool | None = False,
    path_length: int | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    key: CertificateIssuerPrivateKeyTypes | None = None,
    digest: Digest | None = None,
    key_usage: Sequence[str] | Default | None = Default.BY_ROLE,
    extended_key_usage: Sequence[str] | Default | None = Default.BY_ROLE,
    ca_issuers: str | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> Issued:
    """Issue a certificate that is valid for its role but for what the arguments say.

    Args:
        now: the moment from which the dates are counted; aware.
        issuer: who signs; None for a self-signed certificate.
        subject: the common name; an empty string for an empty name. Default: `broker.test`, and for a CA a name
            that tells a root from an intermediate.
        names: subjectAltName, each `DNS:`, `IP:`, `URI:` or `email:` and the value; None for no extension.
            Default: the loopback names, and none for a CA.
        is_ca: cA of basicConstraints; None for no extension.
        path_length: pathLenConstraint; only for a CA.
        not_before: default one day before `now`.
        not_after: default 90 days after `now`, 10 years for a CA.
        key: default a fresh P-256 key.
        digest: of the signature, default SHA-256; ignored when the issuer's key is Ed25519 or Ed448.
        key_usage: RFC 5280's names of the bits, always critical; None for no extension. Default: digitalSignature
            (and keyEncipherment with RSA), for a CA keyCertSign and cRLSign.
        extended_key_usage: RFC 5280's names or dotted OIDs; None for no extension. Default: serverAuth, and none
            for a CA.
        ca_issuers: URI of the issuer's certificate, for authorityInfoAccess.
        extensions: further ones, each with its criticality; one of a kind made here replaces it.

    Raises:
        ValueError: cryptography cannot encode what was asked for; KeyError: a usage has no such name.
    """
    own_key = ec.generate_private_key(ec.SECP256R1()) if key is None else key
    signing_key = own_key if issuer is None else issuer.key
    name = _name(_common_name(issuer, is_ca=bool(is_ca)) if isinstance(subject, Default) else subject)
    if isinstance(names, Default):
        names = None if is_ca else LOOPBACK_NAMES
    if isinstance(key_usage, Default):
        key_usage = _usual_key_usage(own_key, is_ca=bool(is_ca))
    if isinstance(extended_key_usage, Default):
        extended_key_usage = None if is_ca else ("serverAuth",)

    built: list[tuple[x509.ExtensionType, bool]] = [
        (x509.SubjectKeyIdentifier.from_public_key(own_key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), False),
    ]
    if is_ca is not None:
        built.append((x509.BasicConstraints(ca=is_ca, path_length=path_length), True))
    if key_usage is not None:
        built.append((_key_usage(key_usage), True))
    if extended_key_usage is not None:
        built.append((_extended_key_usage(extended_key_usage), False))
    if names is not None:
        # RFC 5280 4.2.1.6: critical where the subject is empty.
        built.append((x509.SubjectAlternativeName([_general_name(text) for text in names]), not list(name)))
    if ca_issuers is not None:
        built.append((_authority_information_access(ca_issuers), False))
    replaced = {extension.oid for extension, _ in extensions}

    builder = x509.CertificateBuilder(
        subject_name=name,
        issuer_name=name if issuer is None else issuer.certificate.subject,
        public_key=own_key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=whole_second(now - timedelta(days=1) if not_before is None else not_before),
        not_valid_after=whole_second(
            now + (CA_LIFETIME if is_ca else LEAF_LIFETIME) if not_after is None else not_after
        ),
    )
    for extension, is_critical in [entry for entry in built if entry[0].oid not in replaced] + list(extensions):
        builder = builder.add_extension(extension, is_critical)
    signs_without_digest = isinstance(signing_key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    certificate = builder.sign(signing_key, None if signs_without_digest else digest or hashes.SHA256())
    return Issued(
        der=certificate.public_bytes(serialization.Encoding.DER),
        key_pem=own_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        certificate=certificate,
        key=own_key,
    )


def _common_name(issuer: Issued | None, *, is_ca: bool) -> str:
    # Three different names, or a leaf would look self-issued.
    if not is_ca:
        return "broker.test"
    return "Test root CA" if issuer is None else "Test intermediate CA"


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])


def _general_name(text: str) -> x509.GeneralName:
    kind, _, value = text.partition(":")
    match kind:
        case "DNS":
            return x509.DNSName(value)
        case "IP":
            return x509.IPAddress(ipaddress.ip_address(value))
        case "URI":
            return x509.UniformResourceIdentifier(value)
        case "email":
            return x509.RFC822Name(value)
    raise ValueError(f"{text!r}: expected DNS:, IP:, URI: or email: and a value")


def _usual_key_usage(key: CertificateIssuerPrivateKeyTypes, *, is_ca: bool) -> Sequence[str]:
    if is_ca:
        return ("keyCertSign", "cRLSign")
    # RFC 5280 4.2.1.3: TLS 1.2's RSA key exchange enciphers with the certificate's key.
    return ("digitalSignature", "keyEncipherment") if isinstance(key, rsa.RSAPrivateKey) else ("digitalSignature",)


def _key_usage(usages: Sequence[str]) -> x509.KeyUsage:
    wanted = {_KEY_USAGES[usage] for usage in usages}
    return x509.KeyUsage(**{bit: bit in wanted for bit in _KEY_USAGES.values()})


def _extended_key_usage(usages: Sequence[str]) -> x509.ExtendedKeyUsage:
    return x509.ExtendedKeyUsage(
        [x509.ObjectIdentifier(usage) if "." in usage else _EXTENDED_KEY_USAGES[usage] for usage in usages]
    )


def _authority_information_access(ca_issuers: str) -> x509.AuthorityInformationAccess:
    location = x509.UniformResourceIdentifier(ca_issuers)
    return x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, location)])
