"""What a broker serves against its own files on this host: what lies there is what it serves after the next restart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from monitor.checks.catalogue import entry
from monitor.checks.finding import finding
from monitor.checks.phrases import end, name, span
from monitor.checks.validity import is_expired
from monitor.model.facts import CertificateFacts, TlsFacts
from monitor.model.installed import FileOpinion, FileReading, FileState, InstalledFiles
from monitor.model.judgement import Finding, Severity

# While files are being replaced one after the other, nothing is wrong.
SETTLING: Final = timedelta(seconds=30)
# Brokers on Erlang's TLS take up a replaced file by themselves, within two minutes.
PATIENCE: Final = timedelta(minutes=5)

_CODES: Final = {
    FileState.MISSING: "certificate_file_missing",
    FileState.UNREADABLE: "certificate_file_unreadable",
    FileState.DAMAGED: "certificate_file_damaged",
}


def file_opinion(files: InstalledFiles, tls: TlsFacts | None) -> FileOpinion:
    """Say whether the certificate file is what was last served."""
    served = () if tls is None else tls.certificates
    can_tell = files.certificate.state is FileState.READ and bool(served)
    return FileOpinion(
        certificate=files.certificate,
        is_served=_is_leaf_served(files, served) and not _not_served(files, served) if can_tell else None,
    )


def installed(files: InstalledFiles | None, tls: TlsFacts | None, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with the broker's files, and how they differ from what it served last.

    Args:
        files: as last read; None if the configuration names none.
        tls: the latest handshake that brought certificates, if there was one.
        now: the moment to judge at; aware.
    """
    if files is None:
        return
    for reading, what in ((files.certificate, "certificate"), (files.key, "private key")):
        if reading is not None and reading.state is not FileState.READ:
            yield _unusable(reading, what, now)
    if files.certificate.state is not FileState.READ:
        return
    if files.key is not None and files.key_matches is False:
        # To take up these files would be worse than to leave them.
        yield _key_mismatch(files, files.key, now)
    elif tls is not None and tls.certificates:
        yield from _differing(files, tls.certificates, now)


def _unusable(reading: FileReading, what: str, now: datetime) -> Finding:
    code = _CODES[reading.state]
    return finding(
        code,
        f"Expected the broker's {what} in {reading.path}, found {reading.detail}.",
        severity=_severity(code, reading, now, SETTLING),
    )


def _key_mismatch(files: InstalledFiles, key: FileReading, now: datetime) -> Finding:
    code = "certificate_file_key_mismatch"
    latest = max(files.certificate, key, key=lambda reading: reading.since)
    return finding(
        code,
        f"The private key in {key.path} is not that of the certificate {name(files.certificates[0].subject)} in "
        f"{files.certificate.path}; {latest.path} was replaced {_ago(latest, now)}.",
        severity=_severity(code, latest, now, SETTLING),
    )


def _differing(files: InstalledFiles, served: tuple[CertificateFacts, ...], now: datetime) -> Iterator[Finding]:
    held, shown, file = files.certificates[0], served[0], files.certificate
    if _is_leaf_served(files, served):
        missing = _not_served(files, served)
        if missing:
            code = "certificate_file_chain_differs"
            names = ", ".join(name(facts.subject) for facts in missing)
            yield finding(
                code,
                f"The broker serves its own certificate as it is in {file.path}, but not what the file holds above it: "
                f"{names}. The file was replaced {_ago(file, now)}.",
                severity=_severity(code, file, now, PATIENCE),
            )
    elif is_expired(held, now):
        yield finding(
            "certificate_file_expired",
            f"The certificate in {file.path} has expired, and the broker serves another one. {_both(held, shown)}",
        )
    elif held.not_before is not None and shown.not_before is not None and held.not_before < shown.not_before:
        yield finding(
            "certificate_file_older",
            f"The certificate in {file.path} is older than the one that the broker serves. {_both(held, shown)}",
        )
    else:
        code = "certificate_not_reloaded"
        yield finding(
            code,
            f"The file {file.path} was replaced {_ago(file, now)}, but the broker serves another certificate than the "
            f"one in it. {_both(held, shown)}",
            severity=_severity(code, file, now, PATIENCE),
            certificate=shown.position,
        )


def _is_leaf_served(files: InstalledFiles, served: tuple[CertificateFacts, ...]) -> bool:
    return files.certificates[0].fingerprint_sha256 == served[0].fingerprint_sha256


def _not_served(files: InstalledFiles, served: tuple[CertificateFacts, ...]) -> tuple[CertificateFacts, ...]:
    """Return what the file holds above its first certificate and the broker does not send.

    Roots may be left out. What is served beyond the file may come from the broker's file of CAs.
    """
    sent = {facts.fingerprint_sha256 for facts in served}
    return tuple(
        facts for facts in files.certificates[1:] if not facts.is_self_issued and facts.fingerprint_sha256 not in sent
    )


def _described(facts: CertificateFacts) -> str:
    return f"{name(facts.subject)}, issued by {name(facts.issuer)}, until {end(facts)}"


def _both(held: CertificateFacts, shown: CertificateFacts) -> str:
    return f"In the file: {_described(held)}. Served: {_described(shown)}."


def _ago(reading: FileReading, now: datetime) -> str:
    return f"{span(max(0.0, (now - reading.since).total_seconds()))} ago"


def _severity(code: str, reading: FileReading, now: datetime, grace: timedelta) -> Severity:
    return Severity.INFO if now - reading.since < grace else entry(code).severity
