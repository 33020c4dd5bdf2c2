"""The words for findings about how the served certificates hang together; gravest causes first."""

from __future__ import annotations

from typing import Final

from monitor.checks.words.entry import Entry, critical, do
from monitor.checks.words.hints import SERVER_FILES
from monitor.model.judgement import Severity

LIMITS: Final = (
    critical(
        "chain_issuer_not_ca",
        "A certificate was issued by one that may not issue certificates",
        "Only a certificate that says so (basicConstraints with CA:TRUE, and keyCertSign where there is a keyUsage) "
        "may vouch for others; else every owner of a certificate could make more of them. Here one does that without "
        "saying so, and clients refuse the broker.",
        do(
            "If the CA is your own, make its certificate anew from the same key, with `basicConstraints = critical, "
            "CA:TRUE` and `keyUsage = critical, keyCertSign, cRLSign`, and give it to clients and broker. If not, have "
            "the broker's certificate issued by a CA: a server's own certificate cannot issue any.",
            SERVER_FILES,
        ),
        "RFC 5280 4.2.1.3, 4.2.1.9",
    ),
    critical(
        "chain_path_length",
        "More CAs stand between the broker and the root than one of them allows",
        "A CA's certificate may limit how many further CAs follow below it (pathlen in basicConstraints). Here there "
        "are more, so clients refuse the broker.",
        do(
            "Have the broker's certificate issued by the CA that carries the limit, or by one directly below it that "
            "it allows. If that CA is your own and the limit a slip (`pathlen:0` for a CA that has CAs below it), make "
            "its certificate anew from the same key without it.",
            SERVER_FILES,
        ),
        "RFC 5280 4.2.1.9",
    ),
    critical(
        "chain_name_constraints",
        "The CA may not issue certificates for the broker's names",
        "A CA's certificate may list the names for which it can vouch (nameConstraints), such as one company's "
        "domain. The broker's certificate holds a name outside that list, so clients refuse it.",
        do(
            "Have the certificate issued anew with names that the CA may vouch for, and reach the broker by one of "
            "them; every name in it counts, addresses too. If a name is needed that the CA may not vouch for, use "
            "another CA, or widen the list if the CA is your own.",
            SERVER_FILES,
        ),
        "RFC 5280 4.2.1.10",
    ),
    critical(
        "chain_critical_extension",
        "A certificate demands something that clients do not know",
        "A part of a certificate (an extension) may be marked critical: whoever does not know it must refuse the "
        "certificate. Here one is that common clients do not know, so they refuse the broker.",
        do(
            "Have the certificate issued anew without the extension that is named, or with it not marked critical. In "
            "an `openssl.cnf` the word `critical` in front of its value makes it so.",
            SERVER_FILES,
        ),
        "RFC 5280 4.2",
    ),
    critical(
        "chain_left_out",
        "More was served than is looked at",
        "A chain of certificates has two or three members. Of a longer one only the first are judged, and none whose "
        "size or key would keep a client busy: such a pile stalls small clients too. Mostly a whole file of CAs was "
        "put where the broker's own chain belongs.",
        do(
            "Write the file anew with the broker's own certificate and the intermediate below it, and nothing else: "
            "`cat server.pem intermediate.pem > chain.pem`. A key of more than 8192 bits, or on a curve of its own "
            "making, is better replaced by an ordinary one (P-256, or RSA with 2048 bits).",
            SERVER_FILES,
        ),
        "RFC 8446 4.4.2",
    ),
)

TIDINESS: Final = (
    Entry(
        code="chain_cross_signed_expired",
        severity=Severity.WARNING,
        title="One of two ways to a trusted CA has expired",
        meaning="The same CA has two certificates from different issuers (it is cross-signed), and the one that the "
        "broker sends has expired. Most clients find the other way. Old ones (with OpenSSL before 1.1.0, or small "
        "libraries on devices) follow only the expired one and refuse the broker.",
        advice=do(
            "Take the expired certificate out of the file. If a renewed one is to be had from the CA, put "
            "that in its place; programs such as certbot can choose (`--preferred-chain`).",
            SERVER_FILES,
        ),
        reference="RFC 5280 6.1; RFC 4158 2.3",
    ),
    Entry(
        code="chain_policies",
        severity=Severity.WARNING,
        title="A CA demands certificate policies that are not there",
        meaning="A CA's certificate may demand that each certificate below it says by which of the CA's rules it was "
        "issued (a policy, a number with dots), and that one rule holds all the way down. Here none does. Most clients "
        "do not look at it, as OpenSSL does not unless it is told to; others, as those in Java, refuse the broker.",
        advice=do(
            "Have the certificate that is named issued anew with the policy that those above it carry "
            "(`certificatePolicies = 1.2.3.4` in an `openssl.cnf`). If the CA is your own and the demand a slip, make "
            "its certificate anew from the same key without `policyConstraints`.",
            SERVER_FILES,
        ),
        reference="RFC 5280 4.2.1.11, 6.1",
    ),
    Entry(
        code="chain_foreign",
        severity=Severity.WARNING,
        title="A certificate was sent that has nothing to do with the broker's",
        meaning="It issued neither the broker's certificate nor one above it. Most clients overlook it; small ones, on "
        "devices, may stumble over it and refuse the broker. Often it is last year's intermediate, left in the file "
        "when the CA moved to another one.",
        advice=do(
            "Write the file anew: the broker's certificate and the intermediate that came with this very certificate, "
            "and nothing else: `cat server.pem intermediate.pem > chain.pem`.",
            SERVER_FILES,
        ),
        reference="RFC 5246 7.4.2; RFC 8446 4.4.2",
    ),
    Entry(
        code="chain_duplicate",
        severity=Severity.INFO,
        title="The same certificate was sent twice",
        meaning="That costs bytes in every handshake, and a few small clients, which expect each certificate to be "
        "issued by the next, refuse the broker.",
        advice=do(
            "Write the file anew with each certificate once. Mostly the broker's own was put into both its file and "
            "the file of the chain: name only the chain.",
            SERVER_FILES,
        ),
        reference="RFC 5246 7.4.2; RFC 8446 4.4.2",
    ),
)

ROOT_SENT: Final = Entry(
    code="chain_root_sent",
    severity=Severity.INFO,
    title="The root certificate was sent along",
    meaning="A client trusts a root because it has it already, so sending it is of no use: it costs bytes in every "
    "handshake, which devices on slow links feel. It does no other harm. This is said only where `remarks` is on.",
    advice=do(
        "Leave the root out of the file: the broker's certificate and the intermediate are enough. Some brokers add it "
        "by themselves from the file that holds the CAs for client certificates.",
        SERVER_FILES,
    ),
    reference="RFC 8446 4.4.2",
)
