"""All findings about a report, at a moment; and the one that forbids trusting a broker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain as joined

from monitor.checks.case import Case, finding, gravest_first
from monitor.checks.client_certificate import client_certificate
from monitor.checks.delivery import delivery
from monitor.checks.entry import do
from monitor.checks.failure import failure
from monitor.checks.hints import CIPHER_SUITES
from monitor.checks.identity import name_mismatch, unreadable, usage
from monitor.checks.order import ca_first, leaf_first, order
from monitor.checks.path import follow
from monitor.checks.trust import invalid, trust
from monitor.checks.validators import disagreement
from monitor.checks.validity import validity
from monitor.model.broker import Broker
from monitor.model.facts import TlsFacts
from monitor.model.judgement import Assessment, Finding, Judgement, Severity
from monitor.model.reasons import VERIFY_FINDINGS
from monitor.model.report import ProbeReport
from monitor.x509.judge import Judge

_CHAIN_CHECKS = (
    ca_first,
    validity,
    trust,
    usage,
    name_mismatch,
    order,
    unreadable,
    disagreement,
)


class Assessor:
    """Judges chains and words what follows. Holds no state but its judge's memory."""

    def __init__(self, judge: Judge | None = None) -> None:
        self._judge = Judge() if judge is None else judge

    def verify(self, tls: TlsFacts, broker: Broker, now: datetime) -> Finding | None:
        """Say whether the broker is to be trusted with credentials (the gate of `verify`).

        Returns:
            None if it is accepted; else the gravest finding that forbids it, its code one of `VERIFY_FINDINGS`.
        """
        judgement = self._judged(tls, broker, now)
        if judgement.accepted:
            return None
        if not tls.certificates:
            return _nothing_served()
        critical = {
            found.code: found
            for found in reversed(gravest_first(_explained(self._case(tls, broker, now, judgement))))
            if found.severity is Severity.CRITICAL
        }
        return next(critical[code] for code in VERIFY_FINDINGS if code in critical)

    def assess(
        self, report: ProbeReport, broker: Broker, now: datetime, *, last_seen: TlsFacts | None = None
    ) -> Assessment:
        """Say everything there is to say about a report.

        Args:
            report: of the latest probe.
            broker: what was probed.
            now: the moment to judge at; aware.
            last_seen: the handshake of an earlier probe, judged in place of one that yielded no certificate.
        """
        tls = report.tls if report.tls is not None and report.tls.certificates else last_seen
        judgement: Judgement | None = None
        chain_not_after: datetime | None = None
        findings: tuple[Finding, ...] = ()
        if tls is not None and tls.certificates:
            judgement = self._judged(tls, broker, now)
            case = self._case(tls, broker, now, judgement)
            findings = tuple(_explained(case))
            chain_not_after = _chain_not_after(case)
        findings = (
            *findings,
            *client_certificate(broker, tls, now),
            *delivery(broker, report.mqtt),
        )
        return Assessment(
            at=now,
            success=report.success,
            findings=gravest_first((*findings, *failure(report, findings))),
            judgement=judgement,
            chain_not_after=chain_not_after,
        )

    def _judged(self, tls: TlsFacts, broker: Broker, now: datetime) -> Judgement:
        return self._judge.judge(tls.certificates, broker.tls.trust, broker.tls.server_name, now)

    def _case(self, tls: TlsFacts, broker: Broker, now: datetime, served: Judgement) -> Case:
        # Where the file begins with a CA, the rest is said of the chain as it will be once that is put right: else
        # every further line would only repeat that a CA is no server.
        chain = leaf_first(tls.certificates)
        judgement = served
        if chain is not tls.certificates:
            judgement = self._judge.judge(chain, broker.tls.trust, broker.tls.server_name, now)
        return Case(
            chain=chain,
            judgement=judgement,
            accepted=served.accepted,
            anchors=self._judge.anchors(broker.tls.trust),
            broker=broker,
            now=now,
        )


def _explained(case: Case) -> Iterator[Finding]:
    findings = tuple(joined.from_iterable(check(case) for check in _CHAIN_CHECKS))
    yield from findings
    explains = any(found.severity is Severity.CRITICAL and found.code in VERIFY_FINDINGS for found in findings)
    if not case.accepted and not explains:
        yield invalid(case)


def _chain_not_after(case: Case) -> datetime | None:
    if case.judgement.path_not_after is not None:
        return case.judgement.path_not_after
    upwards = follow(case.chain, case.anchors).certificates
    return min((facts.not_after for facts in upwards if facts.not_after is not None), default=None)


def _nothing_served() -> Finding:
    return finding(
        "chain_invalid",
        "The broker completed the handshake without showing a certificate.",
        advice=do(
            "Allow only cipher suites with certificates on the broker: it chose an anonymous or pre-shared-key one.",
            CIPHER_SUITES,
        ),
    )
