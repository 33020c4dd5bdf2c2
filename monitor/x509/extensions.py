"""The certificate extensions that this monitor reads (RFC 5280 4.2), each guarded on its own."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeVar

from monitor.x509 import der
from monitor.x509.der import DerError, Element
from monitor.x509.distinguished import distinguished_name, printable

MAX_SUBJECT_ALT_NAMES: Final = 1_000
_MAX_EXTENSIONS: Final = 256
_MAX_USAGES: Final = 64
_MAX_ACCESS_DESCRIPTIONS: Final = 16
_MAX_POLICIES: Final = 64
_MAX_SKIP_OCTETS: Final = 4
_MAX_DISTRIBUTION_POINTS: Final = 16
_MAX_FEATURES: Final = 16
_MAX_NAME_CHARACTERS: Final = 1_024

SUBJECT_KEY_IDENTIFIER: Final = "subjectKeyIdentifier"
KEY_USAGE: Final = "keyUsage"
SUBJECT_ALT_NAME: Final = "subjectAltName"
BASIC_CONSTRAINTS: Final = "basicConstraints"
EXTENDED_KEY_USAGE: Final = "extKeyUsage"
AUTHORITY_KEY_IDENTIFIER: Final = "authorityKeyIdentifier"
AUTHORITY_INFORMATION_ACCESS: Final = "authorityInfoAccess"
CERTIFICATE_POLICIES: Final = "certificatePolicies"
POLICY_CONSTRAINTS: Final = "policyConstraints"
POLICY_MAPPINGS: Final = "policyMappings"
SIGNED_CERTIFICATE_TIMESTAMPS: Final = "signedCertificateTimestamps"
CRL_DISTRIBUTION_POINTS: Final = "cRLDistributionPoints"
TLS_FEATURE: Final = "TLS feature"
EXTENSIONS: Final = "extensions"

NAMES: Final = MappingProxyType(
    {
        "2.5.29.14": SUBJECT_KEY_IDENTIFIER,
        "2.5.29.15": KEY_USAGE,
        "2.5.29.17": SUBJECT_ALT_NAME,
        "2.5.29.19": BASIC_CONSTRAINTS,
        "2.5.29.30": "nameConstraints",
        "2.5.29.31": CRL_DISTRIBUTION_POINTS,
        "2.5.29.32": CERTIFICATE_POLICIES,
        "2.5.29.33": POLICY_MAPPINGS,
        "2.5.29.35": AUTHORITY_KEY_IDENTIFIER,
        "2.5.29.36": POLICY_CONSTRAINTS,
        "2.5.29.37": EXTENDED_KEY_USAGE,
        "2.5.29.54": "inhibitAnyPolicy",
        "1.3.6.1.4.1.11129.2.4.2": SIGNED_CERTIFICATE_TIMESTAMPS,
        "1.3.6.1.5.5.7.1.1": AUTHORITY_INFORMATION_ACCESS,
        "1.3.6.1.5.5.7.1.24": TLS_FEATURE,
    }
)
# RFC 5280 4.2.1.3, from bit 0 on.
_KEY_USAGES: Final = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
# RFC 5280 4.2.1.12.
_EXTENDED_KEY_USAGES: Final = MappingProxyType(
    {
        "2.5.29.37.0": "anyExtendedKeyUsage",
        "1.3.6.1.5.5.7.3.1": "serverAuth",
        "1.3.6.1.5.5.7.3.2": "clientAuth",
        "1.3.6.1.5.5.7.3.3": "codeSigning",
        "1.3.6.1.5.5.7.3.4": "emailProtection",
        "1.3.6.1.5.5.7.3.8": "timeStamping",
        "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    }
)
_CA_ISSUERS: Final = "1.3.6.1.5.5.7.48.2"
_OCSP: Final = "1.3.6.1.5.5.7.48.1"
# RFC 7633 4.2.3.1 by RFC 6066 8 and RFC 6961 2.2: status_request, and status_request_v2.
_STATUS_REQUESTS: Final = frozenset({5, 17})

_T = TypeVar("_T")
_A = TypeVar("_A")


class Lost:
    """Collects the names of fields that could not be read, in the order in which they were tried."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def add(self, name: str) -> None:
        """Note that this field, or a part of it, was not readable."""
        self._names[name] = None

    def read(self, name: str, reader: Callable[[_A], _T], source: _A | None) -> _T | None:
        """Return what the reader makes of the source; None, with the name noted, if it fails or there is none."""
        if source is not None:
            try:
                return reader(source)
            except DerError:
                pass
        self.add(name)
        return None

    @property
    def names(self) -> tuple[str, ...]:
        """The names noted so far, each once."""
        return tuple(self._names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """What the known extensions say; an absent or unreadable one leaves its default."""

    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    is_ca: bool | None = None
    path_length: int | None = None
    key_usage: tuple[str, ...] | None = None
    extended_key_usage: tuple[str, ...] | None = None
    subject_key_id: str | None = None
    authority_key_id: str | None = None
    ca_issuers: tuple[str, ...] = ()
    ocsp_responders: tuple[str, ...] = ()
    crl_uris: tuple[str, ...] = ()
    must_staple: bool = False
    critical: tuple[str, ...] = ()
    certificate_policies: tuple[str, ...] = ()
    explicit_policy_after: int | None = None
    maps_policies: bool = False
    embedded_scts: int = 0


@dataclass(slots=True)
class _Names:
    dns: list[str] = field(default_factory=list)
    ip: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)


def extensions(wrapper: Element, lost: Lost) -> Extensions:
    """Read the `[3]` of a TBSCertificate. Never raises: what cannot be read is noted in `lost`.

    An extension that comes twice (RFC 5280 4.2 forbids it) counts as unreadable: which of the two another reader
    would believe cannot be known.
    """
    values, critical = _values(wrapper, lost)
    names = _known(lost, SUBJECT_ALT_NAME, values, lambda value: _subject_alt_name(value, lost)) or _Names()
    is_ca, path_length = _known(lost, BASIC_CONSTRAINTS, values, _basic_constraints) or (None, None)
    access = _known(lost, AUTHORITY_INFORMATION_ACCESS, values, _information_access) or {}
    return Extensions(
        dns_names=tuple(names.dns),
        ip_addresses=tuple(names.ip),
        other_names=tuple(names.other),
        is_ca=is_ca,
        path_length=path_length,
        key_usage=_known(lost, KEY_USAGE, values, _key_usage),
        extended_key_usage=_known(lost, EXTENDED_KEY_USAGE, values, _extended_key_usage),
        subject_key_id=_known(lost, SUBJECT_KEY_IDENTIFIER, values, _subject_key_identifier),
        authority_key_id=_known(lost, AUTHORITY_KEY_IDENTIFIER, values, _authority_key_identifier),
        ca_issuers=tuple(access.get(_CA_ISSUERS, ())),
        ocsp_responders=tuple(access.get(_OCSP, ())),
        crl_uris=_known(lost, CRL_DISTRIBUTION_POINTS, values, _crl_uris) or (),
        must_staple=bool(_known(lost, TLS_FEATURE, values, _demands_staple)),
        critical=critical,
        certificate_policies=_known(lost, CERTIFICATE_POLICIES, values, _certificate_policies) or (),
        explicit_policy_after=_known(lost, POLICY_CONSTRAINTS, values, _explicit_policy_after),
        maps_policies=POLICY_MAPPINGS in values,
        embedded_scts=_known(lost, SIGNED_CERTIFICATE_TIMESTAMPS, values, _signed_certificate_timestamps) or 0,
    )


def _known(lost: Lost, name: str, values: dict[str, bytes], reader: Callable[[bytes], _T]) -> _T | None:
    """Return what the extension says; None if there is none, or, with its name noted, if it is unreadable."""
    return lost.read(name, reader, values[name]) if name in values else None


def _values(wrapper: Element, lost: Lost) -> tuple[dict[str, bytes], tuple[str, ...]]:
    # The DER of each known extension that comes exactly once and whole; and the names of all that are critical.
    values: dict[str, bytes] = {}
    critical: list[str] = []
    seen: set[str] = set()
    try:
        for entry in der.elements(der.only(wrapper.body, der.SEQUENCE).body, at_most=_MAX_EXTENSIONS):
            kind, parts = _extension(entry)
            name = NAMES.get(kind, kind)
            if name in seen:
                lost.add(name)
                values.pop(name, None)
                continue
            seen.add(name)
            read = lost.read(name, _criticality_and_value, parts)
            if read is None:
                continue
            is_critical, value = read
            if is_critical:
                critical.append(name)
            if name in NAMES.values():
                values[name] = value
    except DerError:
        lost.add(EXTENSIONS)
    return values, tuple(critical)


def _extension(entry: Element) -> tuple[str, tuple[Element, ...]]:
    parts = tuple(der.elements(der.expect(entry, der.SEQUENCE).body, at_most=3))
    if not parts:
        raise DerError("an Extension without an OBJECT IDENTIFIER")
    return der.object_identifier(parts[0]), parts


def _criticality_and_value(parts: tuple[Element, ...]) -> tuple[bool, bytes]:
    is_critical = der.boolean(parts[1]) if len(parts) == 3 else False
    return is_critical, der.expect(parts[-1], der.OCTET_STRING).body


def _subject_alt_name(value: bytes, lost: Lost) -> _Names:
    names = _Names()
    entries = 0
    try:
        for entry in der.elements(der.only(value, der.SEQUENCE).body, at_most=MAX_SUBJECT_ALT_NAMES + 1):
            entries += 1
            if entries > MAX_SUBJECT_ALT_NAMES:
                lost.add(f"{SUBJECT_ALT_NAME} (only the first {MAX_SUBJECT_ALT_NAMES} entries were read)")
                break
            try:
                _general_name(entry, names)
            except DerError:
                lost.add(SUBJECT_ALT_NAME)
    except DerError:
        lost.add(SUBJECT_ALT_NAME)
    if not entries:
        # RFC 5280 4.2.1.6: at least one entry.
        lost.add(SUBJECT_ALT_NAME)
    return names


def _general_name(entry: Element, names: _Names) -> None:
    # RFC 5280 4.2.1.6: GeneralName, by its context tag.
    match entry.tag:
        case 0x82:
            names.dns.append(_ia5(entry))
        case 0x87:
            try:
                names.ip.append(str(ipaddress.ip_address(entry.body)))
            except ValueError as error:
                raise DerError(f"an iPAddress of {len(entry.body)} octets") from error
        case 0x81:
            names.other.append(f"email:{_ia5(entry)}")
        case 0x86:
            names.other.append(f"URI:{_ia5(entry)}")
        case 0xA4:
            names.other.append(f"dirName:{distinguished_name(entry.body).text[:_MAX_NAME_CHARACTERS]}")
        case 0xA0:
            kind = next(der.elements(entry.body, at_most=2), None)
            names.other.append(f"other:{'?' if kind is None else der.object_identifier(kind)}")
        case _:
            names.other.append(f"other:[{entry.tag & 0x1F}]")


def _ia5(entry: Element) -> str:
    # Characters that no host name, address or URI may hold are shown as RFC 4514's \XX, so they match nothing.
    if not entry.body or len(entry.body) > _MAX_NAME_CHARACTERS or not entry.body.isascii():
        raise DerError("not an IA5String of a usable length")
    return printable(entry.body.decode("ascii"))


def _basic_constraints(value: bytes) -> tuple[bool, int | None]:
    parts = list(der.elements(der.only(value, der.SEQUENCE).body, at_most=2))
    is_ca = der.boolean(parts.pop(0)) if parts and parts[0].tag == der.BOOLEAN else False
    path_length = der.integer(parts.pop(0)) if parts else None
    # A length beyond what any chain can have is no length: RFC 5280 4.2.1.9 says 0..MAX.
    if parts or (path_length is not None and not 0 <= path_length < 1 << 31):
        raise DerError("basicConstraints that say something else")
    return is_ca, path_length


def _key_usage(value: bytes) -> tuple[str, ...]:
    octets, _ = der.bit_string(der.only(value, der.BIT_STRING))
    return tuple(
        usage for bit, usage in enumerate(_KEY_USAGES) if bit // 8 < len(octets) and octets[bit // 8] & 0x80 >> bit % 8
    )


def _extended_key_usage(value: bytes) -> tuple[str, ...]:
    kinds = [
        der.object_identifier(entry) for entry in der.elements(der.only(value, der.SEQUENCE).body, at_most=_MAX_USAGES)
    ]
    if not kinds:
        raise DerError("an extKeyUsage without a usage")
    return tuple(_EXTENDED_KEY_USAGES.get(kind, kind) for kind in kinds)


def _subject_key_identifier(value: bytes) -> str:
    return _key_identifier(der.only(value, der.OCTET_STRING))


def _authority_key_identifier(value: bytes) -> str | None:
    for entry in der.elements(der.only(value, der.SEQUENCE).body, at_most=3):
        if entry.tag == der.context(0):
            return _key_identifier(entry)
    return None


def _key_identifier(found: Element) -> str:
    # Usually 20 octets; RFC 5280 sets no bound, so this one is ours.
    if not 1 <= len(found.body) <= 128:
        raise DerError(f"a key identifier of {len(found.body)} octets")
    return found.body.hex()


def _information_access(value: bytes) -> dict[str, list[str]]:
    # URIs by what is to be had there.
    locations: dict[str, list[str]] = {}
    for entry in der.elements(der.only(value, der.SEQUENCE).body, at_most=_MAX_ACCESS_DESCRIPTIONS):
        method, location = _access_description(entry)
        if method in {_CA_ISSUERS, _OCSP} and location.tag == der.context(6):
            locations.setdefault(method, []).append(_ia5(location))
    return locations


def _access_description(entry: Element) -> tuple[str, Element]:
    parts = tuple(der.elements(der.expect(entry, der.SEQUENCE).body, at_most=2))
    if len(parts) != 2:
        raise DerError("an AccessDescription without a location")
    return der.object_identifier(parts[0]), parts[1]


def _crl_uris(value: bytes) -> tuple[str, ...]:
    # RFC 5280 4.2.1.13: of each point, its name [0], if that is a list [0] of names.
    uris: list[str] = []
    for point in der.elements(der.only(value, der.SEQUENCE).body, at_most=_MAX_DISTRIBUTION_POINTS):
        for part in der.elements(der.expect(point, der.SEQUENCE).body, at_most=3):
            if part.tag == der.context(0, constructed=True):
                uris += _full_name_uris(part)
    return tuple(uris)


def _full_name_uris(point_name: Element) -> list[str]:
    found = next(der.elements(point_name.body, at_most=1), None)
    if found is None or found.tag != der.context(0, constructed=True):
        return []
    names = der.elements(found.body, at_most=_MAX_ACCESS_DESCRIPTIONS)
    return [_ia5(name) for name in names if name.tag == der.context(6)]


def _demands_staple(value: bytes) -> bool:
    features = der.elements(der.only(value, der.SEQUENCE).body, at_most=_MAX_FEATURES)
    return not _STATUS_REQUESTS.isdisjoint([der.integer(feature) for feature in features])


def _certificate_policies(value: bytes) -> tuple[str, ...]:
    policies: list[str] = []
    for entry in der.elements(der.only(value, der.SEQUENCE).body, at_most=_MAX_POLICIES):
        # RFC 5280 4.2.1.4: the policy, and qualifiers that are not for us.
        parts = tuple(der.elements(der.expect(entry, der.SEQUENCE).body, at_most=2))
        if not parts:
            raise DerError("a PolicyInformation without a policy")
        policies.append(der.object_identifier(parts[0]))
    return tuple(policies)


def _explicit_policy_after(value: bytes) -> int | None:
    # RFC 5280 4.2.1.11: requireExplicitPolicy [0] and inhibitPolicyMapping [1], each an implicit INTEGER.
    for part in der.elements(der.only(value, der.SEQUENCE).body, at_most=2):
        if part.tag == der.context(0):
            if not 0 < len(part.body) <= _MAX_SKIP_OCTETS or part.body[0] & 0x80:
                raise DerError("a requireExplicitPolicy that is no count")
            return int.from_bytes(part.body, "big")
    return None


def _signed_certificate_timestamps(value: bytes) -> int:
    # RFC 6962 3.3: within the OCTET STRING TLS's own encoding, a list of opaque entries, each with its length.
    listed = der.only(value, der.OCTET_STRING).body
    if len(listed) < 2 or int.from_bytes(listed[:2], "big") != len(listed) - 2:
        raise DerError("a list of timestamps whose length is another")
    count, offset = 0, 2
    while offset < len(listed):
        offset += 2 + int.from_bytes(listed[offset : offset + 2], "big")
        count += 1
    if offset != len(listed):
        raise DerError("a timestamp that is cut off")
    return count
