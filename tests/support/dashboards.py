"""The committed dashboards, and their queries as Grafana would send them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from dashboards.__main__ import DASHBOARDS

FOLDER: Final = Path(__file__).parents[2] / "dashboards"
JSON: Final = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in DASHBOARDS}


def panels(name: str) -> list[dict[str, Any]]:
    """Return the panels of that dashboard, without the rows that they stand in."""
    return [panel for panel in JSON[name]["panels"] if panel["type"] != "row"]


def filled_in(expression: str, broker: str, *, span: str = "1m") -> str:
    """Put values in the place of variables: every broker where several may be chosen, else that one, over that time."""
    values = {
        "broker": broker,
        "by": "instance",
        "job": "mqtt-tls-monitor",
        "instance": ".*",
        "__rate_interval": "1m",
        "__range": span,
    }
    text = re.sub(r"\$\{?([a-z_]+)\}?", lambda found: values[found[1]], expression.replace('=~"$broker"', '=~".*"'))
    assert not re.search(r"\$\D", text), text
    return text


def headings(panel: dict[str, Any]) -> dict[str, str]:
    """Return the columns of a table and what they are called in the end."""
    (organize,) = (each["options"] for each in panel["transformations"] if each["id"] == "organize")
    renamed: dict[str, str] = organize["renameByName"]
    return renamed
