"""How a phase ended: `Done`, `Failed` or `Skipped`. Read it with `match`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.model.reasons import REASONS


class Phase(StrEnum):
    """The parts a connection is taken into, in the order in which they happen."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    HANDSHAKE = "handshake"
    VERIFY = "verify"
    MQTT_CONNECT = "mqtt_connect"
    SUBSCRIBE = "subscribe"
    PUBLISH = "publish"
    ROUNDTRIP = "roundtrip"


TLS_PHASES = (Phase.RESOLVE, Phase.CONNECT, Phase.HANDSHAKE, Phase.VERIFY)
MQTT_PHASES = (Phase.MQTT_CONNECT, Phase.SUBSCRIBE, Phase.PUBLISH, Phase.ROUNDTRIP)


class Clock(StrEnum):
    """Which clock an elapsed time was read from."""

    KERNEL = "kernel"
    """Stamped by the kernel when the segment arrived: free of this process's own queue."""
    USER = "user"
    """Read by this process after it woke up: an upper bound when the machine is busy."""


class Confidence(StrEnum):
    """How a failure's reason is known."""

    OBSERVED = "observed"
    INFERRED = "inferred"
    """The peer did not say it; it follows from what it did. `detail` says from what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The phase completed."""

    elapsed_s: float
    """Sum of the waits for the peer, in seconds; our own work between them is excluded."""
    clock: Clock
    is_upper_bound: bool = False
    """True when the awaited packet shared its segment with an earlier or later one, so its stamp is theirs too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The phase ended the probe.

    Raises:
        ValueError: the reason is not in the closed table of `monitor.model.reasons`.
    """

    reason: str
    detail: str
    """One line for people, free of secrets: what was seen, with numbers and names."""
    elapsed_s: float
    confidence: Confidence = Confidence.OBSERVED

    def __post_init__(self) -> None:
        if self.reason not in REASONS:
            raise ValueError(f"{self.reason!r} is not a known failure reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """The phase was not tried."""

    blocked_by: Phase
    """The failed phase that stands in its way."""


Outcome = Done | Failed | Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseReport:
    """One phase and how it ended."""

    phase: Phase
    outcome: Outcome
