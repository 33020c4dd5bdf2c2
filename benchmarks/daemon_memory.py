"""Resident memory of a daemon with 100 brokers, all answering, scraped; beside the bare interpreter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import yaml

from benchmarks.rig import rig
from tests.support.ports import free_port

BROKERS = 100
INTERVAL_S = 5
WATCH_S = 30.0


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read(), "utf-8")


def _wait_until_ready(url: str, deadline: float) -> None:
    while time.monotonic() < deadline:
        try:
            _get(f"{url}/-/ready")
        except OSError:
            time.sleep(0.2)
        else:
            return
    sys.exit("daemon_memory.py: the daemon did not become ready")


def main() -> None:
    """Print both figures."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bare:
        time.sleep(0.5)
        base = _resident_mib(bare.pid)
        bare.kill()
    with rig() as target, tempfile.TemporaryDirectory() as name:
        config = Path(name) / "monitor.yml"
        port = free_port()
        brokers = [{"name": f"broker-{number:03}", "host": "127.0.0.1"} for number in range(BROKERS)]
        defaults = {
            "port": target.broker.port,
            "interval": f"{INTERVAL_S}s",
            "timeout": "4s",
            "tls": {"ca_file": str(target.ca_file), "server_name": "localhost"},
        }
        config.write_text(yaml.safe_dump({"listen": f"127.0.0.1:{port}", "defaults": defaults, "brokers": brokers}))
        command = [sys.executable, "-m", "monitor", "run", "--config", str(config)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ}) as daemon:
            try:
                url = f"http://127.0.0.1:{port}"
                _wait_until_ready(url, time.monotonic() + 30)
                peak, scrape = 0.0, ""
                until = time.monotonic() + WATCH_S
                while time.monotonic() < until:
                    scrape = _get(f"{url}/metrics")
                    peak = max(peak, _resident_mib(daemon.pid))
                    time.sleep(1)
                probes = sum(
                    float(line.rpartition(" ")[2])
                    for line in scrape.splitlines()
                    if line.startswith("mqtt_tls_probes_total{")
                )
            finally:
                daemon.send_signal(signal.SIGTERM)
                daemon.wait()
    print(f"bare interpreter                      {base:6.1f} MiB")
    print(f"daemon, {BROKERS} brokers, {probes:.0f} probes      {peak:6.1f} MiB")
    print(f"scrape: {len(scrape)} bytes, {sum(not line.startswith('#') for line in scrape.splitlines())} samples")


if __name__ == "__main__":
    main()
