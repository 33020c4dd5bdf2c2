"""Writes every dashboard as JSON, beside this file or into a given directory."""

from __future__ import annotations

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import broker, certificates, fleet, monitor

DASHBOARDS = {
    "fleet": fleet.dashboard,
    "broker": broker.dashboard,
    "certificates": certificates.dashboard,
    "monitor": monitor.dashboard,
}


def main(directory: Path) -> None:
    """Write them."""
    for name, dashboard in DASHBOARDS.items():
        built = dashboard().build()
        # Links to a single panel go by its number.
        for number, panel in enumerate(built.panels or [], start=1):
            panel.id_val = number
        text = JSONEncoder(sort_keys=True, indent=2).encode(built)
        (directory / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
