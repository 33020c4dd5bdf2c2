"""The words for findings about certificates, and about what was granted; gravest causes first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from monitor.checks.entry import SERVER_CA_FILES, SERVER_FILES, Entry, critical
from monitor.model.judgement import Severity
from monitor.model.reasons import VERIFY_FINDINGS

FINDINGS: Final = (
    critical(
        "chain_ca_first",
        "The broker's certificate file begins with a CA's certificate instead of the server's",
        "A TLS server shows the certificates of its file in the order in which they stand there, and clients take "
        "the first for the server's own. Here the first belongs to a CA, so every client that checks certificates "
        "refuses the broker: the name is wrong, or the certificate is not one for servers.",
        "Put the server's own certificate first, then the intermediates in ascending order; leave the root out: "
        "`cat server.pem intermediate.pem > chain.pem`. The CA's certificate belongs into the file of CAs, which is "
        f"for checking clients. {SERVER_FILES}",
        "RFC 8446 4.4.2; RFC 5246 7.4.2",
    ),
    critical(
        "certificate_expired",
        "A certificate has expired",
        "The date until which the certificate was issued has passed. Clients that check certificates refuse the "
        "broker from that second on; connections that are already open stay until they are made anew.",
        "Renew the certificate at the CA that issued it, with the same names, and install it with the intermediates "
        f"behind it. {SERVER_FILES} If it is a CA's certificate that expired, its successor must also reach the "
        "clients: their CA file, or the monitor's `ca_file`.",
        "RFC 5280 4.1.2.5, 6.1.3",
    ),
    critical(
        "certificate_not_yet_valid",
        "A certificate is not valid yet",
        "The date from which the certificate is valid lies ahead. Clients refuse the broker until then. Either it "
        "was installed too early, or a clock is wrong: that of the machine that issued it, or that of this monitor.",
        "Compare the clocks first (`timedatectl` here and on the broker). If they are right, put the previous "
        f"certificate back until that date, or have one issued that is valid at once. {SERVER_FILES}",
        "RFC 5280 4.1.2.5, 6.1.3",
    ),
    critical(
        "leaf_self_signed",
        "The server's certificate is self-signed and not trusted",
        "No CA vouches for this certificate; it vouches for itself. That is safe only if each client was given this "
        "very certificate beforehand, and this monitor was not. It may also be a broker's built-in example "
        "certificate, whose key everybody has.",
        "If the certificate is meant, copy it from the broker, compare its SHA-256 fingerprint there (`openssl x509 "
        "-in server.pem -noout -fingerprint -sha256`), and name the file as `ca_file` under `tls`. If not, have one "
        f"issued by your CA. {SERVER_FILES}",
        "RFC 5280 6.1",
    ),
    critical(
        "chain_incomplete",
        "A certificate between the server's and a trusted CA is missing",
        "The server's certificate was issued by a CA whose certificate the broker does not send and the monitor "
        "does not hold. If that is an intermediate CA, browsers may still get by, from memory, while devices fail. "
        "If it is a private CA of yours, the broker may be all right, and the monitor was not told about it.",
        "Bought certificate: append the intermediate certificate that came with it to the broker's certificate "
        f"file, below the server's own: `cat server.pem intermediate.pem > chain.pem`. {SERVER_FILES} Private CA: "
        "name its certificate as `ca_file` under `tls` in the monitor's configuration.",
        "RFC 8446 4.4.2; RFC 5280 6.1",
    ),
    critical(
        "chain_untrusted",
        "The broker's certificate comes from a CA that is not trusted here",
        "The chain of issuers ends at a CA that the monitor's configuration does not trust for this broker. Clients "
        "with the same CA file refuse it too. It may be a new CA, another environment's, or someone else's server.",
        "If the CA is the right one, get its certificate from whoever runs it (not from the connection) and name it "
        "as `ca_file` under `tls`; clients need it as well. If it is not, the broker serves the wrong certificate: "
        f"{SERVER_FILES}",
        "RFC 5280 6.1",
    ),
    critical(
        "chain_invalid",
        "The broker's chain of certificates is not valid",
        "The certificates seem to belong together, but a check of the chain fails: a signature, a CA that may not "
        "issue certificates, a limit on the chain's length or names, or an encoding. The validators' own words say "
        "which.",
        "Read the validators' words, and have the certificate that they name issued anew by its CA. `openssl verify "
        "-show_chain -CAfile ca.pem -untrusted chain.pem server.pem` repeats the check. Common slips: an issuer "
        "without `basicConstraints = CA:TRUE`, a CA made anew under its old name, a path length that is too short.",
        "RFC 5280 6.1",
    ),
    critical(
        "leaf_not_for_servers",
        "The server's certificate is not made for servers",
        "Its extendedKeyUsage lists what it may be used for, and TLS servers (serverAuth) are not among it. Mostly "
        "it is a client's certificate put into the wrong place. TLS clients refuse it.",
        "Have a certificate issued with `extendedKeyUsage = serverAuth` (add `clientAuth` only if it is also shown "
        f"to others as a client), or install the right one. {SERVER_FILES}",
        "RFC 5280 4.2.1.12",
    ),
    critical(
        "name_mismatch",
        "The server's certificate is for another name",
        "None of the names in the certificate's subjectAltName is the one by which the broker is reached. An "
        "address needs an entry of kind IP, a host name one of kind DNS; `*.` stands for exactly one label; the "
        "common name does not count. Clients refuse it, since it may be somebody else's server.",
        "Have the certificate issued anew with the name that clients use, in openssl.cnf for instance "
        "`subjectAltName = @alt_names` with `DNS.1 = broker.example` and `IP.1 = 192.0.2.1` (and `-extensions` and "
        f"`-extfile` when signing, or they get lost). {SERVER_FILES} If the broker is meant to be known by one of "
        "the names that are there, set `server_name` under `tls` in the monitor's configuration to that name.",
        "RFC 9525 6",
    ),
    Entry(
        code="certificate_expiring",
        severity=Severity.WARNING,
        title="A certificate will expire soon",
        meaning="From that moment on, clients that check certificates refuse the broker.",
        fix="Renew the certificate now, with the same names, and install it with the intermediates behind it; if it "
        "is renewed by itself, find out why that has not happened, or whether the broker has yet to take it up. "
        f"{SERVER_FILES}",
        reference="RFC 5280 4.1.2.5",
    ),
    critical(
        "client_certificate_expired",
        "The monitor's own client certificate has expired",
        "Brokers that ask for a client certificate refuse this one, so the monitor is shut out; that says nothing "
        "of other clients, unless theirs were issued together with it.",
        "Renew the certificate that `client_certificate` under `tls` names, and reload the monitor (SIGHUP).",
        "RFC 5280 4.1.2.5",
    ),
    Entry(
        code="client_certificate_expiring",
        severity=Severity.WARNING,
        title="The monitor's own client certificate will expire soon",
        meaning="From that moment on, brokers that ask for a client certificate shut the monitor out.",
        fix="Renew the certificate that `client_certificate` under `tls` names, and reload the monitor "
        "(SIGHUP). Certificates of devices that were issued together with it end at about the same time.",
        reference="RFC 5280 4.1.2.5",
    ),
    Entry(
        code="chain_order",
        severity=Severity.WARNING,
        title="The certificates are not in order",
        meaning="Each certificate should be followed by that of its issuer. Many clients sort them out by themselves; "
        "small ones, on devices, often do not and refuse the broker. A certificate that belongs to none of the "
        "others only costs bytes and confuses.",
        fix="Write the file anew: the server's certificate, its issuer's, that one's issuer's, without the root and "
        f"without anything else: `cat server.pem intermediate.pem > chain.pem`. {SERVER_FILES}",
        reference="RFC 5246 7.4.2; RFC 8446 4.4.2",
    ),
    Entry(
        code="certificate_unreadable",
        severity=Severity.WARNING,
        title="A certificate breaks the encoding rules",
        meaning="Fields of the certificate are not encoded as the standard wants it. Some clients overlook that, "
        "others refuse the whole certificate.",
        fix="Have the certificate issued anew by another program; its CA's software, or a hand-written template, made "
        "the fields that are named. `openssl asn1parse -in cert.pem` shows the encoding.",
        reference="RFC 5280 4.1, 4.2; X.690",
    ),
    Entry(
        code="validators_disagree",
        severity=Severity.INFO,
        title="Some clients will refuse this chain",
        meaning="The chain is accepted, but not by everybody. Mostly it is clients that hold certificates to the rules "
        "of the public web which refuse it: browsers (MQTT over WebSocket, dashboards), programs in Rust (rustls), and "
        "in part Python from 3.13 on; mosquitto's and paho's clients get by. The message says who minds what.",
        fix="If such clients matter, make CA and certificate anew with the extensions that web CAs use: the CA with "
        "`basicConstraints = critical, CA:TRUE` and `keyUsage = critical, keyCertSign, cRLSign`, the server's with "
        "`basicConstraints = CA:FALSE`, `subjectAltName`, `extendedKeyUsage = serverAuth` and "
        "`authorityKeyIdentifier = keyid`. Otherwise leave it.",
        reference="RFC 5280 4.2; CA/Browser Forum Baseline Requirements 7.1.2",
    ),
    Entry(
        code="qos_downgraded",
        severity=Severity.INFO,
        title="The broker granted a lower quality of service than was asked for",
        meaning="Messages to this subscription come with less certainty than their publishers asked for: QoS 0 may "
        "lose one, QoS 1 may repeat one. Some brokers know only the lower levels.",
        fix="Set `qos` under `mqtt` to what the broker grants, or raise its limit. EMQX: `mqtt.max_qos_allowed`. "
        "Mosquitto: `max_qos`. RabbitMQ has no QoS 2.",
        reference="MQTT 3.1.1 3.9.3; MQTT 5.0 3.9.3",
    ),
)


def verify_reasons() -> Iterator[Entry]:
    """Yield the reasons of `verify`: the findings that forbid trusting a broker, under their longer names."""
    known = {entry.code: entry for entry in FINDINGS}
    for code in VERIFY_FINDINGS:
        yield replace(known[code], code=f"verify_{code}")


# What a server says of a client's certificate, in the handshake or after it.
CLIENT_CERTIFICATE_REQUIRED: Final = (
    "Set `client_certificate` and `client_key` under `tls` in the monitor's configuration to a certificate issued "
    f"by a CA that the broker trusts. {SERVER_CA_FILES} If clients without a certificate should be let in, EMQX, "
    "NanoMQ and RabbitMQ have `fail_if_no_peer_cert = false`, Mosquitto `require_certificate false`, NATS `verify: "
    "false`."
)
CLIENT_CERTIFICATE_REJECTED: Final = (
    "Check the monitor's `client_certificate`: its dates, that it allows `clientAuth`, that the intermediates "
    f"follow in the same file, and that the broker trusts the CA that issued it. {SERVER_CA_FILES} The broker's log "
    "says what it minded."
)
