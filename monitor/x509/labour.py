"""How much comparing of names a chain asks for: each subjectAltName against each constraint that a CA sets.

cryptography compares up to 2^20 pairs in one call, a quarter of a second in which no other thread runs. OpenSSL has a
bound of its own, is ten times as fast, and lets other threads run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from monitor.model.facts import CertificateFacts
from monitor.x509 import der
from monitor.x509.extensions import EXTENSIONS, SUBJECT_ALT_NAME

# 2 ms. A hundred names under a CA with some hundred constraints stay below it.
MAX_COMPARISONS: Final = 16_384

# id-ce-nameConstraints (RFC 5280 4.2.1.10) as DER encodes it, and the criticality that may follow.
_NAME_CONSTRAINTS: Final = re.compile(rb"\x06\x03\x55\x1d\x1e(?:\x01\x01.)?", re.DOTALL)
_MIN_SUBTREE_OCTETS: Final = 4  # two headers: GeneralSubtree, and the GeneralName in it
_MIN_NAME_OCTETS: Final = 2


def is_laborious(chain: Iterable[CertificateFacts], anchors: Iterable[CertificateFacts]) -> bool:
    """Tell whether names and constraints, counted too high rather than too low, make more pairs than are compared."""
    served = tuple(chain)
    constraints = sum(_constraints(facts.der) for facts in (*served, *anchors))
    return constraints > 0 and sum(_names(facts) for facts in served) * constraints > MAX_COMPARISONS


def _constraints(encoded: bytes) -> int:
    octets = 0
    for found in _NAME_CONSTRAINTS.finditer(encoded):
        try:
            value, _ = der.element_at(encoded, found.end())
        except der.DerError:
            continue  # no extension, or one that nobody can read
        octets += len(value.body)
    return -(-octets // _MIN_SUBTREE_OCTETS)


def _names(facts: CertificateFacts) -> int:
    if SUBJECT_ALT_NAME in facts.unreadable or EXTENSIONS in facts.unreadable:
        return len(facts.der) // _MIN_NAME_OCTETS
    return len(facts.names)
