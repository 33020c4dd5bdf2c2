"""CPU of judging a usual chain of three with every check, new and remembered, beside cryptography's verifier alone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from monitor.checks.assess import Assessor
from monitor.demo.pki import issue
from monitor.model.broker import Broker, TlsSettings, Trust
from monitor.model.facts import TlsFacts
from monitor.model.outcome import Clock, Done, Phase, PhaseReport
from monitor.model.report import ProbeReport
from monitor.x509.certificate import read_chain

ROUNDS = 7
TIMES = 100
NOW = datetime.now(UTC)


def _cpu_ms(work: Callable[[], object]) -> float:
    before = time.process_time()
    for _ in range(TIMES):
        work()
    return (time.process_time() - before) / TIMES * 1e3


def main() -> None:
    """Print medians over the rounds."""
    root = issue(now=NOW, is_ca=True, subject="Bench Root")
    intermediate = issue(now=NOW, issuer=root, is_ca=True, subject="Bench Intermediate")
    leaf = issue(now=NOW, issuer=intermediate)
    ders = tuple(issued.der for issued in (leaf, intermediate, root))
    broker = Broker(
        name="bench",
        host="localhost",
        tls=TlsSettings(trust=Trust(source="root", anchors=(root.der,)), server_name="localhost"),
    )

    def report() -> ProbeReport:
        # Read anew, as each probe does.
        tls = TlsFacts(
            version="TLSv1.3",
            cipher="TLS_AES_256_GCM_SHA384",
            group="X25519MLKEM768",
            alpn=None,
            certificates=read_chain(ders),
            is_complete=True,
            ocsp_response=None,
            client_certificate_requested=False,
            client_certificate_sent=False,
            accepted_cas=(),
            alert=None,
        )
        done = Done(elapsed_s=0.001, clock=Clock.USER)
        phases = tuple(PhaseReport(phase=phase, outcome=done) for phase in (Phase.HANDSHAKE, Phase.VERIFY))
        return ProbeReport(
            broker="bench",
            host="localhost",
            port=8883,
            started_at=NOW,
            duration_s=0.01,
            address="127.0.0.1",
            phases=phases,
            tcp=None,
            tls=tls,
            mqtt=None,
        )

    warm = Assessor()

    def remembered() -> None:
        seen = report()
        assert seen.tls is not None
        warm.verify(seen.tls, broker, NOW)
        warm.assess(seen, broker, NOW + timedelta(seconds=1))

    def new() -> None:
        assessor, seen = Assessor(), report()
        assert seen.tls is not None
        assessor.verify(seen.tls, broker, NOW)
        assert assessor.assess(seen, broker, NOW).success

    def alone() -> None:
        served = [x509.load_der_x509_certificate(der) for der in ders]
        verifier = PolicyBuilder().store(Store(served[2:])).time(NOW).build_server_verifier(x509.DNSName("localhost"))
        verifier.verify(served[0], served[1:2])

    remembered()
    figures = [(_cpu_ms(alone), _cpu_ms(remembered), _cpu_ms(new)) for _ in range(ROUNDS)]
    baseline, unchanged, fresh = (statistics.median(column) for column in zip(*figures, strict=True))
    print(f"cryptography's verifier alone:          {baseline:.3f} ms CPU")
    print(f"all checks, chain unchanged, reading included: {unchanged:.3f} ms CPU, ratio {unchanged / baseline:.2f}")
    print(f"all checks, chain never seen before:    {fresh:.3f} ms CPU, ratio {fresh / baseline:.2f}")


if __name__ == "__main__":
    main()
