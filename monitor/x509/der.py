"""DER, as far as certificates need it (X.690): elements, and the primitive types.

Every function raises `DerError` and nothing else, whatever the bytes. Nothing recurses: callers open one level at a
time, so depth is theirs to bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
UTF8_STRING: Final = 0x0C
NUMERIC_STRING: Final = 0x12
PRINTABLE_STRING: Final = 0x13
TELETEX_STRING: Final = 0x14
IA5_STRING: Final = 0x16
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
VISIBLE_STRING: Final = 0x1A
UNIVERSAL_STRING: Final = 0x1C
BMP_STRING: Final = 0x1E
SEQUENCE: Final = 0x30
SET: Final = 0x31

# Four octets of length say 4 GiB; nothing that a certificate holds needs more.
_MAX_LENGTH_OCTETS: Final = 4
# The longest registered arcs are UUIDs (128 bits) below 2.25: 19 octets. The rest is room, and a bound.
_MAX_OID_OCTETS: Final = 64
_MAX_INTEGER_OCTETS: Final = 16_384


class DerError(ValueError):
    """The bytes are not what the certificate's syntax wants here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One tag, length and value."""

    tag: int
    """The identifier octet: class, constructed bit and number in one."""
    body: bytes = field(repr=False)
    encoded: bytes = field(repr=False)
    """Header and body, as they stood."""


def context(number: int, *, constructed: bool = False) -> int:
    """Return the identifier octet of the context-specific tag `[number]`."""
    return 0x80 | (0x20 if constructed else 0) | number


def element_at(data: bytes, offset: int) -> tuple[Element, int]:
    """Read the element that begins at `offset`; also return where the next one begins."""
    tag, start, end = _header(data, offset)
    if end > len(data):
        raise DerError(f"an element wants {end - start} octets where {len(data) - start} are left")
    return Element(tag=tag, body=data[start:end], encoded=data[offset:end]), end


def container(data: bytes, tag: int) -> tuple[bytes, bytes | None]:
    """Open the constructed element at the start of `data`, even if its end is cut off.

    Returns:
        What is there of its body, and what follows it; None in place of that where the element is cut off.
    """
    found, start, end = _header(data, 0)
    if found != tag:
        raise DerError(f"tag 0x{found:02x} where 0x{tag:02x} belongs")
    return data[start:end], data[end:] if end <= len(data) else None


def elements(body: bytes, *, at_most: int) -> Iterator[Element]:
    """Yield the elements that `body` is made of, in order; `DerError` at the first broken or superfluous one."""
    offset = 0
    for _ in range(at_most):
        if offset == len(body):
            return
        found, offset = element_at(body, offset)
        yield found
    if offset != len(body):
        raise DerError(f"more than {at_most} elements")


def only(data: bytes, tag: int) -> Element:
    """Read `data` as exactly one element of this tag."""
    found, end = element_at(data, 0)
    if end != len(data):
        raise DerError(f"{len(data) - end} octets too many")
    return expect(found, tag)


def expect(found: Element, tag: int) -> Element:
    """Return the element if its tag is this one."""
    if found.tag != tag:
        raise DerError(f"tag 0x{found.tag:02x} where 0x{tag:02x} belongs")
    return found


def integer(found: Element) -> int:
    """Decode an INTEGER, also one with superfluous leading octets (X.690 8.3)."""
    body = expect(found, INTEGER).body
    if not body or len(body) > _MAX_INTEGER_OCTETS:
        raise DerError(f"an INTEGER of {len(body)} octets")
    return int.from_bytes(body, "big", signed=True)


def boolean(found: Element) -> bool:
    """Decode a BOOLEAN; any non-zero octet is true, as BER has it (X.690 8.2.2)."""
    body = expect(found, BOOLEAN).body
    if len(body) != 1:
        raise DerError(f"a BOOLEAN of {len(body)} octets")
    return body != b"\x00"


def bit_string(found: Element) -> tuple[bytes, int]:
    """Decode a BIT STRING to its octets and the number of unused bits in the last one (X.690 8.6)."""
    body = expect(found, BIT_STRING).body
    if not body or body[0] > 7 or (body[0] and len(body) == 1):
        raise DerError("a BIT STRING without a valid count of unused bits")
    return body[1:], body[0]


def object_identifier(found: Element) -> str:
    """Decode an OBJECT IDENTIFIER to dotted decimals (X.690 8.19)."""
    body = expect(found, OBJECT_IDENTIFIER).body
    if not body or len(body) > _MAX_OID_OCTETS or body[-1] & 0x80:
        raise DerError(f"an OBJECT IDENTIFIER of {len(body)} octets that does not end")
    arcs: list[int] = []
    arc = 0
    for octet in body:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(number) for number in (first, arcs[0] - 40 * first, *arcs[1:]))


def time(found: Element) -> datetime:
    """Decode a Time as RFC 5280 4.1.2.5 wants it: seconds present, `Z` at the end; aware, UTC."""
    if found.tag == UTC_TIME:
        digits, width = found.body, 13
    elif found.tag == GENERALIZED_TIME:
        digits, width = found.body, 15
    else:
        raise DerError(f"tag 0x{found.tag:02x} where a time belongs")
    if len(digits) != width or digits[-1:] != b"Z" or not digits[:-1].isdigit():
        raise DerError("a time that is not written as RFC 5280 wants it")
    if found.tag == UTC_TIME:
        # RFC 5280 4.1.2.5.1: 50 to 99 are the 1900s.
        digits = (b"19" if digits[:2] >= b"50" else b"20") + digits
    month, day, hour, minute, second = (int(digits[place : place + 2]) for place in range(4, 14, 2))
    try:
        return datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise DerError(f"no such moment: {error}") from error


def text(found: Element) -> str:
    """Decode one of the ASN.1 character strings.

    The one-octet types are decoded as UTF-8, which holds ASCII whole: what issuers put into a PrintableString
    beyond its alphabet is readable all the same. TeletexString is read as Latin-1, as everybody means it.
    """
    codec = _CODECS.get(found.tag)
    if codec is None:
        raise DerError(f"tag 0x{found.tag:02x} where a character string belongs")
    try:
        return found.body.decode(codec)
    except UnicodeDecodeError as error:
        raise DerError(str(error)) from error


_CODECS: Final = {
    UTF8_STRING: "utf-8",
    NUMERIC_STRING: "utf-8",
    PRINTABLE_STRING: "utf-8",
    TELETEX_STRING: "latin-1",
    IA5_STRING: "utf-8",
    VISIBLE_STRING: "utf-8",
    UNIVERSAL_STRING: "utf-32-be",
    BMP_STRING: "utf-16-be",
}


def _header(data: bytes, offset: int) -> tuple[int, int, int]:
    # Tag, and where the body begins and ends; the end may lie behind the data.
    if offset + 2 > len(data):
        raise DerError("an element is cut off within its header")
    tag, first = data[offset], data[offset + 1]
    if tag & 0x1F == 0x1F:
        raise DerError("a tag number above 30")
    start = offset + 2
    if first < 0x80:
        return tag, start, start + first
    count = first & 0x7F
    # 0x80 is BER's indefinite length, which DER forbids (X.690 10.1).
    if not 1 <= count <= _MAX_LENGTH_OCTETS or start + count > len(data):
        raise DerError("a length that cannot be read")
    start += count
    return tag, start, start + int.from_bytes(data[start - count : start], "big")
