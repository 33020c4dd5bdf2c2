"""What all the revocation lists at hand say of one certificate together (RFC 5280 6.3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from monitor.model.facts import CertificateFacts
from monitor.model.revocation import Answer, Source, Status
from monitor.x509.revocation.crl import Crl, Entry, entry
from monitor.x509.revocation.issuer import Issuer
from monitor.x509.revocation.reasons import ALL
from monitor.x509.revocation.statement import Statement

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Read and verified, but for the moment: what each list of the certificate's issuer says, and where it is from."""

    source: Source
    certificate: int
    """Position in the served chain."""
    entries: tuple[tuple[str, Entry], ...]
    """Of each list; which of them count is a question of the moment."""

    def at(self, now: datetime) -> Answer:
        """Return what they come to at a moment.

        On any list is revoked; good is only what lists that are fresh do not name, of all reasons together.
        """
        said = [(self._answer(origin, each.statement, now), each) for origin, each in self._counting(now)]
        for status in (Status.REVOKED, Status.GOOD, Status.INVALID, Status.STALE, Status.UNKNOWN):
            found = [(answer, each) for answer, each in said if answer.status is status]
            if found and status is Status.GOOD:
                return _together(found)
            if found:
                return found[0][0]
        return Answer(
            source=self.source,
            status=Status.UNAVAILABLE,
            certificate=self.certificate,
            detail="there is no list of the CA that issued it",
            origin="",
        )

    def faults(self, now: datetime) -> Iterator[tuple[str, str]]:
        """Yield origin and fault of each list that cannot be relied on, whatever the others say."""
        for origin, each in self._counting(now):
            status, detail = each.statement.at(now)
            if status is Status.INVALID:
                yield origin, detail

    def _counting(self, now: datetime) -> list[tuple[str, Entry]]:
        # Of several with the same scope the newest, but none displaces what was revoked for good. And what is dated in
        # the future displaces nothing: it says only that a clock is wrong.
        newest: dict[object, tuple[str, Entry]] = {}
        others = []
        for origin, each in self.entries:
            statement = each.statement
            if statement.status is Status.INVALID or statement.is_final or statement.is_of_the_future(now):
                others.append((origin, each))
            elif each.kind not in newest or _age(newest[each.kind][1]) < _age(each):
                newest[each.kind] = (origin, each)
        return [*newest.values(), *others]

    def _answer(self, origin: str, statement: Statement, now: datetime) -> Answer:
        status, detail = statement.at(now)
        return Answer(
            source=self.source,
            status=status,
            certificate=self.certificate,
            detail=detail,
            origin=origin,
            this_update=statement.this_update,
            next_update=statement.next_update,
            revoked_at=statement.revoked_at,
            reason=statement.reason,
        )


def listed(
    certificate: CertificateFacts, signers: Sequence[Issuer], lists: Iterable[tuple[str, Crl]], source: Source
) -> Listed:
    """Look a certificate up.

    Args:
        certificate: in question.
        signers: certificates of its issuer's name that are relied on, the issuer's own first; not empty.
        lists: readable ones with their origins, of whatever CA.
        source: where they are from.
    """
    entries = tuple(
        (origin, entry(crl, certificate, signers)) for origin, crl in lists if crl.issuer_der == certificate.issuer_der
    )
    return Listed(source=source, certificate=certificate.position, entries=entries)


def _age(found: Entry) -> datetime:
    return found.statement.this_update or _LONG_AGO


def _together(good: list[tuple[Answer, Entry]]) -> Answer:
    # One list that tells of all reasons suffices while it lasts; several that complete each other last until the first
    # of them ends.
    whole = [answer for answer, each in good if each.reasons == ALL]
    if whole:
        return max(whole, key=lambda answer: answer.next_update or _NEVER)
    if frozenset().union(*(each.reasons for _, each in good)) == ALL:
        return min((answer for answer, _ in good), key=lambda answer: answer.next_update or _NEVER)
    detail = "the lists at hand tell only of certificates that were revoked for some of the possible reasons"
    return replace(good[0][0], status=Status.UNKNOWN, detail=detail)
