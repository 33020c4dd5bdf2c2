"""The words for what a scan finds."""

from __future__ import annotations

from typing import Final

from monitor.checks.words.entry import Entry, do
from monitor.checks.words.hints import CIPHER_SUITES, RENEGOTIATION, SERVER_FILES, TLS_VERSIONS
from monitor.model.judgement import Severity

SCAN: Final = (
    Entry(
        code="tls_version_old_accepted",
        severity=Severity.WARNING,
        title="The broker still accepts an old, unsafe version of TLS",
        meaning="Clients that know a newer version use it. But TLS 1.0 or 1.1, which have been withdrawn, are accepted "
        "from those that do not, and audits (PCI DSS among them) mind that. This is found by a scan.",
        advice=do(
            "Find out which devices still need the old version (the broker's log, or a capture of their handshakes), "
            "update them, and then allow TLS 1.2 and 1.3 alone.",
            TLS_VERSIONS,
        ),
        reference="RFC 8996",
    ),
    Entry(
        code="cipher_weak_accepted",
        severity=Severity.WARNING,
        title="The broker accepts ciphers that are no longer safe",
        meaning="Clients that know better ones use them. But a client that offers nothing else is let in with a cipher "
        "(RC4, 3DES, or worse) that can be broken, or that protects nothing. Modern libraries no longer carry them. "
        "This is found by a scan.",
        advice=do(
            "Take the suites that are named out of the broker's list; suites with AES-GCM or ChaCha20 and ECDHE serve "
            "every client of the last ten years. If devices stay away afterwards, they knew nothing better: update "
            "them.",
            CIPHER_SUITES,
        ),
        reference="RFC 7465; RFC 9325 4.1; NIST SP 800-131A",
    ),
    Entry(
        code="renegotiation_insecure",
        severity=Severity.WARNING,
        title="The broker's TLS is older than a repair of 2010",
        meaning="A server that lacks secure renegotiation lets an attacker put his own words in front of a client's. "
        "Clients with OpenSSL 3 refuse to connect to it. This is found by a scan.",
        advice=do(
            "Update the broker, or the TLS library under it: every one since 2010 has the repair, and it needs no "
            "setting. A device in between (a load balancer, a firewall) that ends TLS may be what is old.",
            RENEGOTIATION,
        ),
        reference="RFC 5746",
    ),
    Entry(
        code="renegotiation_by_clients",
        severity=Severity.WARNING,
        title="Clients can make the broker compute handshakes without end",
        meaning="Under TLS 1.2 a client may begin a new handshake within its connection, as often as it likes, and "
        "each costs the broker many times what it costs the client: one client can keep a processor busy. MQTT has no "
        "use for it. This is found by a scan.",
        advice=do(
            "Forbid renegotiation that clients begin; no MQTT client needs it. TLS 1.3 knows none.",
            RENEGOTIATION,
        ),
        reference="RFC 9325 3.5; CVE-2011-1473",
    ),
    Entry(
        code="certificate_without_name",
        severity=Severity.WARNING,
        title="Clients that do not name the server are served another certificate, or none",
        meaning="A client says in its first message which server it wants (server name indication). Small devices, and "
        "those that connect by address, often do not, and get what the server or load balancer keeps for them. Those "
        "that check names refuse what is not for the broker. This is found by a scan.",
        advice=do(
            "Make the certificate that is for the broker's name the default one, which is served to those who name "
            "none. Brokers mostly have only one; it is the proxy or load balancer in front that chooses.",
            SERVER_FILES,
        ),
        reference="RFC 6066 3",
    ),
    Entry(
        code="certificate_second",
        severity=Severity.INFO,
        title="Other clients are served a second certificate",
        meaning="The broker has one certificate with an EC key and one with an RSA key, and serves each client the one "
        "whose kind it takes. The monitor, like most clients, sees only the first at each probe; the second is looked "
        "at in a scan alone, so nobody may notice when it ends.",
        advice=do(
            "Renew both certificates at the same time, with the same names. If no device needs the second one, take it "
            "out. A broker of its own in the monitor's configuration is of no use here: it would see the first again.",
            SERVER_FILES,
        ),
        reference="RFC 5246 7.4.2",
    ),
)
