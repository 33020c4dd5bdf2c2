"""The words for findings about what the handshake settled on, and about how long it all takes."""

from __future__ import annotations

from typing import Final

from monitor.checks.words.entry import Entry, do
from monitor.checks.words.hints import BROKER_LOGS, CIPHER_SUITES, CLUSTER_STATE, TLS_VERSIONS
from monitor.model.judgement import Severity

SESSION: Final = (
    Entry(
        code="tls_version_old",
        severity=Severity.WARNING,
        title="The broker speaks only an old, unsafe version of TLS",
        meaning="TLS 1.0 and 1.1 have been withdrawn: they rest on checksums that can be forged. Current clients "
        "refuse to speak them, so devices can no longer connect once their software is updated.",
        advice=do(
            "Allow TLS 1.2 and 1.3 on the broker. If it knows neither, its TLS library is more than ten years old: "
            "update the broker.",
            TLS_VERSIONS,
        ),
        reference="RFC 8996",
    ),
    Entry(
        code="key_exchange_static",
        severity=Severity.WARNING,
        title="Recorded traffic can be read by whoever gets the broker's key later",
        meaning="The broker chose a way of agreeing on keys without forward secrecy: the client sends the connection's "
        "key enciphered for the key of the certificate. Whoever records traffic today and gets that key later reads "
        "all of it, passwords included. Go from release 1.22 on refuses to connect.",
        advice=do(
            "Allow suites on the broker whose names begin with ECDHE, in front of all others, or TLS 1.3, which knows "
            "no other way.",
            CIPHER_SUITES,
            TLS_VERSIONS,
        ),
        reference="RFC 9325 4.1",
    ),
    Entry(
        code="tls_1_3_missing",
        severity=Severity.INFO,
        title="The broker does not speak TLS 1.3",
        meaning="Nothing is wrong: TLS 1.2 is still safe. TLS 1.3 saves a round trip for each connection and hides "
        "client certificates from onlookers. This is said only where `remarks` is on.",
        advice=do("Allow TLS 1.3 on the broker, beside 1.2 for older clients.", TLS_VERSIONS),
        reference="RFC 8446 1.2; RFC 9325 3.1.1",
    ),
    Entry(
        code="key_exchange_not_post_quantum",
        severity=Severity.INFO,
        title="The key exchange would not withstand a large quantum computer",
        meaning="Nothing is wrong today. Somebody who records traffic now could read it once such a computer exists; "
        "for data that must stay secret for decades that counts. This is said only where `remarks` is on.",
        advice=do(
            "Run the broker on a TLS library that knows the group X25519MLKEM768 (OpenSSL from 3.5 on, Go from 1.24 "
            "on); it is then chosen without any setting by clients that know it too.",
            CIPHER_SUITES,
        ),
        reference="NIST FIPS 203",
    ),
)

SLOW: Final = Entry(
    code="phase_slow",
    severity=Severity.WARNING,
    title="The broker is slower than it usually is",
    meaning="A phase took more than three times as long as it does as a rule with this broker, and at least a tenth of "
    "a second longer, in most of the last five probes. Measured is the wait for the broker alone. What was usual is "
    "learned from up to 245 probes before, and anew after a restart; what lasts becomes the rule in time.",
    advice=do(
        "See which phase it is. resolve: the name server of this machine. connect: the network in between, or a broker "
        "that is too busy to accept. handshake: the broker's processor, often because many devices reconnect at once. "
        "mqtt_connect: what the broker asks about accounts (a database, LDAP, HTTP). subscribe, publish, roundtrip: "
        "the broker's load, its disk, or its cluster.",
        CLUSTER_STATE,
        BROKER_LOGS,
    ),
    reference="",
)
