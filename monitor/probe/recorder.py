"""Keeps the outcome of each phase while a probe runs, and makes the report of them."""

from __future__ import annotations

import time
from copy import copy
from datetime import datetime

from monitor.model.broker import Broker, Protocol
from monitor.model.facts import MqttFacts, TcpFacts, TlsFacts
from monitor.model.outcome import MQTT_PHASES, TLS_PHASES, Clock, Done, Failed, Outcome, Phase, PhaseReport, Skipped
from monitor.model.reasons import INTERNAL
from monitor.model.report import ProbeReport
from monitor.probe.fault import PhaseFault
from monitor.probe.witness import Arrival


class Recorder:
    """The outcomes of one probe. Exactly one phase is under way from `begin` on."""

    def __init__(self, broker: Broker, started_at: datetime) -> None:
        self.phase = Phase.RESOLVE
        self.address: str | None = None
        self.addresses_left_out = 0
        self.tcp: TcpFacts | None = None
        self.tls: TlsFacts | None = None
        self._broker = broker
        self._started_at = started_at
        self._started = self._phase_started = time.monotonic()
        self._outcomes: dict[Phase, Outcome] = {}

    def at(self, address: str, *, left_out: int) -> Recorder:
        """Return another recorder that goes on from here, for one of several addresses."""
        other = copy(self)
        other.address, other.addresses_left_out = address, left_out
        other._outcomes = dict(self._outcomes)
        return other

    @property
    def elapsed_s(self) -> float:
        """How long the probe has been under way."""
        return time.monotonic() - self._started

    def begin(self, phase: Phase) -> None:
        """Enter the next phase."""
        self.phase = phase
        self._phase_started = time.monotonic()

    def done(self, elapsed_s: float, clock: Clock) -> None:
        """The present phase completed, after so much waiting for the peer."""
        self._outcomes[self.phase] = Done(elapsed_s=elapsed_s, clock=clock)

    def exchanged(self, sent_at: float | None, arrival: Arrival | None) -> None:
        """The present phase completed: it waited from our packet's leaving to the broker's packet's arrival."""
        assert sent_at is not None
        assert arrival is not None
        elapsed_s, clock = arrival.stamp.at - sent_at, arrival.stamp.clock
        if elapsed_s < 0:  # the real-time clock was set in between
            elapsed_s, clock = time.monotonic() - sent_at, Clock.USER
        self._outcomes[self.phase] = Done(elapsed_s=elapsed_s, clock=clock, is_upper_bound=arrival.shares_segment)

    def withhold(self, phase: Phase, *, blocked_by: Phase) -> None:
        """Record a phase that we ourselves did not let finish, unless it has finished."""
        self._outcomes.setdefault(phase, Skipped(blocked_by=blocked_by))

    def fail(self, fault: PhaseFault) -> None:
        """Record the present phase's failure."""
        self._outcomes[self.phase] = Failed(
            reason=INTERNAL if fault.word == INTERNAL else f"{self.phase}_{fault.word}",
            detail=fault.detail,
            elapsed_s=time.monotonic() - self._phase_started,
            confidence=fault.confidence,
        )

    def report(self, mqtt: MqttFacts | None) -> ProbeReport:
        """Return everything, with what was not reached as `Skipped`."""
        phases = (*TLS_PHASES, *MQTT_PHASES) if self._broker.protocol is Protocol.MQTT else TLS_PHASES
        unreached = Skipped(blocked_by=self.phase)
        return ProbeReport(
            broker=self._broker.name,
            host=self._broker.host,
            port=self._broker.port,
            started_at=self._started_at,
            duration_s=self.elapsed_s,
            address=self.address,
            addresses_left_out=self.addresses_left_out,
            phases=tuple(PhaseReport(phase=phase, outcome=self._outcomes.get(phase, unreached)) for phase in phases),
            tcp=self.tcp,
            tls=self.tls,
            mqtt=mqtt,
        )
