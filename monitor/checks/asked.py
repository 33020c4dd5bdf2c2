"""What the answers say that the monitor fetched from where certificates point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from monitor.model.facts import CertificateFacts
from monitor.model.fetched import Fetched
from monitor.model.revocation import Answer, EncodedCrl, Source, Status
from monitor.model.unavailable import Unavailable
from monitor.x509.revocation.alone import alone
from monitor.x509.revocation.crl import Crl
from monitor.x509.revocation.issuer import Issuer
from monitor.x509.revocation.ocsp import read_response
from monitor.x509.revocation.statement import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One source and one certificate: read and verified, but for the moment."""

    certificate: int
    """Position in the served chain."""
    fetched: Fetched
    """Without its content."""
    statement: Statement
    """Without an answer: `UNAVAILABLE`, and why."""

    def at(self, now: datetime) -> Answer:
        """Return what it comes to at a moment."""
        status, detail = self.statement.at(now)
        if status is Status.GOOD and not self.fetched.is_usable:
            status, detail = Status.INVALID, "it could not be relied on when it came"
        if status is Status.STALE and self.fetched.problem is not None:
            detail = f"no newer one could be had: {self.fetched.detail}"
        return Answer(
            source=self.fetched.source,
            status=status,
            certificate=self.certificate,
            detail=detail,
            origin=self.fetched.uri,
            this_update=self.statement.this_update,
            next_update=self.statement.next_update,
            revoked_at=self.statement.revoked_at,
            reason=self.statement.reason,
            problem=self.fetched.problem,
        )


def asked(
    pairs: Iterable[tuple[CertificateFacts, Issuer]],
    fetched: tuple[Fetched, ...],
    read_list: Callable[[EncodedCrl], Crl],
) -> Iterator[Asked]:
    """Yield what was fetched about each certificate, but for what is still to come.

    Args:
        pairs: each certificate with that of its issuer: the only one whose key may sign, as when it was asked.
        fetched: about certificates of any chain.
        read_list: reads one, or remembers it.
    """
    for facts, issuer in pairs:
        for each in fetched:
            if each.fingerprint_sha256 == facts.fingerprint_sha256 and each.problem is not Unavailable.NOT_ASKED_YET:
                statement = _statement(each, facts, issuer, read_list)
                yield Asked(certificate=facts.position, fetched=each.without_content, statement=statement)


def _statement(
    fetched: Fetched, facts: CertificateFacts, issuer: Issuer, read_list: Callable[[EncodedCrl], Crl]
) -> Statement:
    if fetched.content is None:
        return Statement(status=Status.UNAVAILABLE, detail=fetched.detail)
    if fetched.source is Source.OCSP:
        return read_response(fetched.content, facts, issuer)
    return alone(read_list(EncodedCrl(fetched.content, fetched.sha256)), facts, issuer)
