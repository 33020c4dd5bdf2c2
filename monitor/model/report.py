"""The result of one probe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.model.facts import MqttFacts, TcpFacts, TlsFacts
from monitor.model.outcome import Done, Failed, PhaseReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """One connection, taken apart: facts and outcomes, no opinion beyond `verify`'s."""

    broker: str
    host: str
    port: int
    started_at: datetime
    """UTC, aware."""
    duration_s: float
    """The whole probe by the user's clock, our own work and the orderly goodbye included."""
    address: str | None
    """The IP address connected to; None if there is none. Where each address of a name is probed, the one that the
    report is about, also if nothing could be connected to; None only while none is known."""
    addresses_left_out: int = 0
    """Of the further addresses of the name, where each is to be probed: how many were not, as they are too many."""
    phases: tuple[PhaseReport, ...]
    """Every phase of the broker's protocol, in order, whatever its outcome."""
    tcp: TcpFacts | None = None
    tls: TlsFacts | None = None
    mqtt: MqttFacts | None = None

    @property
    def failure(self) -> PhaseReport | None:
        """The phase that failed; at most one does, the rest are skipped."""
        return next((entry for entry in self.phases if isinstance(entry.outcome, Failed)), None)

    @property
    def failed(self) -> Failed | None:
        """How that phase failed; None if none did."""
        return next((entry.outcome for entry in self.phases if isinstance(entry.outcome, Failed)), None)

    @property
    def reason(self) -> str | None:
        """Why it failed, in the word of `monitor.model.reasons`; None if it did not."""
        return None if self.failed is None else self.failed.reason

    @property
    def success(self) -> bool:
        """A strict client would have done the same: every phase is `Done`."""
        return all(isinstance(entry.outcome, Done) for entry in self.phases)

    def tls_or(self, last_seen: TlsFacts | None) -> TlsFacts | None:
        """Return its own handshake if that brought certificates, else the one that was last seen to bring some."""
        return self.tls if self.tls is not None and self.tls.certificates else last_seen
