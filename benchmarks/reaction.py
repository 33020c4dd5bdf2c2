"""How long after the peer's act (close, alert, garbage, refusal) the phase has ended. The bound to keep: 100 ms."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from monitor.judging import Judging
from monitor.probe.recorder import Recorder
from tests.support.case import Case
from tests.support.cases import CASES
from tests.support.faults import FaultServer
from tests.support.pki import TestPki, build_pki
from tests.support.probing import run_probe


async def _probe(case: Case, pki: TestPki, judging: Judging) -> None:
    with case.broker(pki) as broker:
        await run_probe(broker, judging.verify)


def main() -> None:
    """Print the distribution over every case in which the peer acts and is not waited for in vain."""
    failed_at: list[float] = []
    servers: list[FaultServer] = []
    fail, enter = Recorder.fail, FaultServer.__enter__

    def note_failure(recorder: Recorder, *arguments: object) -> None:
        failed_at.append(time.monotonic())
        fail(recorder, *arguments)  # type: ignore[arg-type]

    def note_server(server: FaultServer) -> FaultServer:
        servers.append(server)
        return enter(server)

    reactions: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory() as name,
        patch.object(Recorder, "fail", note_failure),
        patch.object(FaultServer, "__enter__", note_server),
    ):
        pki = build_pki(Path(name), datetime.now(UTC))
        judging = Judging()
        for case in CASES:
            if case.reason.endswith(("timeout", "foreign_message")) or case.reason.startswith(("resolve_", "verify_")):
                continue
            servers.clear()
            asyncio.run(_probe(case, pki, judging))
            if servers and servers[0].acted_at is not None:
                reactions[case.id] = failed_at[-1] - servers[0].acted_at
    figures = sorted(reactions.values())
    slowest = max(reactions, key=reactions.__getitem__)
    print(f"{len(figures)} cases, milliseconds from the peer's act to the phase's end")
    print(f"  median {statistics.median(figures) * 1e3:.1f}, p99 {figures[int(len(figures) * 0.99)] * 1e3:.1f}")
    print(f"  slowest {reactions[slowest] * 1e3:.1f}: {slowest}")


if __name__ == "__main__":
    main()
