"""Public keys and algorithms: from SubjectPublicKeyInfo and AlgorithmIdentifier to facts."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from monitor.model.facts import KeyFacts
from monitor.x509 import der
from monitor.x509.der import DerError, Element

# RFC 3279, RFC 4055, RFC 5758, RFC 8410, RFC 9881; each by the name its document gives it.
SIGNATURES: Final = MappingProxyType(
    {
        "1.2.840.113549.1.1.2": "md2WithRSAEncryption",
        "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
        "1.3.14.3.2.29": "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.10": "RSASSA-PSS",
        "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
        "1.2.840.113549.1.1.14": "sha224WithRSAEncryption",
        "1.2.840.10040.4.3": "dsa-with-SHA1",
        "2.16.840.1.101.3.4.3.1": "dsa-with-SHA224",
        "2.16.840.1.101.3.4.3.2": "dsa-with-SHA256",
        "1.2.840.10045.4.1": "ecdsa-with-SHA1",
        "1.2.840.10045.4.3.1": "ecdsa-with-SHA224",
        "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
        "1.3.101.112": "Ed25519",
        "1.3.101.113": "Ed448",
        "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
        "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
        "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
    }
)
_RSA: Final = MappingProxyType({"1.2.840.113549.1.1.1": "RSA", "1.2.840.113549.1.1.10": "RSASSA-PSS"})
_EC: Final = "1.2.840.10045.2.1"
_DSA: Final = "1.2.840.10040.4.1"
_WITHOUT_PARAMETERS: Final = MappingProxyType(
    {
        "1.3.101.110": "X25519",
        "1.3.101.111": "X448",
        "1.3.101.112": "Ed25519",
        "1.3.101.113": "Ed448",
        "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
        "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
        "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
    }
)
# RFC 5480 2.1.1.1, RFC 5639, SEC 2.
CURVES: Final = MappingProxyType(
    {
        "1.2.840.10045.3.1.1": ("P-192", 192),
        "1.3.132.0.33": ("P-224", 224),
        "1.2.840.10045.3.1.7": ("P-256", 256),
        "1.3.132.0.34": ("P-384", 384),
        "1.3.132.0.35": ("P-521", 521),
        "1.3.132.0.10": ("secp256k1", 256),
        "1.3.36.3.3.2.8.1.1.7": ("brainpoolP256r1", 256),
        "1.3.36.3.3.2.8.1.1.11": ("brainpoolP384r1", 384),
        "1.3.36.3.3.2.8.1.1.13": ("brainpoolP512r1", 512),
    }
)
# Exponents in use are 3, 17 and 65537. A longer one is kept out: its decimal digits would fill pages.
_MAX_EXPONENT_BITS: Final = 64


def public_key(found: Element) -> KeyFacts:
    """Read a SubjectPublicKeyInfo (RFC 5280 4.1.2.7).

    Raises:
        DerError: its structure, or that of a key whose kind is known, is broken.
    """
    algorithm, key = _two(found)
    kind, parameters = _algorithm(algorithm)
    octets, _ = der.bit_string(key)
    if kind in _RSA:
        modulus, exponent = (der.integer(part) for part in _two(der.only(octets, der.SEQUENCE)))
        return KeyFacts(
            algorithm=_RSA[kind],
            bits=modulus.bit_length(),
            exponent=exponent if exponent.bit_length() <= _MAX_EXPONENT_BITS else None,
        )
    if kind == _EC:
        # RFC 5480 2.1.1: only a named curve; explicit parameters leave the curve unknown.
        named = parameters is not None and parameters.tag == der.OBJECT_IDENTIFIER
        curve = der.object_identifier(parameters) if named and parameters is not None else None
        name, bits = CURVES.get(curve, (curve, None)) if curve is not None else (None, None)
        return KeyFacts(algorithm="EC", curve=name, bits=bits)
    if kind == _DSA:
        prime = next(der.elements(parameters.body, at_most=3), None) if parameters is not None else None
        return KeyFacts(algorithm="DSA", bits=None if prime is None else der.integer(prime).bit_length())
    return KeyFacts(algorithm=_WITHOUT_PARAMETERS.get(kind, kind))


def signature_algorithm(found: Element) -> str:
    """Read an AlgorithmIdentifier as a signature's: its name, or the dotted OID."""
    kind, _ = _algorithm(found)
    return SIGNATURES.get(kind, kind)


def _algorithm(found: Element) -> tuple[str, Element | None]:
    parts = tuple(der.elements(der.expect(found, der.SEQUENCE).body, at_most=2))
    if not parts:
        raise DerError("an AlgorithmIdentifier without an algorithm")
    return der.object_identifier(parts[0]), parts[1] if len(parts) == 2 else None


def _two(found: Element) -> tuple[Element, Element]:
    parts = tuple(der.elements(der.expect(found, der.SEQUENCE).body, at_most=2))
    if len(parts) != 2:
        raise DerError(f"{len(parts)} elements where two belong")
    return parts[0], parts[1]
