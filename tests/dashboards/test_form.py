"""The committed dashboards: what the code builds, well formed, and leading nowhere that is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.__main__ import DASHBOARDS, main
from dashboards.parts import DAYS_LEFT, PHASES
from monitor.export.families import FAMILIES
from monitor.model.outcome import Phase
from tests.support.dashboards import FOLDER, JSON, headings, panels

# So that the model reads what belongs to a kind of panel or of query, too.
plugins.register_default_plugins()
UNITS = {value for value in vars(units).values() if isinstance(value, str)}
HAVE_FIELD_OPTIONS = {"statetimeline", "state-timeline", "table", "timeseries"}


@pytest.fixture(params=DASHBOARDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_committed_files_are_what_the_code_builds(tmp_path: Path) -> None:
    main(tmp_path)
    assert {path.name for path in FOLDER.glob("*.json")} == {path.name for path in tmp_path.iterdir()}
    for path in tmp_path.iterdir():
        assert (FOLDER / path.name).read_text() == path.read_text(), "run `make dashboards`"


def through_the_model(document: dict[str, Any]) -> Any:
    return json.loads(JSONEncoder(sort_keys=True, indent=2).encode(Dashboard.from_json(document)))


def test_nothing_is_in_the_file_that_grafanas_model_does_not_know(name: str) -> None:
    assert through_the_model(JSON[name]) == JSON[name]


def test_the_model_knows_each_option_of_a_panel_and_of_its_fields(name: str) -> None:
    for at, panel in enumerate(JSON[name]["panels"]):
        if panel["type"] == "row":
            continue
        assert ("custom" in panel["fieldConfig"]["defaults"]) <= (panel["type"] in HAVE_FIELD_OPTIONS), panel["title"]
        for place in (("options",), ("fieldConfig", "defaults", "custom"), ("targets", 0)):
            odd = deepcopy(JSON[name])
            found = odd["panels"][at]
            for key in place:
                found = found.get(key, {}) if isinstance(found, dict) else found[key]
            found["madeUp"] = True
            assert through_the_model(odd) == JSON[name], (panel["title"], place)


def test_the_model_knows_what_is_set_for_single_fields(name: str) -> None:
    for at, panel in enumerate(JSON[name]["panels"]):
        for override in panel.get("fieldConfig", {}).get("overrides", ()):
            for each in override["properties"]:
                if each["id"] == "links":  # the model takes them for links of a dashboard
                    assert all(link.keys() <= {"title", "url", "targetBlank"} for link in each["value"])
                    continue
                # As if it were set for all of the panel's fields: there, the model has types.
                document = deepcopy(JSON[name])
                defaults = document["panels"][at]["fieldConfig"]["defaults"]
                *above, key = each["id"].split(".")
                for step in above:
                    defaults = defaults.setdefault(step, {})
                defaults[key] = each["value"]
                assert through_the_model(document) == document, (panel["title"], each)


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
        units = [panel["fieldConfig"]["defaults"]["unit"], *overridden(panel, "unit")]
        assert {unit for unit in units if not re.fullmatch(r"suffix:\w+", unit)} <= UNITS, panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"], panel["title"]
    assert len({panel["title"] for panel in panels(name)}) == len(panels(name))
    assert len({panel["id"] for panel in JSON[name]["panels"]}) == len(JSON[name]["panels"])


def test_every_query_has_a_name_of_its_own_and_a_source(name: str) -> None:
    for panel in panels(name):
        names = [target["refId"] for target in panel["targets"]]
        assert all(names), panel["title"]
        assert len(set(names)) == len(names), panel["title"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}


def test_a_series_is_never_called_by_a_label_alone_that_it_may_lack(name: str) -> None:
    for panel in panels(name):
        for target in panel["targets"]:
            assert target.get("legendFormat") != "{{address}}", panel["title"]


def test_what_is_not_the_monitors_alone_is_asked_for_by_its_job(name: str) -> None:
    patterns = [each["name"] for each in JSON[name]["templating"]["list"] if each.get("allValue")]
    assert set(patterns) <= {"broker"}
    for panel in panels(name):
        for target in panel["targets"]:
            for metric, selector in re.findall(r"\b([a-zA-Z_]\w*)\{([^}]*)\}", target["expr"]):
                assert metric.startswith(("mqtt_tls_", "ALERTS")) or 'job=~"$job"' in selector, target["expr"]


def test_tables_have_pages_and_refer_to_their_own_columns(name: str) -> None:
    for panel in panels(name):
        if panel["type"] == "table":
            columns = headings(panel)
            assert panel["options"]["footer"]["enablePagination"], panel["title"]
            assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]
            matched = [each["matcher"] for each in panel["fieldConfig"]["overrides"]]
            sorted_by = {each["displayName"] for each in panel["options"].get("sortBy", ())}
            linked = set(re.findall(r"__data\.fields\.(\w+)", json.dumps(panel)))
            assert {each["id"] for each in matched} <= {"byName"}
            assert {each["options"] for each in matched} | sorted_by | linked <= set(columns.values()), panel["title"]
            (kept,) = (each["options"] for each in panel["transformations"] if each["id"] == "filterFieldsByName")
            assert set(kept["include"]["names"]) == set(columns), panel["title"]


def test_days_left_are_red_when_few_and_phases_have_their_colour_everywhere() -> None:
    assert tuple(PHASES) == tuple(Phase)
    assert [colour for _, colour in DAYS_LEFT] == ["red", "orange", "green"]
    for name in JSON:
        for panel in panels(name):
            if panel["type"] == "timeseries" and "phase" in panel["targets"][0].get("legendFormat", ""):
                matched = [each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]]
                assert matched == list(Phase), panel["title"]


def test_every_link_leads_to_a_dashboard_and_its_variables_or_to_a_page_of_the_monitor() -> None:
    variables = {
        board["uid"]: {variable["name"] for variable in board["templating"]["list"]} for board in JSON.values()
    }
    links = list(_links(JSON))
    assert len(links) > 3
    for link in links:
        if link.startswith("http://${__"):
            assert re.search(
                r"instance\}/brokers/\$\{__field\.labels\.broker|Monitor\}/runbooks/\$\{__value\.raw\}$", link
            )
            continue
        at = re.match(r"/d/([\w-]+)\?", link)
        assert at is not None, link
        assert set(re.findall(r"var-(\w+)=|\{(\w+):queryparam\}", link)) <= {
            pair for each in variables[at[1]] for pair in ((each, ""), ("", each))
        }, link


def test_dashboards_know_one_another_by_a_tag_that_all_carry() -> None:
    tags = {tag for board in JSON.values() for link in board["links"] for tag in link["tags"]}
    for board in JSON.values():
        assert tags <= set(board["tags"])
    assert len({board["uid"] for board in JSON.values()}) == len(JSON)


def test_every_metric_of_ours_in_a_query_is_one_that_the_monitor_exposes(name: str) -> None:
    known = {family.name for family in FAMILIES}
    used = set(re.findall(r"\bmqtt_tls_\w+", json.dumps(JSON[name])))
    assert {re.sub(r"_(bucket|sum|count)$", "", metric) for metric in used} <= known


def overridden(panel: dict[str, Any], what: str) -> list[Any]:
    return [
        each["value"]
        for override in panel["fieldConfig"]["overrides"]
        for each in override["properties"]
        if each["id"] == what
    ]


def _links(document: object) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(url := document.get("url"), str):
            yield url
        for value in document.values():
            yield from _links(value)
    elif isinstance(document, list):
        for value in document:
            yield from _links(value)
