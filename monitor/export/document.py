"""The JSON document of one probe: what `probe --json` prints and the API answers. Its names are a contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from monitor.export import words
from monitor.export.scan import scan_document
from monitor.model.broker import Broker
from monitor.model.chain_file import ChainFile
from monitor.model.facts import CertificateFacts, TlsFacts
from monitor.model.installed import FileOpinion
from monitor.model.judgement import Assessment, CertificateChange, Finding, NextBreak, ProfileOpinion, Served, Verdict
from monitor.model.outcome import Done, Failed, PhaseReport, Skipped
from monitor.model.refusal import Refusal
from monitor.model.report import ProbeReport
from monitor.model.revocation import Answer

SCHEMA_VERSION = 1


def document(
    report: ProbeReport,
    assessment: Assessment,
    *,
    failing_since: datetime | None = None,
    last_success_at: datetime | None = None,
    last_seen: TlsFacts | None = None,
    changes: Sequence[CertificateChange] = (),
) -> dict[str, Any]:
    """Return the document of one result, in the contract's order; `None` stands for what is not known.

    Where this probe got no certificates, `certificates` are those of `last_seen`, which the findings are about.
    `changes`, latest first, and the two moments are what the daemon remembers.
    """
    return _empty(report.broker) | {
        "address": report.address,
        "started_at": words.rfc3339(report.started_at),
        "verdict": assessment.verdict.value,
        "success": assessment.success,
        "failing_since": _moment(failing_since),
        "last_success_at": _moment(last_success_at),
        "phases": [_phase(entry) for entry in report.phases],
        "tls": None if report.tls is None else _tls(report.tls),
        "certificates": _certificates(report.tls_or(last_seen)),
        "findings": [_finding(finding) for finding in assessment.findings],
        "trust_profiles": [_profile(profile) for profile in assessment.profiles],
        "revocation": [_revocation(answer) for answer in assessment.revocation],
        "next_break": None if assessment.next_break is None else _next_break(assessment.next_break),
        "changes": [_change(change) for change in changes],
        "certificate_file": None if assessment.certificate_file is None else _file(assessment.certificate_file),
        "refusals": [_refusal(refusal) for refusal in assessment.refusals],
        "scan": scan_document(assessment.scan),
    }


def file_document(file: ChainFile, assessment: Assessment) -> dict[str, Any]:
    """Return the document of a certificate file that is not installed yet: the same shape, and `file`, its path.

    There was no broker and no connection: `broker`, `address` and `tls` are None, `phases` is empty, and `started_at`
    is the moment that was judged at.
    """
    # In this order: a member that is there already keeps its place.
    head = {"schema_version": SCHEMA_VERSION, "broker": None, "file": words.clean(file.source)}
    return (
        head
        | _empty(None)
        | {
            "started_at": words.rfc3339(assessment.at),
            "verdict": assessment.verdict.value,
            "success": assessment.success,
            "certificates": [_certificate(certificate) for certificate in file.certificates],
            "findings": [_finding(finding) for finding in assessment.findings],
        }
    )


def pending(
    broker: Broker,
    *,
    address: str | None = None,
    last_seen: TlsFacts | None = None,
    changes: Sequence[CertificateChange] = (),
) -> dict[str, Any]:
    """Return the document of a broker that has no result yet: the same shape, and what was known before."""
    return _empty(broker.name) | {
        "address": address,
        "certificates": _certificates(last_seen),
        "changes": [_change(change) for change in changes],
    }


def of_addresses(broker: Broker, documents: Sequence[dict[str, Any]], verdict: Verdict | None) -> dict[str, Any]:
    """Return what the documents of a broker come to that is probed at each of its addresses, and they themselves."""
    outcomes = {document["success"] for document in documents}
    return {
        "schema_version": SCHEMA_VERSION,
        "broker": broker.name,
        "verdict": None if verdict is None else verdict.value,
        "success": None if None in outcomes else outcomes == {True},
        "documents": list(documents),
    }


def _empty(broker: str | None) -> dict[str, Any]:
    """Return a document of which nothing is known, with every member in the contract's order."""
    return {
        "schema_version": SCHEMA_VERSION,
        "broker": broker,
        "address": None,
        "started_at": None,
        "verdict": None,
        "success": None,
        "failing_since": None,
        "last_success_at": None,
        "phases": [],
        "tls": None,
        "certificates": [],
        "findings": [],
        "trust_profiles": [],
        "revocation": [],
        "next_break": None,
        "changes": [],
        "certificate_file": None,
        "refusals": [],
        "scan": None,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else words.rfc3339(moment)


def _phase(entry: PhaseReport) -> dict[str, Any]:
    name = entry.phase.value
    match entry.outcome:
        case Done(elapsed_s=elapsed_s):
            return _named(name, "done", elapsed_s=elapsed_s)
        case Failed(reason=reason, detail=detail, elapsed_s=elapsed_s):
            return _named(name, "failed", elapsed_s=elapsed_s, reason=reason, detail=detail)
        case Skipped(blocked_by=blocker):
            return _named(name, "skipped", detail=f"{blocker.value} failed")


def _named(
    name: str, outcome: str, *, elapsed_s: float | None = None, reason: str | None = None, detail: str | None = None
) -> dict[str, Any]:
    # Stamps are good to a microsecond at best: more digits would be noise.
    seconds = None if elapsed_s is None else round(elapsed_s, 6)
    return {"name": name, "outcome": outcome, "seconds": seconds, "reason": reason, "detail": detail}


def _tls(tls: TlsFacts) -> dict[str, Any]:
    return {"version": tls.version, "cipher": tls.cipher, "group": tls.group, "alpn": tls.alpn}


def _certificates(tls: TlsFacts | None) -> list[dict[str, Any]]:
    return [] if tls is None else [_certificate(certificate) for certificate in tls.certificates]


def _certificate(facts: CertificateFacts) -> dict[str, Any]:
    return {
        "position": facts.position,
        "role": facts.role.value,
        "subject": facts.subject,
        "issuer": facts.issuer,
        "serial": facts.serial,
        "not_before": _moment(facts.not_before),
        "not_after": _moment(facts.not_after),
        "names": list(facts.names),
        "key": words.key(facts.key),
        "signature": facts.signature,
        "fingerprint_sha256": facts.fingerprint_sha256,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity.label,
        "message": finding.message,
        "fix": words.instructions(finding.fix, finding.hints),
        "certificate": finding.certificate,
    }


def _profile(profile: ProfileOpinion) -> dict[str, Any]:
    return {
        "name": profile.name,
        "trusted": profile.is_trusted,
        "not_after": _moment(profile.path_not_after),
        "error": profile.error,
    }


def _revocation(answer: Answer) -> dict[str, Any]:
    return {
        "source": answer.source.value,
        "status": answer.status.value,
        "certificate": answer.certificate,
        "detail": answer.detail or None,
        "this_update": _moment(answer.this_update),
        "next_update": _moment(answer.next_update),
        "revoked_at": _moment(answer.revoked_at),
        "reason": answer.reason,
        "problem": None if answer.problem is None else answer.problem.value,
    }


def _next_break(next_break: NextBreak) -> dict[str, Any]:
    return {
        "at": words.rfc3339(next_break.at),
        "cause": next_break.cause.value,
        "certificate": next_break.certificate,
        "message": next_break.sentence,
    }


def _change(change: CertificateChange) -> dict[str, Any]:
    return {
        "at": words.rfc3339(change.at),
        "last_seen_at": _moment(change.last_seen_at),
        "what": [what.value for what in change.what],
        "before": _served(change.before),
        "after": _served(change.after),
    }


def _served(served: Served) -> dict[str, Any]:
    return {
        "fingerprint_sha256": served.fingerprint_sha256,
        "spki_sha256": served.spki_sha256,
        "issuer": served.issuer,
        "root": served.root,
        "chain": list(served.chain),
    }


def _file(opinion: FileOpinion) -> dict[str, Any]:
    reading = opinion.certificate
    return {
        "path": words.clean(reading.path),
        "state": reading.state.value,
        "since": words.rfc3339(reading.since),
        "served": opinion.is_served,
    }


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "check": refusal.check.value,
        "outcome": refusal.outcome.value,
        "detail": words.clean(refusal.detail),
        "at": words.rfc3339(refusal.at),
    }
