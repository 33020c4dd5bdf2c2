"""What only a file about to be installed can be asked: whether the key is its own, and what its fixes come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from monitor.checks.case import Case
from monitor.checks.catalogue import entry
from monitor.checks.finding import finding
from monitor.checks.phrases import capitalised, described
from monitor.checks.words.entry import Advice, do
from monitor.checks.words.hints import SERVER_FILES
from monitor.model.chain_file import KeyFile
from monitor.model.judgement import Finding, Severity

_NOT_YET = "Do not install this file."


def key_mismatch(case: Case, key: KeyFile | None) -> Iterator[Finding]:
    """Yield `key_mismatch` if the private key is not that of the broker's own certificate (RFC 8446 4.4.3)."""
    if key is None or key.belongs_to[case.leaf.position] is not False:
        return
    owner = next((facts for facts in case.chain if key.belongs_to[facts.position]), None)
    whose = f"belongs to {described(owner)}" if owner is not None else "belongs to none of the certificates in the file"
    yield finding(
        "key_mismatch",
        f"{capitalised(described(case.leaf))} needs another private key than the one in {key.source}, which {whose}.",
        certificate=case.leaf.position,
    )


def names(case: Case, wanted: tuple[str, ...]) -> Iterator[Finding]:
    """Yield `name_not_checked` if it was not said by which name the broker will be reached."""
    if wanted:
        return
    held = ", ".join(case.leaf.names[:10]) or "no name at all"
    yield finding(
        "name_not_checked",
        f"No name was given, so names were not checked; the certificate is for {held}.",
        certificate=case.leaf.position,
    )


def advised(found: Finding) -> Finding:
    """Return the finding with the fix for a file that is not installed yet, where that is another than a broker's."""
    # A check that knew better than the catalogue keeps its word.
    if found.fix != entry(found.code).advice.text:
        return found
    advice = _ADVICE.get(found.code)
    if advice is not None:
        return replace(found, fix=advice.text, hints=advice.hints)
    return replace(found, fix=f"{_NOT_YET} {found.fix}") if found.severity is Severity.CRITICAL else found


_ADVICE: Final[Mapping[str, Advice]] = MappingProxyType(
    {
        "chain_ca_first": do(
            f"{_NOT_YET} Write it anew with the broker's own certificate first and the intermediate below it, without "
            "the root: `cat server.pem intermediate.pem > chain.pem`. The broker's file with CAs is a setting of its "
            "own, for checking clients.",
            SERVER_FILES,
        ),
        "certificate_expired": do(
            f"{_NOT_YET} Is it an old one? Then take the renewed one; if there is none, renew the certificate at the "
            "CA that issued it, for the same names. If it is a CA's certificate that expired, ask that CA for its "
            "successor, and give it to every client whose CA file holds the old one.",
        ),
        "certificate_not_yet_valid": do(
            "Compare the clocks first (`timedatectl`, here and where the certificate was issued). If they are right, "
            "install the file only after that date, or have a certificate issued that is valid at once.",
        ),
        "leaf_self_signed": do(
            f"{_NOT_YET} Take the certificate that your CA has issued. If it is meant to be self-signed, every client "
            "must be given this very certificate; to check it here, name it as `--ca-file`.",
        ),
        "chain_incomplete": do(
            "Certificate of a public CA: append the intermediate certificate that came with it to the file, below the "
            "broker's own: `cat server.pem intermediate.pem > chain.pem`. Certificate of your own CA: name the CA's "
            "certificate as `--ca-file` here, and give it to every client.",
            SERVER_FILES,
        ),
        "chain_untrusted": do(
            "Name the certificates that your clients trust as `--ca-file`. If they are named already, have the "
            "certificate issued by a CA among them, or give the new CA's certificate to every client before this file "
            "is installed.",
        ),
        "chain_invalid": do(
            f"{_NOT_YET} Repeat the check with `openssl verify -show_chain -CAfile ca.pem -untrusted chain.pem "
            "server.pem`, and have the certificate that it names issued anew. Common slips: a CA without "
            "`basicConstraints = CA:TRUE`, a CA made anew under its old name, a path length (`pathlen`) that is too "
            "short.",
        ),
        "name_mismatch": do(
            f"{_NOT_YET} If clients do use this name, have the certificate issued anew with it: `subjectAltName = "
            "DNS:broker.example, IP:192.0.2.1` for instance, in the request and in the file given to `-extfile` when "
            "signing. If they do not, leave it out of the `--name` options.",
        ),
        "key_mismatch": entry("key_mismatch").advice,  # which only files can have
        "certificate_unreadable": do(
            f"{_NOT_YET} Write it anew from the files that the CA sent, each ending with a line break. If those are as "
            "bad, have the certificate issued anew, with another program. `openssl asn1parse -in cert.pem` shows how "
            "it is written.",
        ),
        "certificate_expiring": do(
            "Is it an old one? Then take the renewed one; otherwise renew the certificate at the CA that issued it, "
            "for the same names, before this file is installed.",
        ),
        "chain_root_sent": do(
            "Leave the root out of the file: the broker's certificate and the intermediate are enough.", SERVER_FILES
        ),
    }
)
