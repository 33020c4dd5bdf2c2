"""All certificates: which ends when, whose they are, how much of their lifetime is used."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from dashboards.parts import (
    BROKERS,
    CERTIFICATES,
    DAY_S,
    DAYS,
    DAYS_LEFT,
    GREEN,
    ORANGE,
    RED,
    WIDTH,
    ZERO_IS_GOOD,
    Value,
    bars,
    bars_by,
    filters,
    instant,
    listing,
    number,
    page,
    rows,
)

_OF = '{broker=~"$broker"}'
_LEAF = '{broker=~"$broker",position="0"}'
_ABOVE = '{broker=~"$broker",position!="0"}'
_AFTER = f"mqtt_tls_certificate_not_after_timestamp_seconds{_OF}"
_LEAF_AFTER = f"mqtt_tls_certificate_not_after_timestamp_seconds{_LEAF}"
_FIRST_AFTER = f"min by (broker) ({_LEAF_AFTER})"
_LEAF_BEFORE = f"mqtt_tls_certificate_not_before_timestamp_seconds{_LEAF}"
_PLACE = "instance, broker, address, position"
_INFO = f"* on ({_PLACE}) group_left (fingerprint_sha256, subject, issuer) mqtt_tls_certificate_info"


def dashboard() -> build.Dashboard:
    """Build it."""
    return (
        page(CERTIFICATES, "Certificates", "All certificates: which ends when, whose they are.")
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
                "How many different ones of those served have ended.",
                instant(f"{_different(f'{_AFTER} < time()')} or vector(0)"),
                steps=ZERO_IS_GOOD,
                width=6,
            )
        )
        .with_panel(
            number(
                "End within 21 days",
                "How many different ones of those served have at most 21 days left.",
                instant(f"{_different(f'({_AFTER} - time() < {21 * DAY_S}) > 0')} or vector(0)"),
                steps=((None, GREEN), (1, ORANGE)),
                width=6,
            )
        )
        .with_panel(
            number(
                "The first to end",
                "How many days the certificate has left that ends first, of those still valid.",
                instant(f"min({_AFTER} - time() > 0) / {DAY_S}"),
                unit=DAYS,
                steps=DAYS_LEFT,
                decimals=1,
                width=6,
                nothing="none is valid",
            )
        )
        .with_panel(
            listing(
                "All certificates",
                "Every certificate that a broker served last, the first to end on top.",
                rows(f"({_AFTER} - time()) / {DAY_S} {_INFO}{_OF}"),
                columns={
                    "broker": "Broker",
                    "address": "Address",
                    "role": "Role",
                    "subject": "Subject",
                    "issuer": "Issuer",
                },
                values=[Value(heading="Days left", steps=DAYS_LEFT, decimals=1)],
                nothing="No certificate was seen yet",
                sort_by="Days left",
                width=WIDTH,
                height=11,
            )
        )
        .with_panel(
            bars(
                "Brokers, by issuer",
                "How many brokers' certificates each CA has issued, the twenty with the most. One that ends takes all "
                "of them with it.",
                instant(
                    f"topk(20, count by (issuer) (count by (broker, issuer) (mqtt_tls_certificate_info{_LEAF})))",
                    "{{issuer}}",
                ),
            )
        )
        .with_panel(
            bars_by(
                "month",
                "Brokers, by the month in which their certificate ends",
                "As year and month, the first 25. A high bar is a busy month.",
                rows(
                    f'label_replace(count_values("month", year({_FIRST_AFTER}) * 100 + month({_FIRST_AFTER})), '
                    '"month", "$1-$2", "month", "(.{4})(.{2})")'
                ),
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
                steps=((None, GREEN), (75, ORANGE), (92, RED)),
                highest=100,
            )
        )
        .with_panel(
            listing(
                "Intermediates and roots",
                "CA certificates that brokers serve: how many brokers depend on each, and how many days it has left.",
                rows(f"count by (subject) (count by (broker, subject) (mqtt_tls_certificate_info{_ABOVE}))"),
                rows(f"min by (subject) (({_AFTER} - time()) / {DAY_S} {_INFO}{_ABOVE})"),
                columns={"subject": "Subject"},
                values=[Value(heading="Brokers"), Value(heading="Days left", steps=DAYS_LEFT, decimals=1)],
                nothing="No broker serves any",
                sort_by="Brokers",
                is_descending=True,
            )
        )
    )


def _different(series: str) -> str:
    """Count certificates, and none twice: a thousand brokers may serve the same intermediate."""
    return f"count(count by (fingerprint_sha256) (({series}) {_INFO}{_OF}))"
