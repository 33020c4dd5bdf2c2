"""The words for findings about certificates, and about what was granted; gravest causes first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from monitor.checks.words.addresses import ADDRESSES_DIFFER, ADDRESSES_LEFT_OUT
from monitor.checks.words.chain import LIMITS, ROOT_SENT, TIDINESS
from monitor.checks.words.client import CLIENT
from monitor.checks.words.entry import Advice, Entry, critical, do
from monitor.checks.words.fetched import FETCHED
from monitor.checks.words.files import FILES, KEY_OF_FILE
from monitor.checks.words.fleet import FLEET
from monitor.checks.words.hints import CLIENT_CA_FILES, CLIENT_CERTIFICATE_OPTIONAL, HIGHEST_QOS, SERVER_FILES
from monitor.checks.words.leaf import NAMES, QUALITIES
from monitor.checks.words.refusals import REFUSALS
from monitor.checks.words.revocation import REVOCATION, REVOKED
from monitor.checks.words.scan import SCAN
from monitor.checks.words.session import SESSION, SLOW
from monitor.model.judgement import Severity
from monitor.model.reasons import VERIFY_FINDINGS

FINDINGS: Final = (
    critical(
        "chain_ca_first",
        "The broker's file begins with a CA's certificate instead of the broker's own",
        "A broker shows the certificates of its file in the order in which they stand there, and clients take the "
        "first for the broker's own. Here the first belongs to a CA (an authority that issues certificates), so "
        "clients that check certificates refuse the broker.",
        do(
            "Write the file anew with the broker's own certificate first and the intermediate below it, without the "
            "root: `cat server.pem intermediate.pem > chain.pem`. Name that file as the broker's certificate; the "
            "file with CAs is a setting of its own, for checking clients.",
            SERVER_FILES,
        ),
        "RFC 8446 4.4.2; RFC 5246 7.4.2",
    ),
    REVOKED,
    critical(
        "certificate_expired",
        "A certificate has expired",
        "The last day for which the certificate was issued is over. Clients that check certificates can no longer "
        "connect. Connections that were open stay until they break, so the outage grows as devices reconnect.",
        do(
            "First see whether a renewed certificate already lies on the broker's disk: then the broker only has to "
            "take it up. If not, renew it at the CA that issued it, for the same names, and install it with the "
            "intermediate certificate below it. If it is a CA's certificate that expired, its successor must also "
            "reach every client's CA file, and the monitor's `ca_file`.",
            SERVER_FILES,
        ),
        "RFC 5280 4.1.2.5, 6.1.3",
    ),
    critical(
        "certificate_not_yet_valid",
        "A certificate is not valid yet",
        "The certificate is valid only from a later date on, and clients refuse the broker until then. Either it was "
        "installed too early, or a clock is wrong: that of the machine that issued it, or that of this monitor.",
        do(
            "Compare the clocks first (`timedatectl`, here and on the broker). If they are right, put the previous "
            "certificate back until that date, or have one issued that is valid at once.",
            SERVER_FILES,
        ),
        "RFC 5280 4.1.2.5, 6.1.3",
    ),
    critical(
        "leaf_self_signed",
        "The broker's certificate is self-signed and not trusted",
        "No CA vouches for this certificate; it vouches for itself. Clients accept it only if each was given this "
        "very certificate beforehand, and this monitor was not. It may also be the example certificate that a broker "
        "is delivered with, whose key everybody has.",
        do(
            "If the certificate is meant, copy it from the broker's disk, compare its fingerprint there (`openssl "
            "x509 -in server.pem -noout -fingerprint -sha256`), and name the copy as `ca_file` under `tls` in the "
            "monitor's configuration. If not, install one that your CA has issued.",
            SERVER_FILES,
        ),
        "RFC 5280 6.1",
    ),
    critical(
        "chain_incomplete",
        "A certificate between the broker's and a trusted CA is missing",
        "The broker's certificate was issued by a CA whose certificate the broker does not send and the monitor does "
        "not have. If that is an intermediate CA, browsers may still get by while devices fail. If it is your own "
        "CA, the broker may be all right, and only the monitor was not told about it.",
        do(
            "Certificate of a public CA: append the intermediate certificate that came with it to the broker's "
            "certificate file, below the broker's own: `cat server.pem intermediate.pem > chain.pem`. Certificate of "
            "your own CA: name the CA's certificate as `ca_file` under `tls` in the monitor's configuration.",
            SERVER_FILES,
        ),
        "RFC 8446 4.4.2; RFC 5280 6.1",
    ),
    critical(
        "chain_untrusted",
        "The broker's certificate comes from a CA that is not trusted here",
        "The certificates lead to a CA that the monitor's configuration does not trust for this broker. Clients that "
        "trust the same CAs refuse it too. It may be a new CA of yours, another environment's, or somebody else's "
        "server.",
        do(
            "Was the CA replaced on purpose? Then get its certificate from whoever runs it (not from this "
            "connection), name it as `ca_file` under `tls` in the monitor's configuration, and give it to every "
            "client. If nobody replaced it, the broker serves the wrong certificate, or this is not your broker.",
            SERVER_FILES,
        ),
        "RFC 5280 6.1",
    ),
    *LIMITS,
    critical(
        "chain_invalid",
        "The broker's chain of certificates is not valid",
        "Between the broker's certificate and a trusted CA something is wrong: mostly a signature, or an "
        "encoding. Clients refuse the broker. The message quotes what "
        "the libraries that check certificates said.",
        do(
            "Was a certificate of the chain replaced lately? Put the previous file back. Else repeat the check with "
            "`openssl verify -show_chain -CAfile ca.pem -untrusted chain.pem server.pem`, and have the certificate "
            "that it names issued anew. A common slip is a CA made anew under its old name.",
            SERVER_FILES,
        ),
        "RFC 5280 6.1",
    ),
    critical(
        "leaf_not_for_servers",
        "The broker's certificate is not made for servers",
        "A certificate may list what it is for (extendedKeyUsage); here being a TLS server (serverAuth) is not on the "
        "list, so clients refuse the broker. Mostly it is a client's certificate that was put into the wrong place.",
        do(
            "Install the right certificate, or have one issued with `extendedKeyUsage = serverAuth` (and `clientAuth` "
            "too, only if the broker also shows it to others as a client, as bridges do).",
            SERVER_FILES,
        ),
        "RFC 5280 4.2.1.12",
    ),
    *NAMES,
    critical(
        "name_mismatch",
        "The broker's certificate is for another name",
        "A certificate lists the names it is for (subjectAltName), and the one by which the broker is reached is not "
        "among them. Clients refuse it, since it may be somebody else's server. Host names count as entries of kind "
        "DNS, addresses as entries of kind IP; `*.` stands for exactly one part of a name; the common name (CN) does "
        "not count.",
        do(
            "Is the name right by which the monitor reaches the broker? Clients may use another: set `host`, or "
            "`server_name` under `tls`, to that one. If clients do use this name, have the certificate issued anew "
            "with it: `subjectAltName = DNS:broker.example, IP:192.0.2.1` for instance, in the request and in the "
            "file given to `-extfile` when signing.",
            SERVER_FILES,
        ),
        "RFC 9525 6",
    ),
    critical(
        "key_mismatch",
        "The private key does not belong to the certificate",
        "A certificate and its private key are made for each other: the broker proves with the key that the "
        "certificate is its own. With another key it does not start, keeps the old certificate, or fails every "
        "handshake. Mostly one of the two files is of an earlier renewal.",
        do(
            "Do not install the two together. Look for the key that was made for the certificate's request: `openssl "
            "pkey -in server.key -pubout` and `openssl x509 -in server.pem -noout -pubkey` must print the same. If "
            "it is lost, make a new key and have a certificate issued for it.",
            SERVER_FILES,
        ),
        "RFC 8446 4.4.3; RFC 5246 7.4.3",
    ),
    KEY_OF_FILE,
    Entry(
        code="certificate_expiring",
        severity=Severity.WARNING,
        title="A certificate will expire soon",
        meaning="Nothing is broken yet. From that moment on, clients that check certificates can no longer connect. "
        "A certificate is called so within the time set in the configuration, or in the last quarter of its life if "
        "that is shorter.",
        advice=do(
            "If certificates are renewed by a program, find out why this one was not, or whether the new one lies on "
            "the disk and the broker has yet to take it up. Otherwise renew it at the CA that issued it, for the same "
            "names, and install it with the intermediate certificate below it.",
            SERVER_FILES,
        ),
        reference="RFC 5280 4.1.2.5",
    ),
    *CLIENT,
    *REVOCATION,
    *FETCHED,
    Entry(
        code="profile_untrusted",
        severity=Severity.WARNING,
        title="Clients of a trust profile refuse the broker",
        meaning="The trust that is configured for the broker accepts its chain, but a trust profile does not: clients "
        "that trust only what the profile names cannot connect. The message says which profile, and what the libraries "
        "that check certificates said.",
        advice=do(
            "Give the clients of this profile the CA that the chain now leads to, and add it to the file that "
            "`trust_profiles` under `tls` in the monitor's configuration names. Until they have it, serve a "
            "certificate from a CA that they know, or append the CA's cross-signed certificate to the broker's chain "
            "if there is one. If there are no such clients any more, remove the profile.",
            SERVER_FILES,
        ),
        reference="RFC 5280 6.1.1",
    ),
    Entry(
        code="issuer_changed",
        severity=Severity.WARNING,
        title="The CA behind the broker's certificate has changed",
        meaning="The chain is valid, but another CA issued it than before. Devices that hold on to (pin) the old "
        "root, the old intermediate certificate or its key refuse the broker when they next connect. Connections that "
        "are open stay until they break, so the outage grows. This is told for 24 hours after the change.",
        advice=do(
            "Find out whether the change was meant. If it was not, put the previous certificate and chain back: they "
            "are good until they expire. If it was, see that every device trusts the new CA before it has to "
            "reconnect; where firmware holds the old one, keep serving the previous chain until it is updated.",
            SERVER_FILES,
        ),
        reference="RFC 5280 6.1; RFC 7469 2.6",
    ),
    *FILES,
    *FLEET,
    ADDRESSES_DIFFER,
    Entry(
        code="chain_order",
        severity=Severity.WARNING,
        title="The certificates are not in order",
        meaning="Each certificate should be followed by the one of the CA that issued it. Many clients sort that out "
        "by themselves; small ones, on devices, often do not and refuse the broker.",
        advice=do(
            "Write the file anew: the broker's certificate, then that of the CA that issued it, and so on; without "
            "the root and without anything else: `cat server.pem intermediate.pem > chain.pem`.",
            SERVER_FILES,
        ),
        reference="RFC 5246 7.4.2; RFC 8446 4.4.2",
    ),
    *TIDINESS,
    *QUALITIES,
    *SESSION,
    SLOW,
    *REFUSALS,
    *SCAN,
    Entry(
        code="certificate_unreadable",
        severity=Severity.WARNING,
        title="A certificate breaks the encoding rules",
        meaning="Parts of the certificate are not written as the standard wants it. Some clients overlook that, others "
        "refuse the whole certificate and cannot connect.",
        advice=do(
            "Have the certificate issued anew, with another program: the CA's software or a hand-written template made "
            "the parts that are named. `openssl asn1parse -in cert.pem` shows how it is written."
        ),
        reference="RFC 5280 4.1, 4.2; X.690",
    ),
    Entry(
        code="validators_disagree",
        severity=Severity.INFO,
        title="Some clients will refuse this chain",
        meaning="Nothing is broken: the chain is accepted, but not by every kind of client. Mostly those refuse it "
        "that hold certificates to the rules of the public web: browsers (MQTT over WebSocket, dashboards), programs "
        "in Rust (rustls), and in part Python from 3.13 on. Clients that use OpenSSL with its usual settings, as "
        "mosquitto's do, get by. The message says who minds what.",
        advice=do(
            "If you have no such clients, leave it. Otherwise make CA and certificate anew with the extensions that "
            "public CAs use: the CA's with `basicConstraints = critical, CA:TRUE` and `keyUsage = critical, "
            "keyCertSign, cRLSign`, the broker's with `basicConstraints = CA:FALSE`, `subjectAltName`, "
            "`extendedKeyUsage = serverAuth` and `authorityKeyIdentifier = keyid`."
        ),
        reference="RFC 5280 4.2; CA/Browser Forum Baseline Requirements 7.1.2",
    ),
    Entry(
        code="name_not_checked",
        severity=Severity.INFO,
        title="It was not checked whether the certificate is for the broker's name",
        meaning="Clients refuse a certificate that is not for the name by which they reach the broker. By which one "
        "they do was not said, so that was left out; everything else was checked.",
        advice=do(
            "Name what clients connect to, host name or address, as often as there are several: `mqtt-tls-monitor "
            "inspect chain.pem --name broker.example --name 192.0.2.1`."
        ),
        reference="RFC 9525 6",
    ),
    Entry(
        code="qos_downgraded",
        severity=Severity.INFO,
        title="The broker granted a lower quality of service than was asked for",
        meaning="Messages reach subscribers with less certainty than was asked for: with QoS 0 one may be lost, with "
        "QoS 1 one may come twice. Some brokers know only the lower levels.",
        advice=do(
            "If the broker is meant to be so, set `qos` under `mqtt` in the monitor's configuration to what it "
            "grants. Otherwise raise its limit.",
            HIGHEST_QOS,
        ),
        reference="MQTT 3.1.1 3.9.3; MQTT 5.0 3.9.3",
    ),
    ADDRESSES_LEFT_OUT,
    ROOT_SENT,
)


def verify_reasons() -> Iterator[Entry]:
    """Yield the reasons of `verify`: the findings that forbid trusting a broker, under their longer names."""
    known = {entry.code: entry for entry in FINDINGS}
    for code in VERIFY_FINDINGS:
        yield replace(known[code], code=f"verify_{code}")


# What a server says of a client's certificate, in the handshake or after it.
CLIENT_CERTIFICATE_REQUIRED: Final[Advice] = do(
    "Give the monitor a certificate from a CA that the broker trusts: `client_certificate` and `client_key` under "
    "`tls` in its configuration. If the broker did not ask for certificates until now, its configuration was changed.",
    CLIENT_CA_FILES,
    CLIENT_CERTIFICATE_OPTIONAL,
)
CLIENT_CERTIFICATE_REJECTED: Final[Advice] = do(
    "Check the monitor's `client_certificate`: is it in date, is it for clients (`clientAuth`), do its intermediate "
    "certificates follow in the same file, and does the broker trust the CA that issued it? The broker's log says "
    "what it minded.",
    CLIENT_CA_FILES,
)
