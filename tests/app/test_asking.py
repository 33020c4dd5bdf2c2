"""Which chains are asked about: what was answered about one stays while others are served in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from monitor.app.asking import Asking
from monitor.checks.assess import Assessor
from monitor.demo.pki import Issued, issue
from monitor.judging import Judging
from monitor.model.broker import Broker, Fetch, FetchSettings
from monitor.model.known import NOTHING_KNOWN
from monitor.x509.certificate import read_chain
from tests.checks.served import INTERMEDIATE, NOW, broker, handshake, report
from tests.support.responder import pointing_at

URI = "ldap://ca.test/"
"""It is not followed: known is that, and nothing is sent."""
BROKER = replace(broker(), fetch=FetchSettings(what=Fetch.OCSP))
OWN_MAKE = issue(now=NOW)


def leaf() -> Issued:
    return issue(now=NOW, issuer=INTERMEDIATE, extensions=pointing_at(ocsp=(URI,)))


class World:
    """What asks, and what it is shown."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def serve(self, *served: Issued, of: Broker = BROKER) -> None:
        """Let a turn see this chain."""
        seen = report(handshake(*served))
        results = [(seen, Assessor().assess(seen, of, NOW, NOTHING_KNOWN))]
        await self._asking.saw(of, results, lambda _: NOTHING_KNOWN)

    def keep(self, *brokers: str) -> None:
        self._asking.keep(brokers)

    def knows(self, certificate: Issued) -> bool:
        (facts,) = read_chain([certificate.der])
        return facts.fingerprint_sha256 in [each.fingerprint_sha256 for each in self._asking.known(BROKER.name)]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    judging = Judging()
    async with asyncio.TaskGroup() as tasks:
        asking = Asking(tasks=tasks, now=lambda: NOW, judging=judging, on_fault=pytest.fail)
        asking.keep([BROKER.name])
        yield World(asking)
        asking.close()
    judging.close()


async def test_chain_that_is_not_accepted_makes_nothing_forgotten(world: World) -> None:
    one = leaf()
    await world.serve(one, INTERMEDIATE)
    await world.serve(OWN_MAKE)
    assert world.knows(one)


async def test_chains_that_are_served_by_turns_are_all_known(world: World) -> None:
    one, other = leaf(), leaf()
    for _ in range(2):
        await world.serve(one, INTERMEDIATE)
        await world.serve(other, INTERMEDIATE)
        assert world.knows(one)
        assert world.knows(other)


async def test_of_many_chains_the_last_are_known(world: World) -> None:
    steady, *others = (leaf() for _ in range(10))
    for other in others:
        await world.serve(steady, INTERMEDIATE)
        await world.serve(other, INTERMEDIATE)
    assert [world.knows(each) for each in (steady, *others)] == [True, False, False, *[True] * 7]


async def test_other_settings_begin_anew(world: World) -> None:
    one, other = leaf(), leaf()
    await world.serve(one, INTERMEDIATE)
    await world.serve(other, INTERMEDIATE, of=replace(BROKER, fetch=FetchSettings(what=Fetch.BOTH)))
    assert not world.knows(one)
    assert world.knows(other)
    await world.serve(other, INTERMEDIATE, of=replace(BROKER, fetch=FetchSettings(what=Fetch.NONE)))
    assert not world.knows(other)


async def test_broker_that_is_gone_is_forgotten(world: World) -> None:
    one = leaf()
    await world.serve(one, INTERMEDIATE)
    world.keep()
    assert not world.knows(one)
