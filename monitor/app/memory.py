"""What survives a restart: read before the first probe, written when something that matters changes, and at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Final, ParamSpec, TypeVar

import structlog

from monitor.app.state_file import StateFile, StateFileError
from monitor.model.broker import Broker
from monitor.store import BrokerState, MonitorStats, saved
from monitor.threads import NoAnswerError, OneAtATime

LOOK_S: Final = 1.0
"""Between two looks at whether something changed."""
SPACING_S: Final = 5.0
"""Between two writings at least, whatever changes; likewise between two tries that fail."""
LAG_S: Final = 60.0
"""By how much what changes with every probe may lag: when a broker last answered, when its chain was last seen."""
PATIENCE_S: Final = 5.0
"""How long the file system may take; after that, the daemon goes on without."""

_P = ParamSpec("_P")
_T = TypeVar("_T")

log = structlog.stdlib.get_logger()


class Memory:
    """Keeps states in a file. Whatever goes wrong with that is told, and costs no probe.

    Args:
        file: where; this memory closes it.
        states: what is to be kept now; cheap.
        stats: what is told about it in the metrics.
        now: the wall clock; UTC, aware.
        monotonic: a clock that nobody sets, in seconds.
    """

    def __init__(
        self,
        file: StateFile,
        states: Callable[[], Sequence[BrokerState]],
        stats: MonitorStats,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = file
        self._states = states
        self._stats = stats
        self._now = now
        self._monotonic = monotonic
        self._access = OneAtATime(name="state", patience_s=PATIENCE_S)
        self._is_unread = False
        """What an earlier run knew is still in the file, and must not be lost."""
        self._written: object = None
        """What mattered when it was last written."""
        self._tried_at: float | None = None
        self._fault: str | None = None
        """Why the latest writing failed."""

    async def recall(self, brokers: Sequence[Broker]) -> tuple[BrokerState, ...]:
        """Return what an earlier run knew of these brokers; nothing if there was none or it cannot be read."""
        path = str(self._file.path)
        try:
            await self._in_thread(self._file.lock)
        except StateFileError as error:
            self._fault = str(error)
            log.warning("state not saved", file=path, error=self._fault)
        try:
            document = await self._in_thread(self._read, brokers)
        except (StateFileError, saved.DamagedError) as error:
            return await self._lost([str(error)])
        except Exception:
            self._stats.internal_error()
            log.exception("the state could not be read by a fault of the monitor")
            return await self._lost(["see the line before"])
        if document is not None and document.faults:
            return await self._lost(document.faults, document.states)
        self._stats.state_read(success=True)
        if document is None:
            return ()
        at = None if document.saved_at is None else document.saved_at.isoformat(timespec="seconds")
        log.info("state restored", file=path, brokers=len(document.states), saved=at)
        return document.states

    async def keep(self) -> None:
        """Write what is known whenever that is due, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            states = self._states()
            since_s = LAG_S if self._tried_at is None else self._monotonic() - self._tried_at
            if since_s >= LAG_S or (since_s >= SPACING_S and _what_matters(states) != self._written):
                await self._save(states)

    async def close(self) -> None:
        """Write what is known once more, and leave the file to others."""
        await self._save(self._states())
        self._file.close()

    async def _in_thread(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Do something with the file.

        Raises:
            StateFileError: that took too long, or something else still does; besides whatever the call raises.
        """
        try:
            return await self._access.call(partial(call, *args, **kwargs))
        except NoAnswerError:
            raise StateFileError(f"has not answered for {PATIENCE_S:g} seconds") from None

    def _read(self, brokers: Sequence[Broker]) -> saved.Saved | None:
        data = self._file.read(saved.LARGEST_BYTES)
        return None if data is None else saved.read(data, brokers)

    async def _lost(self, faults: Sequence[str], states: tuple[BrokerState, ...] = ()) -> tuple[BrokerState, ...]:
        """Tell what could not be read, and keep the file for whoever wants to know; return what could be read."""
        aside = None
        with suppress(StateFileError):
            aside = await self._in_thread(self._file.set_aside, self._now())
        # Where it stays, whoever has it, nothing is written over it.
        self._is_unread = aside is None
        self._stats.state_read(success=False)
        log.warning(
            "state could not be restored in full" if states else "state could not be restored",
            file=str(self._file.path),
            error=faults[0],
            further_errors=len(faults) - 1,
            kept_as=None if aside is None else str(aside),
            brokers=len(states),
        )
        return states

    async def _save(self, states: Sequence[BrokerState]) -> None:
        self._tried_at = self._monotonic()
        at = self._now()
        try:
            if self._is_unread:
                raise StateFileError("not written, as what is in it could not be read")  # noqa: TRY301 - told below
            # The document is made in the thread too: with hundreds of brokers it has megabytes.
            await self._in_thread(self._write, states, at)
        except StateFileError as error:
            self._stats.state_written(success=False, at=at)
            if str(error) != self._fault:
                self._fault = str(error)
                log.warning("state not saved", file=str(self._file.path), error=self._fault)
        except Exception:
            self._stats.state_written(success=False, at=at)
            self._stats.internal_error()
            log.exception("the state could not be saved by a fault of the monitor")
        else:
            self._stats.state_written(success=True, at=at)
            self._written = _what_matters(states)
            if self._fault is not None:
                self._fault = None
                log.info("state saved again", file=str(self._file.path))

    def _write(self, states: Sequence[BrokerState], at: datetime) -> None:
        self._file.write(saved.write(states, at))


def _what_matters(states: Sequence[BrokerState]) -> object:
    """Return what must not lag: everything that is kept, without what every probe changes."""
    return [
        (
            (state.broker.name, state.broker.host, state.broker.port, state.address),
            state.standing,
            state.failing_since,
            () if state.tls is None else [facts.fingerprint_sha256 for facts in state.tls.certificates],
            state.changes,
        )
        for state in states
    ]
