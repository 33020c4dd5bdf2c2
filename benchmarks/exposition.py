"""CPU of rendering the metrics of a thousand brokers, of which none, some or all were probed since the last scrape.

Beside client_python's own encoder with the same samples.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from monitor.export.exposition import Exposition
from monitor.store import Snapshot
from tests.support.exposed import exposition
from tests.support.fleet import Fleet

BROKERS: Final = 1000
ROUNDS: Final = 7
# A scrape every 15 s, a probe every minute.
PROBED: Final = 4
NOW: Final = datetime.now(UTC)


class _Collected:
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _cpu_ms(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1e3


def _partly(old: Snapshot, new: Snapshot) -> Snapshot:
    pairs = enumerate(zip(old.brokers, new.brokers, strict=True))
    return replace(new, brokers=tuple(after if number % PROBED == 0 else before for number, (before, after) in pairs))


def main() -> None:
    """Print medians over the rounds."""
    fleet = Fleet(BROKERS, now=NOW)
    fleet.probe(NOW)
    before = fleet.snapshot()
    fleet.probe(NOW + timedelta(minutes=1))
    after = fleet.snapshot()
    families = _Collected([*text_string_to_metric_families(exposition(before).decode())])
    worlds = {"none": before, f"one in {PROBED}": _partly(before, after), "all": after}

    def scraped(snapshot: Snapshot) -> float:
        rendering = Exposition()
        rendering.render(before)
        return _cpu_ms(lambda: rendering.render(snapshot))

    baseline = statistics.median(_cpu_ms(lambda: generate_latest(families)) for _ in range(ROUNDS))
    print(f"client_python's encoder, samples ready: {baseline:.0f} ms CPU")
    for probed, snapshot in worlds.items():
        figure = statistics.median(scraped(snapshot) for _ in range(ROUNDS))
        print(f"{probed} of {BROKERS} probed since the last: {figure:.0f} ms CPU, ratio {figure / baseline:.2f}")


if __name__ == "__main__":
    main()
