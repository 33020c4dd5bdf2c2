"""One broker: what it does now, how long it takes, what it shows, what changed."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import timeseries

from dashboards.parts import (
    BLUE,
    BROKER,
    DAY_S,
    DAYS,
    DAYS_LEFT,
    GREEN,
    ONE_IS_GOOD,
    ORANGE,
    PHASES,
    RED,
    SOURCE,
    WIDTH,
    Value,
    alerts,
    choice,
    course,
    filters,
    graph,
    instant,
    listing,
    number,
    page,
    rows,
    states,
)

_OF = '{broker="$broker"}'
_PLACE = "instance, broker, address"
# A broker is probed once a minute or so: over less than some minutes, a rate rests on a probe or two.
_STEP: Final = "5m"
_PAGE = "http://${__field.labels.instance}/brokers/${__field.labels.broker:percentencode}"
_ACCEPTED = {"1": ("valid", GREEN), "0": ("not valid", RED)}


def dashboard() -> build.Dashboard:
    """Build it."""
    return (
        page(BROKER, "Broker", "One broker: what it does now, how long it takes, what it shows, what changed.")
        .with_variable(
            choice(
                "broker",
                "Broker",
                "label_values(mqtt_tls_broker_info, broker)",
                "The broker to show, by its configured name.",
                is_multiple=False,
            )
        )
        .with_variable(filters())
        .annotation(
            _annotation(
                "Certificate changed",
                "sum by (instance, what) (increase(mqtt_tls_certificate_changes_total"
                + _OF
                + "[$__rate_interval])) > 0",
                "{{what}} changed",
                BLUE,
            )
        )
        .annotation(
            _annotation(
                "Began to fail",
                f"resets(mqtt_tls_probe_success{_OF}[$__rate_interval]) > 0",
                "began to fail",
                RED,
            )
        )
        .with_panel(
            number(
                "State",
                "Whether the last probe succeeded: a strict client would have connected and got its own message back.",
                instant(f"mqtt_tls_probe_success{_OF}", "{{instance}} {{address}}"),
                steps=ONE_IS_GOOD,
                words={"1": ("OK", GREEN), "0": ("FAILING", RED)},
                nothing="not probed yet",
                link=("Open the monitor's own page about the broker", _PAGE),
            )
        )
        .with_panel(
            number(
                "Why it fails",
                "The phase and the reason of the failure. `mqtt-tls-monitor explain REASON` tells what to do.",
                instant(
                    f"mqtt_tls_probe_failure_info{_OF} - 1 or "
                    f'label_replace(mqtt_tls_probe_success{_OF} == 1, "reason", "nothing fails", "", "")',
                    "{{phase}} {{reason}}",
                ),
                steps=ONE_IS_GOOD,
                shows="name",
                width=8,
            )
        )
        .with_panel(
            number(
                "Overdue",
                "How much longer than the interval the last probe is over. Some minutes: the monitor is late, or gone.",
                instant(
                    f"clamp_min(time() - mqtt_tls_last_probe_timestamp_seconds{_OF} "
                    f"- on (instance, broker) group_left () mqtt_tls_probe_interval_seconds{_OF}, 0)",
                    "{{instance}} {{address}}",
                ),
                unit="s",
                steps=((None, GREEN), (120, ORANGE), (600, RED)),
            )
        )
        .with_panel(
            number(
                "Next break",
                "When the first of what works now stops working, and what that is.",
                instant(f"(mqtt_tls_next_break_timestamp_seconds{_OF} - time()) / {DAY_S}", "{{cause}}"),
                unit=DAYS,
                nothing="nothing works",
                steps=DAYS_LEFT,
                shows="value_and_name",
                decimals=1,
            )
        )
        .with_panel(
            number(
                "Chain, by trust",
                "Whether the chain leads to a trusted root: for the broker's own trust, and for each trust profile.",
                instant(f"mqtt_tls_chain_valid{_OF}", "{{trust}}"),
                steps=ONE_IS_GOOD,
                words=_ACCEPTED,
                shows="value_and_name",
                nothing="never seen",
            )
        )
        .with_row(build.Row("Latency"))
        .with_panel(
            graph(
                "A probe, phase by phase",
                "How long the broker took in each phase of a probe, one on top of the other, without the monitor's own "
                "work. A phase that did not complete is missing.",
                *(
                    course(
                        f'max by (phase) (mqtt_tls_phase_duration_seconds{{broker="$broker",phase="{phase}"}})', phase
                    )
                    for phase in PHASES
                ),
                is_stacked=True,
                colours=PHASES,
                width=WIDTH,
                height=9,
            )
        )
        .with_panel(_spread("TLS handshake", "handshakes took at most so long", "handshake"))
        .with_panel(_spread("Round trip of a message", "messages came back within that time", "roundtrip"))
        .with_panel(
            graph(
                "Network",
                "The round trip of the TCP handshake by the kernel: what the network alone takes.",
                course(f"mqtt_tls_tcp_rtt_seconds{_OF}", "TCP round trip {{instance}} {{address}}"),
            )
        )
        .with_panel(
            graph(
                "Segments sent again",
                "TCP segments that were lost on the way, or came too late: the network's fault more often than the "
                "broker's.",
                course(
                    f"rate(mqtt_tls_tcp_retransmitted_segments_total{_OF}[$__rate_interval])",
                    "{{instance}} {{address}}",
                ),
                unit="pps",
                interval=_STEP,
            )
        )
        .with_row(build.Row("Failures and findings"))
        .with_panel(
            graph(
                "Failed probes, by phase",
                "How many probes failed in each phase.",
                course(
                    "sum by (phase) (increase(mqtt_tls_probe_failures_total" + _OF + "[$__rate_interval]))", "{{phase}}"
                ),
                unit="short",
                is_stacked=True,
                colours=PHASES,
                interval=_STEP,
            )
        )
        .with_panel(
            states(
                "Failures, by reason",
                "When the probes failed, and why.",
                course(
                    f"mqtt_tls_probe_failure_info{_OF} or "
                    f'label_replace(1 - mqtt_tls_probe_success{_OF} == 0, "reason", "nothing fails", "", "")',
                    "{{phase}} {{reason}}",
                ),
                words={"1": ("failing", RED), "0": ("fine", GREEN)},
            )
        )
        .with_panel(
            listing(
                "Findings",
                "What is known to be wrong. `mqtt-tls-monitor explain CODE` tells what a code means and what to do.",
                rows(f"max by (code, finding_severity) (mqtt_tls_findings{_OF})"),
                columns={"finding_severity": "Severity", "code": "Code"},
                nothing="Nothing is known to be wrong",
                coloured={"Severity": {"critical": RED, "warning": ORANGE, "info": BLUE}},
            )
        )
        .with_panel(
            states(
                "Findings over time",
                "Since when each of them is known.",
                course(
                    "max by (code) (mqtt_tls_findings" + _OF + " > bool 0) or label_replace(0 * max("
                    f'mqtt_tls_probe_success{_OF}), "code", "nothing is wrong", "", "")',
                    "{{code}}",
                ),
                words={"1": ("present", ORANGE), "0": ("fine", GREEN)},
                height=9,
            )
        )
        .with_panel(alerts('broker="$broker"', width=WIDTH))
        .with_row(build.Row("What it shows"))
        .with_panel(
            listing(
                "Chain",
                "The certificates that the broker served last, in that order, and how many days each has left.",
                rows(
                    f"(mqtt_tls_certificate_not_after_timestamp_seconds{_OF} - time()) / {DAY_S} "
                    f"* on ({_PLACE}, position) group_left (subject, issuer, serial) mqtt_tls_certificate_info{_OF}"
                ),
                columns={
                    "address": "Address",
                    "position": "Position",
                    "role": "Role",
                    "subject": "Subject",
                    "issuer": "Issuer",
                    "serial": "Serial",
                },
                values=[Value(heading="Days left", steps=DAYS_LEFT, decimals=1)],
                nothing="No certificate was seen yet",
                sort_by="Position",
                width=16,
            )
        )
        .with_panel(
            listing(
                "Revocation",
                "What each source says of the certificates: not offered, good, revoked, or why nothing can be told.",
                rows(f"mqtt_tls_revocation_status{_OF} == 1"),
                columns={"address": "Address", "source": "Source", "status": "Status"},
                nothing="No source was heard yet",
                coloured={
                    "Status": {"good": GREEN, "revoked": RED, "invalid": RED, "stale": ORANGE, "unavailable": ORANGE}
                },
                width=8,
            )
        )
        .with_panel(
            listing(
                "What must be refused",
                "What the broker must not let in, by the check of the configuration.",
                rows(f"mqtt_tls_refusal_enforced{_OF}"),
                columns={"address": "Address", "check": "Check"},
                values=[Value(heading="Outcome", words={"1": ("refused", GREEN), "0": ("let in", RED)})],
                nothing="No refusals are configured, or none could be told",
                width=8,
                height=7,
            )
        )
        .with_panel(
            number(
                "Certificate file",
                "Whether the broker serves the certificate file on its host. If not, it was renewed and not taken up.",
                instant(f"mqtt_tls_certificate_file_served{_OF}", "{{instance}} {{address}}"),
                steps=ONE_IS_GOOD,
                nothing="no file to compare",
                words={"1": ("served", GREEN), "0": ("NOT SERVED", RED)},
                width=8,
            )
        )
        .with_panel(
            listing(
                "TLS session",
                "What the last handshake agreed on, and where.",
                rows(
                    f"mqtt_tls_session_info{_OF} * on (instance, broker) group_left (host, port) mqtt_tls_broker_info"
                ),
                columns={
                    "host": "Host",
                    "port": "Port",
                    "address": "Address",
                    "tls_version": "Version",
                    "cipher_suite": "Cipher suite",
                    "group": "Key exchange",
                },
                nothing="No handshake was completed last",
                width=8,
            )
        )
    )


def _spread(title: str, what: str, histogram: str) -> timeseries.Panel:
    of = f'sum by (le) (rate(mqtt_tls_{histogram}_duration_seconds_bucket{{broker="$broker"}}[$__rate_interval]))'
    return graph(
        title,
        f"Half, and nearly all, of the {what}. Read from the buckets of a histogram, so only roughly.",
        *(
            course(f"histogram_quantile({share}, {of})", name)
            for share, name in ((0.5, "median"), (0.95, "95 % within"))
        ),
        interval=_STEP,
    )


def _annotation(name: str, expression: str, title: str, colour: str) -> build.AnnotationQuery:
    return (
        build.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .expr(expression)
        .title_format(title)
        .icon_color(colour)
        .enable(True)
        .hide(False)
        .target(course(expression).ref_id("Anno"))
    )
