"""What the daemon counts about itself: the only mutable record, written by the parts it is handed to."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from typing import Literal

from monitor.store.histogram import DELAY_BOUNDS_S, Histogram
from monitor.store.records import MonitorSnapshot

Missed = Literal["misfire", "overlap"]


class MonitorStats:
    """Counters of the daemon. Single-threaded: every method is called on the event loop."""

    def __init__(self) -> None:
        self._in_flight = 0
        self._delay = Histogram.empty(DELAY_BOUNDS_S)
        self._missed: dict[str, int] = {"misfire": 0, "overlap": 0}
        self._internal_errors = 0
        self._lag_s: float | None = None
        self._reload_successful: bool | None = None
        self._reload_success_at: datetime | None = None
        self._state_read_successful: bool | None = None
        self._state_write_successful: bool | None = None
        self._state_written_at: datetime | None = None

    def delayed(self, seconds: float) -> None:
        """Count a probe that started this long after its turn; a negative delay is none."""
        self._delay = self._delay.observed(max(seconds, 0.0))

    def missed(self, reason: Missed) -> None:
        """Count a turn that was not taken: its time had passed, or the probe before it was still running."""
        self._missed[reason] += 1

    def probe_started(self) -> None:
        """Count a probe as under way."""
        self._in_flight += 1

    def probe_ended(self) -> None:
        """Count a probe as over, however it ended."""
        self._in_flight -= 1

    def internal_error(self) -> None:
        """Count a bug of ours."""
        self._internal_errors += 1

    def loop_lag(self, seconds: float) -> None:
        """Note how late the event loop last woke up."""
        self._lag_s = seconds

    def reloaded(self, success: bool, at: datetime) -> None:
        """Note how the latest loading of the configuration went, the first one included."""
        self._reload_successful = success
        if success:
            self._reload_success_at = at

    def state_read(self, success: bool) -> None:
        """Note whether everything that was known before the start could be read."""
        self._state_read_successful = success

    def state_written(self, success: bool, at: datetime) -> None:
        """Note how the latest saving of what is known went."""
        self._state_write_successful = success
        if success:
            self._state_written_at = at

    def snapshot(self) -> MonitorSnapshot:
        """Return the counters as they are now."""
        return MonitorSnapshot(
            probes_in_flight=self._in_flight,
            schedule_delay=self._delay,
            missed=MappingProxyType(dict(self._missed)),
            internal_errors_total=self._internal_errors,
            event_loop_lag_s=self._lag_s,
            last_reload_successful=self._reload_successful,
            last_reload_success_at=self._reload_success_at,
            state_read_successful=self._state_read_successful,
            state_write_successful=self._state_write_successful,
            state_written_at=self._state_written_at,
        )
