"""How an OCSP response is signed where that is RSASSA-PSS (RFC 4055 3.1), which cryptography does not tell of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from monitor.x509 import der

RSASSA_PSS: Final = "1.2.840.113549.1.1.10"
_MGF1: Final = "1.2.840.113549.1.1.8"
_DIGESTS: Final[Mapping[str, Callable[[], hashes.HashAlgorithm]]] = {
    "1.3.14.3.2.26": hashes.SHA1,
    "2.16.840.1.101.3.4.2.1": hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
    "2.16.840.1.101.3.4.2.4": hashes.SHA224,
}
# Digest, mask generation, salt length, trailer.
_HASH, _MASK, _SALT, _TRAILER = (der.context(number, constructed=True) for number in range(4))
_DEFAULT_SALT_OCTETS: Final = 20
_MAX_SALT_OCTETS: Final = 1_024
_DEFAULT_TRAILER: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pss:
    """What such a signature is verified with."""

    digest: hashes.HashAlgorithm
    padding: padding.PSS


def response_pss(encoded: bytes) -> Pss | None:
    """Return the parameters of a successful response's signature (RFC 6960 4.2.1); None for what is not known here.

    Raises:
        DerError: if it is no such response.
    """
    _, wrapped = der.elements(der.only(encoded, der.SEQUENCE).body, at_most=2)
    _, basic = der.elements(der.only(wrapped.body, der.SEQUENCE).body, at_most=2)
    body = der.only(der.expect(basic, der.OCTET_STRING).body, der.SEQUENCE).body
    _, algorithm = islice(der.elements(body, at_most=4), 2)
    name, parameters = _algorithm(algorithm)
    return _pss(parameters) if name == RSASSA_PSS and parameters is not None else None


def _pss(parameters: der.Element) -> Pss | None:
    fields = {each.tag: each.body for each in der.elements(der.expect(parameters, der.SEQUENCE).body, at_most=4)}
    digest: hashes.HashAlgorithm | None = hashes.SHA1()  # noqa: S303 - the standard's default
    mask_digest = digest
    if _HASH in fields:
        digest = _digest(der.only(fields[_HASH], der.SEQUENCE))
    if _MASK in fields:
        name, of = _algorithm(der.only(fields[_MASK], der.SEQUENCE))
        mask_digest = _digest(of) if name == _MGF1 and of is not None else None
    salt = der.integer(der.only(fields[_SALT], der.INTEGER)) if _SALT in fields else _DEFAULT_SALT_OCTETS
    trailer = der.integer(der.only(fields[_TRAILER], der.INTEGER)) if _TRAILER in fields else _DEFAULT_TRAILER
    if digest is None or mask_digest is None or not 0 <= salt <= _MAX_SALT_OCTETS or trailer != _DEFAULT_TRAILER:
        return None
    return Pss(digest=digest, padding=padding.PSS(padding.MGF1(mask_digest), salt))


def _digest(algorithm: der.Element) -> hashes.HashAlgorithm | None:
    name, _ = _algorithm(algorithm)
    return _DIGESTS[name]() if name in _DIGESTS else None


def _algorithm(found: der.Element) -> tuple[str, der.Element | None]:
    name, *parameters = der.elements(der.expect(found, der.SEQUENCE).body, at_most=2)
    return der.object_identifier(name), parameters[0] if parameters else None
