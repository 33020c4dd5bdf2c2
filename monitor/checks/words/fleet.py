"""The words for findings about a broker beside the others of the configuration."""

from __future__ import annotations

from typing import Final

from monitor.checks.words.entry import Entry, do
from monitor.checks.words.hints import SERVER_FILES
from monitor.model.judgement import Severity

FLEET: Final = (
    Entry(
        code="listener_differs",
        severity=Severity.WARNING,
        title="Another port of the same host serves a newer certificate",
        meaning="Two brokers of the configuration have the same host, and their certificates are for the same names, "
        "but this one's is older. Mostly one listener took up the renewed certificate, and this one did not, or has a "
        "file of its own that was forgotten. When the older one expires, the clients of this port can no longer "
        "connect. If both were not seen to serve the same before, this is only information, as two programs on one "
        "host may each have a certificate of its own; and so it is in the first five minutes.",
        advice=do(
            "Make this listener read its files again. If it names other files than the one with the newer certificate, "
            "let both name the same, or add its files to what renews the certificate. Listeners for MQTT over "
            "WebSocket have their own settings: `listeners.wss` beside `listeners.ssl`, a second `listener`.",
            SERVER_FILES,
        ),
        reference="",
    ),
    Entry(
        code="key_reused",
        severity=Severity.WARNING,
        title="Another broker has the same private key in a certificate for other names",
        meaning="Nothing fails. But whoever gets the key from one of these machines can pass for all of them, and one "
        "that is given up takes the others' certificates with it. Mostly a machine was cloned, or certificates are "
        "renewed from one request with its key. One certificate that names several hosts and lies on all of them is "
        "not meant by this.",
        advice=do(
            "Make a key of its own for each broker, on that broker, and have its certificate issued for that: "
            "`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out server.key`. If the brokers are "
            "meant to share one certificate, have one issued for the names of all.",
            SERVER_FILES,
        ),
        reference="NIST SP 800-57 Part 1 5.2",
    ),
)
