"""Distinguished names: from DER to RFC 4514 text."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from monitor.x509 import der
from monitor.x509.der import DerError, Element

# RFC 4514 3 and the registered descriptors of RFC 4519, RFC 5280 A.1 and the CA/Browser Forum's EV guidelines.
ATTRIBUTES: Final = MappingProxyType(
    {
        "2.5.4.3": "CN",
        "2.5.4.4": "SN",
        "2.5.4.5": "serialNumber",
        "2.5.4.6": "C",
        "2.5.4.7": "L",
        "2.5.4.8": "ST",
        "2.5.4.9": "STREET",
        "2.5.4.10": "O",
        "2.5.4.11": "OU",
        "2.5.4.12": "title",
        "2.5.4.15": "businessCategory",
        "2.5.4.17": "postalCode",
        "2.5.4.41": "name",
        "2.5.4.42": "GN",
        "2.5.4.43": "initials",
        "2.5.4.44": "generationQualifier",
        "2.5.4.46": "dnQualifier",
        "2.5.4.65": "pseudonym",
        "2.5.4.97": "organizationIdentifier",
        "0.9.2342.19200300.100.1.1": "UID",
        "0.9.2342.19200300.100.1.25": "DC",
        "1.2.840.113549.1.9.1": "emailAddress",
        "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
        "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
        "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
    }
)
_COMMON_NAME: Final = "2.5.4.3"
_MAX_ATTRIBUTES: Final = 128
# RFC 5280 A.1 bounds the longest common attribute at 128 characters (32,768 for a name).
_MAX_VALUE_CHARACTERS: Final = 1_024
_SPECIAL: Final = frozenset('"+,;<>\\')


@dataclass(frozen=True, slots=True, kw_only=True)
class DistinguishedName:
    """A Name in words."""

    text: str
    """RFC 4514, most specific part first; empty for an empty name."""
    common_name: str | None
    """The last commonName, unescaped but for control characters."""
    is_whole: bool
    """False where a value could not be decoded and stands as `#` and hex digits, or was too long."""


def distinguished_name(encoded: bytes) -> DistinguishedName:
    """Read an encoded Name.

    Raises:
        DerError: its structure is broken.
    """
    parts: list[str] = []
    common_name: str | None = None
    is_whole = True
    for relative in der.elements(der.only(encoded, der.SEQUENCE).body, at_most=_MAX_ATTRIBUTES):
        pairs: list[str] = []
        for attribute in der.elements(der.expect(relative, der.SET).body, at_most=_MAX_ATTRIBUTES):
            kind, value, found_whole = _attribute(attribute)
            is_whole = is_whole and found_whole
            if kind == _COMMON_NAME and value is not None:
                common_name = printable(value)
            pairs.append(f"{ATTRIBUTES.get(kind, kind)}={_value(kind, value, attribute)}")
        if not pairs:
            raise DerError("a relative name without attributes")
        parts.append("+".join(pairs))
    return DistinguishedName(text=",".join(reversed(parts)), common_name=common_name, is_whole=is_whole)


def printable(value: str) -> str:
    r"""Replace characters that steer a terminal or cannot be seen by RFC 4514's `\XX` of their UTF-8 octets."""
    if value.isprintable():
        return value
    return "".join(character if character.isprintable() else _octets(character) for character in value)


def _attribute(attribute: Element) -> tuple[str, str | None, bool]:
    # The OID, the text (None where it cannot be decoded), and whether nothing was lost.
    kind_element, value_element = _pair(attribute)
    kind = der.object_identifier(kind_element)
    try:
        value = der.text(value_element)
    except DerError:
        return kind, None, False
    return kind, value[:_MAX_VALUE_CHARACTERS], len(value) <= _MAX_VALUE_CHARACTERS


def _value(kind: str, value: str | None, attribute: Element) -> str:
    # RFC 4514 2.4: values of unknown types, and those that are no string, stand as # and hex digits.
    if value is None or kind not in ATTRIBUTES:
        return "#" + _pair(attribute)[1].encoded[:_MAX_VALUE_CHARACTERS].hex()
    escaped = "".join(f"\\{character}" if character in _SPECIAL else character for character in value)
    if value.startswith(("#", " ")):
        escaped = "\\" + escaped
    if value.endswith(" ") and len(value) > 1:
        escaped = escaped[:-1] + "\\ "
    return printable(escaped)


def _pair(attribute: Element) -> tuple[Element, Element]:
    pair = tuple(der.elements(der.expect(attribute, der.SEQUENCE).body, at_most=2))
    if len(pair) != 2:
        raise DerError("an attribute without a value")
    return pair[0], pair[1]


def _octets(character: str) -> str:
    return "".join(f"\\{octet:02X}" for octet in character.encode("utf-8", "surrogatepass"))
