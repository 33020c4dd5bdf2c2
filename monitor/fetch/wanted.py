"""From an accepted chain to what there is to ask about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from monitor.fetch.exchange import Request
from monitor.fetch.fault import FetchFault
from monitor.fetch.location import Location, locate
from monitor.fetch.question import Question, crl_request, ocsp_request
from monitor.model.broker import Fetch, FetchSettings
from monitor.model.facts import CertificateFacts
from monitor.model.fetched import Fetched
from monitor.model.revocation import Source
from monitor.model.unavailable import Unavailable

# Of the URIs that a certificate names for the same thing.
_MAX_URIS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be known of one certificate from one source."""

    source: Source
    fingerprint_sha256: str
    uri: str
    """The first that is followed, or the first of all."""
    question: Question | None
    problem: Unavailable | None = None
    """Why there is no question; None if there is one."""
    detail: str = ""

    def answered(
        self, content: bytes | None, sha256: str, problem: Unavailable | None, detail: str, *, is_usable: bool = True
    ) -> Fetched:
        """Return what came of it."""
        return Fetched(
            source=self.source,
            fingerprint_sha256=self.fingerprint_sha256,
            uri=self.uri,
            content=content,
            sha256=sha256,
            problem=problem,
            detail=detail,
            is_usable=is_usable,
        )

    def unanswered(self, problem: Unavailable | None = None, detail: str = "") -> Fetched:
        """Return that nothing came of it: why, or why there was nothing to ask."""
        return self.answered(None, "", problem or self.problem, detail or self.detail)


def wanted(way: Sequence[CertificateFacts], settings: FetchSettings) -> Iterator[Wanted]:
    """Yield what to ask about each certificate of a chain.

    Args:
        way: from the broker's own certificate to the anchor; accepted.
        settings: of the broker.
    """
    for certificate, issuer in pairwise(way):
        if settings.what in {Fetch.OCSP, Fetch.BOTH} and certificate.ocsp_responders:
            request = ocsp_request(certificate, issuer)
            yield _wanted(Source.OCSP, certificate.ocsp_responders, request, (certificate, issuer), settings)
        if settings.what in {Fetch.CRL, Fetch.BOTH} and certificate.crl_uris:
            request = crl_request(issuer)
            yield _wanted(Source.CRL, certificate.crl_uris, request, (certificate, issuer), settings)


def _wanted(
    source: Source,
    uris: tuple[str, ...],
    request: Request | None,
    pair: tuple[CertificateFacts, CertificateFacts],
    settings: FetchSettings,
) -> Wanted:
    certificate, issuer = pair
    followed: list[tuple[str, Location]] = []
    fault: FetchFault | None = None
    for uri in dict.fromkeys(uris):
        try:
            followed.append((uri, locate(uri, settings.allowed)))
        except FetchFault as found:
            fault = fault or found
    if request is None:
        fault = FetchFault(Unavailable.UNUSABLE, "the CA's certificate is too odd to verify an answer with")
    elif followed:
        return Wanted(
            source=source,
            fingerprint_sha256=certificate.fingerprint_sha256,
            uri=followed[0][0],
            question=Question(
                source=source,
                uris=tuple(uri for uri, _ in followed[:_MAX_URIS]),
                server=followed[0][1].authority,
                allowed=settings.allowed,
                refresh_s=settings.refresh_s,
                request=request,
                issuer_sha256=issuer.fingerprint_sha256,
                certificate=certificate,
                issuer=issuer,
            ),
        )
    assert fault is not None
    return Wanted(
        source=source,
        fingerprint_sha256=certificate.fingerprint_sha256,
        uri=uris[0],
        question=None,
        problem=fault.reason,
        detail=fault.detail,
    )
