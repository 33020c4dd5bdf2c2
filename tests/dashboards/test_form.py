"""The committed dashboards: what the code builds, well formed, and leading nowhere that is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.__main__ import DASHBOARDS, main
from monitor.export.families import FAMILIES

FOLDER = Path(__file__).parents[2] / "dashboards"
JSON = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in DASHBOARDS}


def panels(name: str) -> list[dict[str, Any]]:
    return [panel for panel in JSON[name]["panels"] if panel["type"] != "row"]


@pytest.fixture(params=DASHBOARDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_committed_files_are_what_the_code_builds(tmp_path: Path) -> None:
    main(tmp_path)
    assert {path.name for path in FOLDER.glob("*.json")} == {path.name for path in tmp_path.iterdir()}
    for path in tmp_path.iterdir():
        assert (FOLDER / path.name).read_text() == path.read_text(), "run `make dashboards`"


def test_nothing_is_in_the_file_that_grafanas_model_does_not_know(name: str) -> None:
    encoded = JSONEncoder(sort_keys=True, indent=2).encode(Dashboard.from_json(JSON[name]))
    assert json.loads(encoded) == JSON[name]


def test_panels_do_not_overlap_and_stay_within_the_page(name: str) -> None:
    places = [(panel["title"], panel["gridPos"]) for panel in JSON[name]["panels"]]
    for title, at in places:
        assert at["x"] + at["w"] <= 24, title
    for (one, a), (other, b) in combinations(places, 2):
        apart = (
            a["x"] + a["w"] <= b["x"]
            or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"]
            or b["y"] + b["h"] <= a["y"]
        )
        assert apart, f"{one} and {other}"


def test_every_panel_says_what_it_shows_in_which_unit_from_where(name: str) -> None:
    for panel in panels(name):
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"], panel["title"]
    assert len({panel["title"] for panel in panels(name)}) == len(panels(name))
    assert len({panel["id"] for panel in JSON[name]["panels"]}) == len(JSON[name]["panels"])


def test_every_link_leads_to_a_dashboard_and_its_variables() -> None:
    variables = {
        board["uid"]: {variable["name"] for variable in board["templating"]["list"]} for board in JSON.values()
    }
    links = list(_links(JSON))
    assert len(links) > 3
    for link in links:
        at = re.match(r"/d/([\w-]+)\?", link)
        assert at is not None, link
        assert set(re.findall(r"var-(\w+)=", link)) <= variables[at[1]], link


def test_dashboards_know_one_another_by_a_tag_that_all_carry() -> None:
    tags = {tag for board in JSON.values() for link in board["links"] for tag in link["tags"]}
    for board in JSON.values():
        assert tags <= set(board["tags"])
    assert len({board["uid"] for board in JSON.values()}) == len(JSON)


def test_every_metric_of_ours_in_a_query_is_one_that_the_monitor_exposes(name: str) -> None:
    known = {family.name for family in FAMILIES}
    used = set(re.findall(r"\bmqtt_tls_\w+", json.dumps(JSON[name])))
    assert {re.sub(r"_(bucket|sum|count)$", "", metric) for metric in used} <= known


def _links(document: object) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(url := document.get("url"), str):
            yield url
        for value in document.values():
            yield from _links(value)
    elif isinstance(document, list):
        for value in document:
            yield from _links(value)
