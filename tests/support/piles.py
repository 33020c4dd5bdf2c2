"""Chains that are made to keep whoever judges them busy."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from monitor.demo.pki import Issued, issue


def circle(now: datetime, count: int) -> tuple[Issued, ...]:
    """Return CAs of one name in a circle, each signed by the next: 15 take cryptography's verifier 100 ms."""
    keys = [ec.generate_private_key(ec.SECP384R1()) for _ in range(count)]
    cas = [issue(now=now, is_ca=True, subject="A", key=key) for key in keys]
    return tuple(
        issue(now=now, issuer=cas[(place + 1) % count], is_ca=True, subject="A", key=key)
        for place, key in enumerate(keys)
    )


def constrained(now: datetime, root: Issued, count: int) -> tuple[Issued, Issued]:
    """Return a leaf with so many names, and its CA with as many constraints: all of them are to be compared."""
    names = [f"{number:x}.b" for number in range(count)]
    constraints = x509.NameConstraints([x509.DNSName(name) for name in names], None)
    ca = issue(now=now, issuer=root, is_ca=True, extensions=((constraints, True),))
    return issue(now=now, issuer=ca, names=[f"DNS:{name}" for name in names]), ca
