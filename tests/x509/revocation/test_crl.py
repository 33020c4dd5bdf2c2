"""Revocation lists: of the CA, signed by it, complete, fresh, and for such certificates; else they say nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from monitor.demo.pki import Issued, issue
from monitor.model.facts import CertificateFacts
from monitor.model.revocation import Answer, Source, Status
from monitor.x509.certificate import read_chain
from monitor.x509.revocation.crl import read_crl
from monitor.x509.revocation.issuer import prepare
from monitor.x509.revocation.lists import Listed, listed
from tests.support.revocation import revocation_list

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
CA = issue(now=NOW, is_ca=True)
NAMESAKE = issue(now=NOW, is_ca=True)
LEAF = issue(now=NOW, issuer=CA)
POINT = "http://crl.example/part-1.crl"
POINTING = issue(
    now=NOW,
    issuer=CA,
    extensions=(
        (
            x509.CRLDistributionPoints(
                [x509.DistributionPoint([x509.UniformResourceIdentifier(POINT)], None, None, None)]
            ),
            False,
        ),
    ),
)
UNKNOWN_EXTENSION = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
SOME = frozenset({x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise})
OTHERS = frozenset(x509.ReasonFlags) - SOME - {x509.ReasonFlags.unspecified, x509.ReasonFlags.remove_from_crl}


def made(*revoked: Issued, issuer: Issued = CA, **deviation: object) -> bytes:
    return revocation_list(issuer, *revoked, **{"now": NOW, **deviation})  # type: ignore[arg-type]


def scope(**deviation: object) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    fields = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
        **deviation,
    }
    return ((x509.IssuingDistributionPoint(**fields), True),)  # type: ignore[arg-type]


def at_point(uri: str) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    return scope(full_name=[x509.UniformResourceIdentifier(uri)])


def look_up(*lists: bytes, leaf: Issued = LEAF, issuer: Issued = CA) -> Listed:
    certificate, above = read(leaf), prepare(read(issuer))
    assert above is not None
    read_lists = [(f"{place}.crl", read_crl(encoded)) for place, encoded in enumerate(lists)]
    return listed(certificate, (above,), read_lists, Source.CRL_FILE)


def read(issued: Issued) -> CertificateFacts:
    return read_chain([issued.der])[0]


def said(*lists: bytes, leaf: Issued = LEAF, now: datetime = NOW) -> Answer:
    return look_up(*lists, leaf=leaf).at(now)


def test_unlisted_is_good_until_the_lists_last_second() -> None:
    found = look_up(made())
    assert (found.at(NOW).status, found.at(NOW).next_update) == (Status.GOOD, NOW + DAY)
    assert found.at(NOW + DAY).status is Status.GOOD
    assert found.at(NOW + DAY + SECOND).status is Status.STALE


def test_listed_is_revoked_with_when_why_and_where_however_old_the_list() -> None:
    answer = said(made(LEAF, reason=x509.ReasonFlags.superseded))
    assert answer.status is Status.REVOKED
    assert (answer.revoked_at, answer.reason, answer.origin) == (NOW - timedelta(hours=1), "superseded", "0.crl")
    assert said(made(LEAF), now=NOW + 30 * DAY).status is Status.REVOKED


@pytest.mark.parametrize("key", [rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()])
def test_other_kinds_of_keys_sign_too(key: rsa.RSAPrivateKey) -> None:
    ca = issue(now=NOW, is_ca=True, key=key)
    assert look_up(made(issuer=ca), leaf=issue(now=NOW, issuer=ca), issuer=ca).at(NOW).status is Status.GOOD


def test_no_list_of_the_ca_is_unavailable() -> None:
    assert said().status is Status.UNAVAILABLE
    assert said(made(issuer=issue(now=NOW, is_ca=True, subject="Another"))).status is Status.UNAVAILABLE


@pytest.mark.parametrize("revoked", [(), (LEAF,)])
def test_wrong_signature_is_never_good_nor_revoked(revoked: tuple[Issued, ...]) -> None:
    found = look_up(made(*revoked, signer=NAMESAKE))
    assert found.at(NOW).status is Status.INVALID
    assert list(found.faults(NOW)) == [("0.crl", "its signature is wrong")]


def test_badly_signed_list_beside_a_good_one_is_told_and_counts_for_nothing() -> None:
    found = look_up(made(LEAF, signer=NAMESAKE), made())
    assert found.at(NOW).status is Status.GOOD
    assert list(found.faults(NOW)) == [("0.crl", "its signature is wrong")]


def test_ca_whose_key_usage_lacks_crl_sign_signs_no_lists() -> None:
    ca = issue(now=NOW, is_ca=True, key_usage=("keyCertSign",))
    answer = look_up(made(issuer=ca), leaf=issue(now=NOW, issuer=ca), issuer=ca).at(NOW)
    assert answer.status is Status.INVALID
    assert "cRLSign" in answer.detail


def test_newest_list_counts() -> None:
    old, new = made(this_update=NOW - 2 * DAY, next_update=NOW - DAY), made()
    assert said(old, new).status is Status.GOOD
    assert said(new, old).status is Status.GOOD
    assert said(new, old).origin == "0.crl"


def test_list_of_the_future_displaces_none_that_is_true_now() -> None:
    future = made(this_update=NOW + DAY, next_update=NOW + 3 * DAY)
    hold = made(LEAF, reason=x509.ReasonFlags.certificate_hold)
    for current, status in ((made(), Status.GOOD), (made(LEAF), Status.REVOKED), (hold, Status.REVOKED)):
        for lists in ((current, future), (future, current)):
            together = look_up(*lists)
            assert together.at(NOW).status is status
            assert [origin for origin, _ in together.faults(NOW)] == [f"{lists.index(future)}.crl"]
    assert look_up(hold, future).at(NOW + DAY).status is Status.GOOD
    assert look_up(future).at(NOW).status is Status.INVALID


def test_what_was_revoked_stays_so_whatever_the_date_of_the_list() -> None:
    hold = x509.ReasonFlags.certificate_hold
    for date in (NOW - 2 * DAY, NOW + DAY):
        for reason, status in ((None, Status.REVOKED), (hold, Status.GOOD)):
            other = made(LEAF, this_update=date, next_update=NOW + 3 * DAY, reason=reason)
            assert said(made(), other).status is status


@pytest.mark.parametrize(
    ("extensions", "words"),
    [
        (((x509.DeltaCRLIndicator(1), True),), "delta list"),
        (scope(indirect_crl=True), "indirect list"),
        (scope(only_contains_ca_certs=True), "certificates of CAs alone"),
        (scope(only_contains_attribute_certs=True), "attribute certificates"),
        (at_point("http://crl.example/part-2.crl"), "another distribution point"),
        (scope(only_some_reasons=SOME), "some of the possible reasons"),
        (((UNKNOWN_EXTENSION, True),), "critical extension that is not known here"),
    ],
)
def test_list_that_does_not_speak_for_the_certificate_leaves_it_unknown(
    extensions: tuple[tuple[x509.ExtensionType, bool], ...], words: str
) -> None:
    answer = said(made(extensions=extensions), leaf=POINTING)
    assert answer.status is Status.UNKNOWN
    assert words in answer.detail


def test_delta_list_revokes_and_never_makes_good() -> None:
    delta = ((x509.DeltaCRLIndicator(1), True),)
    assert said(made(), made(LEAF, extensions=delta)).status is Status.REVOKED
    assert said(made(), made(extensions=delta)).status is Status.GOOD
    removed = made(LEAF, extensions=delta, reason=x509.ReasonFlags.remove_from_crl)
    assert said(made(), removed).status is Status.GOOD
    assert said(made(LEAF, reason=x509.ReasonFlags.certificate_hold), removed).status is Status.REVOKED


def test_list_of_the_certificates_own_distribution_point_counts() -> None:
    assert said(made(extensions=at_point(POINT)), leaf=POINTING).status is Status.GOOD
    assert said(made(POINTING, extensions=at_point(POINT)), leaf=POINTING).status is Status.REVOKED


def test_list_for_servers_and_users_counts_for_a_server_and_not_for_a_ca() -> None:
    users = made(extensions=scope(only_contains_user_certs=True))
    assert said(users).status is Status.GOOD
    assert said(users, leaf=issue(now=NOW, issuer=CA, is_ca=True)).status is Status.UNKNOWN


def test_lists_that_complete_each_other_are_good_until_the_first_ends() -> None:
    some = made(extensions=scope(only_some_reasons=SOME), next_update=NOW + 3 * DAY)
    others = made(extensions=scope(only_some_reasons=OTHERS))
    answer = said(some, others)
    assert (answer.status, answer.next_update) == (Status.GOOD, NOW + DAY)
    assert said(some, others, made(next_update=NOW + 2 * DAY)).next_update == NOW + 2 * DAY


@pytest.mark.parametrize("encoded", [b"", b"garbage", made()[:-1], CA.der])
def test_what_is_no_list_has_a_fault(encoded: bytes) -> None:
    assert read_crl(encoded).fault == "it cannot be decoded"


@pytest.mark.parametrize("bits", range(0, 8, 3))
def test_no_flipped_bit_makes_a_list_good_or_raises(bits: int) -> None:
    whole = made()
    for place in range(0, len(whole), 2):
        encoded = bytearray(whole)
        encoded[place] ^= 1 << bits
        crl = read_crl(bytes(encoded))
        if not crl.fault:
            above = prepare(read(CA))
            assert above is not None
            assert listed(read(LEAF), (above,), [("x", crl)], Source.CRL_FILE).at(NOW).status is not Status.GOOD
