"""What the dashboards are made of: queries, panels, variables and links, all in one manner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

WIDTH: Final = 24
DAY_S: Final = 86_400
TAG: Final = "mqtt-tls-monitor"
FLEET, BROKER, CERTIFICATES, MONITOR = "mqtt-tls-fleet", "mqtt-tls-broker", "mqtt-tls-certificates", "mqtt-tls-monitor"

SOURCE = looks.DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "text"

# What is left of a certificate, in days, as the alert rules have it.
DAYS_LEFT = ((None, RED), (7, ORANGE), (21, GREEN))
ZERO_IS_GOOD = ((None, GREEN), (1, RED))
ONE_IS_GOOD = ((None, RED), (1, GREEN))

Steps = Sequence[tuple[float | None, str]]
_Panel = TypeVar("_Panel", stat.Panel, timeseries.Panel, table.Panel, bargauge.Panel, statetimeline.Panel)


# Queries.


def instant(expression: str, legend: str = "") -> Dataquery:
    """Ask for the present value."""
    return Dataquery().expr(expression).legend_format(legend).instant()


def rows(expression: str) -> Dataquery:
    """Ask for the present values as a table: a column for each label, and one for the value."""
    return Dataquery().expr(expression).format(PromQueryFormat.TABLE).instant()


def course(expression: str, legend: str = "") -> Dataquery:
    """Ask for the values over time."""
    return Dataquery().expr(expression).legend_format(legend).range()


# Panels.


def number(
    title: str,
    description: str,
    query: Dataquery,
    *,
    unit: str = "short",
    steps: Steps = ((None, BLUE),),
    width: int = 4,
    words: Mapping[str, tuple[str, str]] | None = None,
    shows: str = "auto",
    decimals: int | None = None,
) -> stat.Panel:
    """Show present values large: the value, its legend or both (`shows`), or by value a text and colour (`words`)."""
    panel = _common(stat.Panel(), title, description, unit, steps, width=width, height=4).with_target(query)
    panel = (
        panel.color_mode(looks.BigValueColorMode.BACKGROUND_SOLID)
        .graph_mode(looks.BigValueGraphMode.NONE)
        .text_mode(looks.BigValueTextMode(shows))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    if decimals is not None:
        panel = panel.decimals(decimals)
    return panel if words is None else panel.mappings([_words(words)])


def graph(
    title: str,
    description: str,
    *queries: Dataquery,
    unit: str = "s",
    width: int = 12,
    height: int = 8,
    steps: Steps = ((None, BLUE),),
    is_stacked: bool = False,
    is_from_zero: bool = True,
    interval: str | None = None,
    has_table: bool = True,
) -> timeseries.Panel:
    """Draw values over time, `interval` being the least step between two points: a rate never looks back less."""
    legend = common.VizLegendOptions().show_legend(True).placement(looks.LegendPlacement.BOTTOM)
    if has_table:
        legend = legend.display_mode(looks.LegendDisplayMode.TABLE).calcs(["lastNotNull", "max"])
    else:
        legend = legend.display_mode(looks.LegendDisplayMode.LIST)
    panel = _common(timeseries.Panel(), title, description, unit, steps, width=width, height=height)
    panel = (
        panel.legend(legend)
        .tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING))
        .line_width(1)
        .fill_opacity(60 if is_stacked else 8)
        .show_points(looks.VisibilityMode.AUTO)
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
    )
    if is_from_zero:
        panel = panel.min(0)
    if is_stacked:
        panel = panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL))
    if interval is not None:
        panel = panel.interval(interval)
    for query in queries:
        panel = panel.with_target(query)
    return panel


def listing(
    title: str,
    description: str,
    query: Dataquery,
    *,
    columns: Mapping[str, str],
    value: str | None = None,
    unit: str = "short",
    steps: Steps = ((None, GREY),),
    width: int = 12,
    height: int = 9,
    sort_by: str | None = None,
    is_descending: bool = False,
    words: Mapping[str, tuple[str, str]] | None = None,
    decimals: int | None = None,
    coloured: Mapping[str, Mapping[str, str]] | None = None,
) -> table.Panel:
    """List present values, one row each; a broker's name leads to its own dashboard.

    `columns` gives the labels to show and their headings, `value` the heading of the values (None hides them), `words`
    a text and colour by value, `coloured` by heading the colour of each text.
    """
    shown = {**columns, **({"Value": value} if value is not None else {})}
    panel = _common(table.Panel(), title, description, unit, steps, width=width, height=height).with_target(query)
    panel = (
        panel.filterable(True)
        .cell_height(looks.TableCellHeight.SM)
        .with_transformation(
            model.DataTransformerConfig(
                id_val="filterFieldsByName", options={"include": {"names": [*columns, *(["Value"] if value else [])]}}
            )
        )
        .with_transformation(
            model.DataTransformerConfig(
                id_val="organize",
                options={
                    "indexByName": {name: place for place, name in enumerate(shown)},
                    "renameByName": shown,
                },
            )
        )
    )
    if sort_by is not None:
        panel = panel.sort_by([common.TableSortByFieldState().display_name(sort_by).desc(is_descending)])
    if value is not None:
        cell = {"type": "color-text"}
        properties = [model.DynamicConfigValue(id_val="custom.cellOptions", value=cell)]
        if words is not None:
            properties.append(model.DynamicConfigValue(id_val="mappings", value=[_words(words)]))
        if decimals is not None:
            properties.append(model.DynamicConfigValue(id_val="decimals", value=decimals))
        panel = panel.override_by_name(value, properties)
    for heading, colours in (coloured or {}).items():
        panel = panel.override_by_name(
            heading,
            [
                model.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}),
                model.DynamicConfigValue(
                    id_val="mappings", value=[_words({text: (text, colour) for text, colour in colours.items()})]
                ),
            ],
        )
    if "broker" in columns:
        panel = panel.override_by_name(
            columns["broker"],
            [
                model.DynamicConfigValue(
                    id_val="links",
                    value=[
                        {
                            "title": "Open the broker's dashboard",
                            "url": f"/d/{BROKER}?var-broker=${{__value.raw:percentencode}}"
                            "&var-datasource=${datasource}&${__url_time_range}",
                        }
                    ],
                )
            ],
        )
    return panel


def bars(
    title: str,
    description: str,
    *queries: Dataquery,
    unit: str = "short",
    steps: Steps = ((None, BLUE),),
    width: int = 12,
    height: int = 9,
    highest: float | None = None,
) -> bargauge.Panel:
    """Draw one bar for each present value."""
    panel = _common(bargauge.Panel(), title, description, unit, steps, width=width, height=height)
    panel = (
        panel.orientation(looks.VizOrientation.HORIZONTAL)
        .display_mode(looks.BarGaugeDisplayMode.BASIC)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .min(0)
    )
    if highest is not None:
        panel = panel.max(highest)
    for query in queries:
        panel = panel.with_target(query)
    return panel


def states(
    title: str,
    description: str,
    query: Dataquery,
    *,
    words: Mapping[str, tuple[str, str]],
    steps: Steps = ((None, GREY),),
    width: int = 12,
    height: int = 8,
) -> statetimeline.Panel:
    """Draw states over time, one line for each series."""
    panel = _common(statetimeline.Panel(), title, description, "short", steps, width=width, height=height)
    return panel.with_target(query).mappings([_words(words)]).merge_values(True).row_height(0.8).fill_opacity(80)


def _common(panel: _Panel, title: str, description: str, unit: str, steps: Steps, *, width: int, height: int) -> _Panel:
    thresholds = build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE)
    return (
        panel.title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .span(width)
        .height(height)
        .thresholds(thresholds.steps([model.Threshold(value=value, color=colour) for value, colour in steps]))
    )


def _words(words: Mapping[str, tuple[str, str]]) -> Any:
    return model.ValueMap(
        options={
            value: model.ValueMappingResult(text=text, color=colour, index=index)
            for index, (value, (text, colour)) in enumerate(words.items())
        }
    )


# The frame.


def page(uid: str, title: str, description: str, *, since: str = "now-6h") -> build.Dashboard:
    """Begin a dashboard: its data source, its links to the others, what filters it."""
    return (
        build.Dashboard(f"MQTT over TLS / {title}")
        .uid(uid)
        .description(description)
        .tags([TAG])
        .refresh("1m")
        .time(since, "now")
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .with_variable(build.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .link(
            build.DashboardLink("MQTT over TLS")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .keep_time(True)
            .include_vars(False)
            .icon("external link")
        )
    )


def choice(
    name: str, label: str, query: str, description: str, *, is_multiple: bool = True, regex: str = ""
) -> build.QueryVariable:
    """Let the reader choose among label values."""
    variable = (
        build.QueryVariable(name)
        .label(label)
        .description(description)
        .datasource(SOURCE)
        .query(query)
        .regex(regex)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )
    if not is_multiple:
        return variable
    every = model.VariableOption(text="All", value="$__all", selected=True)
    return variable.multi(True).include_all(True).all_value(".*").current(every)


def filters() -> build.AdHocVariable:
    """Let the reader narrow every panel down by labels, those of the configuration included."""
    return (
        build.AdHocVariable("filters")
        .label("Filters")
        .description("Narrows down every panel by any label: those that your configuration gives its brokers, too.")
        .datasource(SOURCE)
    )


BROKERS = choice(
    "broker", "Broker", "label_values(mqtt_tls_broker_info, broker)", "The brokers to show, by their configured names."
)
