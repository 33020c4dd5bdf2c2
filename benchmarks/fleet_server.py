"""`/metrics` of a fleet that is in some trouble: `python -m benchmarks.fleet_server PORT BROKERS WORLD`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Never

from monitor.store import Snapshot
from monitor.web.listener import listening
from monitor.web.server import create_app
from tests.support.fleet import Fleet
from tests.support.processes import ServerProcess

INTERVAL_S = 15.0


class World(StrEnum):
    """What is wrong."""

    WELL = "all well"
    DOWN = "all down"
    ENDING = "one CA ends soon"
    ENDED = "one CA has ended"


_LEFT = {World.ENDING: timedelta(days=5), World.ENDED: -timedelta(hours=1)}
_REASONS = {World.DOWN: "connect_refused", World.ENDED: "verify_certificate_expired"}


class FleetServer(ServerProcess):
    """The server in a process of its own."""

    def __init__(self, directory: Path, brokers: int, world: World, port: int) -> None:
        """Serve on that port, so that series have the same labels in every world."""
        super().__init__(directory)
        self.port = port
        self._arguments = (str(port), str(brokers), world.name)

    def command(self) -> Sequence[str]:
        """Run this module."""
        return (sys.executable, "-m", "benchmarks.fleet_server", *self._arguments)

    def environment(self) -> dict[str, str]:
        """Find this package from any directory."""
        return {"PYTHONPATH": str(Path(__file__).parents[1])}


class _Daemon:
    """What the routes need; it probes nothing."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def snapshot(self) -> Snapshot:
        return self._fleet.snapshot()

    def is_ready(self) -> bool:
        return True

    async def reload(self) -> Sequence[Never]:
        return ()


async def _serve(port: int, brokers: int, world: World) -> None:
    now = datetime.now(UTC)
    fleet = Fleet(brokers, now=now, intermediate_ends=now + _LEFT[world] if world in _LEFT else None)
    # What fails now did not some time ago: its certificates and its last success are known.
    fleet.probe(now - timedelta(minutes=10))
    reason = _REASONS.get(world)
    fleet.probe(now, reason=reason)
    async with listening(create_app(_Daemon(fleet), lambda: datetime.now(UTC)), "127.0.0.1", port):
        while True:
            await asyncio.sleep(INTERVAL_S)
            fleet.probe(datetime.now(UTC), reason=reason)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), World[sys.argv[3]]))
