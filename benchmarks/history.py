"""A past for a Prometheus that has just begun: what rules and dashboards look back on, written as its blocks."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.support.processes import tool

STEP_S: Final = 15
# As long as Prometheus makes its blocks, and where it begins them.
_BLOCK_S: Final = 2 * 3600

# For each metric the further labels, and how many hours are looked back on: by rules over its range, by the fleet's
# dashboard over six hours.
_SERIES: Final[Sequence[tuple[str, str, float]]] = (
    ("broker:mqtt_tls_roundtrip_bad_seconds:increase5m", "", 24),
    ("mqtt_tls_probe_success", "", 6),
    ("mqtt_tls_phase_duration_seconds", ',phase="handshake"', 6),
    ("mqtt_tls_phase_duration_seconds", ',phase="roundtrip"', 6),
    ("mqtt_tls_last_success_timestamp_seconds", "", 3),
    ("mqtt_tls_certificate_changes_total", ',what="issuer"', 3),
    ("mqtt_tls_certificate_changes_total", ',what="root"', 3),
    ("mqtt_tls_handshake_duration_seconds_bucket", ',le="0.5"', 0.5),
    ("mqtt_tls_handshake_duration_seconds_count", "", 0.5),
    ("mqtt_tls_roundtrip_duration_seconds_bucket", ',le="0.5"', 0.5),
    ("mqtt_tls_roundtrip_duration_seconds_count", "", 0.5),
)


def write(data: Path, brokers: Sequence[str], instance: str, until_s: int) -> int:
    """Fill Prometheus' data directory; return how many samples that are."""
    written = 0
    source = data / "history"
    data.mkdir(parents=True, exist_ok=True)
    for begin, end in _blocks(until_s - 24 * 3600, until_s):
        with source.open("w") as file:
            for lines in _samples(brokers, instance, begin, end, until_s):
                file.writelines(lines)
                written += len(lines)
            file.write("# EOF\n")
        command = (tool("promtool"), "tsdb", "create-blocks-from", "--quiet", "openmetrics", str(source), str(data))
        subprocess.run(command, check=True)
    source.unlink()
    return written


def _blocks(since: int, until: int) -> Iterator[tuple[int, int]]:
    """Cut that time where Prometheus does."""
    while since < until:
        end = min(until, since - since % _BLOCK_S + _BLOCK_S)
        yield since, end
        since = end


def _samples(brokers: Sequence[str], instance: str, begin: int, end: int, until: int) -> Iterator[list[str]]:
    """Yield the lines of each series from `begin` to before `end`."""
    for name, more, hours in _SERIES:
        first = max(begin, until - int(hours * 3600))
        for broker in brokers:
            series = f'{name}{{job="mqtt-tls-monitor",instance="{instance}",broker="{broker}"{more}}}'
            yield [f"{series} {_value(name, moment)} {moment}\n" for moment in range(first, end, STEP_S)]


def _value(name: str, moment: int) -> float:
    """Return what a healthy broker has then, roughly as random as it is there."""
    if name.endswith("success_timestamp_seconds"):
        return moment - 1
    if name.endswith(("_bucket", "_count")):
        return moment // STEP_S
    if name.endswith("phase_duration_seconds"):
        return 0.0032 + moment % 997 * 1e-6
    return float(name.endswith("success"))
