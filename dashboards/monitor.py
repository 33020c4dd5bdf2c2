"""The monitor itself: whether it keeps its schedule, and what it costs."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from dashboards.parts import (
    GREEN,
    MONITOR,
    ONE_IS_GOOD,
    ORANGE,
    RED,
    WIDTH,
    ZERO_IS_GOOD,
    choice,
    course,
    graph,
    instant,
    listing,
    number,
    page,
    rows,
)

_OF = '{job=~"$job",instance=~"$instance"}'


def dashboard() -> build.Dashboard:
    """Build it."""
    return (
        page(MONITOR, "Monitor", "The monitor itself: whether it keeps its schedule, and what it costs.")
        .with_variable(
            choice("job", "Job", "label_values(mqtt_tls_monitor_build_info, job)", "The scrape jobs of monitors.")
        )
        .with_variable(
            choice(
                "instance",
                "Instance",
                'label_values(mqtt_tls_monitor_build_info{job=~"$job"}, instance)',
                "The monitors to show.",
            )
        )
        .with_panel(
            number(
                "Scraped",
                "Whether Prometheus reaches the monitor.",
                instant(f"up{_OF}", "{{instance}}"),
                steps=ONE_IS_GOOD,
                nothing="no target",
                words={"1": ("UP", GREEN), "0": ("DOWN", RED)},
            )
        )
        .with_panel(
            number(
                "Brokers",
                "How many it watches.",
                instant(f"sum(mqtt_tls_monitor_brokers{_OF})"),
            )
        )
        .with_panel(
            number(
                "Configuration",
                "Whether the configuration was accepted when it was last loaded. If not, the one before is in use.",
                instant(f"min(mqtt_tls_monitor_config_last_reload_successful{_OF})"),
                steps=ONE_IS_GOOD,
                words={"1": ("accepted", GREEN), "0": ("refused", RED)},
            )
        )
        .with_panel(
            number(
                "Missed turns",
                "Probes that were not made in the last hour, as the monitor was too late or the one before still ran.",
                instant(f"sum(increase(mqtt_tls_monitor_missed_probes_total{_OF}[1h]))"),
                steps=((None, GREEN), (1, ORANGE)),
                decimals=0,
            )
        )
        .with_panel(
            number(
                "Internal errors",
                "Faults of the monitor itself since it started. Its log has each with a traceback.",
                instant(f"sum(mqtt_tls_monitor_internal_errors_total{_OF})"),
                steps=ZERO_IS_GOOD,
            )
        )
        .with_panel(
            number(
                "All failing at once",
                "The share of a monitor's brokers that fail. All of them: look at the monitor's own network first.",
                instant(
                    f"max(1 - avg by (instance) (mqtt_tls_probe_success{_OF}))",
                ),
                unit="percentunit",
                steps=((None, GREEN), (0.5, ORANGE), (1, RED)),
            )
        )
        .with_row(build.Row("Schedule"))
        .with_panel(
            graph(
                "Schedule delay",
                "How long after its turn a probe began. Beyond a second, the monitor has too much to do, or "
                "`max_in_flight` is too small.",
                *(
                    course(
                        f"histogram_quantile({share}, sum by (instance, le) "
                        f"(rate(mqtt_tls_monitor_schedule_delay_seconds_bucket{_OF}[$__rate_interval])))",
                        f"{name} {{{{instance}}}}",
                    )
                    for share, name in ((0.5, "median"), (0.99, "99 % within"))
                ),
                interval="1m",
            )
        )
        .with_panel(
            graph(
                "Probes under way",
                "How many probes run at once.",
                course(f"mqtt_tls_monitor_probes_in_flight{_OF}", "{{instance}}"),
                unit="short",
            )
        )
        .with_panel(
            graph(
                "Probes",
                "How many probes a second are made.",
                course(f"sum by (instance) (rate(mqtt_tls_probes_total{_OF}[$__rate_interval]))", "{{instance}}"),
                unit="ops",
                interval="1m",
            )
        )
        .with_panel(
            graph(
                "Missed turns, by why",
                "`misfire`: the monitor noticed too late. `overlap`: the broker's probe before was still running.",
                course(
                    "sum by (instance, reason) "
                    f"(increase(mqtt_tls_monitor_missed_probes_total{_OF}[$__rate_interval]))",
                    "{{reason}} {{instance}}",
                ),
                unit="short",
                interval="1m",
            )
        )
        .with_row(build.Row("Cost"))
        .with_panel(
            graph(
                "Event loop lag",
                "How late the event loop woke up. Latencies are the kernel's and do not suffer; deadlines do.",
                course(f"mqtt_tls_monitor_event_loop_lag_seconds{_OF}", "{{instance}}"),
            )
        )
        .with_panel(
            graph(
                "CPU",
                "Of one core.",
                course(f"rate(process_cpu_seconds_total{_OF}[$__rate_interval])", "{{instance}}"),
                unit="percentunit",
                interval="1m",
            )
        )
        .with_panel(
            graph(
                "Memory",
                "Resident memory of the monitor.",
                course(f"process_resident_memory_bytes{_OF}", "{{instance}}"),
                unit="bytes",
            )
        )
        .with_panel(
            graph(
                "Open files",
                "Descriptors in use: a line that only rises is a leak.",
                course(f"process_open_fds{_OF}", "{{instance}}"),
                unit="short",
            )
        )
        .with_panel(
            graph(
                "Scrapes",
                "How long a scrape takes.",
                course(f"scrape_duration_seconds{_OF}", "{{instance}}"),
            )
        )
        .with_panel(
            graph(
                "Samples of a scrape",
                "How many series the monitor exports.",
                course(f"scrape_samples_scraped{_OF}", "{{instance}}"),
                unit="short",
            )
        )
        .with_panel(
            listing(
                "Monitors",
                "Version of each monitor, and of what it runs on.",
                rows(f"mqtt_tls_monitor_build_info{_OF}"),
                columns={
                    "instance": "Instance",
                    "version": "Version",
                    "python_version": "Python",
                    "pyopenssl_version": "pyOpenSSL",
                    "cryptography_version": "cryptography",
                },
                nothing="No monitor was scraped",
                width=WIDTH,
                height=6,
            )
        )
    )
