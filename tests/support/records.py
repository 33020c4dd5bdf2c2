"""Builders of the records that flow through the program: a healthy broker by default, one deviation per call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.model.broker import Addresses, Broker, ClientIdentity, Protocol, Secret, TlsSettings, TlsVersion, Trust
from monitor.model.facts import CertificateFacts, KeyFacts, MqttFacts, Role, TcpFacts, TlsFacts
from monitor.model.installed import FileOpinion, FileReading, FileState
from monitor.model.judgement import (
    Assessment,
    Cause,
    CertificateChange,
    Changed,
    Finding,
    Hints,
    Judgement,
    NextBreak,
    ProfileOpinion,
    Served,
    Severity,
)
from monitor.model.outcome import (
    MQTT_PHASES,
    TLS_PHASES,
    Clock,
    Confidence,
    Done,
    Failed,
    Outcome,
    Phase,
    PhaseReport,
    Skipped,
)
from monitor.model.refusal import Refusal, RefusalCheck, RefusalOutcome
from monitor.model.report import ProbeReport
from monitor.model.revocation import Answer, Source, Status
from monitor.model.scan import ScanFacts, Weakness, WeakSuite
from monitor.store import Store

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
P256 = KeyFacts(algorithm="EC", bits=256, curve="P-256")
ELAPSED_S = {
    Phase.RESOLVE: 0.0009,
    Phase.CONNECT: 0.0004,
    Phase.HANDSHAKE: 0.0127,
    Phase.VERIFY: 0.0003,
    Phase.MQTT_CONNECT: 0.0011,
    Phase.SUBSCRIBE: 0.0006,
    Phase.PUBLISH: 0.0007,
    Phase.ROUNDTRIP: 0.0032,
}


def a_broker(
    name: str = "plant-7",
    *,
    host: str = "mqtt.example.org",
    port: int = 8883,
    addresses: Addresses = Addresses.FIRST,
    protocol: Protocol = Protocol.MQTT,
    interval_s: float = 60.0,
    labels: tuple[tuple[str, str], ...] = (),
    client_chain: tuple[bytes, ...] = (),
) -> Broker:
    identity = None
    if client_chain:
        identity = ClientIdentity(source="client.pem", chain=client_chain, key=Secret(b"not a key"))
    trust = Trust(source="ca.pem", anchors=())
    return Broker(
        name=name,
        host=host,
        port=port,
        addresses=addresses,
        protocol=protocol,
        interval_s=interval_s,
        labels=labels,
        tls=TlsSettings(trust=trust, server_name=host, client_identity=identity),
    )


def a_certificate(
    position: int = 0,
    *,
    role: Role = Role.LEAF,
    subject: str | None = "CN=mqtt.example.org",
    issuer: str | None = "CN=Example Issuing CA",
    not_before: datetime | None = NOW - timedelta(days=29),
    not_after: datetime | None = NOW + timedelta(days=61),
    names: tuple[str, ...] = ("mqtt.example.org",),
    key: KeyFacts | None = P256,
) -> CertificateFacts:
    return CertificateFacts(
        position=position,
        role=role,
        der=b"",
        fingerprint_sha256=f"{position + 10:02x}" * 32,
        subject=subject,
        issuer=issuer,
        subject_der=None if subject is None else subject.encode(errors="replace"),
        issuer_der=None if issuer is None else issuer.encode(errors="replace"),
        serial=f"{position + 1:02x}",
        not_before=not_before,
        not_after=not_after,
        dns_names=names,
        key=key,
        signature="ecdsa-with-SHA256",
        is_ca=role is not Role.LEAF,
        is_self_issued=subject == issuer,
    )


def a_chain(leaf: CertificateFacts | None = None) -> tuple[CertificateFacts, ...]:
    """Return a leaf and the intermediate that issued it."""
    intermediate = a_certificate(
        1,
        role=Role.INTERMEDIATE,
        subject="CN=Example Issuing CA",
        issuer="CN=Example Root",
        not_after=NOW + timedelta(days=2000),
        names=(),
    )
    return (leaf or a_certificate(), intermediate)


def tls_facts(
    certificates: tuple[CertificateFacts, ...] | None = None,
    *,
    version: str | None = "TLSv1.3",
    requested: bool | None = False,
    sent: bool = False,
) -> TlsFacts:
    chosen = version is not None
    return TlsFacts(
        version=version,
        cipher="TLS_AES_256_GCM_SHA384" if chosen else None,
        group="X25519" if chosen else None,
        alpn=None,
        certificates=a_chain() if certificates is None else certificates,
        is_complete=chosen,
        ocsp_response=None,
        client_certificate_requested=requested,
        client_certificate_sent=sent,
        accepted_cas=(),
        alert=None,
    )


def a_report(
    broker: str = "plant-7",
    *,
    host: str = "mqtt.example.org",
    port: int = 8883,
    reason: str | None = None,
    phase: Phase | None = None,
    detail: str = "what was seen",
    confidence: Confidence = Confidence.OBSERVED,
    protocol: Protocol = Protocol.MQTT,
    tls: TlsFacts | None = None,
    started_at: datetime = NOW,
    address: str | None = "192.0.2.7",
    failed_after_s: float = 0.002,
    tcp: TcpFacts | None = None,
) -> ProbeReport:
    """Return a successful report, or one that failed with `reason` in the phase it starts with (or `phase`)."""
    order = TLS_PHASES if protocol is Protocol.TLS else (*TLS_PHASES, *MQTT_PHASES)
    failed = phase
    if reason is not None and failed is None:
        failed = next(candidate for candidate in order if reason.startswith(f"{candidate.value}_"))
    entries: list[PhaseReport] = []
    for current in order:
        outcome: Outcome = Done(elapsed_s=ELAPSED_S[current], clock=_clock(current))
        if failed is not None and current is failed:
            assert reason is not None
            outcome = Failed(reason=reason, detail=detail, elapsed_s=failed_after_s, confidence=confidence)
        elif failed is not None and order.index(current) > order.index(failed):
            outcome = Skipped(blocked_by=failed)
        entries.append(PhaseReport(phase=current, outcome=outcome))
    reached_tls = failed is None or order.index(failed) > order.index(Phase.HANDSHAKE)
    return ProbeReport(
        broker=broker,
        host=host,
        port=port,
        started_at=started_at,
        duration_s=0.025,
        address=address,
        phases=tuple(entries),
        tcp=TcpFacts(rtt_s=0.0004, retransmitted_segments=0) if tcp is None else tcp,
        tls=(tls or tls_facts()) if reached_tls else tls,
        mqtt=MqttFacts(connack_code=0) if failed is None and protocol is Protocol.MQTT else None,
    )


def _clock(phase: Phase) -> Clock:
    return Clock.USER if phase in {Phase.RESOLVE, Phase.VERIFY} else Clock.KERNEL


def a_finding(
    code: str = "certificate_expires_soon",
    severity: Severity = Severity.WARNING,
    *,
    message: str = "The certificate ends in 6 days.",
    fix: str = "Renew it, and reload the broker.",
    hints: tuple[Hints, ...] = (),
    certificate: int | None = None,
) -> Finding:
    return Finding(code=code, severity=severity, message=message, fix=fix, hints=hints, certificate=certificate)


def a_judgement(
    *,
    at: datetime = NOW,
    is_trusted: bool = True,
    name_matches: bool = True,
    path_not_after: datetime | None = NOW + timedelta(days=61),
) -> Judgement:
    return Judgement(
        at=at,
        opinions=(),
        is_trusted=is_trusted,
        is_trusted_ignoring_time=is_trusted,
        name_matches=name_matches,
        is_for_servers=True,
        path_not_after=path_not_after,
        judged_certificates=2,
    )


def an_assessment(
    report: ProbeReport,
    *findings: Finding,
    judgement: Judgement | None = None,
    chain_not_after: datetime | None = NOW + timedelta(days=61),
    profiles: tuple[ProfileOpinion, ...] = (),
    change: CertificateChange | None = None,
    next_break: NextBreak | None = None,
    certificate_file: FileOpinion | None = None,
    refusals: tuple[Refusal, ...] = (),
    scan: ScanFacts | None = None,
    revocation: tuple[Answer, ...] = (),
) -> Assessment:
    """Return an assessment of that report with these findings, gravest first."""
    return Assessment(
        at=report.started_at + timedelta(seconds=report.duration_s),
        success=report.success,
        findings=tuple(sorted(findings, key=lambda finding: -finding.severity)),
        judgement=judgement or a_judgement(at=report.started_at),
        chain_not_after=chain_not_after,
        profiles=profiles,
        change=change,
        next_break=next_break,
        certificate_file=certificate_file,
        refusals=refusals,
        scan=scan,
        revocation=revocation,
    )


def an_answer(source: Source = Source.STAPLE, status: Status = Status.GOOD) -> Answer:
    """Return what a source says of the broker's certificate, for the next two days."""
    next_update = NOW + timedelta(days=2) if status is Status.GOOD else None
    return Answer(
        source=source,
        status=status,
        certificate=0,
        detail="" if status is Status.GOOD else "for a reason",
        origin="the stapled response",
        this_update=NOW,
        next_update=next_update,
    )


def a_refusal(
    check: RefusalCheck = RefusalCheck.ANONYMOUS,
    outcome: RefusalOutcome = RefusalOutcome.REFUSED,
    detail: str = "CONNACK with code 5",
) -> Refusal:
    """Return what came of an attempt ten minutes ago."""
    return Refusal(check=check, outcome=outcome, detail=detail, at=NOW - timedelta(minutes=10))


REFUSALS = (
    a_refusal(),
    a_refusal(RefusalCheck.NO_CLIENT_CERTIFICATE, RefusalOutcome.ACCEPTED, "a client was let in"),
    a_refusal(RefusalCheck.WRONG_PASSWORD, RefusalOutcome.UNKNOWN, "connect_refused: <no> \x1b[31m"),
)
"""One of each outcome, the last with a text that must not reach a terminal or a page as it is."""


SCAN = ScanFacts(
    at=NOW - timedelta(hours=3),
    address="192.0.2.7",
    old_versions=(TlsVersion.V1_0, TlsVersion.V1_1),
    weak_suites=(WeakSuite(name="TLS_RSA_WITH_RC4_128_SHA", weakness=Weakness.RC4),),
    has_secure_renegotiation=True,
    served=tls_facts().certificates,
    untold=("renegotiation: the answer began with \x1b[31m",),
)
"""With a text that must not reach a terminal or a page as it is."""


def a_profile(name: str = "devices-2022", *, error: str | None = None) -> ProfileOpinion:
    """Return the opinion of a trust profile: it accepts the chain, unless it says why not."""
    not_after = None if error else NOW + timedelta(days=61)
    return ProfileOpinion(name=name, is_trusted=error is None, path_not_after=not_after, error=error)


def served(octet: str, *, issuer: str = "CN=Example Issuing CA", root: str = "CN=Example Root") -> Served:
    """Return a chain of two whose fingerprints begin with that octet."""
    leaf = octet * 32
    return Served(
        fingerprint_sha256=leaf, spki_sha256="5b" * 32, chain=(leaf, f"{octet}0c" * 16), issuer=issuer, root=root
    )


def a_change(*what: Changed, at: datetime = NOW) -> CertificateChange:
    return CertificateChange(
        at=at,
        what=what,
        last_seen_at=at - timedelta(minutes=1),
        before=served("aa", issuer="CN=Old CA", root="CN=Old Root"),
        after=served("bb", issuer="CN=Example Issuing CA", root="CN=Example Root"),
    )


def a_break(cause: Cause = Cause.LEAF, *, certificate: int | None = 0) -> NextBreak:
    return NextBreak(
        at=NOW + timedelta(days=12, hours=1),
        cause=cause,
        certificate=certificate,
        what="the broker's certificate (CN=mqtt.example.org)",
        sentence="The broker's certificate (CN=mqtt.example.org) ends then.",
    )


def a_file(state: FileState = FileState.READ, *, detail: str = "", is_served: bool | None = True) -> FileOpinion:
    """Return what is thought of a certificate file that was replaced three hours ago."""
    since = NOW - timedelta(hours=3)
    reading = FileReading(path="/etc/mosquitto/server.pem", state=state, detail=detail, since=since)
    return FileOpinion(certificate=reading, is_served=is_served)


def expired() -> tuple[ProbeReport, Assessment]:
    """Return the result of a broker whose leaf ended three days ago."""
    leaf = replace(a_certificate(), not_after=NOW - timedelta(days=3, hours=1))
    report = a_report(
        reason="verify_certificate_expired", detail="certificate 0 ended 2026-11-20", tls=tls_facts(a_chain(leaf))
    )
    finding = a_finding(
        "certificate_expired",
        Severity.CRITICAL,
        message="The server's certificate ended 3 days ago, on 2026-11-20 11:00:00 UTC.",
        fix="Renew the certificate, install it with its intermediates, and reload the broker.",
        certificate=0,
    )
    judgement = a_judgement(is_trusted=False, path_not_after=leaf.not_after)
    return report, an_assessment(report, finding, judgement=judgement, chain_not_after=leaf.not_after)


def watching(*brokers: Broker) -> Store:
    """Return a store that watches these brokers, or one that is ordinary."""
    store = Store()
    store.configure(brokers or (a_broker(),))
    return store
