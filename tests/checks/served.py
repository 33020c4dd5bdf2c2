"""Records for the checks: a handshake that served these certificates, a broker, a report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from monitor.demo.pki import Issued, issue
from monitor.model.broker import Broker, ClientIdentity, MqttSettings, Policy, Secret, TlsSettings, Trust, TrustProfile
from monitor.model.facts import MqttFacts, TlsFacts
from monitor.model.installed import FileReading, FileState, InstalledFiles
from monitor.model.known import Neighbour
from monitor.model.outcome import MQTT_PHASES, TLS_PHASES, Clock, Done, Failed, Phase, PhaseReport, Skipped
from monitor.model.report import ProbeReport
from monitor.x509.certificate import read_chain

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)

ROOT = issue(now=NOW, is_ca=True)
INTERMEDIATE = issue(now=NOW, issuer=ROOT, is_ca=True)
LEAF = issue(now=NOW, issuer=INTERMEDIATE)


def handshake(*served: Issued | bytes, client_certificate_requested: bool | None = None) -> TlsFacts:
    """Make the facts of a handshake that served these."""
    ders = [each if isinstance(each, bytes) else each.der for each in served]
    return TlsFacts(
        version="TLSv1.3",
        cipher="TLS_AES_256_GCM_SHA384",
        group="X25519",
        alpn=None,
        certificates=read_chain(ders),
        is_complete=True,
        ocsp_response=None,
        client_certificate_requested=client_certificate_requested,
        client_certificate_sent=False,
        accepted_cas=(),
        alert=None,
    )


def broker(
    *anchors: Issued,
    server_name: str = "localhost",
    source: str = "/etc/ca.pem",
    client: tuple[Issued, ...] = (),
    qos: int = 1,
    policy: Policy | None = None,
    profiles: Mapping[str, Issued] | None = None,
) -> Broker:
    """Make a broker that trusts these anchors (by default the root), with trust profiles of one anchor each."""
    identity = None
    if client:
        chain = tuple(issued.der for issued in client)
        identity = ClientIdentity(source="/etc/client.pem", chain=chain, key=Secret(client[0].key_pem))
    return Broker(
        name="under-test",
        host="127.0.0.1",
        tls=TlsSettings(
            trust=Trust(source=source, anchors=tuple(anchor.der for anchor in anchors or (ROOT,))),
            server_name=server_name,
            client_identity=identity,
            trust_profiles=tuple(
                TrustProfile(name=name, trust=Trust(source=f"{name}.pem", anchors=(anchor.der,)))
                for name, anchor in (profiles or {}).items()
            ),
        ),
        mqtt=MqttSettings(qos=qos),
        policy=policy or Policy(),
    )


def on_disk(
    *held: Issued,
    since: datetime = NOW - DAY,
    state: FileState = FileState.READ,
    key_state: FileState = FileState.READ,
    key_matches: bool | None = True,
) -> InstalledFiles:
    """Make what the broker's files hold; with another state than `READ`, what the certificate's last held."""

    def reading(path: str, state: FileState) -> FileReading:
        detail = "" if state is FileState.READ else f"the like of {state.value}"
        return FileReading(path=path, state=state, detail=detail, since=since)

    is_known = state is key_state is FileState.READ
    return InstalledFiles(
        certificate=reading("/etc/server.pem", state),
        certificates=read_chain([each.der for each in held]),
        key=reading("/etc/server.key", key_state),
        key_matches=key_matches if is_known else None,
    )


def neighbour(
    serving: Issued,
    *,
    name: str = "websocket",
    host: str = "127.0.0.1",
    port: int = 8084,
    rotated_at: datetime | None = None,
    before: Issued | None = None,
) -> Neighbour:
    """Make another broker of the configuration, by default at another port of the same host."""
    return Neighbour(
        broker=name,
        host=host,
        port=port,
        leaf=read_chain([serving.der])[0],
        rotated_at=rotated_at,
        before=None if before is None else read_chain([before.der])[0].fingerprint_sha256,
    )


def report(
    tls: TlsFacts | None,
    *,
    reason: str | None = None,
    detail: str = "seen",
    mqtt: MqttFacts | None = None,
    elapsed_s: float = 0.001,
    address: str = "127.0.0.1",
    left_out: int = 0,
) -> ProbeReport:
    """Make a report: of a success, or of a failure for this reason in the phase that it names."""
    phases = []
    failed: Phase | None = None
    for phase in (*TLS_PHASES, *MQTT_PHASES):
        if failed is not None:
            phases.append(PhaseReport(phase=phase, outcome=Skipped(blocked_by=failed)))
        elif reason is not None and (reason.startswith(phase) or reason == "internal"):
            failed = phase
            phases.append(PhaseReport(phase=phase, outcome=Failed(reason=reason, detail=detail, elapsed_s=0.1)))
        else:
            phases.append(PhaseReport(phase=phase, outcome=Done(elapsed_s=elapsed_s, clock=Clock.KERNEL)))
    return ProbeReport(
        broker="under-test",
        host="127.0.0.1",
        port=8883,
        started_at=NOW,
        duration_s=0.01,
        address=address,
        addresses_left_out=left_out,
        phases=tuple(phases),
        tls=tls,
        mqtt=mqtt,
    )
