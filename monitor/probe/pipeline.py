"""Orders the phases of one probe under one deadline, and turns whatever happens into a `ProbeReport`."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from monitor.model.broker import Broker, Protocol
from monitor.model.facts import TcpFacts
from monitor.model.outcome import MQTT_PHASES, Clock, Phase
from monitor.model.reasons import INTERNAL
from monitor.model.report import ProbeReport
from monitor.probe.connect import connect
from monitor.probe.deadline import Deadline
from monitor.probe.fault import PhaseFault
from monitor.probe.mqtt import converse, open_session, timeout_fault
from monitor.probe.recorder import Recorder
from monitor.probe.resolve import Resolver
from monitor.probe.session import MqttSession
from monitor.probe.tls import Verify, handshake, open_channel, read_tls
from monitor.wire.channel import Channel
from monitor.wire.tcp import TcpConnection

GOODBYE_S = 0.5
"""How long the peer may take to close after us. Its session tickets and its FIN are under way already."""

log = logging.getLogger(__name__)


async def probe(
    broker: Broker,
    *,
    verify: Verify,
    now: Callable[[], datetime],
    resolver: Resolver,
    mqtt_phases: Sequence[Phase] = MQTT_PHASES,
) -> ProbeReport:
    """Probe once. Whatever the broker does is in the report; only cancellation comes out as an exception.

    Args:
        broker: what to probe, and how.
        verify: the gate in front of every secret.
        now: the wall clock; UTC, aware.
        resolver: for its name.
        mqtt_phases: which to go through, in their order, where the protocol is MQTT; the others are not reported.
    """
    run = _Run(broker, verify, now, resolver, tuple(mqtt_phases) if broker.protocol is Protocol.MQTT else ())
    try:
        async with Deadline(broker.timeout_s) as deadline:
            try:
                await run.phases(deadline)
            except PhaseFault as fault:
                run.recorder.fail(fault)
            await run.goodbye(deadline)
    except TimeoutError:
        run.time_is_up()
    except Exception:
        log.exception("internal error while probing %s", broker.name)
        run.recorder.fail(PhaseFault(INTERNAL, "a fault of the monitor itself; its log has the traceback"))
    finally:
        run.close()
    return run.report()


class _Run:
    """One probe under way: what is open, and what was seen through it."""

    def __init__(
        self,
        broker: Broker,
        verify: Verify,
        now: Callable[[], datetime],
        resolver: Resolver,
        mqtt_phases: tuple[Phase, ...],
    ) -> None:
        self.recorder = Recorder(broker, now(), mqtt_phases)
        self._broker = broker
        self._verify = verify
        self._now = now
        self._resolver = resolver
        self._mqtt_phases = mqtt_phases
        self._is_over = False
        self._tcp: TcpConnection | None = None
        self._channel: Channel | None = None
        self._session: MqttSession | None = None

    async def phases(self, deadline: float) -> None:
        """Go through every phase.

        Raises:
            PhaseFault: the present phase failed.
        """
        broker, recorder = self._broker, self.recorder
        recorder.begin(Phase.RESOLVE)
        resolution = await self._resolver.resolve(broker.host, broker.port)
        recorder.done(resolution.elapsed_s, Clock.USER)
        recorder.begin(Phase.CONNECT)
        self._tcp, address = await connect(resolution.addresses, deadline)
        recorder.address = address.text
        recorder.done(self._tcp.connect_s, self._tcp.connect_clock)
        self._channel = open_channel(self._tcp, broker)
        await handshake(self._channel, broker, self._verify, self._now(), recorder)
        if self._mqtt_phases:
            self._session = open_session(self._channel, broker)
            await converse(self._session, self._channel, broker, recorder, self._mqtt_phases)

    async def goodbye(self, deadline: float) -> None:
        """Leave, and give the peer a moment to close too."""
        self._is_over = True
        self._leave()
        if self._channel is not None:
            patience_s = deadline - asyncio.get_running_loop().time()
            await self._channel.peer_closed(min(GOODBYE_S, max(0.0, patience_s)))

    def time_is_up(self) -> None:
        """Fail the present phase by timeout, unless only the goodbye was slow."""
        if not self._is_over:
            self.recorder.fail(timeout_fault(self.recorder.phase, self._session, self._broker.timeout_s))

    def close(self) -> None:
        """Give back the descriptor; nothing of the probe is left in the event loop."""
        try:
            self._leave()
        finally:
            self._release()

    def _release(self) -> None:
        if self._tcp is not None:
            info = self._tcp.info()
            retransmitted = info.retransmitted_segments if info else None
            self.recorder.tcp = TcpFacts(rtt_s=self._tcp.rtt_s, retransmitted_segments=retransmitted)
        if self._channel is not None:
            self._complete_tls_facts(self._channel)
            self._channel.close()
        elif self._tcp is not None:
            self._tcp.close()

    def report(self) -> ProbeReport:
        """Return everything; the run is closed."""
        return self.recorder.report(self._session.witness.facts() if self._session is not None else None)

    def _leave(self) -> None:
        """Leave as a polite client does: DISCONNECT, close_notify, FIN. No waiting."""
        if self._channel is not None and not self._channel.is_held:
            if self._session is not None:
                self._session.disconnect()
            self._channel.say_goodbye()

    def _complete_tls_facts(self, channel: Channel) -> None:
        recorder = self.recorder
        if recorder.tls is None:
            recorder.tls = read_tls(channel)  # the handshake did not come to its end
        elif channel.ended.done():
            # In TLS 1.3 the alert that says most comes after the handshake.
            recorder.tls = dataclasses.replace(recorder.tls, alert=channel.ended.result().alert)
