"""Where chains are judged: what is known is answered on the event loop, whatever may be dear in threads of its own.

One call of a validator takes up to some 100 ms on a hostile pile of certificates, and cannot be interrupted. In a
thread it holds up the event loop for no longer than a thread's turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from monitor.checks.assess import Assessor
from monitor.model.broker import Broker
from monitor.model.facts import CertificateFacts, TlsFacts
from monitor.model.judgement import Assessment, Finding
from monitor.model.known import NOTHING_KNOWN, Known
from monitor.model.report import ProbeReport

# Two, so that one hostile broker does not hold up the judging of the others.
_THREADS: Final = 2

_T = TypeVar("_T")


class Judging:
    """An assessor that never holds up the event loop; to be closed.

    Whoever is cancelled while waiting for a thread takes its question out of the queue; one that is being answered is
    answered to its end, which comes: what is judged is bounded (`monitor.x509.judge`).
    """

    def __init__(self, assessor: Assessor | None = None, *, threads: int = _THREADS) -> None:
        self._assessor = Assessor() if assessor is None else assessor
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="judge")

    async def verify(
        self, tls: TlsFacts, broker: Broker, now: datetime, known: Known = NOTHING_KNOWN
    ) -> Finding | None:
        """Say whether the broker is to be trusted with credentials, as `Assessor.verify` does."""
        return await self._answer(tls, broker, now, known, partial(self._assessor.verify, tls, broker, now, known))

    async def assess(
        self,
        report: ProbeReport,
        broker: Broker,
        now: datetime,
        known: Known = NOTHING_KNOWN,
    ) -> Assessment:
        """Say everything there is to say about a report, as `Assessor.assess` does."""
        tls = report.tls_or(known.last_seen)
        question = partial(self._assessor.assess, report, broker, now, known)
        return await self._answer(tls, broker, now, known, question)

    async def assess_turn(
        self,
        reports: Sequence[ProbeReport],
        broker: Broker,
        now: datetime,
        known: Callable[[ProbeReport], Known] = lambda _: NOTHING_KNOWN,
    ) -> list[tuple[ProbeReport, Assessment]]:
        """Say everything about each report of one turn, in their order: each knows the others as its siblings.

        Args:
            reports: one, or one for each address of the broker's name.
            broker: what was probed.
            now: the moment to judge at; aware.
            known: what else is known of a report's broker and address.
        """
        results = []
        for report in reports:
            others = tuple(other for other in reports if other is not report)
            results.append((report, await self.assess(report, broker, now, replace(known(report), siblings=others))))
        return results

    async def way(self, tls: TlsFacts, broker: Broker) -> tuple[CertificateFacts, ...]:
        """Return the chain from the broker's own certificate to its anchor, as `Assessor.way` does."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._assessor.way, tls, broker)

    def close(self) -> None:
        """Answer no more; threads that are busy end with their answer."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _answer(
        self, tls: TlsFacts | None, broker: Broker, now: datetime, known: Known, question: Callable[[], _T]
    ) -> _T:
        if tls is None or self._assessor.is_quick(tls, broker, now, known):
            return question()
        return await asyncio.get_running_loop().run_in_executor(self._threads, question)
