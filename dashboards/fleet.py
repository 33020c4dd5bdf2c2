"""All brokers at a glance: what is red, what breaks next, who is slow."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.models import dashboard as model

from dashboards.parts import (
    BLUE,
    BROKERS,
    DAY_S,
    DAYS,
    DAYS_LEFT,
    FLEET,
    GREEN,
    ORANGE,
    RED,
    WIDTH,
    YELLOW,
    ZERO_IS_GOOD,
    Value,
    alerts,
    bars,
    choice,
    course,
    filters,
    foremost,
    graph,
    instant,
    listing,
    number,
    page,
    rows,
)

_OF = '{broker=~"$broker"}'
_PLACE = "instance, broker, address"
_LEFT = f"(mqtt_tls_next_break_timestamp_seconds{_OF} - time()) / {DAY_S}"
_FAILING = f"mqtt_tls_probe_failure_info{_OF}"
# Numbers, so that a table can be sorted by them.
_RANKS = {"critical": 3, "warning": 2, "info": 1}
_SEVERITIES = {"3": ("critical", RED), "2": ("warning", ORANGE), "1": ("info", BLUE)}


def dashboard() -> build.Dashboard:
    """Build it."""
    return (
        page(FLEET, "Fleet", "All brokers at a glance: what is red, what breaks next, who is slow.")
        .with_variable(BROKERS)
        .with_variable(
            choice(
                "by",
                "Group by",
                "label_names(mqtt_tls_broker_info)",
                "The label by which the last row groups its brokers; those of your configuration are among them.",
                is_multiple=False,
                regex="/^(?!__|broker$|host$|port$).*$/",
            ).current(model.VariableOption(text="instance", value="instance", selected=True))
        )
        .with_variable(filters())
        .with_panel(
            number("Brokers", "How many are watched.", instant(f"count(count by (broker) (mqtt_tls_broker_info{_OF}))"))
        )
        .with_panel(
            number(
                "Failing",
                "Brokers whose last probe failed: a strict client would not have got its own message back.",
                instant(f"count(count by (broker) (mqtt_tls_probe_success{_OF} == 0)) or vector(0)"),
                steps=ZERO_IS_GOOD,
            )
        )
        .with_panel(_with_findings("critical", "Brokers of which something critical is known.", RED))
        .with_panel(_with_findings("warning", "Brokers of which something will hurt before long.", ORANGE))
        .with_panel(
            number(
                "Next break",
                "When the first of what works now stops working, over all brokers: certificates, revocation data, the "
                "monitor's own client certificates.",
                instant(f"min({_LEFT})"),
                unit=DAYS,
                steps=DAYS_LEFT,
                decimals=1,
                nothing="none known",
            )
        )
        .with_panel(
            number(
                "Slowest round trip",
                "Of the last probes: how long the slowest broker took to give a message back.",
                instant(f"max({_phase('roundtrip')})"),
                unit="s",
                steps=((None, GREEN), (0.25, YELLOW), (0.5, RED)),
                nothing="none came back",
            )
        )
        .with_row(build.Row("What is red"))
        .with_panel(alerts('broker=~"$broker"', width=WIDTH))
        .with_panel(
            listing(
                "Failing now",
                "Brokers whose last probe failed, in which phase and why. `mqtt-tls-monitor explain REASON` tells what "
                "a reason means and what to do.",
                rows(
                    f"{_FAILING} * on ({_PLACE}) group_left () (time() - mqtt_tls_last_success_timestamp_seconds) "
                    f"or {_FAILING} * Inf"
                ),
                columns={"broker": "Broker", "address": "Address", "phase": "Phase", "reason": "Reason"},
                values=[Value(heading="Last success before", unit="s", words={"Infinity": ("never seen", RED)})],
                nothing="No broker fails",
                sort_by="Last success before",
                is_descending=True,
            )
        )
        .with_panel(
            listing(
                "Findings",
                "What is known to be wrong. `mqtt-tls-monitor explain CODE` tells what a code means and what to do.",
                rows(f"max by (broker, code) ({_ranked()})"),
                columns={"broker": "Broker", "code": "Code"},
                values=[Value(heading="Severity", words=_SEVERITIES)],
                nothing="Nothing is known to be wrong",
                sort_by="Severity",
                is_descending=True,
            )
        )
        .with_row(build.Row("What breaks next"))
        .with_panel(
            listing(
                "What breaks next",
                "For each broker the first thing that stops working, and how many days are left. A broker that does "
                "not work has none.",
                rows(f"sort(min by (broker, cause) ({_LEFT}))"),
                columns={"broker": "Broker", "cause": "Cause"},
                values=[Value(heading="Days left", steps=DAYS_LEFT, decimals=1)],
                nothing="No end of anything is known",
                sort_by="Days left",
            )
        )
        .with_panel(
            bars(
                "How many break within",
                "Brokers of which something stops working within that time.",
                *(
                    instant(f"count(count by (broker) ({_LEFT} < {days})) or vector(0)", f"{days} days")
                    for days in (1, 7, 30, 90, 365)
                ),
            )
        )
        .with_row(build.Row("Latency"))
        .with_panel(_slowest("handshake", "TLS handshake"))
        .with_panel(_slowest("roundtrip", "round trip of a message"))
        .with_row(build.Row("By $by"))
        .with_panel(
            graph(
                "Succeeding, by $by",
                "The share of brokers whose last probe succeeded, of the twenty groups with the least.",
                course(foremost("bottomk", 20, "avg by ($by)", f"mqtt_tls_probe_success{_OF}"), "{{$by}}"),
                unit="percentunit",
                has_table=False,
            )
        )
        .with_panel(
            graph(
                "Slowest round trip, by $by",
                "The slowest broker of each group, of the twenty groups with the slowest.",
                course(foremost("topk", 20, "max by ($by)", _phase("roundtrip")), "{{$by}}"),
                has_table=False,
            )
        )
    )


def _with_findings(severity: str, description: str, colour: str) -> stat.Panel:
    return number(
        f"With {severity} findings",
        description,
        instant(
            "count(count by (broker) "
            f'(mqtt_tls_findings{{broker=~"$broker",finding_severity="{severity}"}})) or vector(0)'
        ),
        steps=((None, GREEN), (1, colour)),
    )


def _ranked() -> str:
    return " or ".join(
        f'0 * mqtt_tls_findings{{broker=~"$broker",finding_severity="{severity}"}} + {rank}'
        for severity, rank in _RANKS.items()
    )


def _phase(phase: str) -> str:
    return f'mqtt_tls_phase_duration_seconds{{broker=~"$broker",phase="{phase}"}}'


def _slowest(phase: str, what: str) -> timeseries.Panel:
    return graph(
        f"Slowest brokers: {what}",
        f"The ten brokers that took longest for the {what} on average over the time shown, by the kernel's clock: "
        "without the monitor's own work.",
        course(foremost("topk", 10, "max by (broker)", _phase(phase)), "{{broker}}"),
        height=9,
    )
