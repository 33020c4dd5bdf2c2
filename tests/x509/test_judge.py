"""Judging chains: both libraries' opinions, the gate, the end of the path, and a memory that changes no answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.demo.pki import Issued, issue
from monitor.model.broker import Trust
from monitor.model.facts import CertificateFacts
from monitor.model.judgement import Judgement, Validator
from monitor.x509 import judge as subject_under_test
from monitor.x509.certificate import read_chain
from monitor.x509.judge import MAX_CERTIFICATES, Judge
from monitor.x509.opinions import Answer, Bench
from tests.support.piles import circle, constrained
from tests.x509 import odd

NOW = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
ROOT = issue(now=NOW, is_ca=True)
INTERMEDIATE = issue(now=NOW, issuer=ROOT, is_ca=True)
LEAF = issue(now=NOW, issuer=INTERMEDIATE)
STRANGER = issue(now=NOW, is_ca=True, subject="Stranger")


def trust(*anchors: Issued) -> Trust:
    return Trust(source="ca.pem", anchors=tuple(anchor.der for anchor in anchors))


def judged(
    *served: Issued | bytes,
    anchors: Sequence[Issued] = (ROOT,),
    reference: str = "localhost",
    at: datetime = NOW,
    judge: Judge | None = None,
) -> Judgement:
    chain = read_chain([each if isinstance(each, bytes) else each.der for each in served])
    return (judge or Judge()).judge(chain, trust(*anchors), reference, at)


def opinions(judgement: Judgement) -> dict[Validator, bool]:
    return {opinion.validator: opinion.accepts for opinion in judgement.opinions}


def test_sound_chain_is_accepted_by_all_until_its_first_end() -> None:
    judgement = judged(LEAF, INTERMEDIATE)
    assert judgement.accepted
    assert opinions(judgement) == dict.fromkeys(Validator, True)
    assert judgement.path_not_after == LEAF.certificate.not_valid_after_utc
    assert judgement.judged_certificates == 2
    assert judgement.at == NOW


def test_order_and_additions_do_not_matter_to_the_validators() -> None:
    assert judged(LEAF, STRANGER, ROOT, INTERMEDIATE).accepted


@pytest.mark.parametrize(
    ("served", "anchors"),
    [
        ((LEAF,), (ROOT,)),
        ((LEAF, INTERMEDIATE), (STRANGER,)),
        ((LEAF, INTERMEDIATE, ROOT), (STRANGER,)),
        ((LEAF, INTERMEDIATE), ()),
        ((ROOT, INTERMEDIATE, LEAF), (STRANGER,)),
    ],
    ids=["intermediate missing", "other anchor", "root served, other anchor", "no anchors", "backwards"],
)
def test_chain_without_a_way_to_an_anchor_is_refused_by_all(
    served: tuple[Issued, ...], anchors: tuple[Issued, ...]
) -> None:
    judgement = judged(*served, anchors=anchors)
    assert not judgement.is_trusted
    assert not judgement.is_trusted_ignoring_time
    assert opinions(judgement) == dict.fromkeys(Validator, False)
    assert all(opinion.error for opinion in judgement.opinions)
    assert judgement.path_not_after is None


def test_openssl_says_where_it_stopped() -> None:
    refusal = judged(LEAF).opinions[0]
    assert (refusal.code, refusal.depth) == (20, 0)
    assert refusal.error == "unable to get local issuer certificate"


def test_anchor_may_be_an_intermediate_or_the_leaf_itself() -> None:
    assert judged(LEAF, anchors=(INTERMEDIATE,)).accepted
    assert judged(LEAF, anchors=(LEAF,)).accepted


def test_client_only_certificate_is_trusted_but_never_accepted() -> None:
    judgement = judged(issue(now=NOW, issuer=ROOT, extended_key_usage=("clientAuth",)))
    assert judgement.is_trusted
    assert not judgement.is_for_servers
    assert not judgement.accepted


@pytest.mark.parametrize("usages", [None, ("serverAuth",), ("anyExtendedKeyUsage",), ("clientAuth", "serverAuth")])
def test_certificate_is_for_servers_unless_its_usages_say_otherwise(usages: tuple[str, ...] | None) -> None:
    assert judged(issue(now=NOW, issuer=ROOT, extended_key_usage=usages)).accepted


@pytest.mark.parametrize(
    "extensions",
    [
        (odd.LOCALHOST, odd.CLIENT_AUTH, odd.SERVER_AUTH),
        (odd.LOCALHOST, odd.extension("2.5.29.37", b"\x04\x00")),
        (odd.LOCALHOST, odd.tlv(0x30, b"\x05\x00")),
    ],
    ids=["twice", "garbage", "broken list"],
)
def test_unreadable_extended_key_usage_is_not_an_absent_one(extensions: tuple[bytes, ...]) -> None:
    assert not judged(odd.certificate(extensions=extensions)).is_for_servers


def test_wrong_name_is_trusted_but_never_accepted() -> None:
    judgement = judged(LEAF, INTERMEDIATE, reference="other.example")
    assert judgement.is_trusted
    assert not judgement.name_matches
    assert not judgement.accepted
    assert opinions(judgement) == {
        Validator.OPENSSL: True,
        Validator.CRYPTOGRAPHY_STRICT: False,
        Validator.CRYPTOGRAPHY_RELAXED: True,
    }


def test_leaf_cannot_issue_certificates() -> None:
    assert not judged(issue(now=NOW, issuer=LEAF), LEAF, INTERMEDIATE).is_trusted


def test_ca_whose_key_usage_forbids_signing_certificates_is_no_way_to_an_anchor() -> None:
    ca = issue(now=NOW, issuer=ROOT, is_ca=True, key_usage=("digitalSignature",))
    assert not judged(issue(now=NOW, issuer=ca), ca).is_trusted


@pytest.mark.parametrize("usages", [("clientAuth",), ("codeSigning", "1.2.3.4")])
def test_ca_whose_extended_key_usage_leaves_servers_out_is_no_way_to_an_anchor(usages: tuple[str, ...]) -> None:
    # OpenSSL with a server's purpose: error 26 at depth 1.
    ca = issue(now=NOW, issuer=ROOT, is_ca=True, extended_key_usage=usages)
    assert not judged(issue(now=NOW, issuer=ca), ca).is_trusted
    root = issue(now=NOW, is_ca=True, extended_key_usage=usages)
    assert not judged(issue(now=NOW, issuer=root), anchors=(root,)).is_trusted


@pytest.mark.parametrize("usages", [("serverAuth", "clientAuth"), ("anyExtendedKeyUsage",)])
def test_ca_whose_extended_key_usage_includes_servers_is_a_way_to_an_anchor(usages: tuple[str, ...]) -> None:
    ca = issue(now=NOW, issuer=ROOT, is_ca=True, extended_key_usage=usages)
    assert judged(issue(now=NOW, issuer=ca), ca).accepted


def test_better_path_beside_a_ca_that_is_not_for_servers_is_found() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    unfit = issue(now=NOW, issuer=ROOT, is_ca=True, key=key, extended_key_usage=("clientAuth",))
    fit = issue(now=NOW, issuer=ROOT, is_ca=True, key=key)
    leaf = issue(now=NOW, issuer=fit)
    assert judged(leaf, unfit, fit).accepted
    assert judged(leaf, fit, unfit).accepted


def test_names_that_the_ca_may_not_issue_for_are_refused() -> None:
    constraints = x509.NameConstraints([x509.DNSName("other.example")], None)
    ca = issue(now=NOW, issuer=ROOT, is_ca=True, extensions=((constraints, True),))
    assert not judged(issue(now=NOW, issuer=ca), ca).is_trusted


def test_path_longer_than_its_ca_allows_is_refused() -> None:
    short = issue(now=NOW, issuer=ROOT, is_ca=True, path_length=0, subject="short")
    below = issue(now=NOW, issuer=short, is_ca=True, subject="below")
    assert not judged(issue(now=NOW, issuer=below), below, short).is_trusted


def test_strict_opinion_refuses_what_the_gate_accepts() -> None:
    ca = issue(now=NOW, is_ca=True, key_usage=None)
    judgement = judged(issue(now=NOW, issuer=ca), anchors=(ca,))
    assert judgement.accepted
    assert not opinions(judgement)[Validator.CRYPTOGRAPHY_STRICT]


@pytest.mark.parametrize(("offset", "is_valid"), [(-SECOND, True), (timedelta(0), True), (SECOND, False)])
def test_last_second_of_validity_is_valid_and_the_next_is_not(offset: timedelta, is_valid: bool) -> None:
    judgement = judged(LEAF, INTERMEDIATE, at=LEAF.certificate.not_valid_after_utc + offset)
    assert judgement.is_trusted is is_valid
    assert judgement.is_trusted_ignoring_time
    assert judgement.path_not_after == LEAF.certificate.not_valid_after_utc


@pytest.mark.parametrize(("offset", "is_valid"), [(-SECOND, False), (timedelta(0), True), (SECOND, True)])
def test_first_second_of_validity_is_valid_and_the_one_before_is_not(offset: timedelta, is_valid: bool) -> None:
    early = issue(now=NOW, issuer=ROOT, not_before=NOW + DAY)
    judgement = judged(early, at=early.certificate.not_valid_before_utc + offset)
    assert judgement.is_trusted is is_valid
    assert judgement.is_trusted_ignoring_time


def test_fraction_of_the_last_second_belongs_to_it() -> None:
    end = LEAF.certificate.not_valid_after_utc
    assert judged(LEAF, INTERMEDIATE, at=end + timedelta(microseconds=999_999)).is_trusted


def test_expired_anchor_ends_the_path() -> None:
    old = issue(now=NOW, is_ca=True, not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    judgement = judged(issue(now=NOW, issuer=old), anchors=(old,))
    assert not judgement.is_trusted
    assert judgement.is_trusted_ignoring_time
    assert judgement.path_not_after == old.certificate.not_valid_after_utc


def test_path_ends_with_the_best_of_several() -> None:
    # One intermediate key, certified by two roots: the cross-signed way ends sooner.
    key = ec.generate_private_key(ec.SECP256R1())
    other = issue(now=NOW, is_ca=True, subject="Other root")
    short = issue(now=NOW, issuer=other, is_ca=True, key=key, subject="I", not_after=NOW + 10 * DAY)
    long = issue(now=NOW, issuer=ROOT, is_ca=True, key=key, subject="I", not_after=NOW + 50 * DAY)
    leaf = issue(now=NOW, issuer=long, not_after=NOW + 80 * DAY)
    for served in ((leaf, short, long), (leaf, long, short)):
        judgement = judged(*served, anchors=(ROOT, other))
        assert judgement.path_not_after == long.certificate.not_valid_after_utc
    assert judged(leaf, short, anchors=(ROOT, other)).path_not_after == short.certificate.not_valid_after_utc


@pytest.mark.parametrize("age", [0 * DAY, 9 * DAY])
def test_path_that_only_one_library_finds_is_a_path(age: timedelta) -> None:
    # Two certificates of one CA, the one in front signed by nobody we know: OpenSSL does not turn back.
    key, early = ec.generate_private_key(ec.SECP256R1()), NOW - 30 * DAY
    root = issue(now=NOW, is_ca=True, not_before=early)
    dead_end, way = (
        issue(now=NOW, issuer=above, is_ca=True, key=key, subject="I", not_before=early) for above in (STRANGER, root)
    )
    leaf = issue(now=NOW, issuer=way, not_before=NOW - 20 * DAY, not_after=NOW + 5 * DAY - age)
    judgement = judged(leaf, dead_end, way, anchors=(root,))
    assert not opinions(judgement)[Validator.OPENSSL]
    assert judgement.is_trusted is (age == 0 * DAY)
    assert judgement.is_trusted_ignoring_time
    assert judgement.path_not_after == leaf.certificate.not_valid_after_utc


def test_end_of_time_is_an_end_like_any_other() -> None:
    forever = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    ca = issue(now=NOW, is_ca=True, not_after=forever)
    assert judged(issue(now=NOW, issuer=ca, not_after=forever), anchors=(ca,)).path_not_after == forever


def test_only_so_many_certificates_are_judged() -> None:
    pile = [issue(now=NOW, issuer=STRANGER, subject=f"pile {number}").der for number in range(MAX_CERTIFICATES)]
    judgement = judged(LEAF.der, *pile, INTERMEDIATE.der)
    assert judgement.judged_certificates == MAX_CERTIFICATES
    assert not judgement.is_trusted


def test_certificate_with_an_outsized_key_is_left_out() -> None:
    # A number of that size: making a real key would take minutes, and judging it must not begin.
    modulus = odd.integer((1 << 16_384) + 1)
    rsa_key = odd.tlv(0x30, modulus, odd.integer(65_537))
    key = odd.tlv(
        0x30,
        odd.tlv(0x30, odd.oid("1.2.840.113549.1.1.1"), odd.tlv(0x05)),
        odd.tlv(0x03, b"\x00" + rsa_key),
    )
    outsized = odd.certificate(key=key)
    assert judged(LEAF.der, outsized, INTERMEDIATE.der).accepted
    assert judged(LEAF.der, outsized, INTERMEDIATE.der).judged_certificates == 2
    alone = judged(outsized)
    assert not alone.is_trusted
    assert alone.judged_certificates == 0
    assert "larger" in (alone.opinions[0].error or "")


def test_certificate_that_one_library_cannot_load_is_left_out_for_that_library() -> None:
    broken = odd.certificate(serial=odd.tlv(0x04, b"\x01"))
    judgement = judged(LEAF.der, broken, INTERMEDIATE.der)
    assert opinions(judgement) == dict.fromkeys(Validator, True)
    assert not judged(broken).is_trusted


def test_version_that_does_not_exist_costs_only_that_certificate() -> None:
    odd_version = bytearray(INTERMEDIATE.der)
    place = odd_version.index(b"\xa0\x03\x02\x01\x02")
    odd_version[place + 4] = 66
    assert judged(LEAF.der, bytes(odd_version), INTERMEDIATE.der).accepted
    assert not judged(bytes(odd_version)).is_trusted


@pytest.mark.parametrize(("count", "is_asked"), [(50, True), (1000, False)])
def test_cryptography_is_spared_names_and_constraints_beyond_measure(count: int, is_asked: bool) -> None:
    judgement = judged(*constrained(NOW, ROOT, count), reference="1.b")
    assert judgement.accepted
    assert opinions(judgement)[Validator.CRYPTOGRAPHY_RELAXED] is is_asked


def test_many_names_without_constraints_are_judged_by_all() -> None:
    many = issue(now=NOW, issuer=ROOT, names=["DNS:localhost", *(f"DNS:{number:x}.example" for number in range(2000))])
    assert opinions(judged(many)) == dict.fromkeys(Validator, True)


def test_empty_chain_is_refused_in_words() -> None:
    judgement = judged()
    assert not judgement.accepted
    assert judgement.judged_certificates == 0
    assert {opinion.error for opinion in judgement.opinions} == {"no certificate was served"}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_chains_are_judged_without_an_exception_and_accepted_only_as_signed(data: st.DataObject) -> None:
    encoded = bytearray(LEAF.der)
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= 1 << data.draw(st.integers(0, 7))
    judgement = judged(bytes(encoded), INTERMEDIATE.der)
    if judgement.accepted:
        # How many bits of the signature's last octet count is signed by nobody, and cryptography does not mind.
        damaged = x509.load_der_x509_certificate(bytes(encoded))
        assert damaged.tbs_certificate_bytes == LEAF.certificate.tbs_certificate_bytes
        assert damaged.signature == LEAF.certificate.signature


# The memory.


class Counted:
    """Counts how often a chain is really judged."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        original = subject_under_test._judgement

        def counting(*arguments: object) -> Judgement:
            self.count += 1
            return original(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(subject_under_test, "_judgement", counting)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


def test_remembered_judgement_is_the_one_that_would_be_made_anew(counted: Counted) -> None:
    # Every boundary of leaf, intermediate and anchor, from both sides, in both directions of time.
    anchor = issue(now=NOW, is_ca=True, not_before=NOW - 20 * DAY, not_after=NOW + 40 * DAY)
    middle = issue(now=NOW, issuer=anchor, is_ca=True, not_before=NOW - 15 * DAY, not_after=NOW + 30 * DAY)
    leaf = issue(now=NOW, issuer=middle, not_before=NOW - 10 * DAY, not_after=NOW + 20 * DAY)
    moments = sorted(
        moment + offset
        for issued in (anchor, middle, leaf)
        for moment in (issued.certificate.not_valid_before_utc, issued.certificate.not_valid_after_utc)
        for offset in (-SECOND, timedelta(0), timedelta(milliseconds=500), SECOND, 2 * SECOND)
    )
    judge = Judge()
    for at in (*moments, *reversed(moments)):
        fresh = judged(leaf, middle, anchors=(anchor,), at=at)
        assert judged(leaf, middle, anchors=(anchor,), at=at, judge=judge) == fresh
    # Seven stretches of time between six boundaries, there and back, the turning point once.
    assert counted.count - 2 * len(moments) == 13


def test_answer_holds_until_the_anchor_expires_even_if_the_chain_does_not(counted: Counted) -> None:
    anchor = issue(now=NOW, is_ca=True, not_after=NOW + 5 * DAY)
    leaf, judge = issue(now=NOW, issuer=anchor), Judge()
    for days, accepted, count in ((0, True, 1), (4, True, 1), (6, False, 2), (7, False, 2), (0, True, 3)):
        assert judged(leaf, anchors=(anchor,), at=NOW + days * DAY, judge=judge).accepted is accepted
        assert counted.count == count


def test_name_trust_and_order_each_make_another_question(counted: Counted) -> None:
    judge = Judge()
    judged(LEAF, INTERMEDIATE, judge=judge)
    judged(LEAF, INTERMEDIATE, judge=judge, reference="other.example")
    judged(LEAF, INTERMEDIATE, judge=judge, anchors=(ROOT, STRANGER))
    judged(INTERMEDIATE, LEAF, judge=judge)
    assert counted.count == 4
    judged(LEAF, INTERMEDIATE, judge=judge)
    assert counted.count == 4


def test_certificate_whose_dates_cannot_be_read_is_judged_anew_each_second(counted: Counted) -> None:
    undated, judge = odd.certificate(not_after=odd.tlv(0x17, b"2701010000Z")), Judge()
    for seconds, count in ((0, 1), (0, 1), (1, 2)):
        judged(undated, judge=judge, at=NOW + timedelta(seconds=seconds))
        assert counted.count == count


def test_what_lies_behind_the_judged_certificates_makes_no_other_question(counted: Counted) -> None:
    judge = Judge()
    filling = [INTERMEDIATE] * (MAX_CERTIFICATES - 1)
    for number in range(3):
        judged(LEAF, *filling, issue(now=NOW, subject=str(number)), judge=judge)
    assert counted.count == 1


def test_pile_with_too_many_paths_is_given_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pile = circle(NOW, MAX_CERTIFICATES - 1)
    foreign = issue(now=NOW, is_ca=True, subject="A")
    relaxed = Bench.relaxed
    calls = 0

    def counting(bench: Bench, at: datetime) -> Answer:
        nonlocal calls
        calls += 1
        return relaxed(bench, at)

    def never(*_: object) -> Answer:
        raise AssertionError("asked although the relaxed form gave up")

    monkeypatch.setattr(Bench, "relaxed", counting)
    monkeypatch.setattr(Bench, "strict", never)
    judgement = judged(issue(now=NOW, issuer=pile[0]), *pile, anchors=(foreign,))
    assert not judgement.accepted
    assert opinions(judgement) == dict.fromkeys(Validator, False)
    assert calls == 1
    assert "gave up" in str(judgement.opinions[1].error)


def test_equal_trusts_are_made_ready_once() -> None:
    judge = Judge()
    first = trust(ROOT, STRANGER)
    assert judge.anchors(first) is judge.anchors(replace(first, source="elsewhere"))


def test_memory_is_bounded() -> None:
    judge = Judge(max_trusts=2, max_judgements=3)
    for number in range(6):
        judged(LEAF, INTERMEDIATE, judge=judge, reference=f"host-{number}.example")
        judged(LEAF, judge=judge, anchors=(issue(now=NOW, is_ca=True, subject=str(number)),))
    assert len(judge._judgements) == 3
    assert len(judge._trusts) == 2
    assert judged(LEAF, INTERMEDIATE, judge=judge).accepted


def test_remembered_judgement_costs_microseconds_even_with_a_system_trust_of_140() -> None:
    # Some 10 microseconds are the aim; the bound leaves room for a machine that is busy with other things.
    key = ec.generate_private_key(ec.SECP256R1())
    others = tuple(issue(now=NOW, is_ca=True, key=key, subject=f"root {number}").der for number in range(139))
    large = Trust(source="system", anchors=(ROOT.der, *others))
    chain, judge = read_chain([LEAF.der, INTERMEDIATE.der]), Judge()
    judge.judge(chain, large, "localhost", NOW)
    fastest = min(_elapsed(judge, chain, large) for _ in range(20))
    assert fastest < 100e-6


def _elapsed(judge: Judge, chain: tuple[CertificateFacts, ...], large: Trust) -> float:
    begun = time.perf_counter()
    for number in range(20):
        judge.judge(chain, large, "localhost", NOW + timedelta(seconds=number))
    return (time.perf_counter() - begun) / 20


def test_rsa_chain_is_judged_like_any_other() -> None:
    ca = issue(now=NOW, is_ca=True, key=rsa.generate_private_key(65537, 2048))
    leaf = issue(now=NOW, issuer=ca, key=rsa.generate_private_key(65537, 2048))
    assert opinions(judged(leaf, anchors=(ca,))) == dict.fromkeys(Validator, True)
