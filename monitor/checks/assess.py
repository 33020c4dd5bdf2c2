"""All findings about a report, at a moment; and the one that forbids trusting a broker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain as joined

from monitor.checks.case import Case, finding, gravest_first
from monitor.checks.changes import change, issuer_changed
from monitor.checks.client_certificate import client_certificate
from monitor.checks.delivery import delivery
from monitor.checks.entry import do
from monitor.checks.failure import failure
from monitor.checks.hints import CIPHER_SUITES
from monitor.checks.identity import name_mismatch, unreadable, usage
from monitor.checks.order import ca_first, leaf_first, order
from monitor.checks.outlook import next_break
from monitor.checks.path import follow
from monitor.checks.profiles import profile_opinion, profiles
from monitor.checks.trust import invalid, trust
from monitor.checks.validators import disagreement
from monitor.checks.validity import validity
from monitor.model.broker import Broker
from monitor.model.facts import TlsFacts
from monitor.model.judgement import (
    Assessment,
    CertificateChange,
    Finding,
    Judgement,
    NextBreak,
    ProfileOpinion,
    Severity,
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfChain:
    """What a served chain alone comes to; nothing, where there is none."""

    judgement: Judgement | None = None
    findings: tuple[Finding, ...] = ()
    chain_not_after: datetime | None = None
    profiles: tuple[ProfileOpinion, ...] = ()
    change: CertificateChange | None = None
    next_break: NextBreak | None = None


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
        self,
        report: ProbeReport,
        broker: Broker,
        now: datetime,
        *,
        last_seen: TlsFacts | None = None,
        last_change: CertificateChange | None = None,
    ) -> Assessment:
        """Say everything there is to say about a report.

        Args:
            report: of the latest probe.
            broker: what was probed.
            now: the moment to judge at; aware.
            last_seen: the handshake of an earlier probe: what this one's chain is compared with, and what is judged in
                place of one that yielded no certificate.
            last_change: the latest one that concerns pins, found by an earlier probe; it is told for a day.
        """
        tls = report.tls if report.tls is not None and report.tls.certificates else last_seen
        of_chain = _OfChain()
        if tls is not None and tls.certificates:
            of_chain = self._of_chain(tls, broker, now, last_seen=last_seen, last_change=last_change)
        findings = (
            *of_chain.findings,
            *client_certificate(broker, tls, now),
            *delivery(broker, report.mqtt),
        )
        return Assessment(
            at=now,
            success=report.success,
            findings=gravest_first((*findings, *failure(report, findings))),
            judgement=of_chain.judgement,
            chain_not_after=of_chain.chain_not_after,
            profiles=of_chain.profiles,
            change=of_chain.change,
            next_break=of_chain.next_break,
        )

    def _of_chain(
        self,
        tls: TlsFacts,
        broker: Broker,
        now: datetime,
        *,
        last_seen: TlsFacts | None,
        last_change: CertificateChange | None,
    ) -> _OfChain:
        judgement = self._judged(tls, broker, now)
        case = self._case(tls, broker, now, judgement)
        by_profile = {
            profile.name: self._judge.judge(tls.certificates, profile.trust, broker.tls.server_name, now)
            for profile in broker.tls.trust_profiles
        }
        opinions = tuple(profile_opinion(profile, by_profile[profile.name]) for profile in broker.tls.trust_profiles)
        changed = None
        if last_seen is not None and last_seen.certificates:
            changed = change(last_seen.certificates, tls.certificates, case.anchors, now)
        latest = changed if changed is not None and changed.concerns_pins else last_change
        return _OfChain(
            judgement=judgement,
            findings=(*_explained(case), *profiles(case, opinions), *issuer_changed(case, latest)),
            chain_not_after=_chain_not_after(case),
            profiles=opinions,
            change=changed,
            next_break=next_break(
                tls,
                broker,
                now,
                judgement=judgement,
                anchors=case.anchors,
                profiles={
                    profile.name: (by_profile[profile.name], self._judge.anchors(profile.trust))
                    for profile in broker.tls.trust_profiles
                },
            ),
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
