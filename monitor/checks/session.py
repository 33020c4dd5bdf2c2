"""What the handshake settled on: protocol version, key exchange, and what a public CA's certificate shows of itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.phrases import capitalised, described
from monitor.model.judgement import Finding

_OLD: Final = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1"}
# How OpenSSL's names of suites before TLS 1.3 begin where each connection has a key of its own.
_EPHEMERAL: Final = ("ECDHE-", "DHE-")


def protocol_version(case: Case) -> Iterator[Finding]:
    """Yield `tls_version_old` for TLS 1.0 and 1.1, and the remark `tls_1_3_missing` for 1.2."""
    version = None if case.tls is None else case.tls.version
    if version in _OLD:
        yield finding(
            "tls_version_old",
            f"The broker chose {_OLD[version]}, though newer versions were offered, up to TLS 1.3.",
        )
    elif version == "TLSv1.2" and case.broker.policy.remarks:
        yield finding("tls_1_3_missing", "The broker chose TLS 1.2, though TLS 1.3 was offered.")


def key_exchange(case: Case) -> Iterator[Finding]:
    """Yield `key_exchange_static` without forward secrecy; the remark `key_exchange_not_post_quantum` otherwise."""
    tls = case.tls
    if tls is None or tls.version is None or tls.cipher is None:
        return
    if tls.version != "TLSv1.3" and not tls.cipher.startswith(_EPHEMERAL):
        yield finding(
            "key_exchange_static",
            f"The broker chose {tls.cipher}, with which the key of every connection hangs on the certificate's key.",
        )
    elif case.broker.policy.remarks and "MLKEM" not in (tls.group or "").upper():
        yield finding(
            "key_exchange_not_post_quantum",
            f"Keys are agreed on by {tls.group or 'a group that is not known'}, which a large quantum computer could "
            "undo.",
        )


def transparency(case: Case) -> Iterator[Finding]:
    """Yield `scts_missing` if a public CA's certificate holds no proof of being logged (RFC 6962)."""
    if case.is_public and not case.leaf.embedded_scts:
        yield finding(
            "scts_missing",
            f"{capitalised(described(case.leaf))} comes from a public CA and holds no signed certificate timestamps.",
            certificate=case.leaf.position,
        )
