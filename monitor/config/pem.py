"""PEM (RFC 7468): text blocks in any surroundings, and the DER certificates in them."""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field

_CERTIFICATE = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
_BEGIN, _END, _DASHES = b"-----BEGIN ", b"-----END ", b"-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block, from its BEGIN line to its END line."""

    label: str
    line: int
    """1-based line of BEGIN."""
    text: bytes = field(repr=False)

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
    found: list[Block] = []
    label: bytes | None = None
    begun, lines = 0, list[bytes]()
    for number, raw in enumerate(data.splitlines(), start=1):
        line = raw.strip()
        if line.startswith(_BEGIN) and line.endswith(_DASHES):
            label, begun, lines = line[len(_BEGIN) : -len(_DASHES)], number, []
        if label is not None:
            lines.append(line)
            if line == _END + label + _DASHES:
                text = b"\n".join(lines) + b"\n"
                found.append(Block(label=label.decode("ascii", "replace"), line=begun, text=text))
                label = None
    return tuple(found)


def certificates(data: bytes) -> tuple[bytes, ...]:
    """Return the DER of every certificate, in file order; never empty.

    Raises:
        ValueError: what was found instead, as the end of a sentence.
    """
    everything = blocks(data)
    found: list[bytes] = []
    for block in everything:
        if block.is_certificate:
            der = _der(block)
            if der is None:
                raise ValueError(f"a damaged one (certificate {len(found) + 1}, on line {block.line} of that file)")
            found.append(der)
    if found:
        return tuple(found)
    if data.startswith(b"\x30\x82"):
        raise ValueError("DER; convert it with: openssl x509 -inform der")
    if everything:
        raise ValueError("only " + ", ".join(dict.fromkeys(block.label for block in everything)))
    raise ValueError("no PEM block" if data.strip() else "an empty file")


def readable_certificates(data: bytes) -> tuple[bytes, ...]:
    """Return the DER of every certificate that is whole, skipping the rest: for stores that others maintain."""
    return tuple(der for block in blocks(data) if block.is_certificate and (der := _der(block)) is not None)


def _der(block: Block) -> bytes | None:
    """Return the block's bytes if they are one DER SEQUENCE, whole and alone (X.690 8.1)."""
    try:
        der = binascii.a2b_base64(b"".join(block.text.splitlines()[1:-1]), strict_mode=True)
    except binascii.Error:
        return None
    if len(der) < 2 or der[0] != 0x30:
        return None
    if der[1] < 0x80:
        header, length = 2, der[1]
    else:
        header = 2 + (der[1] & 0x7F)
        length = int.from_bytes(der[2:header])
    return der if len(der) == header + length else None
