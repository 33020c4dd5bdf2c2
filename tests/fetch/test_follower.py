"""Asking in the background: when, how often, and what is known meanwhile. Servers are real, the wall clock is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from monitor.demo.pki import Issued, issue
from monitor.fetch import follower as module
from monitor.fetch.fetcher import Fetcher
from monitor.fetch.follower import MOST_AT_ONCE, Follower
from monitor.fetch.question import Question
from monitor.fetch.wanted import Wanted, wanted
from monitor.model.broker import Fetch, FetchSettings
from monitor.model.fetched import Fetched
from monitor.model.revocation import Source
from monitor.model.unavailable import Unavailable
from monitor.x509.certificate import read_chain
from tests.support.faults import FaultServer, Peer
from tests.support.http_peer import read_request, response
from tests.support.ports import PATIENCE_S, closed_port
from tests.support.responder import Responder, pointing_at
from tests.support.waiting import until

START = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CA = issue(now=START, is_ca=True)
KEY = "b"


class World:
    """A follower, a clock that stands still unless it is set, and what the follower did wrong."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.now = START
        self.faults = 0
        self.follower = Follower(
            tasks=tasks, now=lambda: self.now, fetcher=Fetcher(most_s=PATIENCE_S), on_fault=self._fault
        )

    def _fault(self) -> None:
        self.faults += 1

    def pass_time(self, time: timedelta) -> None:
        self.now += time
        self.follower.turn()

    async def known(self, *, problem: Unavailable | None = None, key: str = KEY) -> Fetched:
        """Return what is known first, once it has that problem."""
        await until(lambda: self.follower.known(key)[0].problem is problem)
        return self.follower.known(key)[0]

    async def is_idle(self) -> None:
        """Return once whatever was to be asked has been asked."""
        for _ in range(50):
            await asyncio.sleep(0)
        await until(lambda: not self.follower._busy)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with asyncio.TaskGroup() as tasks:
        world = World(tasks)
        yield world
        world.follower.close()
        assert world.faults == 0


@pytest.fixture
def responder() -> Iterator[Responder]:
    with Responder(CA, now=lambda: START) as responder:
        yield responder


def leaf(*uris: str) -> Issued:
    return issue(now=START, issuer=CA, extensions=pointing_at(ocsp=uris))


def about(certificate: Issued, responder: Responder | frozenset[tuple[str, int]], **settings: float) -> list[Wanted]:
    allowed = responder.allowed if isinstance(responder, Responder) else responder
    of = FetchSettings(what=Fetch.BOTH, allowed=allowed, **settings)
    return list(wanted(read_chain([certificate.der, CA.der]), of))


async def test_answer_is_known_once_it_has_come(world: World, responder: Responder) -> None:
    certificate = issue(now=START, issuer=CA, extensions=responder.extensions)
    world.follower.follow(KEY, about(certificate, responder))
    assert [(each.source, each.problem, each.content) for each in world.follower.known(KEY)] == [
        (source, Unavailable.NOT_ASKED_YET, None) for source in (Source.OCSP, Source.CRL)
    ]
    await until(lambda: all(each.problem is None for each in world.follower.known(KEY)))
    answer, listed = world.follower.known(KEY)
    assert answer.content is not None
    assert listed.content is not None
    assert len({answer.sha256, listed.sha256, ""}) == 3
    assert answer.fingerprint_sha256 == read_chain([certificate.der])[0].fingerprint_sha256
    assert sorted(responder.asked) == ["/ca.crl", "OCSP"]
    assert world.follower.known("other") == ()


async def test_answer_is_kept_until_it_is_due_and_then_asked_for_again(world: World, responder: Responder) -> None:
    responder.lifetime = HOUR
    certificate = leaf(responder.uri)
    world.follower.follow(KEY, about(certificate, responder))
    before = await world.known()
    for _ in range(4):
        world.pass_time(HOUR / 6)
        await world.is_idle()
    assert len(responder.asked) == 1
    responder.revoked.add(certificate.certificate.serial_number)
    world.pass_time(HOUR / 4)
    await until(lambda: world.follower.known(KEY)[0] != before)
    assert len(responder.asked) == 2


async def test_equal_questions_are_asked_once(world: World, responder: Responder) -> None:
    asked = about(leaf(responder.uri), responder)
    for number in range(10):
        world.follower.follow(f"broker-{number}", asked)
    await world.known(key="broker-9")
    world.follower.follow(KEY, asked)
    assert (await world.known()).content
    assert len(responder.asked) == 1


async def test_following_anew_what_is_followed_asks_nothing(world: World, responder: Responder) -> None:
    certificate = leaf(responder.uri)
    world.follower.follow(KEY, about(certificate, responder))
    await world.known()
    world.follower.follow(KEY, about(certificate, responder))
    assert world.follower.known(KEY)[0].problem is None
    await world.is_idle()
    assert len(responder.asked) == 1


async def test_failure_is_kept_too_and_tried_again_later_each_time(world: World) -> None:
    with FaultServer(lambda peer: peer.close()) as server:
        allowed = frozenset({("127.0.0.1", server.port)})
        world.follower.follow(KEY, about(leaf(f"http://127.0.0.1:{server.port}/"), allowed))
        assert (await world.known(problem=Unavailable.PROTOCOL)).content is None
        tries = []
        for _ in range(60):
            world.pass_time(timedelta(minutes=1))
            await world.is_idle()
            tries.append(len(server.peers))
    waits = [tries.count(number) for number in sorted(set(tries))]
    assert 4 <= len(waits) <= 8
    assert waits[:-1] == sorted(waits[:-1])


async def test_answer_stays_while_asking_again_fails(world: World, responder: Responder) -> None:
    responder.lifetime = HOUR
    world.follower.follow(KEY, about(leaf(responder.uri), responder))
    content = (await world.known()).content
    responder.refuses = True
    world.pass_time(2 * HOUR)
    after = await world.known(problem=Unavailable.UNUSABLE)
    assert (after.content, after.is_usable) == (content, True)
    assert "tryLater" in after.detail
    responder.refuses = False
    world.pass_time(timedelta(minutes=2))
    await until(lambda: len(responder.asked) == 3)


async def test_older_answer_takes_no_newer_ones_place(world: World, responder: Responder) -> None:
    certificate = leaf(responder.uri)
    responder.revoked.add(certificate.certificate.serial_number)
    world.follower.follow(KEY, about(certificate, responder))
    revoked = await world.known()
    responder.revoked.clear()
    responder.age = HOUR
    world.pass_time(12 * HOUR)
    after = await world.known(problem=Unavailable.UNUSABLE)
    assert (after.sha256, after.detail) == (revoked.sha256, "it is older than what was answered before")
    responder.age = -12 * HOUR
    world.pass_time(HOUR)
    assert (await world.known()).sha256 != revoked.sha256


async def test_useless_answer_is_shown_where_there_is_no_other(world: World) -> None:
    def script(peer: Peer) -> None:
        read_request(peer)
        peer.send_raw(response(b"garbage"))
        peer.close()

    with FaultServer(script) as server:
        allowed = frozenset({("127.0.0.1", server.port)})
        world.follower.follow(KEY, about(leaf(f"http://127.0.0.1:{server.port}/"), allowed))
        found = await world.known(problem=Unavailable.UNUSABLE)
    assert (found.content, found.detail) == (b"garbage", "it cannot be decoded")
    assert not found.is_usable


async def test_second_uri_is_asked_where_the_first_has_no_usable_answer(world: World, responder: Responder) -> None:
    with closed_port() as closed:
        first = ("127.0.0.1", closed)
        uris = (f"http://127.0.0.1:{closed}/", responder.uri)
        world.follower.follow(KEY, about(leaf(*uris), responder.allowed | {first}))
        assert (await world.known()).content
    assert responder.asked == ["OCSP"]


async def test_of_several_failures_the_first_uris_counts(world: World) -> None:
    with closed_port() as closed, FaultServer(lambda peer: peer.close()) as server:
        uris = [f"http://127.0.0.1:{port}/" for port in (closed, server.port)]
        allowed = frozenset({("127.0.0.1", closed), ("127.0.0.1", server.port)})
        world.follower.follow(KEY, about(leaf(*uris), allowed))
        assert (await world.known(problem=Unavailable.CONNECT)).uri == uris[0]
        assert len(server.peers) == 1


async def test_clock_that_is_set_back_puts_nothing_off(world: World, responder: Responder) -> None:
    world.follower.follow(KEY, about(leaf(responder.uri), responder))
    await world.known()
    world.pass_time(-1000 * HOUR)
    await until(lambda: len(responder.asked) == 2)


async def test_certificate_that_points_nowhere_useful_costs_no_request(world: World) -> None:
    world.follower.follow(KEY, about(leaf("ldap://dc.test/"), frozenset()))
    found = await world.known(problem=Unavailable.SCHEME)
    assert (found.uri, found.detail) == ("ldap://dc.test/", "ldap is not followed, only http")


# Bounds


def stall(peer: Peer) -> None:
    peer.stall()


async def test_slow_server_holds_up_its_own_answers_alone(world: World, responder: Responder) -> None:
    with FaultServer(stall) as server:
        allowed = responder.allowed | {("127.0.0.1", server.port)}
        for number in range(3 * MOST_AT_ONCE):
            slow = about(leaf(f"http://127.0.0.1:{server.port}/"), allowed)
            world.follower.follow(f"slow-{number}", slow)
        for number in range(3):
            world.follower.follow(f"quick-{number}", about(leaf(responder.uri), allowed))
        for number in range(3):
            await world.known(key=f"quick-{number}")
        await until(lambda: server.peers)
        assert len(server.peers) == 1
        world.follower.close()


async def test_no_more_servers_are_asked_at_once_than_may_be(world: World) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(FaultServer(stall)) for _ in range(MOST_AT_ONCE + 2)]
        allowed = frozenset({("127.0.0.1", server.port) for server in servers})
        for server in servers:
            world.follower.follow(str(server.port), about(leaf(f"http://127.0.0.1:{server.port}/"), allowed))
        await until(lambda: sum(len(server.peers) for server in servers) == MOST_AT_ONCE)
        world.follower.turn()
        for _ in range(50):
            await asyncio.sleep(0)
        assert sum(len(server.peers) for server in servers) == MOST_AT_ONCE
        world.follower.close()


async def test_no_more_questions_are_kept_than_may_be(
    world: World, responder: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_QUESTIONS", 1)
    world.follower.follow("first", about(leaf(responder.uri), responder))
    world.follower.follow(KEY, about(leaf(responder.uri), responder))
    await world.known(problem=Unavailable.NO_ROOM)
    await world.known(key="first")
    assert len(responder.asked) == 1


async def test_no_more_octets_are_kept_than_may_be(
    world: World, responder: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_OCTETS", 1000)
    for number in range(20):
        world.follower.follow(str(number), about(leaf(responder.uri), responder))
    await until(lambda: len(responder.asked) == 20)
    await world.is_idle()
    known = [world.follower.known(str(number))[0] for number in range(20)]
    assert 0 < sum(len(each.content or b"") for each in known) <= 1000
    assert {each.problem for each in known} == {None, Unavailable.NO_ROOM}


# Ending


async def test_what_nobody_wants_any_more_is_asked_no_more_and_forgotten(world: World, responder: Responder) -> None:
    certificate = leaf(responder.uri)
    world.follower.follow(KEY, about(certificate, responder))
    await world.known()
    world.follower.follow(KEY, ())
    assert world.follower.known(KEY) == ()
    world.pass_time(24 * HOUR)
    await world.is_idle()
    assert len(responder.asked) == 1
    assert world.follower._entries == {}


async def test_two_chains_by_turns_are_asked_about_once_each(world: World, responder: Responder) -> None:
    one, other = (about(leaf(responder.uri), responder) for _ in range(2))
    for _ in range(5):
        for chain in (one, other):
            world.follower.follow(KEY, chain)
            await world.known()
    assert len(responder.asked) == 2


async def test_answers_that_nobody_wants_make_room(
    world: World, responder: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_QUESTIONS", 1)
    for _ in range(3):
        world.follower.follow(KEY, about(leaf(responder.uri), responder))
        await world.known()
    assert len(world.follower._entries) == 1


async def test_closing_gives_up_what_is_under_way(world: World) -> None:
    with FaultServer(stall) as server:
        allowed = frozenset({("127.0.0.1", server.port)})
        world.follower.follow(KEY, about(leaf(f"http://127.0.0.1:{server.port}/"), allowed))
        await until(lambda: server.peers)
        world.follower.close()
        await asyncio.to_thread(server.wait_until_left)
        world.pass_time(1000 * HOUR)
        await world.is_idle()
        assert len(server.peers) == 1


async def test_fault_of_ours_is_told_as_such_and_ends_nothing(
    world: World, responder: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> object:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(Question, "read", read)
        world.follower.follow(KEY, about(leaf(responder.uri), responder))
        found = await world.known(problem=Unavailable.INTERNAL)
    assert (found.content, world.faults) == (None, 1)
    world.faults = 0
    world.pass_time(HOUR)
    await world.known()
