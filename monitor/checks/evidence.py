"""What staple, lists and fetched answers say of a chain: read and verified once, and asked again at every moment."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Final

from monitor.checks.asked import Asked, asked
from monitor.checks.path import whole_way
from monitor.model.facts import CertificateFacts
from monitor.model.fetched import Fetched
from monitor.model.known import Known
from monitor.model.revocation import Answer, EncodedCrl, Source, Status
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
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
# Read lists are kept for the next chain. They hold their bytes.
_MAX_LIST_OCTETS: Final = 64 * 1024 * 1024

# Of what is large, its digest: what was true of other contents is remembered for a while.
_Key = tuple[tuple[str, ...], Anchors, bytes | None, tuple[tuple[str, tuple[str, ...]], ...], tuple[Fetched, ...]]


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
    fetched: tuple[Asked, ...] = ()
    """What the monitor asked for itself."""

    def answers(self, now: datetime) -> tuple[Answer, ...]:
        """Return what each source says of each certificate at a moment; the staple's answer first."""
        return (self._staple(now), *(each.at(now) for each in self.lists), *(each.at(now) for each in self.fetched))

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
        self, chain: tuple[CertificateFacts, ...], anchors: Anchors, staple: bytes | None, known: Known
    ) -> Evidence:
        """Read and verify what there is about a chain.

        Args:
            chain: the broker's own certificate first; not empty.
            anchors: the trust.
            staple: as the handshake brought it; None for none.
            known: the files of revocation lists, and what was fetched.
        """
        if staple is None and not known.crl_files and not known.fetched:
            return Evidence(leaf=chain[0].position)
        key = _key(chain, anchors, staple, known)
        found = self._found.get(key)
        if found is None:
            found = self._gathered(chain, anchors, staple, known)
            with self._lock:
                self._found[key] = found
                while len(self._found) > _MAX_REMEMBERED:
                    del self._found[next(iter(self._found))]
        return found

    def remembers(
        self, chain: tuple[CertificateFacts, ...], anchors: Anchors, staple: bytes | None, known: Known
    ) -> bool:
        """Tell whether `evidence` would answer from memory, within microseconds."""
        is_nothing = staple is None and not known.crl_files and not known.fetched
        return is_nothing or _key(chain, anchors, staple, known) in self._found

    def _gathered(
        self, chain: tuple[CertificateFacts, ...], anchors: Anchors, staple: bytes | None, known: Known
    ) -> Evidence:
        way = whole_way(chain, anchors)
        pool = (*chain, *anchors.facts)
        read = [(file.path, self._read(encoded)) for file in known.crl_files for encoded in file.crls]
        usable = [(path, crl) for path, crl in read if not crl.fault]
        issuers = [prepare(facts) for facts in way[1:]]
        signers = [() if issuer is None else _signers(issuer, way, pool, usable) for issuer in issuers]
        pairs = [(facts, each) for facts, each in zip(way, signers, strict=False) if each]
        above = [(facts, each) for facts, each in zip(way, issuers, strict=False) if each is not None]
        issuer = issuers[0] if issuers else None
        said = None if staple is None or issuer is None else read_response(staple, chain[0], issuer)
        responder = None
        if known.crl_files and said is not None and said.signer and said.is_responder_unchecked:
            responder = listed(said.signer, signers[0], usable, Source.CRL_FILE)
        return Evidence(
            leaf=chain[0].position,
            staple=said,
            responder=responder,
            is_stapled=staple is not None,
            lists=tuple(listed(facts, each, usable, Source.CRL_FILE) for facts, each in pairs if known.crl_files),
            unreadable=tuple((path, crl.fault) for path, crl in read if crl.fault),
            fetched=tuple(asked(above, known.fetched, self._read)),
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


def _key(chain: tuple[CertificateFacts, ...], anchors: Anchors, staple: bytes | None, known: Known) -> _Key:
    # Digests stand for what they are of: keys stay small whatever is served.
    return (
        tuple(facts.fingerprint_sha256 for facts in chain),
        anchors,
        None if staple is None else hashlib.sha256(staple).digest(),
        tuple((file.path, tuple(crl.sha256 for crl in file.crls)) for file in known.crl_files),
        tuple(each.without_content for each in known.fetched),
    )


def _signers(
    issuer: Issuer,
    way: tuple[CertificateFacts, ...],
    pool: tuple[CertificateFacts, ...],
    lists: Sequence[tuple[str, Crl]],
) -> tuple[Issuer, ...]:
    """Return the certificates of the issuer's name that may sign its lists: its own, and others vouched for alike.

    A CA may have a key of its own for lists, or a new key (RFC 5280 6.3.3 f); the certificate of that key must come
    with the chain, or be an anchor, must say that it may sign lists, and must not be revoked itself. It need not be a
    CA's: whoever vouches for it gave that right to that name. Those that are valid longest come first, as several may
    be of one key.
    """
    namesakes = [
        facts
        for facts in pool
        if facts.subject_der == issuer.facts.subject_der
        and facts.der != issuer.facts.der
        and "cRLSign" in (facts.key_usage or ())
        and is_judged(facts)
    ]
    namesakes.sort(key=lambda facts: facts.not_after or _LONG_AGO, reverse=True)
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
    entries = listed(facts, (issuer,), lists, Source.CRL_FILE).entries
    return any(entry.statement.status is Status.REVOKED for _, entry in entries)
