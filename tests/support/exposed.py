"""What the exposition of a snapshot holds."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from monitor.export.exposition import Exposition
from monitor.store import Snapshot


def exposition(snapshot: Snapshot) -> bytes:
    """Return it as Prometheus text."""
    return Exposition().render(snapshot)[0]


def samples(snapshot: Snapshot) -> list[Sample]:
    """Return the samples as Prometheus reads them, in their order."""
    families = text_string_to_metric_families(exposition(snapshot).decode())
    return [sample for family in families for sample in family.samples]
