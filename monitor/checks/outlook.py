"""What breaks next: of everything that works now, the first to stop, and for whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from monitor.checks.phrases import capitalised, described, moment, name
from monitor.checks.validity import is_early, is_expired
from monitor.model.broker import Broker
from monitor.model.facts import CertificateFacts, TlsFacts
from monitor.model.judgement import Cause, Judgement, NextBreak
from monitor.model.revocation import Answer, Source, Status
from monitor.x509.anchors import Anchors
from monitor.x509.certificate import read_chain


def next_break(
    tls: TlsFacts,
    broker: Broker,
    now: datetime,
    *,
    judgement: Judgement,
    anchors: Anchors,
    revocation: tuple[Answer, ...],
    profiles: Mapping[str, tuple[Judgement, Anchors]],
) -> NextBreak | None:
    """Return the first thing to stop working, or None if nothing that ends works now.

    What is broken already is left out: it is a finding, and no moment to come. So a broker whose chain is not
    accepted breaks next only for the trust profiles that do accept it. Of several things that end together, the one
    that concerns most clients is named.

    Args:
        tls: the handshake that is judged; with certificates.
        broker: what was probed.
        now: the moment of the judgements.
        judgement: of the chain as served, by the configured trust.
        anchors: the configured trust.
        revocation: what each source says of the chain.
        profiles: the same by the name of each trust profile.
    """
    if any(answer.status is Status.REVOKED for answer in revocation):
        return None
    found = [
        *_chain(tls, broker, judgement, anchors),
        *_client_certificate(tls, broker, now, judgement),
        *_profiles(tls, broker, judgement, profiles),
        *_revocation(judgement, revocation),
    ]
    return min(found, key=lambda each: each.at, default=None)


def _chain(tls: TlsFacts, broker: Broker, judgement: Judgement, anchors: Anchors) -> Iterator[NextBreak]:
    end, at = judgement.path_end, judgement.path_not_after
    if not judgement.accepted or end is None or at is None:
        return
    facts = _served(tls, end.fingerprint_sha256)
    what = _ending(facts, end.fingerprint_sha256, anchors, broker.tls.trust.source)
    yield NextBreak(
        at=at,
        cause=end.cause,
        certificate=None if facts is None else facts.position,
        what=what,
        sentence=f"{capitalised(what)} ends on {moment(at)}; then clients that check certificates refuse the broker.",
    )


def _client_certificate(tls: TlsFacts, broker: Broker, now: datetime, judgement: Judgement) -> Iterator[NextBreak]:
    identity = broker.tls.client_identity
    # To a broker that is not accepted it is never shown, and one that does not ask does not mind its end.
    if identity is None or not judgement.accepted or tls.client_certificate_requested is False:
        return
    chain = read_chain(identity.chain)
    if any(is_expired(facts, now) or is_early(facts, now) for facts in chain):
        return
    ending = min(
        ((facts.not_after, facts) for facts in chain if facts.not_after is not None),
        key=lambda each: each[0],
        default=None,
    )
    if ending is None:
        return
    at, facts = ending
    what = f"the monitor's own client certificate ({name(facts.subject)})"
    if facts.position:
        what = f"the CA certificate behind the monitor's own client certificate ({name(facts.subject)})"
    yield NextBreak(
        at=at,
        cause=Cause.CLIENT_CERTIFICATE,
        certificate=None,
        what=what,
        sentence=f"{capitalised(what)} ends on {moment(at)}; then the broker refuses the monitor, and clients whose "
        "certificates were issued together with it.",
    )


def _profiles(
    tls: TlsFacts, broker: Broker, judgement: Judgement, profiles: Mapping[str, tuple[Judgement, Anchors]]
) -> Iterator[NextBreak]:
    for profile in broker.tls.trust_profiles:
        opinion, anchors = profiles[profile.name]
        end, at = opinion.path_end, opinion.path_not_after
        if not opinion.accepted or end is None or at is None:
            continue
        if judgement.accepted and judgement.path_not_after is not None and judgement.path_not_after <= at:
            continue
        facts = _served(tls, end.fingerprint_sha256)
        what = _ending(facts, end.fingerprint_sha256, anchors, profile.trust.source)
        what = f"{what}, for clients of the trust profile {profile.name}"
        yield NextBreak(
            at=at,
            cause=Cause.PROFILE,
            certificate=None if facts is None else facts.position,
            what=what,
            sentence=f"{capitalised(what)}, ends on {moment(at)}; then these clients refuse the broker.",
        )


def _revocation(judgement: Judgement, answers: tuple[Answer, ...]) -> Iterator[NextBreak]:
    for answer in answers:
        end = answer.next_update
        # What is fetched is fetched anew before it ends.
        if answer.source not in {Source.STAPLE, Source.CRL_FILE}:
            continue
        if not judgement.accepted or answer.status is not Status.GOOD or end is None:
            continue
        if answer.source is Source.STAPLE:
            cause, what = Cause.STAPLE, "the stapled response, which proves that the certificate is not revoked"
            then = "then strict clients refuse the broker, unless it has fetched a newer one by then"
        else:
            cause, what = Cause.CRL, f"the list of revoked certificates in {answer.origin}"
            then = "then whoever checks certificates by it refuses them all, unless a newer one has come by then"
        yield NextBreak(
            at=end,
            cause=cause,
            certificate=answer.certificate if cause is Cause.STAPLE else None,
            what=what,
            sentence=f"{capitalised(what)}, ends on {moment(end)}; {then}.",
        )


def _served(tls: TlsFacts, fingerprint_sha256: str) -> CertificateFacts | None:
    return next((facts for facts in tls.certificates if facts.fingerprint_sha256 == fingerprint_sha256), None)


def _ending(facts: CertificateFacts | None, fingerprint_sha256: str, anchors: Anchors, source: str) -> str:
    if facts is not None:
        return described(facts)
    subject = next((each.subject for each in anchors.facts if each.fingerprint_sha256 == fingerprint_sha256), None)
    return f"the trust anchor {name(subject)} in {source}"
