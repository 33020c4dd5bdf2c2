"""Why certificates are revoked (RFC 5280 5.3.1), and which of these reasons a list tells."""

from __future__ import annotations

from typing import Final

from cryptography.x509 import ReasonFlags

ALL: Final = frozenset(ReasonFlags) - {ReasonFlags.unspecified, ReasonFlags.remove_from_crl}
"""What must be told of before a certificate counts as not revoked (RFC 5280 6.3.3: all-reasons)."""


def reason_name(reason: ReasonFlags | None) -> str | None:
    """Return the standard's name: `keyCompromise`; None for none, or one that says nothing."""
    return None if reason is None or reason is ReasonFlags.unspecified else reason.value
