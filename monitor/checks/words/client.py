"""The words for findings about the certificate that the monitor itself shows."""

from __future__ import annotations

from typing import Final

from monitor.checks.words.entry import Entry, critical, do
from monitor.checks.words.hints import CLIENT_CA_FILES
from monitor.model.judgement import Severity

CLIENT: Final = (
    critical(
        "client_certificate_expired",
        "The monitor's own client certificate has expired",
        "A broker that asks for a client certificate refuses this one, so the monitor is shut out. That says nothing "
        "of other clients, unless theirs were issued together with it.",
        do(
            "Renew the certificate that `client_certificate` under `tls` in the monitor's configuration names, and "
            "reload the monitor: `systemctl reload mqtt-tls-monitor` (SIGHUP). Then look at devices whose "
            "certificates are as old."
        ),
        "RFC 5280 4.1.2.5",
    ),
    Entry(
        code="client_certificate_expiring",
        severity=Severity.WARNING,
        title="The monitor's own client certificate will expire soon",
        meaning="From that moment on, a broker that asks for a client certificate shuts the monitor out. Clients are "
        "not concerned, unless theirs were issued together with it.",
        advice=do(
            "Renew the certificate that `client_certificate` under `tls` in the monitor's configuration names, and "
            "reload the monitor: `systemctl reload mqtt-tls-monitor` (SIGHUP). Certificates of devices that were "
            "issued together with it end at about the same time."
        ),
        reference="RFC 5280 4.1.2.5",
    ),
    Entry(
        code="client_certificate_not_for_clients",
        severity=Severity.WARNING,
        title="The monitor's own client certificate is not made for clients",
        meaning="A certificate may list what it is for (extendedKeyUsage); here being a TLS client (clientAuth) is not "
        "on the list. A broker that asks for a client certificate and checks it refuses this one. If it comes from a "
        "public CA, it was left out on purpose: public CAs stop issuing certificates for clients.",
        advice=do(
            "Have a certificate issued for the monitor with `extendedKeyUsage = clientAuth`, by a CA of your own "
            "that the broker trusts for clients; name it as `client_certificate` under `tls` in the monitor's "
            "configuration, and reload the monitor: `systemctl reload mqtt-tls-monitor` (SIGHUP).",
            CLIENT_CA_FILES,
        ),
        reference="RFC 5280 4.2.1.12",
    ),
    Entry(
        code="client_certificate_public",
        severity=Severity.WARNING,
        title="The monitor's own client certificate comes from a public CA, which will not renew it for clients",
        meaning="Nothing is broken yet. Public CAs are giving up certificates with which clients identify themselves "
        "(clientAuth): many have, and from 15 March 2027 on none may issue one that browsers trust. The renewed "
        "certificate will be for servers alone, and a broker that asks for a client certificate will refuse it. "
        "Devices with such certificates are hit in the same way.",
        advice=do(
            "Before it ends, move clients to a CA of your own: have its certificate added to those that the broker "
            "trusts for clients, issue the monitor's certificate from it, and name that as `client_certificate` under "
            "`tls` in the monitor's configuration. Then do the same for devices.",
            CLIENT_CA_FILES,
        ),
        reference="Chrome Root Program Policy 1.8, 1.3.2; CA/Browser Forum Baseline Requirements 7.1.2.7.10",
    ),
)
