"""The words for findings about what stands in a certificate: names, dates, keys, signatures."""

from __future__ import annotations

from typing import Final

from monitor.checks.words.entry import Entry, critical, do
from monitor.checks.words.hints import SERVER_FILES
from monitor.model.judgement import Severity

NAMES: Final = (
    critical(
        "name_common_name_only",
        "The broker's certificate names the broker only in a place where clients no longer look",
        "Names belong into the list called subjectAltName. This certificate has none, only the older common name (CN), "
        "which clients have ignored for years: they refuse the broker, whatever stands there.",
        do(
            "Have the certificate issued anew with `subjectAltName = DNS:broker.example, IP:192.0.2.1` (the names and "
            "addresses by which clients reach the broker). With the `openssl` command, that line must be in the file "
            "given to `-extfile` when signing: it is not taken over from the request by itself.",
            SERVER_FILES,
        ),
        "RFC 9525 2, 6",
    ),
    critical(
        "name_ip_as_dns",
        "The broker's address stands in its certificate as if it were a host name",
        "In the list of names (subjectAltName) each entry has a kind. An address counts only as an entry of kind IP; "
        "here it was written as one of kind DNS, which clients do not match with addresses. They refuse the broker.",
        do(
            "Have the certificate issued anew with the address as kind IP: `subjectAltName = IP:192.0.2.1`, in the "
            "request and in the file given to `-extfile` when signing (in a section of names: `IP.1 = 192.0.2.1`, not "
            "`DNS.1 = 192.0.2.1`).",
            SERVER_FILES,
        ),
        "RFC 5280 4.2.1.6; RFC 9525 6.5",
    ),
)

QUALITIES: Final = (
    Entry(
        code="key_weak",
        severity=Severity.WARNING,
        title="A key is too weak",
        meaning="A key that is too short, or made in an odd way, can be broken, or is refused by clients to be safe: "
        "RSA under 2048 bits is refused by browsers, by Go from release 1.22 on, and by OpenSSL as Debian and Ubuntu "
        "set it up.",
        advice=do(
            "Make a new key and have a certificate issued for it: `openssl genpkey -algorithm EC -pkeyopt "
            "ec_paramgen_curve:P-256`, or `openssl genrsa 2048` where old devices need RSA. If the weak key is a CA's, "
            "the CA and everything below it has to be made anew.",
            SERVER_FILES,
        ),
        reference="NIST SP 800-57 part 1, 5.6.1; CA/Browser Forum Baseline Requirements 6.1.5, 6.1.6",
    ),
    Entry(
        code="signature_weak",
        severity=Severity.WARNING,
        title="A certificate was signed in a way that is no longer safe",
        meaning="The signature rests on a checksum (MD5 or SHA-1) for which forgeries have been made. Browsers, Go and "
        "current OpenSSL refuse such a certificate; older devices may still take it.",
        advice=do(
            "Have the certificate issued anew and signed over SHA-256, which every client of the last fifteen years "
            "knows: `openssl x509 -req -sha256`, or `default_md = sha256` in the CA's `openssl.cnf`.",
            SERVER_FILES,
        ),
        reference="RFC 9155; RFC 6151",
    ),
    Entry(
        code="lifetime_too_long",
        severity=Severity.WARNING,
        title="A certificate is made for longer than clients accept",
        meaning="Browsers, phones and others refuse certificates with too long a life. For those of public CAs the "
        "limit is 398 days, 200 if issued from 15 March 2026 on, 100 from 15 March 2027 and 47 from 15 March 2029. "
        "Certificates of private CAs have no such limit but on iPhones and Macs (825 days), which is said only where "
        "`remarks` is on.",
        advice=do(
            "Have the certificate issued anew for a shorter time, and let a program renew it (certbot, step-ca): "
            "a short life hurts nobody who does not renew by hand.",
            SERVER_FILES,
        ),
        reference="CA/Browser Forum Baseline Requirements 6.3.2 (ballot SC-081v3)",
    ),
    Entry(
        code="leaf_outlives_issuer",
        severity=Severity.INFO,
        title="The broker's certificate lasts longer than the CA that issued it",
        meaning="Once the CA's own certificate has expired, clients refuse every certificate that it issued, whatever "
        "date stands in it. The broker's certificate will therefore stop working before its time.",
        advice=do(
            "Go by the earlier date. Before it, renew the CA's certificate (from the same key, so that the broker's "
            "stays valid), and give it to clients, or to the broker if it is an intermediate."
        ),
        reference="RFC 5280 6.1.3",
    ),
    Entry(
        code="name_wildcard_misused",
        severity=Severity.WARNING,
        title="A wildcard stands where clients do not match it",
        meaning="A `*` may stand only for the whole first part of a name, with two parts or more behind it: "
        "`*.example.org`. Clients take one in any other place (`mqtt*.example.org`, `mqtt.*.org`, `*.com`) for no "
        "name at all, so those who reach the broker by such a name refuse it.",
        advice=do(
            "Have the certificate issued anew with the names written out, or with a wildcard for the whole first part.",
            SERVER_FILES,
        ),
        reference="RFC 9525 6.3",
    ),
    Entry(
        code="name_trailing_dot",
        severity=Severity.WARNING,
        title="A name in the certificate ends in a dot",
        meaning="In certificates names are written without the dot that may end them in the DNS. Some clients compare "
        "letter by letter, and refuse the broker under that name.",
        advice=do("Have the certificate issued anew with the name written without the dot.", SERVER_FILES),
        reference="RFC 5280 4.2.1.6; RFC 9525 6.3",
    ),
    Entry(
        code="name_internal",
        severity=Severity.WARNING,
        title="A public CA's certificate holds a name of a private network",
        meaning="Names such as `broker.local` and addresses such as 192.168.1.10 mean another machine in each network, "
        "so public CAs may not vouch for them and have to revoke certificates that hold one within days.",
        advice=do(
            "Have the certificate issued anew with public names only, and reach the broker by one of them inside too. "
            "For private names use a CA of your own.",
            SERVER_FILES,
        ),
        reference="CA/Browser Forum Baseline Requirements 4.9.1.1, 7.1.2.7.12",
    ),
    Entry(
        code="scts_missing",
        severity=Severity.INFO,
        title="A public CA's certificate shows no proof that it was logged",
        meaning="Browsers and Apple's systems accept public CAs' certificates only with a proof of having been "
        "published (signed certificate timestamps). This one holds none. MQTT clients mostly do not ask for it; "
        "clients in browsers and on iPhones do, unless the broker sends the proof in another way.",
        advice=do(
            "Ask the CA for a certificate with embedded timestamps: all public ones add them unless told not to.",
            SERVER_FILES,
        ),
        reference="RFC 6962 3.3",
    ),
)
