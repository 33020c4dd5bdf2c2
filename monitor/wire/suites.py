"""Cipher suites up to TLS 1.2 by number and name (IANA, TLS Cipher Suites), and which of them are weak, and how."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from monitor.model.scan import Weakness

# How each shows in a suite's name, worst first.
_MARKS: Final = (
    (Weakness.ANONYMOUS, "_anon_"),
    (Weakness.NULL, "_NULL_"),
    (Weakness.EXPORT, "_EXPORT_"),
    (Weakness.DES, "_DES_"),
    (Weakness.RC4, "_RC4_"),
    (Weakness.TRIPLE_DES, "_3DES_"),
)

ECDSA_SUITES: Final[Mapping[int, str]] = MappingProxyType(
    {
        0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        0xC023: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        0xC024: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
        0xC009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        0xC00A: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    }
)
"""In use today, for servers with an EC key."""
RSA_SUITES: Final[Mapping[int, str]] = MappingProxyType(
    {
        0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        0xC027: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        0xC028: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
        0xC013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        0xC014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        0x009E: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        0x009F: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
        0x0033: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
        0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
        0x009C: "TLS_RSA_WITH_AES_128_GCM_SHA256",
        0x009D: "TLS_RSA_WITH_AES_256_GCM_SHA384",
        0x002F: "TLS_RSA_WITH_AES_128_CBC_SHA",
        0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
    }
)
"""In use today, for servers with an RSA key."""
WEAK_SUITES: Final[Mapping[int, str]] = MappingProxyType(
    {
        0xC007: "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
        0xC011: "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
        0x0005: "TLS_RSA_WITH_RC4_128_SHA",
        0x0004: "TLS_RSA_WITH_RC4_128_MD5",
        0xC008: "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA",
        0xC012: "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
        0x0016: "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA",
        0x0013: "TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA",
        0x000A: "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        0x0015: "TLS_DHE_RSA_WITH_DES_CBC_SHA",
        0x0009: "TLS_RSA_WITH_DES_CBC_SHA",
        0x0014: "TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA",
        0x0011: "TLS_DHE_DSS_EXPORT_WITH_DES40_CBC_SHA",
        0x0008: "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA",
        0x0006: "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5",
        0x0003: "TLS_RSA_EXPORT_WITH_RC4_40_MD5",
        0xC006: "TLS_ECDHE_ECDSA_WITH_NULL_SHA",
        0xC010: "TLS_ECDHE_RSA_WITH_NULL_SHA",
        0x003B: "TLS_RSA_WITH_NULL_SHA256",
        0x0002: "TLS_RSA_WITH_NULL_SHA",
        0x0001: "TLS_RSA_WITH_NULL_MD5",
        0xC018: "TLS_ECDH_anon_WITH_AES_128_CBC_SHA",
        0xC019: "TLS_ECDH_anon_WITH_AES_256_CBC_SHA",
        0xC017: "TLS_ECDH_anon_WITH_3DES_EDE_CBC_SHA",
        0xC016: "TLS_ECDH_anon_WITH_RC4_128_SHA",
        0xC015: "TLS_ECDH_anon_WITH_NULL_SHA",
        0x00A6: "TLS_DH_anon_WITH_AES_128_GCM_SHA256",
        0x00A7: "TLS_DH_anon_WITH_AES_256_GCM_SHA384",
        0x006C: "TLS_DH_anon_WITH_AES_128_CBC_SHA256",
        0x006D: "TLS_DH_anon_WITH_AES_256_CBC_SHA256",
        0x0034: "TLS_DH_anon_WITH_AES_128_CBC_SHA",
        0x003A: "TLS_DH_anon_WITH_AES_256_CBC_SHA",
        0x001B: "TLS_DH_anon_WITH_3DES_EDE_CBC_SHA",
        0x001A: "TLS_DH_anon_WITH_DES_CBC_SHA",
        0x0019: "TLS_DH_anon_EXPORT_WITH_DES40_CBC_SHA",
        0x0018: "TLS_DH_anon_WITH_RC4_128_MD5",
        0x0017: "TLS_DH_anon_EXPORT_WITH_RC4_40_MD5",
    }
)
"""What no server should accept any more."""
ALL_SUITES: Final[Mapping[int, str]] = MappingProxyType({**ECDSA_SUITES, **RSA_SUITES, **WEAK_SUITES})
"""All of them, most wanted first."""


def weakness(name: str) -> Weakness | None:
    """Return the worst that is wrong with a suite, by its name; None for one in use today."""
    return next((kind for kind, mark in _MARKS if mark in name), None)
