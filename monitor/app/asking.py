"""Which certificates are asked about: those of accepted chains, where the configuration wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.fetch.fetcher import Fetcher
from monitor.fetch.follower import Follower
from monitor.fetch.wanted import Wanted, wanted
from monitor.judging import Judging
from monitor.model.broker import Broker, Fetch
from monitor.model.facts import TlsFacts
from monitor.model.fetched import Fetched
from monitor.model.judgement import Assessment
from monitor.model.known import Known
from monitor.model.report import ProbeReport

# Of a broker, beyond those that its latest turn saw.
_MOST_CHAINS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is asked about a broker."""

    settings: tuple[object, ...]
    """All is asked anew when they change."""
    chains: dict[tuple[str, ...], tuple[Wanted, ...]]
    """What each accepted chain gives reason to ask, by its fingerprints; those seen last at the end."""


class Asking:
    """Follows the chains that probes saw, beside them; to be closed.

    Args:
        tasks: owns whatever runs.
        now: the wall clock; UTC, aware.
        judging: knows the way from a chain to its anchor.
        on_fault: called when the monitor itself was at fault.
    """

    def __init__(
        self, *, tasks: asyncio.TaskGroup, now: Callable[[], datetime], judging: Judging, on_fault: Callable[[], None]
    ) -> None:
        self._judging = judging
        self._follower = Follower(tasks=tasks, now=now, fetcher=Fetcher(), on_fault=on_fault)
        self._brokers: frozenset[str] = frozenset()
        self._asked: dict[str, _Asked] = {}

    def known(self, broker: str) -> tuple[Fetched, ...]:
        """Return what is known about the certificates of a broker's chains."""
        return self._follower.known(broker)

    async def saw(
        self,
        broker: Broker,
        results: Sequence[tuple[ProbeReport, Assessment]],
        known: Callable[[ProbeReport], Known],
    ) -> None:
        """Ask about the chains that a turn saw, or the last one did, as far as they were accepted; about no others.

        That one was revoked is no reason to ask no more: it is known for as long as it is asked about. Nor is it that
        another chain was served since, accepted or not: whoever serves them by turns would be trusted anew each time.
        So the last few accepted chains are asked about.

        Args:
            broker: what was probed.
            results: of one turn.
            known: what is known beside a report.
        """
        seen = []
        if broker.fetch.what is not Fetch.NONE:
            seen = [_tls(report, known) for report, assessment in results if _is_accepted(assessment)]
        settings = (broker.fetch, broker.tls.trust)
        former = self._asked.get(broker.name, _Asked(settings=settings, chains={}))
        chains = dict(former.chains) if former.settings == settings else {}
        latest = {}
        for tls in seen:
            key = _fingerprints(tls)
            questions = chains.pop(key, None)
            if questions is None:
                questions = tuple(wanted(await self._judging.way(tls, broker), broker.fetch))
            latest[key] = questions
        chains = dict([*chains.items(), *latest.items()][-max(_MOST_CHAINS, len(latest)) :])
        if broker.name not in self._brokers:  # it was removed meanwhile
            return
        self._asked[broker.name] = _Asked(settings=settings, chains=chains)
        if chains.keys() != former.chains.keys() or former.settings != settings:
            every = (each for questions in chains.values() for each in questions)
            self._follower.follow(broker.name, tuple(dict.fromkeys(every)))

    def keep(self, brokers: Iterable[str]) -> None:
        """Ask for these brokers alone from now on."""
        self._brokers = frozenset(brokers)
        for gone in self._asked.keys() - self._brokers:
            del self._asked[gone]
            self._follower.follow(gone, ())

    def turn(self) -> None:
        """Ask what is due; to be called every second or so."""
        self._follower.turn()

    def close(self) -> None:
        """Ask no more."""
        self._follower.close()


def _tls(report: ProbeReport, known: Callable[[ProbeReport], Known]) -> TlsFacts:
    tls = report.tls_or(known(report).last_seen)
    assert tls is not None  # an assessment that accepts is of some chain
    return tls


def _is_accepted(assessment: Assessment) -> bool:
    return assessment.judgement is not None and assessment.judgement.accepted


def _fingerprints(tls: TlsFacts) -> tuple[str, ...]:
    return tuple(facts.fingerprint_sha256 for facts in tls.certificates)
