"""What one signed document says of one certificate, and what that comes to at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitor.model.facts import CertificateFacts
from monitor.model.revocation import Status
from monitor.x509.moments import whole_second

# Whoever signs may have a clock that is ahead of ours; `openssl ocsp` allows as much.
_CLOCK_DIFFERENCE: Final = timedelta(minutes=5)
CERTIFICATE_HOLD: Final = "certificateHold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Read and verified, but for the moment."""

    status: Status
    """`GOOD`, `REVOKED` or `UNKNOWN` by what it says; `INVALID` or `UNAVAILABLE` where it says nothing reliable."""
    detail: str = ""
    """Why, as the end of a sentence; empty for what the status says already."""
    this_update: datetime | None = None
    next_update: datetime | None = None
    revoked_at: datetime | None = None
    reason: str | None = None
    signer: CertificateFacts | None = None
    """Whose key signed; None for that of the CA's certificate in the chain."""
    is_responder_unchecked: bool = False
    """That certificate does not exempt itself from being revoked (RFC 6960 4.2.2.2.1)."""

    @property
    def is_final(self) -> bool:
        """What was revoked stays so, whenever that was said: all but what was only put on hold."""
        return self.status is Status.REVOKED and self.reason != CERTIFICATE_HOLD

    def is_of_the_future(self, now: datetime) -> bool:
        """Tell whether it is dated later than clocks differ."""
        return self.this_update is not None and whole_second(now) + _CLOCK_DIFFERENCE < self.this_update

    def at(self, now: datetime) -> tuple[Status, str]:
        """Return what it comes to at a moment, and why."""
        if self.status in {Status.INVALID, Status.UNAVAILABLE}:
            return self.status, self.detail
        if self.is_final:
            return self.status, self.detail
        second = whole_second(now)
        if self.is_of_the_future(now):
            return Status.INVALID, "it is not valid yet; a clock is wrong, here or where it was signed"
        if self.signer is not None and not _is_valid(self.signer, second):
            return Status.INVALID, "the certificate that it is signed with is not valid now"
        if self.next_update is not None and second > self.next_update:
            return Status.STALE, self.detail
        return self.status, self.detail


def invalid(detail: str) -> Statement:
    """Return the statement of a document that cannot be relied on."""
    return Statement(status=Status.INVALID, detail=detail)


def _is_valid(facts: CertificateFacts, second: datetime) -> bool:
    return (
        facts.not_before is not None and facts.not_after is not None and facts.not_before <= second <= facts.not_after
    )
