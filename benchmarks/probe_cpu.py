"""CPU of one whole probe (handshake, all checks, QoS 1 round trip), beside the handshakes of `openssl s_time`.

Both back to back, against the same mosquitto, in turns: sparse probing costs more in any language, and a machine's
speed drifts.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime

from benchmarks.rig import Rig, rig
from monitor.judging import Judging
from monitor.probe.pipeline import probe
from monitor.probe.resolve import Resolver

ROUNDS = 5
PROBES = 300
S_TIME_SECONDS = 2


async def _probe_many(target: Rig, count: int) -> None:
    resolver, judging = Resolver(), Judging()

    def now() -> datetime:
        return datetime.now(UTC)

    for _ in range(count):
        report = await probe(target.broker, verify=judging.verify, now=now, resolver=resolver)
        assessment = await judging.assess(report, target.broker, now())
        assert assessment.success, report.phases
    resolver.close()
    judging.close()


def _probe_cpu_ms(target: Rig, runner: asyncio.Runner) -> float:
    before = time.process_time()
    runner.run(_probe_many(target, PROBES))
    return (time.process_time() - before) / PROBES * 1e3


def _s_time_cpu_ms(target: Rig) -> float:
    command = ["openssl", "s_time", "-connect", f"127.0.0.1:{target.broker.port}", "-new"]
    command += ["-time", str(S_TIME_SECONDS), "-CAfile", str(target.ca_file), "-verify", "3"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    handshakes = next(int(line.split()[0]) for line in output.splitlines() if "real seconds" in line)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / handshakes * 1e3


def main() -> None:
    """Print medians over the rounds."""
    loops = {"asyncio": asyncio.Runner()}
    if "uvloop" in sys.modules or _has_uvloop():
        import uvloop  # noqa: PLC0415 - an extra

        loops["uvloop"] = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    probes: dict[str, list[float]] = {name: [] for name in loops}
    floor: list[float] = []
    with rig() as target:
        for runner in loops.values():
            runner.run(_probe_many(target, 50))
        for _ in range(ROUNDS):
            floor.append(_s_time_cpu_ms(target))
            for name, runner in loops.items():
                probes[name].append(_probe_cpu_ms(target, runner))
        for runner in loops.values():
            runner.close()
    base = statistics.median(floor)
    print(f"openssl s_time, handshake only        {base:6.2f} ms CPU   1.00")
    for name, figures in probes.items():
        cost = statistics.median(figures)
        print(f"whole probe and assessment, {name:8}  {cost:6.2f} ms CPU  {cost / base:5.2f}")


def _has_uvloop() -> bool:
    from importlib.util import find_spec  # noqa: PLC0415

    return find_spec("uvloop") is not None


if __name__ == "__main__":
    main()
