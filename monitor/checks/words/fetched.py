"""The words for findings about what the monitor fetches from where certificates point."""

from __future__ import annotations

from typing import Final

from monitor.checks.words.entry import Entry, do
from monitor.model.judgement import Severity

FETCHED: Final = (
    Entry(
        code="revocation_invalid",
        severity=Severity.WARNING,
        title="What the CA's service says of revoked certificates cannot be relied on",
        meaning="The certificate names where to ask whether its CA took it back, and the monitor was told to ask "
        "there. What came is no statement of that CA: the message says why. It travels without encryption, so whoever "
        "stands on the way can change it; only the CA's signature counts, and that is missing or wrong. It never "
        "counts as good. Clients that insist on an answer refuse the broker.",
        advice=do(
            "Ask by hand, and from another network as well: `openssl ocsp -issuer issuer.pem -cert server.pem -url URL "
            "-text`, or `curl -o ca.crl URL` and `openssl crl -inform der -in ca.crl -CAfile issuer.pem -noout`. If it "
            "is genuine there, something on the way, mostly a proxy or a login page, puts its own content in its "
            "place. Else tell whoever runs the CA: its service signs with the wrong key, or publishes another CA's "
            "list."
        ),
        reference="RFC 6960 3.2; RFC 5280 6.3.3",
    ),
    Entry(
        code="revocation_unavailable",
        severity=Severity.WARNING,
        title="Whether a certificate has been revoked could not be found out",
        meaning="The certificate names where to ask whether its CA took it back: a responder (OCSP), or a list of the "
        "revoked ones (CRL). The monitor was told to ask there, and has no answer, or none that is still good. Clients "
        "that insist on an answer refuse the broker; most go on without one.",
        advice=do(
            "Ask by hand from the monitor's host: `openssl ocsp -issuer issuer.pem -cert server.pem -url URL -text`, "
            "or `curl -o ca.crl URL`. If a firewall stands between, open it. If the message says that a port or an "
            "address is not allowed, and the service is your own, name its host and port under `revocation.allow` "
            "in the monitor's configuration. If the service itself is down, tell whoever runs the CA."
        ),
        reference="RFC 6960 4.1; RFC 5280 4.2.1.13",
    ),
)
