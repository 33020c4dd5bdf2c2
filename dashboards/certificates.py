"""All certificates: which ends when, whose they are, how much of their lifetime is used."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from dashboards.parts import (
    BLUE,
    BROKERS,
    CERTIFICATES,
    DAY_S,
    DAYS_LEFT,
    GREEN,
    ORANGE,
    RED,
    WIDTH,
    ZERO_IS_GOOD,
    bars,
    filters,
    instant,
    listing,
    number,
    page,
    rows,
)

_OF = '{broker=~"$broker"}'
_LEAF = '{broker=~"$broker",position="0"}'
_AFTER = f"mqtt_tls_certificate_not_after_timestamp_seconds{_OF}"
_LEAF_AFTER = f"mqtt_tls_certificate_not_after_timestamp_seconds{_LEAF}"
_LEAF_BEFORE = f"mqtt_tls_certificate_not_before_timestamp_seconds{_LEAF}"
_PLACE = "instance, broker, address, position"


def dashboard() -> build.Dashboard:
    """Build it."""
    return (
        page(CERTIFICATES, "Certificates", "All certificates: which ends when, whose they are.", since="now-30d")
        .with_variable(BROKERS)
        .with_variable(filters())
        .with_panel(
            number(
                "Certificates served",
                "How many different ones, intermediates and roots included.",
                instant(f"count(count by (fingerprint_sha256) (mqtt_tls_certificate_info{_OF}))"),
                width=6,
            )
        )
        .with_panel(
            number(
                "Expired",
                "How many of the served certificates have ended.",
                instant(f"count({_AFTER} < time()) or vector(0)"),
                steps=ZERO_IS_GOOD,
                width=6,
            )
        )
        .with_panel(
            number(
                "End within 21 days",
                "How many of the served certificates have at most 21 days left.",
                instant(f"count(({_AFTER} - time() < {21 * DAY_S}) > 0) or vector(0)"),
                steps=((None, GREEN), (1, ORANGE)),
                width=6,
            )
        )
        .with_panel(
            number(
                "The first to end",
                "How many days the certificate has left that ends first, of those still valid.",
                instant(f"min({_AFTER} - time() > 0) / {DAY_S}"),
                unit="suffix: days",
                steps=DAYS_LEFT,
                decimals=1,
                width=6,
            )
        )
        .with_panel(
            listing(
                "All certificates",
                "Every certificate that a broker served last, the first to end on top.",
                rows(
                    f"sort(({_AFTER} - time()) / {DAY_S} "
                    f"* on ({_PLACE}) group_left (subject, issuer) mqtt_tls_certificate_info{_OF})"
                ),
                columns={"broker": "Broker", "role": "Role", "subject": "Subject", "issuer": "Issuer"},
                value="Days left",
                unit="none",
                steps=DAYS_LEFT,
                sort_by="Days left",
                decimals=1,
                width=WIDTH,
                height=11,
            )
        )
        .with_panel(
            bars(
                "Brokers, by issuer",
                "How many brokers' certificates each CA has issued. One that ends takes all of them with it.",
                instant(f"sort_desc(count by (issuer) (mqtt_tls_certificate_info{_LEAF}))", "{{issuer}}"),
                steps=((None, BLUE),),
            )
        )
        .with_panel(
            bars(
                "Brokers, by the month in which their certificate ends",
                "As year and month. A high bar is a busy month.",
                instant(f'sort(count_values("month", year({_LEAF_AFTER}) * 100 + month({_LEAF_AFTER})))', "{{month}}"),
                steps=((None, BLUE),),
            )
        )
        .with_panel(
            bars(
                "Lifetime used",
                "How much of its lifetime each broker's certificate has behind it, the twenty furthest. Most CAs renew "
                "after two thirds.",
                instant(
                    f"topk(20, max by (broker) (100 * (time() - {_LEAF_BEFORE}) / ({_LEAF_AFTER} - {_LEAF_BEFORE})))",
                    "{{broker}}",
                ),
                unit="percent",
                steps=((None, GREEN), (70, ORANGE), (90, RED)),
                highest=100,
            )
        )
        .with_panel(
            listing(
                "Intermediates and roots",
                "CA certificates that brokers serve: how many brokers depend on each, and how many days it has left.",
                rows('count by (subject) (mqtt_tls_certificate_info{broker=~"$broker",position!="0"})'),
                columns={"subject": "Subject"},
                value="Brokers",
                sort_by="Brokers",
                is_descending=True,
            )
        )
    )
