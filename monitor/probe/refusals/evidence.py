"""What one attempt has shown, and whether that is enough."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.model.broker import Broker
from monitor.model.outcome import Failed, Phase
from monitor.model.refusal import RefusalOutcome
from monitor.model.report import ProbeReport
from monitor.probe.connect import connect
from monitor.probe.deadline import Deadline
from monitor.probe.fault import PhaseFault
from monitor.probe.pipeline import probe
from monitor.probe.resolve import Resolver
from monitor.probe.tls import Verify
from monitor.wire.tcp import TcpConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an attempt comes to."""

    outcome: RefusalOutcome
    detail: str
    """What was seen, without a full stop."""
    needs_control: bool = False
    """A broker that has just gone down looks the same: it holds only if an ordinary connection is let in now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What attempts are made with."""

    verify: Verify
    now: Callable[[], datetime]
    resolver: Resolver

    async def probe(self, broker: Broker, *mqtt_phases: Phase) -> ProbeReport:
        """Probe once, through these phases of MQTT."""
        return await probe(broker, verify=self.verify, now=self.now, resolver=self.resolver, mqtt_phases=mqtt_phases)

    async def connected(self, broker: Broker, port: int) -> tuple[TcpConnection, str]:
        """Connect to the broker's host, and no more; return the address too. Closing is the caller's.

        Raises:
            PhaseFault: the name cannot be resolved, or nobody accepts the connection.
        """
        try:
            async with Deadline(broker.timeout_s) as deadline:
                resolution = await self.resolver.resolve(broker.host, port)
                tcp, address = await connect(resolution.addresses, deadline)
                return tcp, address.text
        except TimeoutError:
            raise PhaseFault("timeout", f"no answer within {broker.timeout_s:g} s") from None


Attempt = Callable[[Broker, Means], Awaitable[Evidence]]


def refused(detail: str, *, needs_control: bool) -> Evidence:
    """It failed, and for the right reason."""
    return Evidence(outcome=RefusalOutcome.REFUSED, detail=detail, needs_control=needs_control)


def accepted(detail: str) -> Evidence:
    """It was let in: that needs no second look."""
    return Evidence(outcome=RefusalOutcome.ACCEPTED, detail=detail)


def unknown(detail: str) -> Evidence:
    """It failed for another reason, which says nothing of this one."""
    return Evidence(outcome=RefusalOutcome.UNKNOWN, detail=detail)


def said(failure: Failed) -> str:
    """Word a failure for a detail."""
    return f"{failure.reason}: {failure.detail}"


def one_of(reason: str, phases: Sequence[Phase], words: Sequence[str]) -> bool:
    """Tell whether a failure's reason is one of these words in one of these phases."""
    return any(reason == f"{phase}_{word}" for phase in phases for word in words)
