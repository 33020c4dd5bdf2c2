"""Judging beside the event loop: it never waits for a hostile chain, and a probe's deadline holds meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.checks.assess import Assessor
from monitor.demo.pki import Issued, issue
from monitor.judging import Judging
from monitor.model.broker import ClientIdentity
from monitor.model.facts import TlsFacts
from monitor.model.judgement import Finding
from monitor.model.outcome import Done, Phase, Skipped
from monitor.x509.certificate import read_chain
from tests.support.case import V3_1_1, good_tls, two_way_tls12
from tests.support.faults import FaultServer
from tests.support.mqtt_script import broker as script
from tests.support.piles import circle, constrained
from tests.support.pki import TestPki
from tests.support.probing import broker_at, failure, outcome_of, run_probe
from tests.support.records import tls_facts

MAX_GAP_S = 0.05


@pytest.fixture
def judging() -> Iterator[Judging]:
    judging = Judging()
    yield judging
    judging.close()


def served(*chain: Issued) -> TlsFacts:
    return replace(tls_facts(()), certificates=read_chain([issued.der for issued in chain]))


@asynccontextmanager
async def gaps_s() -> AsyncIterator[Callable[[], float]]:
    """Measure the longest time for which the event loop did not turn, by the CPU that this process took meanwhile.

    What other processes take from it on a busy machine is none of our doing.
    """
    longest = 0.0

    async def turn() -> None:
        nonlocal longest
        while True:
            before = time.process_time()
            await asyncio.sleep(0)
            longest = max(longest, time.process_time() - before)

    task = asyncio.create_task(turn())
    try:
        yield lambda: longest
    finally:
        task.cancel()


@contextmanager
def threads_used() -> Iterator[Callable[[], bool]]:
    before = set(threading.enumerate())
    yield lambda: any(thread.name.startswith("judge") for thread in set(threading.enumerate()) - before)


async def test_usual_chain_is_judged_on_the_loop_once_it_is_known(pki: TestPki, judging: Judging) -> None:
    tls, broker = served(*pki.chain), broker_at(1, trust=pki.trust)
    assessor = Assessor()
    assert not assessor.is_quick(tls, broker, pki.now)
    assert assessor.verify(tls, broker, pki.now) is None
    assert assessor.is_quick(tls, broker, pki.now + timedelta(hours=1))
    assert not assessor.is_quick(tls, broker, pki.now + timedelta(days=1000))
    with threads_used() as used:
        known = Judging(assessor)
        assert await known.verify(tls, broker, pki.now) is None
        assert not used()
        assert await judging.verify(tls, broker, pki.now) is None
        assert used()
        known.close()


async def test_long_chain_is_never_judged_on_the_loop(pki: TestPki) -> None:
    tls, broker = served(pki.leaf, *[pki.intermediate] * 6), broker_at(1, trust=pki.trust)
    assessor = Assessor()
    assessor.verify(tls, broker, pki.now)
    assert not assessor.is_quick(tls, broker, pki.now)


async def test_loop_goes_on_while_a_pile_is_judged(pki: TestPki, judging: Judging) -> None:
    pile = circle(pki.now, 15)
    broker = broker_at(1, trust=pki.trust)
    longest = []
    for number in range(3):
        tls = served(issue(now=pki.now, issuer=pile[number]), *pile)
        async with gaps_s() as gap_s:
            found = await judging.verify(tls, broker, pki.now)
            longest.append(gap_s())
        assert found is not None
    # The best of three: the system may let the other thread go first.
    assert min(longest) < MAX_GAP_S


@pytest.mark.parametrize("count", [300, 1000, 3000])
async def test_loop_goes_on_while_names_are_compared(pki: TestPki, judging: Judging, count: int) -> None:
    broker = broker_at(1, trust=pki.trust)
    longest = []
    for _ in range(3):
        tls = served(*constrained(pki.now, pki.root, count))
        async with gaps_s() as gap_s:
            await judging.verify(tls, broker, pki.now)
            longest.append(gap_s())
    assert min(longest) < MAX_GAP_S


async def test_bug_of_ours_comes_out_of_the_thread(pki: TestPki) -> None:
    class Broken(Assessor):
        def verify(self, *_: object) -> Finding | None:
            raise RuntimeError("a bug")

    judging = Judging(Broken())
    with pytest.raises(RuntimeError, match="a bug"):
        await judging.verify(served(*pki.chain), broker_at(1), pki.now)
    judging.close()


@asynccontextmanager
async def queue(pki: TestPki) -> AsyncIterator[Judging]:
    """Keep the one thread busy for seconds; what is left of that is dropped at the end."""
    judging = Judging(threads=1)
    pile = circle(pki.now, 15)
    piles = [served(issue(now=pki.now, issuer=pile[0], subject=str(number)), *pile) for number in range(100)]
    busy = [asyncio.create_task(judging.verify(tls, broker_at(1, trust=pki.trust), pki.now)) for tls in piles]
    await asyncio.sleep(0)
    try:
        yield judging
    finally:
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        judging.close()


@pytest.mark.parametrize("has_identity", [False, True])
async def test_chain_that_is_not_judged_before_the_deadline_is_verify_timeout(pki: TestPki, has_identity: bool) -> None:
    identity: ClientIdentity | None = pki.client_identity if has_identity else None
    tls = two_way_tls12(pki) if has_identity else good_tls(pki)
    with FaultServer(script(), tls=tls) as server:
        broker = broker_at(server.port, trust=pki.trust, identity=identity, mqtt=V3_1_1, timeout_s=1.0)
        async with queue(pki) as judging:
            report = await run_probe(broker, judging.verify)
    assert failure(report).reason == "verify_timeout"
    assert report.tls is not None
    assert report.tls.certificates
    assert not report.tls.client_certificate_sent
    assert outcome_of(report, Phase.MQTT_CONNECT) == Skipped(blocked_by=Phase.VERIFY)
    handshake = outcome_of(report, Phase.HANDSHAKE)
    assert handshake == Skipped(blocked_by=Phase.VERIFY) if has_identity else isinstance(handshake, Done)
    # It has a sentence and a fix, although the chain is a good one.
    (finding,) = (each for each in Assessor().assess(report, broker, pki.now).findings if each.code == "verify_timeout")
    assert finding.fix
