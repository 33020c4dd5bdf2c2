"""Chains that must not be trusted: `verify_*`. Each is one deviation from a good one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from cryptography import x509

from monitor.demo.pki import Issued, issue
from tests.support.case import Case, scripted
from tests.support.mqtt_script import broker
from tests.support.pki import TestPki
from tests.support.revocation import REVOKED, ocsp_response
from tests.support.tls_engine import ServerTls


def _served(name: str, finding: str, chain: Callable[[TestPki], tuple[Issued, ...]]) -> Case:
    """A healthy broker but for its chain."""
    return Case(id=name, reason=f"verify_{finding}", server=scripted(broker(), lambda pki: ServerTls(chain=chain(pki))))


def _below(pki: TestPki, ca: Issued) -> tuple[Issued, ...]:
    """A good leaf below this CA, beside it the good intermediate."""
    return (issue(now=pki.now, issuer=ca), ca, pki.intermediate)


def _below_a_path_limit(pki: TestPki) -> tuple[Issued, ...]:
    """The intermediate allows no CA below it (RFC 5280 4.2.1.9), and there is one."""
    lower = issue(now=pki.now, issuer=pki.intermediate, is_ca=True, subject="One CA too many")
    return _below(pki, lower)


def _stapling_revoked(pki: TestPki) -> ServerTls:
    staple = ocsp_response(leaf=pki.leaf, issuer=pki.intermediate, now=pki.now, status=REVOKED)
    return ServerTls(chain=pki.chain, staple=staple)


_ELSEWHERE = x509.NameConstraints(permitted_subtrees=[x509.DNSName("other.example")], excluded_subtrees=None)
_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
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
    Case(
        id="revoked-by-its-own-staple",
        reason="verify_certificate_revoked",
        server=scripted(broker(), _stapling_revoked),
    ),
    _served("self-signed", "leaf_self_signed", lambda pki: (issue(now=pki.now),)),
    _served("intermediate-not-sent", "chain_incomplete", lambda pki: (pki.leaf,)),
    _served("foreign-root", "chain_untrusted", lambda pki: (pki.foreign_leaf, pki.foreign_root)),
    _served(
        "issuer-is-a-server",
        "chain_issuer_not_ca",
        lambda pki: (issue(now=pki.now, issuer=pki.leaf, subject="below a server"), pki.leaf, pki.intermediate),
    ),
    _served("path-too-long", "chain_path_length", _below_a_path_limit),
    _served(
        "name-outside-the-ca-s",
        "chain_name_constraints",
        lambda pki: _below(
            pki,
            issue(now=pki.now, issuer=pki.root, is_ca=True, subject="Elsewhere only", extensions=((_ELSEWHERE, True),)),
        ),
    ),
    _served(
        "unknown-critical-extension",
        "chain_critical_extension",
        lambda pki: (issue(now=pki.now, issuer=pki.intermediate, extensions=((_UNKNOWN, True),)), pki.intermediate),
    ),
    _served(
        "pile-before-the-intermediate",
        "chain_left_out",
        lambda pki: (pki.leaf, *(pki.foreign_root for _ in range(16)), pki.intermediate),
    ),
    _served(
        "ca-made-anew-with-another-key",
        "chain_invalid",
        lambda pki: (pki.leaf, issue(now=pki.now, issuer=pki.root, is_ca=True, subject="Test Intermediate")),
    ),
    _served(
        "for-clients-only",
        "leaf_not_for_servers",
        lambda pki: (
            issue(now=pki.now, issuer=pki.intermediate, extended_key_usage=("clientAuth",)),
            pki.intermediate,
        ),
    ),
    _served(
        "no-subject-alternative-name",
        "name_common_name_only",
        lambda pki: (issue(now=pki.now, issuer=pki.intermediate, names=None), pki.intermediate),
    ),
    Case(
        id="address-as-dns-name",
        reason="verify_name_ip_as_dns",
        server_name="127.0.0.1",
        server=scripted(
            broker(),
            lambda pki: ServerTls(
                chain=(issue(now=pki.now, issuer=pki.intermediate, names=("DNS:127.0.0.1",)), pki.intermediate)
            ),
        ),
    ),
    _served(
        "other-name",
        "name_mismatch",
        lambda pki: (issue(now=pki.now, issuer=pki.intermediate, names=("DNS:other.example",)), pki.intermediate),
    ),
)
