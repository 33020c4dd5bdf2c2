"""`make bench`: all benchmarks, one after the other, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

NAMES = ("probe_cpu", "judging", "latency", "reaction", "daemon_memory", "exposition", "rules", "cli_start")


def main() -> None:
    """Run each; the exit status is the worst of theirs."""
    worst = 0
    for name in NAMES:
        print(f"\n== {name}", flush=True)
        worst = max(worst, subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode)
    sys.exit(worst)


if __name__ == "__main__":
    main()
