"""The pipeline around the phases: faults of ours, deadlines, cancellation, and nothing left behind."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime

import pytest

from monitor.model.broker import Broker, MqttSettings, Secret
from monitor.model.facts import TlsFacts
from monitor.model.judgement import Finding
from monitor.model.outcome import Done, Phase
from tests.support.brokers import Mosquitto
from tests.support.faults import FaultServer, Peer
from tests.support.loop_state import descriptors
from tests.support.pki import TestPki
from tests.support.ports import silent_port
from tests.support.probing import accept_all, assert_success, broker_at, failure, outcome_of, run_probe


async def _broken(tls: TlsFacts, broker: Broker, now: datetime) -> Finding | None:
    raise RuntimeError("a bug")


async def test_a_bug_of_ours_is_internal_and_never_the_brokers_fault(
    mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    report = await run_probe(broker_at(mosquitto.port), _broken)
    outcome = failure(report)
    assert outcome.reason == "internal"
    assert "RuntimeError" not in outcome.detail
    assert caplog.records[0].levelno == logging.ERROR
    assert caplog.records[0].exc_info  # the log has the traceback
    assert report.tls is not None
    assert len(report.tls.certificates) == 2  # the facts survive


async def test_a_secret_is_in_no_record_of_a_probe(mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    broker = broker_at(mosquitto.port, mqtt=MqttSettings(username="monitor", password=Secret(b"marked-secret")))
    for verify in (accept_all, _broken):
        report = await run_probe(broker, verify)
        assert "marked-secret" not in repr(report)
        assert "marked-secret" not in repr(broker)
    assert "marked-secret" not in caplog.text


async def test_the_deadline_is_one_for_all_phases() -> None:
    with silent_port() as port:
        report = await run_probe(broker_at(port, timeout_s=0.3))
    assert failure(report).reason == "connect_timeout"
    assert report.duration_s >= 0.3


async def test_cancelled_while_the_peer_stalls_it_leaves_nothing(pki: TestPki) -> None:
    reached = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stall(peer: Peer) -> None:
        loop.call_soon_threadsafe(reached.set)
        peer.stall()

    before = descriptors()
    with FaultServer(stall) as server:
        task = asyncio.create_task(run_probe(broker_at(server.port)))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert descriptors() <= before


async def test_a_blocked_loop_is_not_the_brokers_latency(mosquitto: Mosquitto) -> None:
    loop = asyncio.get_running_loop()
    blocked_s = 0.2
    busy = True

    def block() -> None:
        time.sleep(blocked_s)
        if busy:
            loop.call_soon(block)

    loop.call_soon(block)
    report = await run_probe(broker_at(mosquitto.port, timeout_s=60.0))
    busy = False
    assert_success(report)
    assert report.duration_s > 5 * blocked_s
    for phase in (Phase.CONNECT, Phase.HANDSHAKE, Phase.MQTT_CONNECT, Phase.SUBSCRIBE, Phase.PUBLISH, Phase.ROUNDTRIP):
        outcome = outcome_of(report, phase)
        assert isinstance(outcome, Done)
        assert outcome.elapsed_s < blocked_s, phase


async def test_answers_that_came_in_time_are_read_though_the_loop_was_blocked_across_the_deadline(
    mosquitto: Mosquitto,
) -> None:
    task = asyncio.create_task(run_probe(broker_at(mosquitto.port, timeout_s=0.5)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    time.sleep(2.0)  # and as long again is what is left for the rest
    assert_success(await task)
