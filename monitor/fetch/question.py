"""What is asked of whom about a certificate, what counts as an answer, and when it is asked again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from monitor.fetch.exchange import Request
from monitor.fetch.location import Allowed
from monitor.model.facts import CertificateFacts
from monitor.model.revocation import Source, Status
from monitor.model.unavailable import Unavailable
from monitor.x509.revocation.alone import alone
from monitor.x509.revocation.crl import read_crl
from monitor.x509.revocation.issuer import ERRORS, Issuer, prepare
from monitor.x509.revocation.ocsp import read_response
from monitor.x509.revocation.statement import Statement

_SOONEST_S: Final = 60.0
_LONGEST_BACK_OFF_S: Final = 3_600.0

_CRL: Final = Request(accept="application/pkix-crl", accepts_any_data=True)  # RFC 5280 4.2.1.13


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an answer is worth."""

    is_usable: bool
    this_update: datetime | None
    """When it was true; None if it does not say."""
    next_update: datetime | None
    """The last second in which it is fresh; None if it does not say."""
    detail: str
    """Why it is not usable, as the end of a sentence."""

    @property
    def problem(self) -> Unavailable | None:
        """The word for that; None if it is usable."""
        return None if self.is_usable else Unavailable.UNUSABLE


@dataclass(frozen=True, kw_only=True)
class Question:
    """One thing to ask. Equal ones are asked once, whoever wants to know."""

    source: Source
    """`OCSP` or `CRL`."""
    uris: tuple[str, ...]
    """Where it may be asked, in the certificate's order; not empty."""
    server: str
    """Host and port of the first of them."""
    allowed: Allowed
    refresh_s: float
    """The longest time between two askings."""
    request: Request
    issuer_sha256: str
    """Fingerprint of the CA's certificate: only an answer by it, or in its name, is one."""
    certificate: CertificateFacts = field(compare=False, repr=False)
    """One that the answer must speak of."""
    issuer: CertificateFacts = field(compare=False, repr=False)

    def read(self, content: bytes, now: datetime) -> Reading:
        """Say what an answer is worth: usable is one that may be relied on, whatever it says of the certificate."""
        issuer = prepare(self.issuer)
        assert issuer is not None
        statement = self._statement(content, issuer)
        status, detail = statement.at(now)
        is_usable = status in {Status.GOOD, Status.REVOKED, Status.UNKNOWN} and statement.this_update is not None
        words = {Status.STALE: "it is out of date"}
        return Reading(
            this_update=statement.this_update,
            is_usable=is_usable,
            next_update=statement.next_update,
            detail="" if is_usable else words.get(status, detail),
        )

    def next_asking(self, now: datetime, next_update: datetime | None) -> datetime:
        """Return when to ask again after an answer: before that goes out of date, and not all at the same moment."""
        fresh_s = self.refresh_s if next_update is None else (next_update - now).total_seconds()
        return self._after(now, max(min(fresh_s, self.refresh_s), self._soonest_s))

    def next_try(self, now: datetime, failures: int) -> datetime:
        """Return when to ask again after that many failures in a row, at least one: later each time."""
        return self._after(now, min(self._soonest_s * 2.0 ** min(failures - 1, 16), _LONGEST_BACK_OFF_S))

    def _statement(self, content: bytes, issuer: Issuer) -> Statement:
        if self.source is Source.OCSP:
            return read_response(content, self.certificate, issuer)
        return alone(read_crl(content), self.certificate, issuer)

    @property
    def _soonest_s(self) -> float:
        return min(_SOONEST_S, self.refresh_s)

    def _after(self, now: datetime, most_s: float) -> datetime:
        # The last tenth of the time, at least, is left for further tries.
        return now + timedelta(seconds=most_s * (0.7 + 0.2 * self._place))

    @cached_property
    def _place(self) -> float:
        # Of this question among all others, from 0 to 1: the same in every run.
        digest = hashlib.sha256(repr((self.uris, self.request.content)).encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2.0**64


def ocsp_request(certificate: CertificateFacts, issuer: CertificateFacts) -> Request | None:
    """Return the question whether a certificate was revoked (RFC 6960 4.1); None if it cannot be put.

    It holds no nonce: most responders sign answers in advance, and freshness is told by their dates. The digests are
    SHA-1, as that is what responders know certificates by (RFC 5019 2.1.1); nothing hangs on their strength.
    """
    ready = prepare(issuer)
    if ready is None or certificate.serial is None:
        return None
    digest = SHA1()  # noqa: S303 - see above
    try:
        built = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
            ready.name_hash(digest), ready.key_hash(digest), int(certificate.serial, 16), digest
        )
        content = built.build().public_bytes(Encoding.DER)
    except ERRORS:
        return None
    return Request(accept="application/ocsp-response", content=content, content_type="application/ocsp-request")


def crl_request(issuer: CertificateFacts) -> Request | None:
    """Return the question for an issuer's list; None if that could not be verified."""
    return None if prepare(issuer) is None else _CRL
