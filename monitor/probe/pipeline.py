"""Orders the phases of one probe under one deadline, and turns whatever happens into a `ProbeReport`."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from monitor.model.broker import Addresses, Broker
from monitor.model.facts import TcpFacts
from monitor.model.outcome import MQTT_PHASES, Clock, Phase
from monitor.model.reasons import INTERNAL
from monitor.model.report import ProbeReport
from monitor.probe.connect import connect
from monitor.probe.deadline import Deadline
from monitor.probe.fault import PhaseFault
from monitor.probe.mqtt import converse, open_session, timeout_fault
from monitor.probe.recorder import Recorder
from monitor.probe.resolve import Address, Resolution, Resolver
from monitor.probe.session import MqttSession
from monitor.probe.tls import Verify, handshake, open_channel, read_tls
from monitor.wire.channel import GOODBYE_S, Channel
from monitor.wire.tcp import TcpConnection

MOST_ADDRESSES = 16
"""Of one name that are probed. A cluster behind one name has a few; an answer may hold hundreds."""

_T = TypeVar("_T")
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
    run = _Run(broker, verify, now, Recorder(broker, now(), mqtt_phases))

    async def phases(deadline: float) -> None:
        resolution = await run.resolve(resolver)
        await run.probe(resolution.addresses, deadline)

    await run.go(phases)
    return run.report()


async def probe_addresses(
    broker: Broker, *, verify: Verify, now: Callable[[], datetime], resolver: Resolver
) -> tuple[ProbeReport, ...]:
    """Probe once where one address is to be probed; else each address of the name, all at the same time.

    They share the look-up and the deadline, so that the whole takes no longer than one probe.

    Returns:
        One report for each address, in the addresses' own order: resolvers rotate theirs, and those that are left out
        must not be others each time. A single report without an address if there is none to probe.
    """
    if broker.addresses is Addresses.FIRST:
        return (await probe(broker, verify=verify, now=now, resolver=resolver),)
    lookup = _Run(broker, verify, now, Recorder(broker, now(), MQTT_PHASES))
    resolution = await lookup.go(lambda _: lookup.resolve(resolver))
    if resolution is None:
        return (lookup.report(),)
    addresses = sorted(resolution.addresses, key=lambda address: address.order)
    left_out = len(addresses[MOST_ADDRESSES:])

    async def probe_at(address: Address) -> ProbeReport:
        run = _Run(broker, verify, now, lookup.recorder.at(address.text, left_out=left_out))
        await run.go(partial(run.probe, (address,)))
        return run.report()

    async with asyncio.TaskGroup() as group:
        probes = [group.create_task(probe_at(address)) for address in addresses[:MOST_ADDRESSES]]
    return tuple(each.result() for each in probes)


class _Run:
    """One probe under way: what is open, and what was seen through it."""

    def __init__(self, broker: Broker, verify: Verify, now: Callable[[], datetime], recorder: Recorder) -> None:
        self.recorder = recorder
        self._broker = broker
        self._verify = verify
        self._now = now
        self._is_over = False
        self._tcp: TcpConnection | None = None
        self._channel: Channel | None = None
        self._session: MqttSession | None = None

    async def go(self, phases: Callable[[float], Awaitable[_T]]) -> _T | None:
        """Go through these phases, given the deadline, and leave; whatever happens is recorded.

        Returns:
            What they return; None if a phase failed.
        """
        result = None
        try:
            async with Deadline(self._broker.timeout_s - self.recorder.elapsed_s) as deadline:
                try:
                    result = await phases(deadline)
                except PhaseFault as fault:
                    self.recorder.fail(fault)
                await self.goodbye(deadline)
        except TimeoutError:
            self.time_is_up()
        except Exception:
            log.exception("internal error while probing", extra={"broker": self._broker.name})
            self.recorder.fail(PhaseFault(INTERNAL, "a fault of the monitor itself; its log has the traceback"))
        finally:
            self.close()
        return result

    async def resolve(self, resolver: Resolver) -> Resolution:
        """Go through the first phase: look up the broker's addresses.

        Raises:
            PhaseFault: there are none.
        """
        self.recorder.begin(Phase.RESOLVE)
        resolution = await resolver.resolve(self._broker.host, self._broker.port)
        self.recorder.done(resolution.elapsed_s, Clock.USER)
        return resolution

    async def probe(self, addresses: tuple[Address, ...], deadline: float) -> None:
        """Go through every other phase of the broker's protocol.

        Raises:
            PhaseFault: the present phase failed.
        """
        broker, recorder = self._broker, self.recorder
        recorder.begin(Phase.CONNECT)
        self._tcp, address = await connect(addresses, deadline)
        recorder.address = address.text
        recorder.done(self._tcp.connect_s, self._tcp.connect_clock)
        self._channel = open_channel(self._tcp, broker)
        await handshake(self._channel, broker, self._verify, self._now(), recorder)
        if recorder.mqtt_phases:
            self._session = open_session(self._channel, broker)
            await converse(self._session, self._channel, broker, recorder, recorder.mqtt_phases)

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
