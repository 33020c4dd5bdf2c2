"""PEM (RFC 7468): text blocks in any surroundings, and the DER certificates and revocation lists in them."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_CERTIFICATE = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
_REVOCATION_LIST = "X509 CRL"
_BEGIN, _END, _DASHES = b"-----BEGIN ", b"-----END ", b"-----"
_DIGITS = re.compile(rb"[A-Za-z0-9+/]*")  # of base64


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block, from its BEGIN line to its END line."""

    label: str
    line: int
    """1-based line of BEGIN."""
    text: bytes = field(repr=False)
    is_whole: bool = True
    """Its END line was found, before another block began."""

    @property
    def is_certificate(self) -> bool:
        """The block holds an X.509 certificate."""
        return self.label in _CERTIFICATE

    @property
    def is_private_key(self) -> bool:
        """The block holds a private key, encrypted or not."""
        return self.label.endswith("PRIVATE KEY")


def blocks(data: bytes) -> tuple[Block, ...]:
    """Return every complete block, in file order; text around them is skipped."""
    return tuple(block for block in _scanned(data) if block.is_whole)


def certificates(data: bytes) -> tuple[bytes, ...]:
    """Return the DER of every certificate, in file order; never empty.

    Raises:
        ValueError: what was found instead, as the end of a sentence.
    """
    found: list[bytes] = []
    for block in blocks(data):
        if block.is_certificate:
            der = _der(block)
            if der is None:
                raise ValueError(f"a damaged one (certificate {len(found) + 1}, on line {block.line} of that file)")
            found.append(der)
    if found:
        return tuple(found)
    if data.startswith(b"\x30\x82"):
        raise ValueError("DER; convert it with: openssl x509 -inform der")
    raise ValueError(found_instead(data))


def revocation_lists(data: bytes) -> tuple[bytes, ...]:
    """Return the DER of every revocation list, in file order; never empty. The file may also be one in DER.

    Raises:
        ValueError: what was found instead, as the end of a sentence.
    """
    if data.startswith(b"\x30"):
        if not is_whole(data):
            raise ValueError("a damaged one")
        return (data,)
    found: list[bytes] = []
    for block in _scanned(data):
        if block.label == _REVOCATION_LIST:
            der = _der(block) if block.is_whole else None
            if der is None:
                raise ValueError(f"a damaged one (on line {block.line} of that file)")
            found.append(der)
    if not found:
        raise ValueError(found_instead(data))
    return tuple(found)


def found_instead(data: bytes) -> str:
    """Say what is in a file that lacks the kind of block that was looked for, as the end of a sentence."""
    labels = ", ".join(dict.fromkeys(block.label for block in blocks(data)))
    if labels:
        return f"only {labels}"
    return "no PEM block" if data.strip() else "an empty file"


def certificates_as_written(data: bytes) -> tuple[tuple[bytes, bool], ...]:
    """Return what is in the certificates' blocks, in file order, and whether the block is sound.

    Of one that is cut off or holds something else than base64 it is what stands before the damage: to be read field
    by field, not to be relied on.
    """
    return tuple(_as_written(block) for block in _scanned(data) if block.is_certificate)


def readable_certificates(data: bytes) -> tuple[bytes, ...]:
    """Return the DER of every certificate that is whole, skipping the rest: for stores that others maintain."""
    return tuple(der for block in blocks(data) if block.is_certificate and (der := _der(block)) is not None)


def _scanned(data: bytes) -> Iterator[Block]:
    """Yield every block; one whose END line is missing reaches to the next one, or to the end."""
    label: bytes | None = None
    begun, lines = 0, list[bytes]()
    for number, raw in enumerate(data.splitlines(), start=1):
        line = raw.strip()
        if line.startswith(_BEGIN) and line.endswith(_DASHES):
            if label is not None:
                yield _block(label, begun, lines, is_whole=False)
            label, begun, lines = line[len(_BEGIN) : -len(_DASHES)], number, []
        if label is not None:
            lines.append(line)
            if line == _END + label + _DASHES:
                yield _block(label, begun, lines, is_whole=True)
                label = None
    if label is not None:
        yield _block(label, begun, lines, is_whole=False)


def _block(label: bytes, begun: int, lines: list[bytes], *, is_whole: bool) -> Block:
    text = b"\n".join(lines) + b"\n"
    return Block(label=label.decode("ascii", "replace"), line=begun, text=text, is_whole=is_whole)


def _as_written(block: Block) -> tuple[bytes, bool]:
    if block.is_whole and (decoded := _decoded(block)) is not None:
        return decoded, True
    match = _DIGITS.match(b"".join(block.text.splitlines()[1:]))
    digits = match[0] if match else b""
    # Four digits make three bytes: what is left of a group is let go.
    return binascii.a2b_base64(digits[: len(digits) // 4 * 4]), False


def _decoded(block: Block) -> bytes | None:
    try:
        return binascii.a2b_base64(b"".join(block.text.splitlines()[1:-1]), strict_mode=True)
    except binascii.Error:
        return None


def _der(block: Block) -> bytes | None:
    der = _decoded(block)
    return der if der is not None and is_whole(der) else None


def is_whole(der: bytes) -> bool:
    """Say whether the bytes are one DER SEQUENCE, whole and alone (X.690 8.1)."""
    if len(der) < 2 or der[0] != 0x30:
        return False
    if der[1] < 0x80:
        header, length = 2, der[1]
    else:
        header = 2 + (der[1] & 0x7F)
        length = int.from_bytes(der[2:header])
    return len(der) == header + length
