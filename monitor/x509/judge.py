"""A chain before its judges, at a given moment; remembered until one of the certificates involved changes state."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Final, TypeVar

from monitor.model.broker import Trust
from monitor.model.facts import CertificateFacts
from monitor.model.judgement import Judgement, Validator
from monitor.x509.anchors import Anchors, prepare
from monitor.x509.moments import boundaries, second_after, unix_second, whole_second
from monitor.x509.names import matches
from monitor.x509.opinions import Answer, Bench, exhausted, refusals
from monitor.x509.usage import is_for_servers

# One call of cryptography's verifier takes up to 45 ms on a hostile pile of certificates and cannot be interrupted.
# What is bounded here: how many, how long, and how dear one signature's check can be.
MAX_CERTIFICATES: Final = 16
MAX_CERTIFICATE_OCTETS: Final = 65_536
MAX_RSA_BITS: Final = 8_192
# Paths tried one after the other while looking for the last one that holds.
_MAX_SUCCESSIVE_PATHS: Final = 8
_MAX_TRUSTS: Final = 256
_MAX_JUDGEMENTS: Final = 4_096

_K = TypeVar("_K")
_V = TypeVar("_V")
_Key = tuple[tuple[str, ...], str, Anchors]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remembered:
    """A judgement and the unix seconds for which it holds: from the first on, before the second; None is no bound."""

    judgement: Judgement
    begins: int | None
    ends: int | None

    def holds(self, second: int) -> bool:
        """Tell whether it is the judgement of that second."""
        return (self.begins is None or self.begins <= second) and (self.ends is None or second < self.ends)


class Judge:
    """Judges chains. Pure but for its memory, which is bounded and never changes an answer. Any thread may ask."""

    def __init__(self, *, max_trusts: int = _MAX_TRUSTS, max_judgements: int = _MAX_JUDGEMENTS) -> None:
        self._max_trusts = max_trusts
        self._max_judgements = max_judgements
        self._trusts: dict[tuple[bytes, ...], Anchors] = {}
        self._judgements: dict[_Key, _Remembered] = {}
        self._lock = Lock()

    def anchors(self, trust: Trust) -> Anchors:
        """Return the trust's anchors made ready: once for equal ones, however many brokers name them."""
        anchors = self._trusts.get(trust.anchors)
        if anchors is None:
            anchors = prepare(trust.anchors)
            with self._lock:
                anchors = self._trusts.setdefault(trust.anchors, anchors)
                _keep(self._trusts, self._max_trusts)
        return anchors

    def judge(self, chain: tuple[CertificateFacts, ...], trust: Trust, reference: str, at: datetime) -> Judgement:
        """Say what is to be thought of a served chain.

        Args:
            chain: as served; the first one is the peer's own, whatever it says of itself. May be empty.
            trust: the anchors; none means that nothing is trusted.
            reference: A-label DNS name or IP literal (RFC 9525).
            at: aware. Certificates are valid in whole seconds, both ends included.
        """
        anchors = self.anchors(trust)
        key = _key(chain, reference, anchors)
        found = self._recalled(key, at)
        if found is None:
            found = _remembered(chain, anchors, reference, at)
            with self._lock:
                # Taken out first, so that it goes to the end of the queue for leaving.
                self._judgements.pop(key, None)
                self._judgements[key] = found
                _keep(self._judgements, self._max_judgements)
        return found.judgement if found.judgement.at == at else replace(found.judgement, at=at)

    def remembers(self, chain: tuple[CertificateFacts, ...], trust: Trust, reference: str, at: datetime) -> bool:
        """Tell whether `judge` would answer from memory, within microseconds."""
        anchors = self._trusts.get(trust.anchors)
        return anchors is not None and self._recalled(_key(chain, reference, anchors), at) is not None

    def _recalled(self, key: _Key, at: datetime) -> _Remembered | None:
        found = self._judgements.get(key)
        return found if found is not None and found.holds(unix_second(at)) else None


def is_judged(facts: CertificateFacts) -> bool:
    """Tell whether a certificate is small enough, in bytes and in its key, to be shown to the validators."""
    if len(facts.der) > MAX_CERTIFICATE_OCTETS or facts.key is None:
        return False
    is_rsa = facts.key.algorithm in {"RSA", "RSASSA-PSS"}
    # An exponent too long to be told, or a curve of one's own making, can make one signature's check endless.
    if (is_rsa and facts.key.exponent is None) or (facts.key.algorithm == "EC" and facts.key.curve is None):
        return False
    return (facts.key.bits or 0) <= MAX_RSA_BITS


def _key(chain: tuple[CertificateFacts, ...], reference: str, anchors: Anchors) -> _Key:
    # A fingerprint stands for its certificate, and only those judged are named: keys stay small whatever is served.
    return (tuple(facts.fingerprint_sha256 for facts in chain[:MAX_CERTIFICATES]), reference, anchors)


def _remembered(chain: tuple[CertificateFacts, ...], anchors: Anchors, reference: str, at: datetime) -> _Remembered:
    judged = tuple(facts for facts in chain[:MAX_CERTIFICATES] if is_judged(facts))
    judgement = _judgement(chain, judged, anchors, reference, at)
    second = unix_second(at)
    if any(facts.not_before is None or facts.not_after is None for facts in judged):
        # When it changes cannot be known, so it is not relied on.
        return _Remembered(judgement=judgement, begins=second, ends=second + 1)
    moments = sorted(boundaries(judged).union(anchors.boundaries))
    place = bisect_right(moments, second)
    return _Remembered(
        judgement=judgement,
        begins=moments[place - 1] if place else None,
        ends=moments[place] if place < len(moments) else None,
    )


def _judgement(
    chain: tuple[CertificateFacts, ...],
    judged: tuple[CertificateFacts, ...],
    anchors: Anchors,
    reference: str,
    at: datetime,
) -> Judgement:
    name_matches = bool(chain) and matches(chain[0], reference)
    for_servers = bool(chain) and is_for_servers(chain[0])
    if not judged or judged[0] is not chain[0]:
        return Judgement(
            at=at,
            opinions=refusals(is_empty=not chain),
            is_trusted=False,
            is_trusted_ignoring_time=False,
            name_matches=name_matches,
            is_for_servers=for_servers,
            path_not_after=None,
            judged_certificates=len(judged),
        )
    bench = Bench(leaf=judged[0], others=judged[1:], anchors=anchors)
    now = whole_second(at)
    openssl, relaxed = bench.openssl(now), bench.relaxed(now)
    # Whoever gave up on one hostile pile gives up on it every time, and each time is dear.
    strict = exhausted(Validator.CRYPTOGRAPHY_STRICT) if relaxed.is_exhausted else bench.strict(now, reference)
    is_trusted = openssl.opinion.accepts or relaxed.opinion.accepts
    timeless = (openssl, relaxed) if is_trusted else _ignoring_time(bench, judged, gives_up=relaxed.is_exhausted)
    last = _last(bench, timeless)
    return Judgement(
        at=at,
        opinions=(openssl.opinion, strict.opinion, relaxed.opinion),
        is_trusted=is_trusted,
        is_trusted_ignoring_time=any(answer.opinion.accepts for answer in timeless),
        name_matches=name_matches,
        is_for_servers=for_servers,
        path_not_after=None if last is None else last.path_not_after,
        judged_certificates=len(judged),
        path_end=None if last is None else last.path_end,
    )


def _ignoring_time(bench: Bench, judged: tuple[CertificateFacts, ...], *, gives_up: bool) -> tuple[Answer, ...]:
    answers = [bench.openssl(None)]
    if not answers[0].opinion.accepts and not gives_up:
        # cryptography cannot leave time aside, but it can be asked about another. A path that ever held mostly held
        # in the leaf's own time; more moments would cost more than they tell.
        moments = (judged[0].not_before, judged[0].not_after)
        answers += [bench.relaxed(moment) for moment in moments if moment is not None]
    return tuple(answers)


def _last(bench: Bench, answers: tuple[Answer, ...]) -> Answer | None:
    # The path that was found need not be the one that lasts longest: where it ends, another may still hold.
    last = _longest(answers)
    for _ in range(_MAX_SUCCESSIVE_PATHS):
        then = None if last is None or last.path_not_after is None else second_after(last.path_not_after)
        later = None if then is None else _longest((bench.openssl(then), bench.relaxed(then)))
        if later is None:
            break
        last = later
    return last


def _longest(answers: tuple[Answer, ...]) -> Answer | None:
    best: Answer | None = None
    for answer in answers:
        end = answer.path_not_after
        if end is not None and (best is None or best.path_not_after is None or end > best.path_not_after):
            best = answer
    return best


def _keep(memory: dict[_K, _V], at_most: int) -> None:
    while len(memory) > at_most:
        del memory[next(iter(memory))]
