"""Which certificates are asked about: those of accepted chains, where the configuration wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from monitor.fetch.fetcher import Fetcher
from monitor.fetch.follower import Follower
from monitor.fetch.wanted import wanted
from monitor.judging import Judging
from monitor.model.broker import Broker, Fetch
from monitor.model.facts import TlsFacts
from monitor.model.fetched import Fetched
from monitor.model.judgement import Assessment
from monitor.model.known import Known
from monitor.model.report import ProbeReport


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
        self._drawn_from: dict[str, tuple[object, ...]] = {}
        """What each broker's questions follow from: they are drawn anew when that changes."""

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

        That one was revoked is no reason to ask no more: it is known for as long as it is asked about.

        Args:
            broker: what was probed.
            results: of one turn.
            known: what is known beside a report.
        """
        chains = []
        if broker.fetch.what is not Fetch.NONE:
            chains = [_tls(report, known) for report, assessment in results if _is_accepted(assessment)]
        drawn_from = (broker.fetch, broker.tls.trust, *(_fingerprints(tls) for tls in chains))
        if self._drawn_from.get(broker.name) == drawn_from or not (chains or broker.name in self._drawn_from):
            return
        ways = [await self._judging.way(tls, broker) for tls in chains]
        if broker.name not in self._brokers:  # it was removed meanwhile
            return
        self._drawn_from[broker.name] = drawn_from
        self._follower.follow(
            broker.name, tuple(dict.fromkeys(each for way in ways for each in wanted(way, broker.fetch)))
        )

    def keep(self, brokers: Iterable[str]) -> None:
        """Ask for these brokers alone from now on."""
        self._brokers = frozenset(brokers)
        for gone in self._drawn_from.keys() - self._brokers:
            del self._drawn_from[gone]
            self._follower.follow(gone, ())

    def turn(self) -> None:
        """Ask what is due; to be called every second or so."""
        self._follower.turn()

    def close(self) -> None:
        """Ask no more."""
        self._follower.close()


def _tls(report: ProbeReport, known: Callable[[ProbeReport], Known]) -> TlsFacts:
    tls = report.tls if report.tls is not None and report.tls.certificates else known(report).last_seen
    assert tls is not None  # an assessment that accepts is of some chain
    return tls


def _is_accepted(assessment: Assessment) -> bool:
    return assessment.judgement is not None and assessment.judgement.accepted


def _fingerprints(tls: TlsFacts) -> tuple[str, ...]:
    return tuple(facts.fingerprint_sha256 for facts in tls.certificates)
