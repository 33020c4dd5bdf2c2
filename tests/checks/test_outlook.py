"""What breaks next: named truly, and true to the second."""

from __future__ import annotations

import random
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from monitor.checks.assess import Assessor
from monitor.demo.pki import Issued, issue
from monitor.model.broker import Broker
from monitor.model.facts import TlsFacts
from monitor.model.judgement import Cause, NextBreak
from monitor.x509.judge import Judge
from tests.checks.served import DAY, INTERMEDIATE, LEAF, NOW, ROOT, SECOND, broker, handshake, report

FAR = NOW + 3650 * DAY


def outlook(tls: TlsFacts, of: Broker, now: datetime = NOW) -> NextBreak | None:
    return Assessor().assess(report(tls), of, now).next_break


def ends(issued: Issued) -> datetime:
    return issued.certificate.not_valid_after_utc


def test_leaf_breaks_first() -> None:
    found = outlook(handshake(LEAF, INTERMEDIATE), broker())
    assert found == NextBreak(
        at=ends(LEAF),
        cause=Cause.LEAF,
        certificate=0,
        what="the broker's certificate (CN=broker.test)",
        sentence="The broker's certificate (CN=broker.test) ends on 2027-02-21 12:00:00 UTC; then clients that check "
        "certificates refuse the broker.",
    )


def test_intermediate_that_the_leaf_outlives_breaks_first() -> None:
    short = issue(now=NOW, issuer=ROOT, is_ca=True, not_after=NOW + 40 * DAY)
    found = outlook(handshake(issue(now=NOW, issuer=short), short), broker())
    assert found is not None
    assert (found.at, found.cause, found.certificate) == (NOW + 40 * DAY, Cause.INTERMEDIATE, 1)
    assert found.what == "the intermediate certificate at position 1 (CN=Test intermediate CA)"


@pytest.mark.parametrize("is_sent", [True, False])
def test_root_breaks_first(is_sent: bool) -> None:
    root = issue(now=NOW, is_ca=True, not_after=NOW + 40 * DAY)
    above = issue(now=NOW, issuer=root, is_ca=True)
    chain = (issue(now=NOW, issuer=above), above)
    found = outlook(handshake(*chain, root) if is_sent else handshake(*chain), broker(root))
    assert found is not None
    assert (found.at, found.cause, found.certificate) == (NOW + 40 * DAY, Cause.ROOT, 2 if is_sent else None)
    named = "the root certificate at position 2 (CN=Test root CA)"
    assert found.what == (named if is_sent else "the trust anchor CN=Test root CA in /etc/ca.pem")


def test_self_signed_certificate_that_is_trusted_itself_is_the_leaf() -> None:
    own = issue(now=NOW)
    found = outlook(handshake(own), broker(own))
    assert found is not None
    assert (found.cause, found.at) == (Cause.LEAF, ends(own))


def test_end_of_an_intermediate_that_its_cross_signed_twin_outlives_is_not_it() -> None:
    other = issue(now=NOW, is_ca=True, subject="Other Root")
    short = issue(now=NOW, issuer=ROOT, is_ca=True, not_after=NOW + 10 * DAY)
    twin = issue(now=NOW, issuer=other, is_ca=True, key=short.key, not_after=NOW + 60 * DAY)
    leaf = issue(now=NOW, issuer=short)
    found = outlook(handshake(leaf, short, twin), broker(ROOT, other))
    assert found is not None
    assert (found.at, found.cause, found.certificate) == (NOW + 60 * DAY, Cause.INTERMEDIATE, 2)


@pytest.mark.parametrize("requested", [True, None, False])
def test_own_client_certificate_counts_unless_the_broker_does_not_ask(requested: bool | None) -> None:
    client = issue(now=NOW, issuer=INTERMEDIATE, subject="monitor", not_after=NOW + 5 * DAY)
    tls = handshake(LEAF, INTERMEDIATE, client_certificate_requested=requested)
    found = outlook(tls, broker(client=(client, INTERMEDIATE)))
    assert found is not None
    if requested is False:
        assert found.cause is Cause.LEAF
    else:
        assert (found.cause, found.at, found.certificate) == (Cause.CLIENT_CERTIFICATE, NOW + 5 * DAY, None)
        assert found.what == "the monitor's own client certificate (CN=monitor)"


def test_ca_behind_the_own_client_certificate_counts_too() -> None:
    short = issue(now=NOW, issuer=ROOT, is_ca=True, not_after=NOW + 5 * DAY)
    client = issue(now=NOW, issuer=short, subject="monitor")
    found = outlook(handshake(LEAF, INTERMEDIATE), broker(client=(client, short)))
    assert found is not None
    assert (found.cause, found.at) == (Cause.CLIENT_CERTIFICATE, NOW + 5 * DAY)
    assert found.what.startswith("the CA certificate behind the monitor's own client certificate")


def test_client_certificate_that_has_ended_is_no_moment_to_come() -> None:
    client = issue(now=NOW, issuer=INTERMEDIATE, not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    found = outlook(handshake(LEAF, INTERMEDIATE), broker(client=(client,)))
    assert found is not None
    assert found.cause is Cause.LEAF


def test_profile_counts_where_it_breaks_earlier() -> None:
    short = issue(now=NOW, is_ca=True, key=ROOT.key, not_after=NOW + 30 * DAY)
    found = outlook(handshake(LEAF, INTERMEDIATE), broker(profiles={"gateway": ROOT, "old": short}))
    assert found is not None
    assert (found.at, found.cause, found.certificate) == (NOW + 30 * DAY, Cause.PROFILE, None)
    assert found.what == "the trust anchor CN=Test root CA in old.pem, for clients of the trust profile old"


def test_profile_that_breaks_with_the_configured_trust_is_not_it() -> None:
    found = outlook(handshake(LEAF, INTERMEDIATE), broker(profiles={"gateway": ROOT}))
    assert found is not None
    assert found.cause is Cause.LEAF


def test_what_is_broken_already_breaks_no_more() -> None:
    tls, late = handshake(LEAF, INTERMEDIATE), ends(LEAF) + SECOND
    assert outlook(tls, broker(), late) is None
    assert outlook(tls, broker(server_name="elsewhere.example")) is None
    assert outlook(handshake(LEAF), broker()) is None
    assert Assessor().assess(report(None, reason="connect_refused"), broker(), NOW).next_break is None


def test_profile_that_alone_accepts_the_chain_is_what_breaks_next() -> None:
    other = issue(now=NOW, is_ca=True, subject="Other Root")
    found = outlook(handshake(LEAF, INTERMEDIATE), broker(other, profiles={"gateway": ROOT}))
    assert found is not None
    assert (found.at, found.cause, found.certificate) == (ends(LEAF), Cause.PROFILE, 0)


# The moment, held against the validators one second to either side.

_KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(4)]


def generated(seed: int) -> tuple[tuple[Issued, ...], tuple[Issued, ...], list[tuple[Issued, ...]]]:
    """Return a served chain, its anchors and all paths: two roots, an intermediate signed by one or both of them."""
    chance = random.Random(seed)

    def end() -> datetime:
        return NOW + chance.randint(1, 40) * DAY + chance.randint(0, 3) * SECOND

    roots = [
        issue(now=NOW, is_ca=True, subject=f"Root {number}", key=_KEYS[number], not_after=end()) for number in range(2)
    ]
    signers = chance.choice([roots, roots[:1], roots[1:], [*roots, roots[0]]])
    twins = [
        issue(now=NOW, issuer=root, is_ca=True, subject="Crossed", key=_KEYS[2], not_after=end()) for root in signers
    ]
    leaf = issue(now=NOW, issuer=twins[0], key=_KEYS[3], not_after=end())
    sent = list(twins)
    chance.shuffle(sent)
    if chance.random() < 0.3:
        sent.append(chance.choice(roots))
    anchors = tuple(chance.sample(roots, chance.choice([1, 2])))
    paths: list[tuple[Issued, ...]] = [
        (leaf, twin, root) for twin, root in zip(twins, signers, strict=True) if root in anchors
    ]
    return (leaf, *sent), anchors, paths


@pytest.mark.parametrize("seed", range(60))
def test_moment_is_the_last_second_in_which_any_path_holds(seed: int) -> None:
    served, anchors, paths = generated(seed)
    tls, of = handshake(*served), broker(*anchors)
    found = outlook(tls, of)
    if not paths:
        assert found is None
        return
    assert found is not None
    assert found.at == max(min(map(ends, path)) for path in paths)
    best = [path for path in paths if min(map(ends, path)) == found.at]
    causes = (Cause.LEAF, Cause.INTERMEDIATE, Cause.ROOT)
    assert found.cause in {causes[place] for path in best for place in range(3) if ends(path[place]) == found.at}
    if found.certificate is not None:
        assert ends(served[found.certificate]) == found.at
    for offset, works in ((-SECOND, True), (SECOND, False)):
        # A judge of its own, so that nothing is remembered.
        judgement = Judge().judge(tls.certificates, of.tls.trust, of.tls.server_name, found.at + offset)
        assert judgement.accepted is works
