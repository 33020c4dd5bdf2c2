"""Wall time of `--help`, and of a whole local `probe`, beside the bare interpreter: medians of whole processes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks.rig import rig

RUNS = 10


def _median_s(arguments: list[str]) -> float:
    figures = []
    for _ in range(RUNS):
        began = time.monotonic()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        figures.append(time.monotonic() - began)
    return statistics.median(figures)


def main() -> None:
    """Print all three."""
    with rig() as target:
        probe = ["-m", "monitor", "probe", f"localhost:{target.broker.port}", "--ca-file", str(target.ca_file)]
        rows = {
            "bare interpreter": _median_s(["-c", "pass"]),
            "--help": _median_s(["-m", "monitor", "--help"]),
            "probe of a local broker": _median_s(probe),
        }
    for name, seconds in rows.items():
        print(f"{name:28}{seconds:6.2f} s")


if __name__ == "__main__":
    main()
