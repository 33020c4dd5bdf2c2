"""Every metric: name, type and meaning, in the order of the exposition. What fills them is in `metrics`."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Family(NamedTuple):
    """One metric family."""

    name: str
    """As queried: counters end in `_total`, infos in `_info`."""
    type: Literal["gauge", "counter", "histogram", "info"]
    help: str


FAMILIES = (
    Family("mqtt_tls_broker_info", "info", "A broker that is watched, from the moment the configuration is loaded."),
    Family("mqtt_tls_endpoint_info", "info", "The address that was last probed."),
    Family("mqtt_tls_probe_interval_seconds", "gauge", "Configured time between two probes."),
    Family(
        "mqtt_tls_probe_success",
        "gauge",
        "1 if a strict client would have connected and got its own message back, else 0.",
    ),
    Family("mqtt_tls_probe_duration_seconds", "gauge", "How long the last probe took as a whole."),
    Family("mqtt_tls_last_probe_timestamp_seconds", "gauge", "When the last probe ended."),
    Family("mqtt_tls_last_success_timestamp_seconds", "gauge", "When the last successful probe ended."),
    Family("mqtt_tls_probes_total", "counter", "Probes made."),
    Family("mqtt_tls_probe_failures_total", "counter", "Failed probes, by the phase that failed."),
    Family("mqtt_tls_probe_failure_info", "info", "Why the last probe failed; absent when it succeeded."),
    Family(
        "mqtt_tls_phase_duration_seconds",
        "gauge",
        "How long the broker took in each phase of the last probe; absent for a phase that did not complete.",
    ),
    Family("mqtt_tls_handshake_duration_seconds", "histogram", "How long the broker took for the TLS handshake."),
    Family(
        "mqtt_tls_roundtrip_duration_seconds",
        "histogram",
        "How long a message took from its sending until it came back.",
    ),
    Family("mqtt_tls_tcp_rtt_seconds", "gauge", "Round trip of the TCP handshake of the last probe, by the kernel."),
    Family("mqtt_tls_tcp_retransmitted_segments_total", "counter", "TCP segments that had to be sent again."),
    Family("mqtt_tls_session_info", "info", "What the last TLS handshake agreed on."),
    Family(
        "mqtt_tls_certificate_not_after_timestamp_seconds",
        "gauge",
        "End of the validity of each certificate served last, kept while the broker is down.",
    ),
    Family(
        "mqtt_tls_certificate_not_before_timestamp_seconds",
        "gauge",
        "Begin of the validity of each certificate served last, kept while the broker is down.",
    ),
    Family("mqtt_tls_certificate_info", "info", "The certificates served last, kept while the broker is down."),
    Family("mqtt_tls_certificate_last_seen_timestamp_seconds", "gauge", "When certificates were last served."),
    Family(
        "mqtt_tls_chain_expiry_timestamp_seconds",
        "gauge",
        "When the served chain stops being valid over its best path, root included.",
    ),
    Family(
        "mqtt_tls_chain_valid",
        "gauge",
        "1 if the chain served last leads to a root now that is trusted, by the configured trust or a trust profile.",
    ),
    Family("mqtt_tls_name_valid", "gauge", "1 if the certificate served last names the broker, else 0."),
    Family(
        "mqtt_tls_next_break_timestamp_seconds",
        "gauge",
        "When the first of what works now stops working, and what that is; absent while nothing works.",
    ),
    Family(
        "mqtt_tls_revocation_status",
        "gauge",
        "1 for what each source says of whether the chain served last was revoked, 0 for what else it might say.",
    ),
    Family(
        "mqtt_tls_revocation_next_update_timestamp_seconds",
        "gauge",
        "When what a source says of revocation ceases to be fresh.",
    ),
    Family(
        "mqtt_tls_certificate_changes_total",
        "counter",
        "How often the broker served another leaf, key, issuer or root than at the probe before.",
    ),
    Family(
        "mqtt_tls_certificate_file_served",
        "gauge",
        "1 if the broker serves what its certificate file on this host holds, else 0; absent when that cannot be told.",
    ),
    Family(
        "mqtt_tls_refusal_enforced",
        "gauge",
        "1 if the broker refused what it must refuse, 0 if it let it in; absent when that could not be told.",
    ),
    Family("mqtt_tls_last_scan_timestamp_seconds", "gauge", "When the latest scan that got answers was made."),
    Family("mqtt_tls_findings", "gauge", "How many findings of each kind are present."),
    Family(
        "mqtt_tls_client_certificate_not_after_timestamp_seconds",
        "gauge",
        "End of the validity of the certificate that the monitor itself shows to the broker.",
    ),
    Family("mqtt_tls_monitor_build_info", "info", "Version of the monitor and of what it runs on."),
    Family("mqtt_tls_monitor_brokers", "gauge", "Brokers that are watched."),
    Family("mqtt_tls_monitor_probes_in_flight", "gauge", "Probes that are under way."),
    Family("mqtt_tls_monitor_schedule_delay_seconds", "histogram", "How long after its turn each probe started."),
    Family("mqtt_tls_monitor_missed_probes_total", "counter", "Turns in which no probe was made, by why."),
    Family("mqtt_tls_monitor_event_loop_lag_seconds", "gauge", "How late the event loop last woke up."),
    Family("mqtt_tls_monitor_internal_errors_total", "counter", "Bugs of the monitor that were met and logged."),
    Family(
        "mqtt_tls_monitor_config_last_reload_successful",
        "gauge",
        "1 if the configuration was accepted when it was last loaded, else 0.",
    ),
    Family(
        "mqtt_tls_monitor_config_last_reload_success_timestamp_seconds",
        "gauge",
        "When the configuration was last accepted.",
    ),
    Family(
        "mqtt_tls_monitor_state_last_read_successful",
        "gauge",
        "1 if the state file could be read at the start, or did not exist yet; 0 if something of it was lost.",
    ),
    Family(
        "mqtt_tls_monitor_state_last_write_successful",
        "gauge",
        "1 if what is known could be written to the state file when that was last tried, else 0.",
    ),
    Family(
        "mqtt_tls_monitor_state_last_write_success_timestamp_seconds",
        "gauge",
        "When what is known was last written to the state file.",
    ),
)
