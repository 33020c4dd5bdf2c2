"""Prometheus text and OpenMetrics of everything known, at the pace of scrapes.

With a thousand brokers there are 72,000 samples, and between two scrapes most stay as they are: each broker's lines are
remembered until something about it changes, and joined family by family.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric

from monitor.export.families import FAMILIES, Family
from monitor.export.metrics import Lines, of_broker, of_monitor, of_state
from monitor.store import BrokerState, Snapshot

_SCHEME = re.compile(r";\s*escaping=[^;,]*")
_SUFFIXES = {"counter": "_total", "info": "_info"}
_END = b"# EOF\n"


class Exposition:
    """Renders snapshots. To be used by one thread at a time."""

    def __init__(self) -> None:
        self._remembered: dict[tuple[str, str | None, bool], tuple[BrokerState, Lines]] = {}

    def render(
        self, snapshot: Snapshot, *, accept: str = "", names: Sequence[str] = (), process: Iterable[Metric] = ()
    ) -> tuple[bytes, str]:
        """Render the snapshot as the Accept header asks: families in the order of `FAMILIES`, brokers in their own.

        Args:
            snapshot: What is known.
            accept: The request's Accept header; without one, Prometheus text 0.0.4.
            names: Sample names to be restricted to (`mqtt_tls_probe_success`, `..._bucket`); empty for everything.
            process: what the operating system says of the daemon's process, as Prometheus' client libraries name it.

        Returns:
            The body, and its Content-Type.
        """
        encode, content_type = _encoder(accept)
        wanted = frozenset(names)
        blocks = self._blocks(snapshot)
        body: list[bytes] = []
        for family in FAMILIES:
            lines = b"".join([block[family.name] for block in blocks if family.name in block])
            if wanted:
                lines = _restricted(lines, wanted)
            if lines:
                body += encode(_Collected([_headed(family)])).removesuffix(_END), lines
        of_process = (metric for metric in process if not wanted or {each.name for each in metric.samples} & wanted)
        body.append(encode(_Collected(of_process)))
        return b"".join(body), content_type

    def _blocks(self, snapshot: Snapshot) -> list[Lines]:
        known, self._remembered = self._remembered, {}
        named: set[str] = set()
        blocks: list[Lines] = []
        for state in snapshot.brokers:
            name = state.broker.name
            is_first = name not in named
            named.add(name)
            key = (name, state.address, is_first)
            rendered, lines = known.get(key, (None, {}))
            if rendered is not state:
                lines = {**of_broker(state), **of_state(state)} if is_first else of_state(state)
            self._remembered[key] = (state, lines)
            blocks.append(lines)
        return [*blocks, of_monitor(snapshot.monitor, brokers=len(named))]


def _encoder(accept: str) -> tuple[Callable[[Any], bytes], str]:
    """Return what writes the format that is asked for, and its Content-Type; Prometheus text where that makes no sense.

    Whatever escaping is asked for (Prometheus 3), no name of ours needs any, and the answer says so.
    """
    try:
        return choose_encoder(_SCHEME.sub("", accept))
    except TypeError:  # it compares whatever is said to be the version with a number
        return choose_encoder("")


class _Collected:
    """What client_python's encoders take: something with `collect()`."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _headed(family: Family) -> Metric:
    """Return the family without samples: what is written of it is the head, which differs between the formats."""
    return Metric(family.name.removesuffix(_SUFFIXES.get(family.type, "")), family.help, family.type)


def _restricted(lines: bytes, names: frozenset[str]) -> bytes:
    return b"".join(line for line in lines.splitlines(keepends=True) if re.split(rb"[{ ]", line)[0].decode() in names)
