"""Chains that must not be trusted: `verify_*`. Each is one deviation from a good one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from monitor.demo.pki import Issued, issue
from tests.support.case import Case, scripted
from tests.support.mqtt_script import broker
from tests.support.pki import TestPki
from tests.support.tls_engine import ServerTls


def _served(name: str, finding: str, chain: Callable[[TestPki], tuple[Issued, ...]]) -> Case:
    """A healthy broker but for its chain."""
    return Case(id=name, reason=f"verify_{finding}", server=scripted(broker(), lambda pki: ServerTls(chain=chain(pki))))


def _below_a_path_limit(pki: TestPki) -> tuple[Issued, ...]:
    """The intermediate allows no CA below it (RFC 5280 4.2.1.9), and there is one."""
    lower = issue(now=pki.now, issuer=pki.intermediate, is_ca=True, subject="One CA too many")
    return (issue(now=pki.now, issuer=lower), lower, pki.intermediate)


_DAY = timedelta(days=1)
CASES = (
    _served("ca-certificate-first", "chain_ca_first", lambda pki: (pki.intermediate, pki.leaf)),
    _served(
        "leaf-expired",
        "certificate_expired",
        lambda pki: (
            issue(now=pki.now, issuer=pki.intermediate, not_before=pki.now - 60 * _DAY, not_after=pki.now - _DAY),
            pki.intermediate,
        ),
    ),
    _served(
        "leaf-of-tomorrow",
        "certificate_not_yet_valid",
        lambda pki: (issue(now=pki.now, issuer=pki.intermediate, not_before=pki.now + _DAY), pki.intermediate),
    ),
    _served("self-signed", "leaf_self_signed", lambda pki: (issue(now=pki.now),)),
    _served("intermediate-not-sent", "chain_incomplete", lambda pki: (pki.leaf,)),
    _served("foreign-root", "chain_untrusted", lambda pki: (pki.foreign_leaf, pki.foreign_root)),
    _served("path-too-long", "chain_invalid", _below_a_path_limit),
    _served(
        "for-clients-only",
        "leaf_not_for_servers",
        lambda pki: (
            issue(now=pki.now, issuer=pki.intermediate, extended_key_usage=("clientAuth",)),
            pki.intermediate,
        ),
    ),
    _served(
        "other-name",
        "name_mismatch",
        lambda pki: (issue(now=pki.now, issuer=pki.intermediate, names=("DNS:other.example",)), pki.intermediate),
    ),
)
