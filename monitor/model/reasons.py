"""The closed vocabulary of failure reasons. The words that explain them are in `monitor.checks.catalogue`.

A reason starts with its phase. `verify` has one reason per finding that forbids trusting a broker. TLS alerts have
one each in the handshake and up to CONNACK, where a TLS 1.3 broker refuses clients; later they share one, named in
the detail. MQTT reason codes have one each per phase in which the standard lets a broker send them.
"""

from __future__ import annotations

from types import MappingProxyType

# RFC 8446 6 and B.2, and the ones of RFC 5246 7.2 that older stacks still send; close_notify is not a failure.
ALERTS = MappingProxyType(
    {
        10: "unexpected_message",
        20: "bad_record_mac",
        21: "decryption_failed",
        22: "record_overflow",
        30: "decompression_failure",
        40: "handshake_failure",
        42: "bad_certificate",
        43: "unsupported_certificate",
        44: "certificate_revoked",
        45: "certificate_expired",
        46: "certificate_unknown",
        47: "illegal_parameter",
        48: "unknown_ca",
        49: "access_denied",
        50: "decode_error",
        51: "decrypt_error",
        60: "export_restriction",
        70: "protocol_version",
        71: "insufficient_security",
        80: "internal_error",
        86: "inappropriate_fallback",
        90: "user_canceled",
        100: "no_renegotiation",
        109: "missing_extension",
        110: "unsupported_extension",
        111: "certificate_unobtainable",
        112: "unrecognized_name",
        113: "bad_certificate_status_response",
        114: "bad_certificate_hash_value",
        115: "unknown_psk_identity",
        116: "certificate_required",
        120: "no_application_protocol",
    }
)
UNKNOWN_ALERT = "unknown"
"""Stands for every other number."""
_ALERT_WORDS = tuple(f"alert_{name}" for name in (*ALERTS.values(), UNKNOWN_ALERT))

# MQTT 3.1.1, 3.2.2.3 (table 3.1); the same numbers in 3.1.
CONNACK_V3 = MappingProxyType(
    {
        1: "unsupported_protocol_version",
        2: "client_identifier_not_valid",
        3: "server_unavailable",
        4: "bad_user_name_or_password",
        5: "not_authorized",
    }
)

# MQTT 5.0, 2.4 (table 2-6), by the packets that may carry them.
CONNACK_V5 = MappingProxyType(
    {
        0x80: "unspecified_error",
        0x81: "malformed_packet",
        0x82: "protocol_error",
        0x83: "implementation_specific_error",
        0x84: "unsupported_protocol_version",
        0x85: "client_identifier_not_valid",
        0x86: "bad_user_name_or_password",
        0x87: "not_authorized",
        0x88: "server_unavailable",
        0x89: "server_busy",
        0x8A: "banned",
        0x8C: "bad_authentication_method",
        0x90: "topic_name_invalid",
        0x95: "packet_too_large",
        0x97: "quota_exceeded",
        0x99: "payload_format_invalid",
        0x9A: "retain_not_supported",
        0x9B: "qos_not_supported",
        0x9C: "use_another_server",
        0x9D: "server_moved",
        0x9F: "connection_rate_exceeded",
    }
)
SUBACK_V5 = MappingProxyType(
    {
        0x80: "unspecified_error",
        0x83: "implementation_specific_error",
        0x87: "not_authorized",
        0x8F: "topic_filter_invalid",
        0x91: "packet_identifier_in_use",
        0x97: "quota_exceeded",
        0x9E: "shared_subscriptions_not_supported",
        0xA1: "subscription_identifiers_not_supported",
        0xA2: "wildcard_subscriptions_not_supported",
    }
)
PUBACK_V5 = MappingProxyType(
    {
        0x80: "unspecified_error",
        0x83: "implementation_specific_error",
        0x87: "not_authorized",
        0x90: "topic_name_invalid",
        0x91: "packet_identifier_in_use",
        0x92: "packet_identifier_not_found",
        0x97: "quota_exceeded",
        0x99: "payload_format_invalid",
    }
)
# MQTT 5.0, 3.14.2.1: the broker's own DISCONNECT, by name, for the detail of `*_disconnected`.
DISCONNECT_V5 = MappingProxyType(
    {
        0x00: "normal_disconnection",
        0x80: "unspecified_error",
        0x81: "malformed_packet",
        0x82: "protocol_error",
        0x83: "implementation_specific_error",
        0x87: "not_authorized",
        0x89: "server_busy",
        0x8B: "server_shutting_down",
        0x8D: "keep_alive_timeout",
        0x8E: "session_taken_over",
        0x8F: "topic_filter_invalid",
        0x90: "topic_name_invalid",
        0x93: "receive_maximum_exceeded",
        0x94: "topic_alias_invalid",
        0x95: "packet_too_large",
        0x96: "message_rate_too_high",
        0x97: "quota_exceeded",
        0x98: "administrative_action",
        0x99: "payload_format_invalid",
        0x9A: "retain_not_supported",
        0x9B: "qos_not_supported",
        0x9C: "use_another_server",
        0x9D: "server_moved",
        0x9E: "shared_subscriptions_not_supported",
        0x9F: "connection_rate_exceeded",
        0xA0: "maximum_connect_time",
        0xA1: "subscription_identifiers_not_supported",
        0xA2: "wildcard_subscriptions_not_supported",
    }
)

# The findings that forbid trusting a broker, gravest first: `verify` fails with the first one present.
VERIFY_FINDINGS = (
    "chain_ca_first",
    "certificate_revoked",
    "certificate_expired",
    "certificate_not_yet_valid",
    "leaf_self_signed",
    "chain_incomplete",
    "chain_untrusted",
    "chain_issuer_not_ca",
    "chain_path_length",
    "chain_name_constraints",
    "chain_critical_extension",
    "chain_left_out",
    "chain_invalid",
    "leaf_not_for_servers",
    "name_common_name_only",
    "name_ip_as_dns",
    "name_mismatch",
)

_RESOLVE = (
    "nxdomain",  # the name does not exist
    "no_address",  # it exists, and has no address
    "temporary_failure",  # the resolver could not be asked
    "failed",  # any other getaddrinfo error
    "timeout",
)
_CONNECT = ("refused", "timeout", "host_unreachable", "network_unreachable", "reset", "failed")
_HANDSHAKE = (
    "timeout",
    "closed",  # EOF
    "reset",
    "not_tls",  # the first bytes are no TLS record
    "protocol_version_unsupported",  # the server chose a version that we refuse
    "bad_signature",  # the server's key does not belong to its certificate
    "renegotiation_insecure",  # the server's TLS 1.2 lacks RFC 5746, and OpenSSL refuses that
    "certificate_unreadable",  # OpenSSL cannot decode what was served
    "client_certificate_required",
    "client_certificate_rejected",
    "too_much_data",
    "protocol_error",  # any other breach of TLS by the peer
    *_ALERT_WORDS,
)
# What can happen to any exchange once TLS is up.
_EXCHANGE = (
    "timeout",
    "closed",
    "reset",
    "too_much_data",
    "tls_error",  # a record that does not decrypt, or a breach of TLS after the handshake
    "malformed",  # bytes that are no MQTT packet
    "unexpected_packet",  # a valid MQTT packet that has no place here
)
_MQTT_CONNECT = (
    *_EXCHANGE,
    *_ALERT_WORDS,
    "client_certificate_required",
    "client_certificate_rejected",
    "refused",  # a CONNACK code outside the standard's table
    *dict.fromkeys((*CONNACK_V3.values(), *CONNACK_V5.values())),
)
_SUBSCRIBE = (*_EXCHANGE, "alert", "disconnected", "refused", *SUBACK_V5.values())
_PUBLISH = (*_EXCHANGE, "alert", "disconnected", "refused", *PUBACK_V5.values())
_ROUNDTRIP = (
    *_EXCHANGE,
    "alert",
    "disconnected",
    "foreign_message",  # nothing but messages of others on our topic until the deadline
)

INTERNAL = "internal"
"""A bug of ours; never the broker's fault."""

REASONS: frozenset[str] = frozenset(
    (
        *(f"resolve_{word}" for word in _RESOLVE),
        *(f"connect_{word}" for word in _CONNECT),
        *(f"handshake_{word}" for word in _HANDSHAKE),
        *(f"verify_{code}" for code in VERIFY_FINDINGS),
        "verify_timeout",  # not judged before the deadline
        *(f"mqtt_connect_{word}" for word in _MQTT_CONNECT),
        *(f"subscribe_{word}" for word in _SUBSCRIBE),
        *(f"publish_{word}" for word in _PUBLISH),
        *(f"roundtrip_{word}" for word in _ROUNDTRIP),
        INTERNAL,
    )
)
