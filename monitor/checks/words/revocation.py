"""The words for findings about revocation: certificates taken back before their end."""

from __future__ import annotations

from typing import Final

from monitor.checks.words.entry import Entry, critical, do
from monitor.checks.words.hints import REVOCATION_LISTS, SERVER_FILES, STAPLING
from monitor.model.judgement import Severity

REVOKED: Final = critical(
    "certificate_revoked",
    "A certificate has been revoked",
    "The CA took the certificate back before its last day: mostly because its key became known to others, or because "
    "another certificate replaced it. Clients that look this up refuse the broker. The monitor sends it no "
    "credentials, as somebody else may hold its key.",
    do(
        "Ask whoever runs the CA why it was revoked. If the key is lost to others, make a new key, have a certificate "
        "issued for it, and install both. If only the wrong certificate was revoked, have it issued anew all the same: "
        "what is revoked stays so. If it is a CA's certificate, everything that this CA issued has to be replaced.",
        SERVER_FILES,
    ),
    "RFC 5280 5.3; RFC 6960 2.2",
)

REVOCATION: Final = (
    critical(
        "staple_missing",
        "The certificate demands a proof from the broker that the broker does not send",
        "A certificate may oblige its server (must-staple) to send along, with every handshake, a fresh statement of "
        "the CA that it has not been revoked: the stapled OCSP response. This one does, and the broker sends none. "
        "Strict clients refuse the broker; others do not notice.",
        do(
            "Turn stapling on in the broker, and see that the broker can reach the responder that its certificate "
            "names (`openssl x509 -in server.pem -noout -ocsp_uri`). Or have the certificate issued anew without the "
            "obligation (the extension `tlsfeature = status_request`).",
            STAPLING,
        ),
        "RFC 7633 4.2.3.1; RFC 6066 8",
    ),
    Entry(
        code="staple_invalid",
        severity=Severity.WARNING,
        title="The broker sends along a proof of not being revoked that proves nothing",
        meaning="The stapled OCSP response is a signed statement of the CA that the certificate has not been revoked. "
        "This one cannot be relied on: the message says why. Strict clients refuse the broker; others do not look.",
        advice=do(
            "Look at what the broker sends: `openssl s_client -connect HOST:8883 -status`. If it is about another "
            "certificate, or signed by another CA, the broker still staples for the certificate before the last "
            "renewal, or was given the wrong issuer: set that, and make it take up the new one. If the responder "
            "answered with an error, ask whoever runs the CA.",
            STAPLING,
        ),
        reference="RFC 6960 3.2, 4.2.2.2",
    ),
    Entry(
        code="staple_stale",
        severity=Severity.WARNING,
        title="The broker sends along a proof of not being revoked that is out of date",
        meaning="The stapled OCSP response is a signed statement of the CA that the certificate has not been revoked, "
        "good for some hours or days. This one has ended, and the broker has not fetched another. Strict clients "
        "refuse the broker; others do not notice.",
        advice=do(
            "See whether the broker can reach the responder that its certificate names (`openssl x509 -in server.pem "
            "-noout -ocsp_uri`): mostly a firewall or a proxy stands between them. Then look whether the responder "
            "itself gives out fresh statements: `openssl ocsp -issuer issuer.pem -cert server.pem -url URL`.",
            STAPLING,
        ),
        reference="RFC 6960 4.2.2.1",
    ),
    Entry(
        code="revocation_unknown",
        severity=Severity.WARNING,
        title="It cannot be told whether a certificate has been revoked",
        meaning="What should say so (a statement of the CA that the broker sends along, or a list of revoked "
        "certificates) is genuine and does not answer for this certificate. Clients that insist on an answer refuse "
        "the broker.",
        advice=do(
            "Does the responder not know the certificate? Then the CA never issued it, or has not told its responder "
            "yet: ask whoever runs the CA. If lists are kept in parts, name every part under `crl_files`, and the "
            "complete list rather than a delta."
        ),
        reference="RFC 6960 2.2; RFC 5280 6.3.3",
    ),
    Entry(
        code="crl_stale",
        severity=Severity.WARNING,
        title="A list of revoked certificates is out of date",
        meaning="A CA signs a list of the certificates that it took back, and says until when a newer one follows. "
        "This list's time is over. Whoever checks certificates by it refuses every certificate of that CA from then "
        "on: clients that do so refuse the broker, and a broker that does so refuses all clients.",
        advice=do(
            "Have the CA issue its list anew (`openssl ca -gencrl`, for an own CA) and put it where the message says; "
            "the monitor reads it by itself. Find out why the program that does this did not, and bring the new list "
            "to every broker that holds a copy.",
            REVOCATION_LISTS,
        ),
        reference="RFC 5280 5.1.2.5",
    ),
    Entry(
        code="crl_invalid",
        severity=Severity.WARNING,
        title="A list of revoked certificates cannot be used",
        meaning="A file that the configuration names for such lists is gone or damaged, or holds a list that the CA's "
        "key did not sign. What the file held before is used until it is out of date. A broker that reads the same "
        "file may refuse all clients when it next starts.",
        advice=do(
            "Look at the file that the message names: `openssl crl -in FILE -noout -text`, and `openssl crl -in FILE "
            "-CAfile ca.pem -noout` for the signature. Put the CA's present list there, by moving a whole file into "
            "its place. A CA that was made anew under its old name signs with another key.",
            REVOCATION_LISTS,
        ),
        reference="RFC 5280 5.1, 6.3.3",
    ),
    Entry(
        code="crl_missing",
        severity=Severity.WARNING,
        title="There is no list of revoked certificates of the CA",
        meaning="The configuration names files with lists of revoked certificates, and none of these lists is of the "
        "CA that issued the broker's certificate. So nothing is known of whether it was revoked.",
        advice=do(
            "Add that CA's list to `crl_files` under `tls` in the monitor's configuration: the certificate says where "
            "it can be had (`openssl x509 -in server.pem -noout -ext crlDistributionPoints`). If the broker got its "
            "certificate from another CA than before, that is what changed.",
        ),
        reference="RFC 5280 6.3.3",
    ),
)
