"""What ties schedule, probe, checks and store together, and exchanges the brokers while it runs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog

from monitor.app.asking import Asking
from monitor.app.changes import log_problems, log_turn
from monitor.app.crls import CrlFollower
from monitor.app.memory import Memory
from monitor.app.reloads import Reloads
from monitor.app.rounds import Kind, Rounds
from monitor.app.service import ServiceManager
from monitor.app.state_file import StateFile
from monitor.config.load import load
from monitor.export.summary import summary
from monitor.following import Following
from monitor.judging import Judging
from monitor.model.broker import Addresses, Broker
from monitor.model.config import Config, ConfigError, Problem, Settings
from monitor.model.judgement import Assessment
from monitor.model.known import Known
from monitor.model.outcome import Done, Phase
from monitor.model.reasons import INTERNAL
from monitor.model.refusal import Refusal
from monitor.model.report import ProbeReport
from monitor.model.scan import ScanFacts
from monitor.probe.pipeline import probe_addresses
from monitor.probe.refusals import refusal_round, round_limit_s
from monitor.probe.resolve import Resolver
from monitor.probe.scan import scan, scan_limit_s
from monitor.probe.tls import Verify
from monitor.schedule import Schedule
from monitor.store import Snapshot, Store
from monitor.threads import NoAnswerError, OneAtATime

HEARTBEAT_S = 1.0
"""Between two measurements of the event loop's lag, and two looks at the wall clock."""
STALLED_S = 30.0
"""How late the next turn may be taken up before the schedule counts as standing still."""
WRAP_UP_S = 1.0
"""What a probe that took all of its time still needs: to be judged, and recorded."""
TIDY_UP_S = 30.0
"""What the end may take behind the last probe: the state has to be written."""
RELOAD_PATIENCE_S = 60.0
"""How long reading a configuration may take: some seconds with a thousand brokers, and forever from a pipe."""
MOST_NAMED = 20
"""Brokers that a line about a reload names: of each that were added, removed or replaced."""

_Results = list[tuple[ProbeReport, Assessment]]
"""Of one turn: one, or one for each address. Never empty."""

log = structlog.stdlib.get_logger()


class Daemon:
    """Probes every broker of a configuration in its turns, and knows the results.

    Args:
        config: loaded; the file it came from is read again by `reload`, for the same shard.
        environ: for reloading.
        tasks: owns whatever runs.
        manager: is told how things stand.
        now: the wall clock; UTC, aware.
        monotonic: a clock that nobody sets, in seconds.
    """

    def __init__(
        self,
        config: Config,
        environ: Mapping[str, str],
        *,
        tasks: asyncio.TaskGroup,
        manager: ServiceManager,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._environ = environ
        self._tasks = tasks
        self._manager = manager
        self._now = now
        self._monotonic = monotonic
        self._store = Store()
        self._judging = Judging()
        self._resolver = Resolver()
        self._files = Following()
        self._crls = CrlFollower()
        self._asking = Asking(tasks=tasks, now=now, judging=self._judging, on_fault=self._store.monitor.internal_error)
        self._schedule = Schedule(
            tasks=tasks,
            max_in_flight=config.settings.max_in_flight,
            probe=self._probe,
            record=self._record,
            stats=self._store.monitor,
            now=now,
            monotonic=monotonic,
        )
        self._rounds = Rounds(
            (
                Kind(
                    what="round of refusals",
                    is_wanted=lambda broker: bool(broker.refusals.checks),
                    interval_s=lambda broker: broker.refusals.interval_s,
                    limit_s=round_limit_s,
                    make=self._try_refusals,
                    record=self._store.record_refusals,
                ),
                Kind(
                    what="scan",
                    is_wanted=lambda broker: broker.scan_interval_s is not None,
                    interval_s=lambda broker: broker.scan_interval_s or 0.0,
                    limit_s=scan_limit_s,
                    make=self._scan,
                    record=self._store.record_scan,
                ),
            ),
            tasks=tasks,
            internal_error=self._store.monitor.internal_error,
            now=now,
            monotonic=monotonic,
        )
        self._memory = self._remembering(config.settings.state_file)
        self._heartbeat: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._reloads = Reloads(self._reload, tasks=tasks)
        self._reading = OneAtATime(name="configuration", patience_s=RELOAD_PATIENCE_S)
        self._awaited: dict[str, float] = {}
        """Brokers without a result, and the monotonic time from which on nobody waits for it."""

    async def recall(self) -> None:
        """Begin with what was known in an earlier run; to be called once, before `start`."""
        if self._memory is not None:
            self._store.restore(await self._memory.recall(self._config.brokers))

    def start(self) -> None:
        """Begin to probe; to be called once, on the running loop, when requests are answered."""
        self._schedule.start()
        self._rounds.start()
        self._watch(self._config.brokers)
        self._store.monitor.reloaded(success=True, at=self._now())
        self._heartbeat = self._tasks.create_task(self._beat(), name="heartbeat")
        if self._memory is not None:
            self._keeper = self._tasks.create_task(self._memory.keep(), name="memory")
        self._manager.ready(self._summary())

    async def stop(self) -> None:
        """Begin no more probes; return when the running ones have ended: the longest timeout later, or a little more.

        A slow round that needs longer is cut off.
        """
        self._is_stopping = True
        timeout_s = max((broker.timeout_s for broker in self._config.brokers), default=0.0) + WRAP_UP_S
        self._manager.stopping(timeout_s + TIDY_UP_S)
        self._reloads.close()
        await asyncio.gather(self._schedule.drain(timeout_s), self._rounds.drain(timeout_s))
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        if self._keeper is not None:
            self._keeper.cancel()
        if self._memory is not None:
            await self._memory.close()
        self._resolver.close()
        self._asking.close()
        self._judging.close()

    def snapshot(self) -> Snapshot:
        """Return everything known now."""
        return self._store.snapshot()

    def is_ready(self) -> bool:
        """Tell whether every broker has a result, or had an interval and a timeout to get one."""
        now = self._monotonic()
        is_started = self._heartbeat is not None
        return is_started and all(deadline <= now for deadline in self._awaited.values())

    async def reload(self) -> Sequence[Problem]:
        """Read the configuration again and apply it as a whole.

        Returns:
            Nothing if that was done; else every problem found, and the running configuration stays.
        """
        if self._is_stopping:
            return self._refuse((self._problem("not loaded, the daemon is stopping"),))
        return await self._reloads.order()

    async def _reload(self) -> Sequence[Problem]:
        self._manager.reloading()
        try:
            # Reads many files: certificates, keys, the whole system trust store.
            config = await self._reading.call(partial(load, Path(self._config.file), self._environ, self._config.shard))
        except ConfigError as error:
            return self._refuse(error.problems)
        except NoAnswerError:
            return self._refuse((self._problem(f"not read within {RELOAD_PATIENCE_S:g} seconds"),))
        except Exception:
            self._store.monitor.internal_error()
            log.exception("the configuration could not be loaded by a fault of the monitor")
            return self._refuse((self._problem("could not be loaded by a fault of the monitor, see its log"),))
        else:
            self._apply(config)
            return ()
        finally:
            if not self._is_stopping:
                self._manager.ready(self._summary())

    def _remembering(self, state_file: str | None) -> Memory | None:
        if state_file is None:
            return None
        return Memory(
            StateFile(Path(state_file)),
            lambda: self._store.snapshot().brokers,
            self._store.monitor,
            now=self._now,
            monotonic=self._monotonic,
        )

    def _problem(self, message: str) -> Problem:
        return Problem(file=self._config.file, line=None, key=None, message=message)

    def _refuse(self, problems: Sequence[Problem]) -> Sequence[Problem]:
        log_problems(problems, level=logging.ERROR)
        log.error("configuration not reloaded; the running one stays", file=self._config.file)
        self._store.monitor.reloaded(success=False, at=self._now())
        return problems

    def _apply(self, config: Config) -> None:
        log_problems(config.warnings, level=logging.WARNING)
        waiting = _differing(self._config.settings, config.settings)
        if waiting:
            log.warning("some settings take effect only after a restart", settings=waiting)
        self._config = config
        self._watch(config.brokers)
        self._store.monitor.reloaded(success=True, at=self._now())

    def _watch(self, brokers: tuple[Broker, ...]) -> None:
        self._store.configure(brokers)
        self._files.keep(brokers)
        self._crls.keep(brokers)
        update = self._schedule.update(brokers)
        self._rounds.update(brokers)
        self._asking.keep(broker.name for broker in brokers)
        unknown = {state.broker.name for state in self._store.snapshot().brokers if state.report is None}
        now = self._monotonic()
        self._awaited = {
            broker.name: self._awaited.get(broker.name, now + broker.interval_s + broker.timeout_s)
            for broker in brokers
            if broker.name in unknown
        }
        changes = {"added": update.added, "removed": update.removed, "replaced": update.replaced}
        # At the start, all are new.
        what = {} if self._heartbeat is None else {word: _some(names) for word, names in changes.items()}
        shard = self._config.shard
        part = {} if shard is None else {"shard": shard.number, "total_shards": shard.total}
        log.info("configuration in use", file=self._config.file, **part, brokers=len(brokers), **what)

    async def _probe(self, broker: Broker) -> _Results:
        heard = await self._heard(broker)
        self._store.monitor.probe_started()
        try:
            reports = await probe_addresses(broker, verify=self._gate(heard), now=self._now, resolver=self._resolver)
        finally:
            self._store.monitor.probe_ended()
        if reports[0].address is None:
            # A name that cannot be resolved now keeps the addresses that it had: none of their series may vanish.
            had = self._store.addresses(broker.name)
            reports = tuple(replace(reports[0], address=address) for address in had) or reports
        # Behind the probe: a certificate that was rotated meanwhile is then newer on disk than served, never older.
        files = await self._files.look(broker, self._now())

        def known(report: ProbeReport) -> Known:
            stored = self._store.known(broker.name, report.address, serving=report.tls)
            return replace(stored, crl_files=heard.crl_files, fetched=heard.fetched, files=files)

        # Also when the broker is down: what is thought of the certificates last seen changes with time alone.
        results = await self._judging.assess_turn(reports, broker, self._now(), known)
        await self._asking.saw(broker, results, known)
        return results

    async def _heard(self, broker: Broker) -> Known:
        """Return what can close the gate beside the chain itself: what is known of revocation."""
        lists = await self._crls.current(broker.tls.crl_files)
        return Known(crl_files=lists, fetched=self._asking.known(broker.name))

    def _gate(self, heard: Known) -> Verify:
        return partial(self._judging.verify, known=heard)

    def _record(self, broker: Broker, results: _Results) -> None:
        if any(report.reason == INTERNAL for report, _ in results):
            self._store.monitor.internal_error()
        addresses = [report.address for report, _ in results if report.address is not None]
        if broker.addresses is Addresses.ALL and addresses:
            self._store.resolved(broker.name, addresses)
        changes = [self._store.record(report, assessment) for report, assessment in results]
        self._awaited.pop(broker.name, None)
        log_turn([(change, *result) for change, result in zip(changes, results, strict=True)])
        if any(_is_accepted(report) for report, _ in results):
            self._rounds.accepted(broker)

    async def _try_refusals(self, broker: Broker) -> tuple[Refusal, ...]:
        gate = self._gate(await self._heard(broker))
        return await refusal_round(broker, verify=gate, now=self._now, resolver=self._resolver)

    async def _scan(self, broker: Broker) -> ScanFacts:
        return await scan(broker, now=self._now, resolver=self._resolver)

    def _summary(self) -> str:
        return summary(self._store.snapshot(), self._now())

    async def _beat(self) -> None:
        while True:
            asleep_since = self._monotonic()
            await asyncio.sleep(HEARTBEAT_S)
            self._store.monitor.loop_lag(max(0.0, self._monotonic() - asleep_since - HEARTBEAT_S))
            self._schedule.check_clock()
            self._rounds.check_clock()
            self._asking.turn()
            # A loop that runs is not enough: one whose schedule stands still would watch nothing, and look well.
            if self._manager.listens and self._schedule.overdue_s() < STALLED_S:
                self._manager.alive(self._summary())


def _some(names: Sequence[str]) -> list[str]:
    more = len(names) - MOST_NAMED
    return [*names[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])]


def _is_accepted(report: ProbeReport) -> bool:
    return any(entry.phase is Phase.VERIFY and isinstance(entry.outcome, Done) for entry in report.phases)


def _differing(running: Settings, loaded: Settings) -> list[str]:
    return [field.name for field in fields(Settings) if getattr(running, field.name) != getattr(loaded, field.name)]
