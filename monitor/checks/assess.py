"""All findings about a report or a file, at a moment; and the one that forbids trusting a broker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain as joined

from monitor.checks.belonging import duplicates, foreign, root_sent
from monitor.checks.case import Case
from monitor.checks.changes import change, issuer_changed
from monitor.checks.client_certificate import client_certificate
from monitor.checks.delivery import delivery
from monitor.checks.evidence import Revocation
from monitor.checks.failure import failure
from monitor.checks.finding import finding, gravest_first
from monitor.checks.identity import name_mismatch, unreadable, usage
from monitor.checks.installation import advised, key_mismatch
from monitor.checks.installation import names as names_left_out
from monitor.checks.installed import file_opinion, installed
from monitor.checks.lifetimes import lifetime, outlives
from monitor.checks.limits import left_out, limits
from monitor.checks.naming import internal_names, trailing_dots, wildcards
from monitor.checks.neighbours import neighbours
from monitor.checks.order import ca_first, leaf_first, order
from monitor.checks.outlook import next_break
from monitor.checks.path import follow, whole_way
from monitor.checks.policies import policies
from monitor.checks.profiles import profile_opinion, profiles
from monitor.checks.refusals import refusals
from monitor.checks.revocation import revocation
from monitor.checks.scan import scanned
from monitor.checks.session import key_exchange, protocol_version, transparency
from monitor.checks.siblings import siblings
from monitor.checks.slowness import slow_phases
from monitor.checks.strength import keys, signatures
from monitor.checks.trust import invalid, trust
from monitor.checks.validators import disagreement
from monitor.checks.validity import validity
from monitor.checks.words.entry import do
from monitor.checks.words.hints import CIPHER_SUITES
from monitor.model.broker import Broker, Policy, Protocol, TlsSettings, Trust
from monitor.model.chain_file import ChainFile
from monitor.model.facts import CertificateFacts, TlsFacts
from monitor.model.judgement import (
    Assessment,
    CertificateChange,
    Finding,
    Judgement,
    NextBreak,
    ProfileOpinion,
    Severity,
)
from monitor.model.known import NOTHING_KNOWN, Known
from monitor.model.reasons import VERIFY_FINDINGS
from monitor.model.report import ProbeReport
from monitor.model.revocation import Answer, Status, gravest
from monitor.x509.anchors import load_openssl
from monitor.x509.judge import Judge
from monitor.x509.names import matches

_CHAIN_CHECKS = (
    ca_first,
    revocation,
    validity,
    trust,
    limits,
    left_out,
    usage,
    name_mismatch,
    order,
    policies,
    foreign,
    duplicates,
    unreadable,
    disagreement,
    outlives,
    lifetime,
    wildcards,
    trailing_dots,
    internal_names,
    keys,
    signatures,
    protocol_version,
    key_exchange,
    transparency,
    root_sent,
)


# What a usual chain stays below, whatever its keys. Every check but the validators' goes through each certificate anew.
_QUICK_CERTIFICATES = 6
_QUICK_OCTETS = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfChain:
    """What a served chain alone comes to; nothing, where there is none."""

    judgement: Judgement | None = None
    findings: tuple[Finding, ...] = ()
    chain_not_after: datetime | None = None
    profiles: tuple[ProfileOpinion, ...] = ()
    change: CertificateChange | None = None
    next_break: NextBreak | None = None
    revocation: tuple[Answer, ...] = ()


class Assessor:
    """Judges chains and words what follows. Holds no state but the memory of what was judged and read before."""

    def __init__(self, judge: Judge | None = None) -> None:
        self._judge = Judge() if judge is None else judge
        self._revocation = Revocation()

    def is_quick(self, tls: TlsFacts, broker: Broker, now: datetime, known: Known = NOTHING_KNOWN) -> bool:
        """Tell whether this handshake is verified and assessed within a millisecond: usual in size, and judged before.

        Whoever must not be held up asks everything else in a thread; any thread may ask.
        """
        return (
            len(tls.certificates) <= _QUICK_CERTIFICATES
            and sum(len(facts.der) for facts in tls.certificates) <= _QUICK_OCTETS
            and all(
                self._judge.remembers(tls.certificates, judged, broker.tls.server_name, now)
                for judged in (broker.tls.trust, *(profile.trust for profile in broker.tls.trust_profiles))
            )
            and self._revocation.remembers(
                leaf_first(tls.certificates), self._judge.anchors(broker.tls.trust), tls.ocsp_response, known
            )
        )

    def verify(self, tls: TlsFacts, broker: Broker, now: datetime, known: Known = NOTHING_KNOWN) -> Finding | None:
        """Say whether the broker is to be trusted with credentials (the gate of `verify`).

        Returns:
            None if it is accepted; else the gravest finding that forbids it, its code one of `VERIFY_FINDINGS`.
        """
        judgement = self._judged(tls.certificates, broker, now)
        if not tls.certificates:
            return _nothing_served()
        case = self._served(tls, broker, now, known, judgement)
        if judgement.accepted and not _is_revoked(case):
            return None
        critical = {
            found.code: found
            for found in reversed(gravest_first(_explained(case)))
            if found.severity is Severity.CRITICAL
        }
        return next(critical[code] for code in VERIFY_FINDINGS if code in critical)

    def assess(
        self,
        report: ProbeReport,
        broker: Broker,
        now: datetime,
        known: Known = NOTHING_KNOWN,
    ) -> Assessment:
        """Say everything there is to say about a report.

        Args:
            report: of the latest probe.
            broker: what was probed.
            now: the moment to judge at; aware.
            known: what there is beside the report.
        """
        tls = report.tls_or(known.last_seen)
        of_chain = _OfChain()
        if tls is not None and tls.certificates:
            of_chain = self._of_chain(tls, broker, now, known)
        findings = (
            *of_chain.findings,
            *refusals(report, known.refusals),
            *client_certificate(broker, tls, now),
            *delivery(broker, report.mqtt),
            *installed(known.files, tls, now),
            *slow_phases(report, known.paces),
            *neighbours(broker, tls, known, now),
            *scanned(broker, known.scan, now),
            *siblings(report, known.siblings),
        )
        return Assessment(
            at=now,
            success=report.success,
            findings=gravest_first((*findings, *failure(report, findings, known.siblings))),
            judgement=of_chain.judgement,
            chain_not_after=of_chain.chain_not_after,
            profiles=of_chain.profiles,
            change=of_chain.change,
            next_break=of_chain.next_break,
            certificate_file=None if known.files is None else file_opinion(known.files, tls),
            refusals=known.refusals,
            scan=known.scan,
            revocation=of_chain.revocation,
        )

    def _of_chain(self, tls: TlsFacts, broker: Broker, now: datetime, known: Known) -> _OfChain:
        judgement = self._judged(tls.certificates, broker, now)
        case = self._served(tls, broker, now, known, judgement)
        answers = () if case.revocation is None else gravest(case.revocation.answers(now))
        by_profile = {
            profile.name: self._judge.judge(tls.certificates, profile.trust, broker.tls.server_name, now)
            for profile in broker.tls.trust_profiles
        }
        opinions = tuple(profile_opinion(profile, by_profile[profile.name]) for profile in broker.tls.trust_profiles)
        changed = None
        if known.last_seen is not None and known.last_seen.certificates:
            changed = change(
                known.last_seen.certificates, tls.certificates, case.anchors, now, last_seen_at=known.last_seen_at
            )
        latest = changed if changed is not None and changed.concerns_pins else known.last_change
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
                revocation=answers,
                profiles={
                    profile.name: (by_profile[profile.name], self._judge.anchors(profile.trust))
                    for profile in broker.tls.trust_profiles
                },
            ),
            revocation=answers,
        )

    def way(self, tls: TlsFacts, broker: Broker) -> tuple[CertificateFacts, ...]:
        """Return the chain from the broker's own certificate to its anchor, as far as it can be followed."""
        return whole_way(leaf_first(tls.certificates), self._judge.anchors(broker.tls.trust))

    def inspect(
        self, file: ChainFile, *, trust: Trust, names: tuple[str, ...], policy: Policy, now: datetime
    ) -> Assessment:
        """Say everything there is to say about a certificate file before it is installed.

        `success` says that a broker can load it with that key, and that clients will accept it.

        Args:
            file: what it holds.
            trust: of the clients.
            names: by which the broker is to be reached, each an A-label DNS name or IP literal; none: no name check.
            policy: from when on an end is near.
            now: the moment to judge at; aware.
        """
        chain = leaf_first(file.certificates)
        # Without a name to check, that of strict clients is one that the certificate is for.
        reference = next(iter((*names, *chain[0].dns_names, *chain[0].ip_addresses)), "")
        broker = Broker(
            name=file.source,
            host=reference,
            protocol=Protocol.TLS,
            tls=TlsSettings(trust=trust, server_name=reference),
            policy=policy,
        )
        served = self._judged(file.certificates, broker, now)
        case = replace(
            self._case(file.certificates, broker, now, served),
            accepted=served.is_trusted
            and served.is_for_servers
            and all(matches(file.certificates[0], name) for name in names),
            mismatched=tuple(name for name in names if not matches(chain[0], name)),
            is_file=True,
            useless=file.damaged.union(facts.position for facts in chain if load_openssl(facts.der) is None),
        )
        key = tuple(key_mismatch(case, file.key))
        findings = (*_explained(case), *key, *names_left_out(case, names))
        return Assessment(
            at=now,
            success=case.accepted and not key and not case.useless,
            findings=gravest_first(map(advised, findings)),
            judgement=served,
            chain_not_after=_chain_not_after(case),
        )

    def _judged(self, served: tuple[CertificateFacts, ...], broker: Broker, now: datetime) -> Judgement:
        return self._judge.judge(served, broker.tls.trust, broker.tls.server_name, now)

    def _served(self, tls: TlsFacts, broker: Broker, now: datetime, known: Known, judgement: Judgement) -> Case:
        case = self._case(tls.certificates, broker, now, judgement)
        evidence = self._revocation.evidence(case.chain, case.anchors, tls.ocsp_response, known)
        is_last_seen = tls is known.last_seen
        return replace(case, tls=tls, is_last_seen=is_last_seen, revocation=evidence, crl_files=known.crl_files)

    def _case(
        self, certificates: tuple[CertificateFacts, ...], broker: Broker, now: datetime, served: Judgement
    ) -> Case:
        # Where the file begins with a CA, the rest is said of the chain as it will be once that is put right: else
        # every further line would only repeat that a CA is no server.
        chain = leaf_first(certificates)
        judgement = served if chain is certificates else self._judged(chain, broker, now)
        return Case(
            chain=chain,
            judgement=judgement,
            accepted=served.accepted,
            anchors=self._judge.anchors(broker.tls.trust),
            broker=broker,
            mismatched=() if judgement.name_matches else (broker.tls.server_name,),
            now=now,
        )


def _explained(case: Case) -> Iterator[Finding]:
    findings = tuple(joined.from_iterable(check(case) for check in _CHAIN_CHECKS))
    yield from findings
    explains = any(found.severity is Severity.CRITICAL and found.code in VERIFY_FINDINGS for found in findings)
    if not case.accepted and not explains:
        yield invalid(case)


def _is_revoked(case: Case) -> bool:
    answers = () if case.revocation is None else case.revocation.answers(case.now)
    return any(answer.status is Status.REVOKED for answer in answers)


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
