"""All brokers at a glance: what is red, what breaks next, who is slow."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.models import dashboard as model

from dashboards.parts import (
    BLUE,
    BROKERS,
    DAY_S,
    DAYS_LEFT,
    FLEET,
    GREEN,
    ORANGE,
    RED,
    WIDTH,
    YELLOW,
    ZERO_IS_GOOD,
    bars,
    choice,
    course,
    filters,
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
_SEVERITIES = {"critical": RED, "warning": ORANGE, "info": BLUE}


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
                regex="/^(?!__|host$|port$).*$/",
            ).current(model.VariableOption(text="instance", value="instance", selected=True))
        )
        .with_variable(filters())
        .with_panel(
            number(
                "Brokers", "How many are watched.", instant(f"count(mqtt_tls_broker_info{_OF})"), steps=((None, BLUE),)
            )
        )
        .with_panel(
            number(
                "Failing",
                "Brokers whose last probe failed: a strict client would not have got its own message back.",
                instant(f"count(mqtt_tls_probe_success{_OF} == 0) or vector(0)"),
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
                unit="suffix: days",
                steps=DAYS_LEFT,
                decimals=1,
            )
        )
        .with_panel(
            number(
                "Slowest round trip",
                "Of the last probes: how long the slowest broker took to give a message back.",
                instant('max(mqtt_tls_phase_duration_seconds{broker=~"$broker",phase="roundtrip"})'),
                unit="s",
                steps=((None, GREEN), (0.25, YELLOW), (1, RED)),
            )
        )
        .with_row(build.Row("What is red"))
        .with_panel(
            listing(
                "Failing now",
                "Brokers whose last probe failed, in which phase and why. `mqtt-tls-monitor explain REASON` tells what "
                "a reason means and what to do.",
                rows(
                    f"{_FAILING} * on ({_PLACE}) group_left () (time() - mqtt_tls_last_success_timestamp_seconds) "
                    f"or {_FAILING} * Inf"
                ),
                columns={"broker": "Broker", "phase": "Phase", "reason": "Reason"},
                value="Last success",
                unit="s",
                words={"Infinity": ("never seen", RED)},
                sort_by="Last success",
                is_descending=True,
            )
        )
        .with_panel(
            listing(
                "Findings",
                "What is known to be wrong. `mqtt-tls-monitor explain CODE` tells what a code means and what to do.",
                rows(f"sum by (broker, code, finding_severity) (mqtt_tls_findings{_OF})"),
                columns={"broker": "Broker", "code": "Code", "finding_severity": "Severity"},
                sort_by="Severity",
                coloured={"Severity": _SEVERITIES},
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
                value="Days left",
                unit="none",
                steps=DAYS_LEFT,
                sort_by="Days left",
                decimals=1,
            )
        )
        .with_panel(
            bars(
                "How many break within",
                "Brokers of which something stops working within that time.",
                *(instant(f"count(({_LEFT}) < {days}) or vector(0)", f"{days} days") for days in (1, 7, 30, 90, 365)),
                steps=((None, BLUE),),
            )
        )
        .with_row(build.Row("Latency"))
        .with_panel(_slowest("handshake", "TLS handshake"))
        .with_panel(_slowest("roundtrip", "round trip of a message"))
        .with_row(build.Row("By $by"))
        .with_panel(
            graph(
                "Succeeding, by $by",
                "The share of brokers whose last probe succeeded.",
                course(f"avg by ($by) (mqtt_tls_probe_success{_OF})", "{{$by}}"),
                unit="percentunit",
                has_table=False,
            )
        )
        .with_panel(
            graph(
                "Slowest round trip, by $by",
                "The slowest broker of each group.",
                course(
                    'max by ($by) (mqtt_tls_phase_duration_seconds{broker=~"$broker",phase="roundtrip"})', "{{$by}}"
                ),
                has_table=False,
            )
        )
    )


def _with_findings(severity: str, description: str, colour: str) -> stat.Panel:
    return number(
        f"With {severity} findings",
        description,
        instant(
            "count(count by (instance, broker) "
            f'(mqtt_tls_findings{{broker=~"$broker",finding_severity="{severity}"}})) or vector(0)'
        ),
        steps=((None, GREEN), (1, colour)),
    )


def _slowest(phase: str, what: str) -> timeseries.Panel:
    return graph(
        f"Slowest brokers: {what}",
        f"The ten brokers that took longest for the {what}, by the kernel's clock: without the monitor's own work.",
        course(
            f'topk(10, max by (broker) (mqtt_tls_phase_duration_seconds{{broker=~"$broker",phase="{phase}"}}))',
            "{{broker}}",
        ),
        width=WIDTH // 2,
        height=9,
    )
