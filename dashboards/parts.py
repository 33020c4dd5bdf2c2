"""What the dashboards are made of: queries, panels, variables and links, all in one manner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
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

DAYS = "suffix:days"

# In the order of a probe, each in its colour wherever it is drawn.
PHASES: Final = {
    "resolve": "purple",
    "connect": "blue",
    "handshake": "orange",
    "verify": "yellow",
    "mqtt_connect": "green",
    "subscribe": "super-light-green",
    "publish": "light-blue",
    "roundtrip": "dark-blue",
}

Steps = Sequence[tuple[float | None, str]]
Words = Mapping[str, tuple[str, str]]
"""By value a text and a colour."""

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


def foremost(choice: str, count: int, aggregation: str, series: str) -> str:
    """Return the same few groups at every moment: those that are foremost on average over the time shown.

    `topk` alone chooses anew at each step, and draws every group that is among them once.
    """
    chosen = f"{aggregation} (avg_over_time({series}[$__range] @ end()))"
    return f"{aggregation} ({series}) and {choice}({count}, {chosen})"


# Panels. `nothing` is what stands in one that has no data, where that is not a fault.


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """The column of a query's values in a table: its heading, and how values are shown."""

    heading: str
    unit: str = "none"
    steps: Steps = ((None, GREY),)
    words: Words | None = None
    decimals: int | None = None


def number(
    title: str,
    description: str,
    query: Dataquery,
    *,
    unit: str = "none",
    steps: Steps = ((None, BLUE),),
    width: int = 4,
    words: Words | None = None,
    shows: str = "auto",
    decimals: int | None = None,
    nothing: str | None = None,
    link: tuple[str, str] | None = None,
) -> stat.Panel:
    """Show present values large: the value, its legend or both (`shows`); `link` has a title and where it leads."""
    panel = _common(stat.Panel(), title, description, unit, steps, width=width, height=4, nothing=nothing)
    panel = (
        _asking(panel, query)
        .color_mode(looks.BigValueColorMode.BACKGROUND_SOLID)
        .graph_mode(looks.BigValueGraphMode.NONE)
        .text_mode(looks.BigValueTextMode(shows))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    if decimals is not None:
        panel = panel.decimals(decimals)
    if link is not None:
        panel = panel.override_by_field_type("number", [_link(*link, is_new_page=True)])
    return panel if words is None else panel.mappings([_words(words)])


def graph(
    title: str,
    description: str,
    *queries: Dataquery,
    unit: str = "s",
    width: int = 12,
    height: int = 8,
    is_stacked: bool = False,
    colours: Mapping[str, str] | None = None,
    interval: str | None = None,
    has_table: bool = True,
    nothing: str | None = None,
) -> timeseries.Panel:
    """Draw values over time, `interval` being the least step between two points: a rate never looks back less.

    `colours` holds them by legend; others are the palette's, in the order in which series happen to come.
    """
    legend = common.VizLegendOptions().show_legend(True).placement(looks.LegendPlacement.BOTTOM)
    if has_table:
        legend = legend.display_mode(looks.LegendDisplayMode.TABLE).calcs(["lastNotNull", "max"])
    else:
        legend = legend.display_mode(looks.LegendDisplayMode.LIST)
    # What lies on top of each other is read in that order; else the largest is looked for.
    order = looks.SortOrder.NONE if is_stacked else looks.SortOrder.DESCENDING
    steps = ((None, BLUE),)
    panel = _common(timeseries.Panel(), title, description, unit, steps, width=width, height=height, nothing=nothing)
    panel = (
        _asking(panel, *queries)
        .legend(legend)
        .tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(order))
        .line_width(1)
        .fill_opacity(60 if is_stacked else 8)
        .show_points(looks.VisibilityMode.AUTO)
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
        .min(0)
    )
    if is_stacked:
        panel = panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL).group("A"))
    if interval is not None:
        panel = panel.interval(interval)
    for name, colour in (colours or {}).items():
        fixed = {"mode": "fixed", "fixedColor": colour}
        panel = panel.override_by_name(name, [model.DynamicConfigValue(id_val="color", value=fixed)])
    return panel


def listing(
    title: str,
    description: str,
    *queries: Dataquery,
    columns: Mapping[str, str],
    values: Sequence[Value] = (),
    nothing: str,
    width: int = 12,
    height: int = 9,
    sort_by: str | None = None,
    is_descending: bool = False,
    coloured: Mapping[str, Mapping[str, str]] | None = None,
) -> table.Panel:
    """List present values, one row for each set of labels; a broker's name leads to its own dashboard.

    `columns` gives the labels to show and their headings, `values` what becomes of each query's values (none: they are
    not shown), `coloured` by heading the colour of each text. Several queries must have the labels of `columns` alone.
    """
    # What Grafana calls them: by the query only where there are several.
    names = ["Value"] if len(queries) == 1 else [f"Value #{ref}" for ref in ascii_uppercase[: len(queries)]]
    shown = {**columns, **{name: value.heading for name, value in zip(names, values, strict=False)}}
    steps = ((None, GREY),)
    panel = _common(table.Panel(), title, description, "none", steps, width=width, height=height, nothing=nothing)
    panel = (
        _asking(panel, *queries)
        .filterable(True)
        .cell_height(looks.TableCellHeight.SM)
        .footer(common.TableFooterOptions().enable_pagination(True))
        .with_transformation(
            model.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": [*shown]}})
        )
    )
    if len(queries) > 1:
        panel = panel.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    panel = panel.with_transformation(
        model.DataTransformerConfig(
            id_val="organize",
            options={"indexByName": {name: place for place, name in enumerate(shown)}, "renameByName": shown},
        )
    )
    if sort_by is not None:
        panel = panel.sort_by([common.TableSortByFieldState().display_name(sort_by).desc(is_descending)])
    for value in values:
        panel = panel.override_by_name(value.heading, _properties(value))
    for heading, colours in (coloured or {}).items():
        words = {text: (text, colour) for text, colour in colours.items()}
        panel = panel.override_by_name(heading, [_COLOURED, _mapped(words)])
    if "broker" in columns:
        url = f"/d/{BROKER}?var-broker=${{__value.raw:percentencode}}&${{datasource:queryparam}}&${{__url_time_range}}"
        panel = panel.override_by_name(columns["broker"], [_link("Open the broker's dashboard", url)])
    return panel


def alerts(selector: str, *, width: int) -> table.Panel:
    """List the alerts that fire for what is selected, each with its runbook."""
    url = "http://${__data.fields.Monitor}/runbooks/${__value.raw}"
    return listing(
        "Alerts",
        "The alerts that fire, if this Prometheus evaluates their rules. A click on one opens its runbook, which the "
        "monitor serves.",
        rows(f'ALERTS{{alertname=~"MqttTls.+",alertstate="firing",{selector}}}'),
        columns={
            "severity": "Severity",
            "alertname": "Alert",
            "broker": "Broker",
            "address": "Address",
            "instance": "Monitor",
        },
        nothing="No alert fires",
        width=width,
        height=7,
        sort_by="Severity",
        coloured={"Severity": {"critical": RED, "warning": ORANGE}},
    ).override_by_name("Alert", [_link("Open the runbook", url, is_new_page=True)])


def bars(
    title: str,
    description: str,
    *queries: Dataquery,
    unit: str = "none",
    steps: Steps = ((None, BLUE),),
    highest: float | None = None,
    nothing: str | None = None,
) -> bargauge.Panel:
    """Draw one bar for each present value, in the order of the answer."""
    panel = _common(bargauge.Panel(), title, description, unit, steps, width=12, height=9, nothing=nothing)
    panel = (
        _asking(panel, *queries)
        .orientation(looks.VizOrientation.HORIZONTAL)
        .display_mode(looks.BarGaugeDisplayMode.BASIC)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .min(0)
    )
    return panel if highest is None else panel.max(highest)


def bars_by(label: str, title: str, description: str, query: Dataquery) -> bargauge.Panel:
    """Draw one bar for each row of a table, in the order of that label: answers have none."""
    panel = bars(title, description, query)
    for transformation, options in (
        ("filterFieldsByName", {"include": {"names": [label, "Value"]}}),
        ("sortBy", {"sort": [{"field": label}]}),
    ):
        panel = panel.with_transformation(model.DataTransformerConfig(id_val=transformation, options=options))
    return panel.reduce_options(common.ReduceDataOptions().values(True).calcs([]))


def states(
    title: str,
    description: str,
    query: Dataquery,
    *,
    words: Words,
    height: int = 8,
) -> statetimeline.Panel:
    """Draw states over time, one line for each series."""
    panel = _common(statetimeline.Panel(), title, description, "short", ((None, GREY),), width=12, height=height)
    return _asking(panel, query).mappings([_words(words)]).merge_values(True).row_height(0.8).fill_opacity(80)


def _common(
    panel: _Panel,
    title: str,
    description: str,
    unit: str,
    steps: Steps,
    *,
    width: int,
    height: int,
    nothing: str | None = None,
) -> _Panel:
    panel = (
        panel.title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .span(width)
        .height(height)
        .thresholds(_thresholds(steps))
    )
    return panel if nothing is None else panel.no_value(nothing)


def _asking(panel: _Panel, *queries: Dataquery) -> _Panel:
    for ref, query in zip(ascii_uppercase, queries, strict=False):
        panel = panel.with_target(query.ref_id(ref).datasource(SOURCE))
    return panel


def _thresholds(steps: Steps) -> build.ThresholdsConfig:
    at = [model.Threshold(value=value, color=colour) for value, colour in steps]
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(at)


_COLOURED: Final = model.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"})


def _properties(value: Value) -> list[model.DynamicConfigValue]:
    properties = [
        _COLOURED,
        model.DynamicConfigValue(id_val="unit", value=value.unit),
        model.DynamicConfigValue(id_val="thresholds", value=_thresholds(value.steps).build()),
    ]
    if value.words is not None:
        properties.append(_mapped(value.words))
    if value.decimals is not None:
        properties.append(model.DynamicConfigValue(id_val="decimals", value=value.decimals))
    return properties


def _link(title: str, url: str, *, is_new_page: bool = False) -> model.DynamicConfigValue:
    return model.DynamicConfigValue(
        id_val="links", value=[{"title": title, "url": url, **({"targetBlank": True} if is_new_page else {})}]
    )


def _mapped(words: Words) -> model.DynamicConfigValue:
    return model.DynamicConfigValue(id_val="mappings", value=[_words(words)])


def _words(words: Words) -> Any:
    return model.ValueMap(
        options={
            value: model.ValueMappingResult(text=text, color=colour, index=index)
            for index, (value, (text, colour)) in enumerate(words.items())
        }
    )


# The frame.


def page(uid: str, title: str, description: str) -> build.Dashboard:
    """Begin a dashboard: its data source, its links to the others, what filters it."""
    return (
        build.Dashboard(f"MQTT over TLS / {title}")
        .uid(uid)
        .description(description)
        .tags([TAG])
        .refresh("1m")
        .time("now-6h", "now")
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
    name: str, label: str, query: str, description: str, *, is_multiple: bool = True, regex: str = "", every: str = ""
) -> build.QueryVariable:
    """Let the reader choose among label values; `every` is the pattern for all of them, if not all one by one."""
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
    current = model.VariableOption(text="All", value="$__all", selected=True)
    variable = variable.multi(True).include_all(True).current(current)
    return variable.all_value(every) if every else variable


def filters() -> build.AdHocVariable:
    """Let the reader narrow every panel down by labels, those of the configuration included."""
    return (
        build.AdHocVariable("filters")
        .label("Filters")
        .description("Narrows down every panel by any label: those that your configuration gives its brokers, too.")
        .datasource(SOURCE)
    )


BROKERS = choice(
    "broker",
    "Broker",
    "label_values(mqtt_tls_broker_info, broker)",
    "The brokers to show, by their configured names.",
    # A thousand names would make queries of 20 kB; nobody else's metrics carry a label that is meant here.
    every=".*",
)
