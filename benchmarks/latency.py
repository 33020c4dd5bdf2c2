"""Reported latency minus captured latency, per phase: one probe at a time, and with 64 in flight. Needs root."""

from __future__ import annotations

import asyncio
import statistics
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from unittest.mock import patch

from benchmarks.capture import capture, phases
from benchmarks.rig import Rig, rig
from monitor.judging import Judging
from monitor.model.outcome import Done
from monitor.model.report import ProbeReport
from monitor.probe.pipeline import probe
from monitor.probe.resolve import Resolver
from monitor.wire.tcp import TcpConnection

IDLE_PROBES = 200
LOADED_PROBES = 640
IN_FLIGHT = 64

_client_port: ContextVar[list[int]] = ContextVar("client_port")


class _Connection(TcpConnection):
    """Tells its probe which port it came from, so that report and capture can be matched."""

    __slots__ = ()

    def __init__(self, sock: object, started: float) -> None:
        super().__init__(sock, started)  # type: ignore[arg-type]
        _client_port.get().append(self._socket.getsockname()[1])


async def _one(target: Rig, resolver: Resolver, judging: Judging) -> tuple[int, ProbeReport]:
    ports: list[int] = []
    _client_port.set(ports)
    report = await probe(target.broker, verify=judging.verify, now=lambda: datetime.now(UTC), resolver=resolver)
    assert report.success, report.phases
    return ports[0], report


async def _many(target: Rig, count: int, in_flight: int) -> list[tuple[int, ProbeReport]]:
    resolver, judging = Resolver(), Judging()
    slots = asyncio.Semaphore(in_flight)

    async def limited() -> tuple[int, ProbeReport]:
        async with slots:
            return await asyncio.create_task(_one(target, resolver, judging))

    try:
        return await asyncio.gather(*(limited() for _ in range(count)))
    finally:
        resolver.close()
        judging.close()


def _measure(target: Rig, title: str, count: int, in_flight: int) -> None:
    with capture(target.broker.port) as conversations:
        results = asyncio.run(_many(target, count, in_flight))
    differences: dict[str, list[float]] = {}
    captured: dict[str, list[float]] = {}
    for port, report in results:
        seen = phases(conversations[port])
        for entry in report.phases:
            if entry.phase.value in seen and isinstance(entry.outcome, Done):
                captured.setdefault(entry.phase.value, []).append(seen[entry.phase.value])
                difference = entry.outcome.elapsed_s - seen[entry.phase.value]
                differences.setdefault(entry.phase.value, []).append(difference)
    print(f"{title}: {len(results)} probes; milliseconds")
    print(f"  {'phase':14}{'captured':>10}{'reported - captured':>22}{'p90 of |difference|':>22}")
    for phase, values in differences.items():
        p90 = statistics.quantiles([abs(value) for value in values], n=10)[-1]
        print(
            f"  {phase:14}{statistics.median(captured[phase]) * 1e3:10.3f}"
            f"{statistics.median(values) * 1e3:22.3f}{p90 * 1e3:22.3f}"
        )
    durations = [report.duration_s for _, report in results]
    print(f"  whole probe by the user's clock: median {statistics.median(durations) * 1e3:.2f} ms")


def main() -> None:
    """Print both tables."""
    with rig() as target, patch("monitor.probe.connect.TcpConnection", _Connection):
        asyncio.run(_warm_up(target))
        try:
            _measure(target, "idle (1 in flight)", IDLE_PROBES, 1)
            _measure(target, f"loaded ({IN_FLIGHT} in flight)", LOADED_PROBES, IN_FLIGHT)
        except PermissionError:
            sys.exit("latency.py: capturing packets needs root")


async def _warm_up(target: Rig) -> None:
    token = _client_port.set([])
    await _many(target, 20, 1)
    _client_port.reset(token)


if __name__ == "__main__":
    main()
