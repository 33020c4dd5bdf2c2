"""One result, worded: what the terminal and the page both show. Every text in it is safe to show.

Nothing is judged here: sentences of findings come from the assessment, and this module only chooses and arranges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from monitor.config.hosts import endpoint
from monitor.export import words
from monitor.export.alerts import alert_of
from monitor.export.revocation import revocation
from monitor.export.scan import scan_lines
from monitor.export.words import clean
from monitor.model.chain_file import ChainFile, KeyFile
from monitor.model.facts import CertificateFacts, TlsFacts
from monitor.model.installed import FileOpinion, FileState
from monitor.model.judgement import Assessment, Finding, Hints, ProfileOpinion, Severity, Verdict
from monitor.model.outcome import Clock, Confidence, Done, Failed, Outcome, Phase, PhaseReport
from monitor.model.refusal import Refusal
from monitor.model.report import ProbeReport

# A subject alternative name list can hold thousands; the eye needs the first, and how many more there are.
_SHOWN_NAMES = 8
# RFC 5280 bounds a commonName to 64 characters; a whole name beyond this is an attack or a mistake.
_NAME_LIMIT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseView:
    """One bar of the waterfall."""

    name: str
    outcome: str
    """`done`, `failed` or `skipped`."""
    start: float
    """Where the bar begins, as a share of all the waiting, 0 to 1; likewise `length`."""
    length: float
    is_own_work: bool
    """The monitor computed and waited for nobody: not the broker's time, and no part of the waterfall."""
    elapsed: str
    """Empty for a phase that was not tried."""
    note: str
    """What qualifies the number; often empty."""
    reason: str
    """Empty unless failed."""
    detail: str
    """Empty unless failed, and where the sentence on top says it already."""
    blocked_by: str
    """Empty unless skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateView:
    """One certificate of the served chain."""

    position: int
    role: str
    subject: str
    issuer: str
    names: str
    """Empty where there are none."""
    key: str
    ends: str
    is_past: bool
    """It is no longer valid."""
    is_issuer_of_previous: bool
    """By name; True for the first, which has none before it."""
    is_self_issued: bool
    serial: str
    fingerprint_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """One finding with its fix."""

    code: str
    severity: str
    message: str
    fix: str
    """May have several lines: commands, lines of a configuration."""
    hints: tuple[Hints, ...]
    """A block that an earlier finding has is a caption alone."""
    about: str
    """`certificate 0`, or empty."""
    alert: str
    """Whose runbook says more; empty if none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    """What the clients of one trust profile think of the chain."""

    name: str
    accepts: bool
    says: str
    """Until when they accept it, or the validators' words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalView:
    """What came of one attempt at what must be refused."""

    check: str
    outcome: str
    """`refused`, `accepted` or `unknown`."""
    detail: str
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything to show of one result."""

    broker: str
    target: str
    """Host and port, with the address where it is another."""
    verdict: str
    sentence: str
    """What is wrong, in words; or that nothing is."""
    started: str
    took: str
    phases: tuple[PhaseView, ...]
    session: str
    """Version, cipher suite, group, ALPN; empty where no handshake came that far."""
    certificates: tuple[CertificateView, ...]
    are_certificates_old: bool
    """They are the last seen ones: this probe was served none."""
    findings: tuple[FindingView, ...]
    profiles: tuple[ProfileView, ...]
    revocation: str
    """What staple and lists say; empty where there are none."""
    next_break: str
    """What breaks next and when; empty while nothing works that could."""
    certificate_file: str
    """Whether it is what is served; empty where the configuration names none."""
    refusals: tuple[RefusalView, ...]
    scan: tuple[str, ...]
    """What the latest scan told, line by line; empty without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """Everything to show of a certificate file that is not installed yet."""

    file: str
    verdict: str
    sentence: str
    """What is wrong, in words; or that nothing is."""
    judged: str
    """At which moment."""
    key: str
    """Whose private key is there; empty if none was named or found."""
    certificates: tuple[CertificateView, ...]
    findings: tuple[FindingView, ...]


def file_view(file: ChainFile, assessment: Assessment) -> FileView:
    """Word what was found about a certificate file."""
    worst = _gravest(assessment)
    return FileView(
        file=clean(file.source),
        verdict=assessment.verdict.value,
        sentence=_accepted(assessment) if worst is None else clean(worst.message),
        judged=words.utc(assessment.at),
        key="" if file.key is None else clean(_key(file.key)),
        certificates=_certificates(file.certificates, assessment.at),
        findings=_findings(assessment),
    )


def view(report: ProbeReport, assessment: Assessment, *, now: datetime, last_seen: TlsFacts | None = None) -> View:
    """Word one result as seen from `now`.

    Where this probe got no certificates, those of `last_seen` are shown: the ones that the findings are about.
    """
    said = sentence(report, assessment)
    tls = report.tls_or(last_seen)
    certificates = () if tls is None else tls.certificates
    return View(
        broker=clean(report.broker),
        target=_target(report),
        verdict=assessment.verdict.value,
        sentence=said,
        started=words.utc(report.started_at),
        took=words.duration(report.duration_s),
        phases=_phases(report, said),
        session="" if report.tls is None else _session(report.tls),
        certificates=_certificates(certificates, now),
        are_certificates_old=bool(certificates) and tls is not report.tls,
        findings=_findings(assessment),
        profiles=tuple(_profile(profile, now) for profile in assessment.profiles),
        revocation=revocation(assessment.revocation, now),
        next_break=next_break(assessment, now),
        certificate_file=_file(assessment.certificate_file, now),
        refusals=tuple(_refusal(refusal, now) for refusal in assessment.refusals),
        scan=scan_lines(assessment.scan, now),
    )


def next_break(assessment: Assessment, now: datetime) -> str:
    """Word what breaks next, as the end of a sentence; empty while nothing works that could."""
    breaks = assessment.next_break
    if breaks is None:
        return ""
    return clean(f"{breaks.what}, {words.distance(breaks.at, now)} ({words.utc(breaks.at)})")


def headline(report: ProbeReport, assessment: Assessment) -> Finding | None:
    """Return the finding that the result comes to: the one behind the failure, else the gravest above `info`."""
    if (reason := report.reason) is not None:
        # `verify` fails with the finding's code behind its own name; any other reason is a finding's code itself.
        codes = (reason, reason.removeprefix(f"{Phase.VERIFY.value}_"))
        for finding in assessment.findings:
            if finding.code in codes:
                return finding
    return _gravest(assessment)


def sentence(report: ProbeReport, assessment: Assessment) -> str:
    """Say what the result comes to: what is wrong, or what went well."""
    if (worst := headline(report, assessment)) is not None:
        return clean(worst.message)
    if assessment.verdict is not Verdict.OK:
        return clean("The probe failed." if report.reason is None else f"The probe failed: {report.reason}.")
    elapsed = {entry.phase: entry.outcome.elapsed_s for entry in report.phases if isinstance(entry.outcome, Done)}
    if Phase.ROUNDTRIP in elapsed:
        return f"Connected, and got its own message back in {words.duration(elapsed[Phase.ROUNDTRIP])}."
    return "Connected; chain and name are accepted."


def _profile(profile: ProfileOpinion, now: datetime) -> ProfileView:
    says = "" if profile.path_not_after is None else _ends(None, profile.path_not_after, now)
    return ProfileView(
        name=clean(profile.name),
        accepts=profile.is_trusted,
        says=clean(profile.error or says, limit=_NAME_LIMIT),
    )


def _file(opinion: FileOpinion | None, now: datetime) -> str:
    if opinion is None:
        return ""
    reading = opinion.certificate
    if reading.state is not FileState.READ:
        return clean(f"{reading.path}: found {reading.detail}")
    served = {True: "served", False: "not served", None: "nothing served yet to compare it with"}[opinion.is_served]
    return clean(f"{reading.path}: {served}, replaced {words.distance(min(reading.since, now), now)}")


def _refusal(refusal: Refusal, now: datetime) -> RefusalView:
    return RefusalView(
        check=refusal.check.value,
        outcome=refusal.outcome.value,
        detail=clean(refusal.detail),
        when=words.distance(min(refusal.at, now), now),
    )


def _gravest(assessment: Assessment) -> Finding | None:
    return next((finding for finding in assessment.findings if finding.severity > Severity.INFO), None)


def _accepted(assessment: Assessment) -> str:
    end = assessment.chain_not_after
    until = "" if end is None else f" until {words.utc(end)}"
    return f"Clients will accept this chain{until}."


def _key(key: KeyFile) -> str:
    owners = ", ".join(str(position) for position, is_owner in enumerate(key.belongs_to) if is_owner)
    whose = f"is that of certificate {owners}" if owners else "belongs to none of these certificates"
    return f"{key.source}, {whose}"


def _findings(assessment: Assessment) -> tuple[FindingView, ...]:
    shown: set[Hints] = set()
    return tuple(
        FindingView(
            code=finding.code,
            severity=finding.severity.label,
            message=clean(finding.message),
            fix=_lines(finding.fix),
            hints=tuple(_hints(block, shown) for block in finding.hints),
            about="" if finding.certificate is None else f"certificate {finding.certificate}",
            alert=alert_of(finding) or "",
        )
        for finding in assessment.findings
    )


def _lines(text: str) -> str:
    return "\n".join(clean(line) for line in text.splitlines())


def _hints(block: Hints, shown: set[Hints]) -> Hints:
    # Several findings are mended in the same place: it is told with the first of them.
    if block in shown:
        return Hints(caption=f"{clean(block.caption)}: as above", by_broker=())
    shown.add(block)
    lines = tuple((clean(broker), clean(said)) for broker, said in block.by_broker)
    return Hints(caption=clean(block.caption), by_broker=lines)


def _target(report: ProbeReport) -> str:
    where = clean(endpoint(report.host, report.port))
    return where if report.address in {None, report.host} else clean(f"{where} ({report.address})")


def _phases(report: ProbeReport, said: str) -> tuple[PhaseView, ...]:
    waits_s = [0.0 if _is_own_work(report, entry.phase) else _elapsed_s(entry.outcome) for entry in report.phases]
    total_s = sum(waits_s) or 1.0
    rows: list[PhaseView] = []
    start_s = 0.0
    for entry, wait_s in zip(report.phases, waits_s, strict=True):
        is_own_work = _is_own_work(report, entry.phase)
        row = _phase(entry, start=start_s / total_s, length=wait_s / total_s, is_own_work=is_own_work)
        rows.append(replace(row, detail="") if row.detail in said else row)
        start_s += wait_s
    return tuple(rows)


def _is_own_work(report: ProbeReport, phase: Phase) -> bool:
    return phase is Phase.VERIFY or (phase is Phase.RESOLVE and report.address == report.host)


def _elapsed_s(outcome: Outcome) -> float:
    return outcome.elapsed_s if isinstance(outcome, Done | Failed) else 0.0


def _phase(entry: PhaseReport, *, start: float, length: float, is_own_work: bool) -> PhaseView:
    elapsed = note = reason = detail = blocked_by = ""
    match entry.outcome:
        case Done() as done:
            word, elapsed = "done", words.duration(done.elapsed_s)
            note = "our own work" if is_own_work else _note(done)
        case Failed() as failed:
            word, elapsed, reason, detail = (
                "failed",
                words.duration(failed.elapsed_s),
                failed.reason,
                clean(failed.detail),
            )
            note = "inferred" if failed.confidence is Confidence.INFERRED else ""
        case skipped:
            word, blocked_by = "skipped", skipped.blocked_by.value
    return PhaseView(
        name=entry.phase.value,
        outcome=word,
        start=start,
        length=length,
        is_own_work=is_own_work,
        elapsed=elapsed,
        note=note,
        reason=reason,
        detail=detail,
        blocked_by=blocked_by,
    )


def _note(outcome: Done) -> str:
    notes = ("at most" if outcome.is_upper_bound else "", "user clock" if outcome.clock is Clock.USER else "")
    return ", ".join(note for note in notes if note)


def _session(tls: TlsFacts) -> str:
    if tls.version is None:
        return ""
    client = {
        (True, True): "client certificate sent",
        (True, False): "client certificate asked for, none sent",
    }.get((bool(tls.client_certificate_requested), tls.client_certificate_sent), "")
    alpn = "" if tls.alpn is None else f"ALPN {tls.alpn}"
    parts = (tls.version, tls.cipher or "", tls.group or "", alpn, client)
    return clean(", ".join(part for part in parts if part))


def _certificates(chain: tuple[CertificateFacts, ...], now: datetime) -> tuple[CertificateView, ...]:
    return tuple(_certificate(facts, chain[index - 1] if index else None, now) for index, facts in enumerate(chain))


def _certificate(facts: CertificateFacts, previous: CertificateFacts | None, now: datetime) -> CertificateView:
    key = words.key(facts.key) or "unreadable key"
    return CertificateView(
        position=facts.position,
        role=facts.role.value,
        subject=_name(facts.subject),
        issuer=_name(facts.issuer),
        names=_names(facts.names),
        key=clean(key if facts.signature is None else f"{key}, signed with {facts.signature}"),
        ends=_ends(facts.not_before, facts.not_after, now),
        is_past=facts.not_after is not None and facts.not_after < now,
        is_issuer_of_previous=previous is None or previous.issuer_der == facts.subject_der,
        is_self_issued=bool(facts.is_self_issued),
        serial=clean(facts.serial or "unreadable"),
        fingerprint_sha256=facts.fingerprint_sha256,
    )


def _name(name: str | None) -> str:
    if name is None:
        return "(unreadable name)"
    return clean(name, limit=_NAME_LIMIT) or "(empty name)"


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return clean(shown if more <= 0 else f"{shown} and {more} more", limit=_NAME_LIMIT * 2)


def _ends(not_before: datetime | None, not_after: datetime | None, now: datetime) -> str:
    if not_before is not None and not_before > now:
        return f"begins {words.utc(not_before)}, {words.distance(not_before, now)}"
    if not_after is None:
        return "end unreadable"
    verb = "ended" if not_after < now else "ends"
    return f"{verb} {words.utc(not_after)}, {words.distance(not_after, now)}"
