"""What staple and revocation lists say of a chain: read and verified once, and asked again at every moment."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Final

from monitor.checks.path import whole_way
from monitor.model.facts import CertificateFacts
from monitor.model.revocation import Answer, CrlFile, EncodedCrl, Source, Status
from monitor.x509.anchors import Anchors
from monitor.x509.judge import is_judged
from monitor.x509.opinions import signed_by
from monitor.x509.revocation.crl import Crl, read_crl
from monitor.x509.revocation.issuer import Issuer, prepare
from monitor.x509.revocation.lists import Listed, listed
from monitor.x509.revocation.ocsp import read_response
from monitor.x509.revocation.statement import Statement

STAPLED: Final = "the stapled response"
_MAX_REMEMBERED: Final = 4_096
# Further certificates of a CA's name that are tried for the signature of its lists.
_MAX_NAMESAKES: Final = 4
# Read lists are kept for the next chain. They hold their bytes.
_MAX_LIST_OCTETS: Final = 64 * 1024 * 1024

_Key = tuple[tuple[str, ...], Anchors, bytes | None, tuple[CrlFile, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that was found about one chain, but for the moment."""

    leaf: int
    """Position of the broker's own certificate."""
    staple: Statement | None = None
    """None if there was none, or nobody can tell whether it is genuine."""
    responder: Listed | None = None
    """What the lists say of the certificate that the staple is signed with."""
    is_stapled: bool = False
    lists: tuple[Listed, ...] = ()
    """One for each certificate whose issuer is known, the broker's own first; empty if no files are configured."""
    unreadable: tuple[tuple[str, str], ...] = ()
    """Origin and fault of each list that cannot be read."""

    def answers(self, now: datetime) -> tuple[Answer, ...]:
        """Return what each source says of each certificate at a moment; the staple's answer first."""
        return (self._staple(now), *(each.at(now) for each in self.lists))

    def faults(self, now: datetime) -> tuple[tuple[str, str], ...]:
        """Return origin and fault of each list that cannot be relied on, each once."""
        return tuple(dict.fromkeys((*self.unreadable, *(fault for each in self.lists for fault in each.faults(now)))))

    def _staple(self, now: datetime) -> Answer:
        statement = self.staple
        if statement is None:
            status = Status.UNKNOWN if self.is_stapled else Status.NOT_OFFERED
            detail = "the CA that issued the broker's certificate is not known" if self.is_stapled else ""
            return self._answer(status, detail, Statement(status=status))
        status, detail = statement.at(now)
        if self.responder is not None and self.responder.at(now).status is Status.REVOKED:
            status, detail = Status.INVALID, "the certificate that it is signed with has been revoked"
        return self._answer(status, detail, statement)

    def _answer(self, status: Status, detail: str, statement: Statement) -> Answer:
        return Answer(
            source=Source.STAPLE,
            status=status,
            certificate=self.leaf,
            detail=detail,
            origin=STAPLED,
            this_update=statement.this_update,
            next_update=statement.next_update,
            revoked_at=statement.revoked_at,
            reason=statement.reason,
        )


class Revocation:
    """Gathers evidence. Pure but for its memory, which is bounded and never changes an answer. Any thread may ask."""

    def __init__(self) -> None:
        self._found: dict[_Key, Evidence] = {}
        self._lists: dict[str, tuple[int, Crl]] = {}
        self._lock = Lock()

    def evidence(
        self, chain: tuple[CertificateFacts, ...], anchors: Anchors, staple: bytes | None, files: tuple[CrlFile, ...]
    ) -> Evidence:
        """Read and verify what there is about a chain.

        Args:
            chain: the broker's own certificate first; not empty.
            anchors: the trust.
            staple: as the handshake brought it; None for none.
            files: of revocation lists.
        """
        if staple is None and not files:
            return Evidence(leaf=chain[0].position)
        key = _key(chain, anchors, staple, files)
        found = self._found.get(key)
        if found is None:
            found = self._gathered(chain, anchors, staple, files)
            with self._lock:
                self._found[key] = found
                while len(self._found) > _MAX_REMEMBERED:
                    del self._found[next(iter(self._found))]
        return found

    def remembers(
        self, chain: tuple[CertificateFacts, ...], anchors: Anchors, staple: bytes | None, files: tuple[CrlFile, ...]
    ) -> bool:
        """Tell whether `evidence` would answer from memory, within microseconds."""
        return (staple is None and not files) or _key(chain, anchors, staple, files) in self._found

    def _gathered(
        self, chain: tuple[CertificateFacts, ...], anchors: Anchors, staple: bytes | None, files: tuple[CrlFile, ...]
    ) -> Evidence:
        way = whole_way(chain, anchors)
        issuers = [prepare(facts) for facts in way[1:]]
        read = [(file.path, self._read(encoded)) for file in files for encoded in file.crls]
        usable = [(path, crl) for path, crl in read if not crl.fault]
        pool = (*chain, *anchors.facts)
        lists = tuple(
            listed(facts, _signers(issuer, way, pool, usable), usable, Source.CRL)
            for facts, issuer in zip(way, issuers, strict=False)
            if files and issuer is not None
        )
        issuer = issuers[0] if issuers else None
        said = None if staple is None or issuer is None else read_response(staple, chain[0], issuer)
        responder = None
        if files and issuer is not None and said is not None and said.responder and said.is_responder_unchecked:
            responder = listed(said.responder, _signers(issuer, way, pool, usable), usable, Source.CRL)
        return Evidence(
            leaf=chain[0].position,
            staple=said,
            responder=responder,
            is_stapled=staple is not None,
            lists=lists,
            unreadable=tuple((path, crl.fault) for path, crl in read if crl.fault),
        )

    def _read(self, encoded: EncodedCrl) -> Crl:
        found = self._lists.get(encoded.sha256)
        if found is None:
            found = (len(encoded.der), read_crl(encoded.der))
            with self._lock:
                self._lists[encoded.sha256] = found
                while len(self._lists) > 1 and sum(octets for octets, _ in self._lists.values()) > _MAX_LIST_OCTETS:
                    del self._lists[next(iter(self._lists))]
        return found[1]


def _key(
    chain: tuple[CertificateFacts, ...], anchors: Anchors, staple: bytes | None, files: tuple[CrlFile, ...]
) -> _Key:
    # Digests stand for what they are of: keys stay small whatever is served.
    digest = None if staple is None else hashlib.sha256(staple).digest()
    return (tuple(facts.fingerprint_sha256 for facts in chain), anchors, digest, files)


def _signers(
    issuer: Issuer,
    way: tuple[CertificateFacts, ...],
    pool: tuple[CertificateFacts, ...],
    lists: Sequence[tuple[str, Crl]],
) -> tuple[Issuer, ...]:
    """Return the certificates of the issuer's name that may sign its lists: its own, and others vouched for alike.

    A CA may have a key of its own for lists, or a new key (RFC 5280 6.3.3 f); the certificate of that key must come
    with the chain, or be an anchor, and must not be revoked itself.
    """
    namesakes = [
        facts
        for facts in pool
        if facts.subject_der == issuer.facts.subject_der and facts.der != issuer.facts.der and is_judged(facts)
    ]
    found = [issuer]
    for facts in namesakes[:_MAX_NAMESAKES]:
        above = next((each for each in way[1:] if signed_by(facts, each)), None)
        ready = None if above is None and facts not in way else prepare(facts)
        if ready is not None and not _is_revoked(facts, above, lists):
            found.append(ready)
    return tuple(found)


def _is_revoked(facts: CertificateFacts, above: CertificateFacts | None, lists: Sequence[tuple[str, Crl]]) -> bool:
    issuer = None if above is None else prepare(above)
    if issuer is None:
        return False
    entries = listed(facts, (issuer,), lists, Source.CRL).entries
    return any(entry.statement.status is Status.REVOKED for _, entry in entries)
