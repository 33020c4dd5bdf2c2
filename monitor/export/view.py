"""One result, worded: what the terminal and the page both show. Every text in it is safe to show.

Nothing is judged here: sentences of findings come from the assessment, and this module only chooses and arranges.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.config.hosts import endpoint
from monitor.export import words
from monitor.export.certificates import NAME_LIMIT, CertificateView, certificate_views, ends
from monitor.export.findings import FindingView, finding_views
from monitor.export.phases import PhaseView, phase_views
from monitor.export.revocation import revocation
from monitor.export.scan import scan_lines
from monitor.export.words import clean
from monitor.model.chain_file import ChainFile, KeyFile
from monitor.model.facts import TlsFacts
from monitor.model.installed import FileOpinion, FileState
from monitor.model.judgement import Assessment, Finding, ProfileOpinion, Severity, Verdict
from monitor.model.outcome import Done, Phase
from monitor.model.refusal import Refusal
from monitor.model.report import ProbeReport


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
        certificates=certificate_views(file.certificates, assessment.at),
        findings=finding_views(assessment.findings),
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
        phases=phase_views(report, said),
        session="" if report.tls is None else _session(report.tls),
        certificates=certificate_views(certificates, now),
        are_certificates_old=bool(certificates) and tls is not report.tls,
        findings=finding_views(assessment.findings),
        profiles=tuple(_profile(profile, now) for profile in assessment.profiles),
        revocation=revocation(assessment.revocation, now),
        next_break=_next_break(assessment, now),
        certificate_file=_file(assessment.certificate_file, now),
        refusals=tuple(_refusal(refusal, now) for refusal in assessment.refusals),
        scan=scan_lines(assessment.scan, now),
    )


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


def _next_break(assessment: Assessment, now: datetime) -> str:
    breaks = assessment.next_break
    if breaks is None:
        return ""
    return clean(f"{breaks.what}, {words.distance(breaks.at, now)} ({words.utc(breaks.at)})")


def _profile(profile: ProfileOpinion, now: datetime) -> ProfileView:
    says = "" if profile.path_not_after is None else ends(None, profile.path_not_after, now)
    return ProfileView(
        name=clean(profile.name),
        accepts=profile.is_trusted,
        says=clean(profile.error or says, limit=NAME_LIMIT),
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


def _target(report: ProbeReport) -> str:
    where = clean(endpoint(report.host, report.port))
    return where if report.address in {None, report.host} else clean(f"{where} ({report.address})")


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
