"""What is asked, what an answer is worth, and when it is asked again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from monitor.demo.pki import issue
from monitor.fetch.question import Question, ocsp_request
from monitor.fetch.wanted import wanted
from monitor.model.broker import Fetch, FetchSettings
from monitor.model.facts import CertificateFacts
from monitor.model.revocation import Source
from monitor.model.unavailable import Unavailable
from monitor.x509.certificate import read_chain
from tests.support.responder import Responder, pointing_at

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
BOTH = FetchSettings(what=Fetch.BOTH)

ROOT = issue(now=NOW, is_ca=True)
CA = issue(now=NOW, issuer=ROOT, is_ca=True, extensions=pointing_at(crl=("http://crl.test/root.crl",)))
LEAF = issue(
    now=NOW,
    issuer=CA,
    extensions=pointing_at(
        ocsp=("ldap://dc.test/", "http://ocsp.test/", "http://ocsp.test:8080/", "http://b.test/", "http://c.test/"),
        crl=("http://crl.test/ca.crl",),
    ),
)
WAY = read_chain([LEAF.der, CA.der, ROOT.der])


def questions(settings: FetchSettings = BOTH, way: tuple[CertificateFacts, ...] = WAY) -> list[Question]:
    return [each.question for each in wanted(way, settings) if each.question is not None]


def test_of_each_certificate_is_asked_what_is_wanted_and_offered() -> None:
    asked = {
        what: [(each.source, each.fingerprint_sha256, each.uri) for each in wanted(WAY, replace(BOTH, what=what))]
        for what in Fetch
    }
    leaf, ca, _ = (facts.fingerprint_sha256 for facts in WAY)
    responder = (Source.OCSP, leaf, "http://ocsp.test/")
    lists = [
        (Source.CRL, leaf, "http://crl.test/ca.crl"),
        (Source.CRL, ca, "http://crl.test/root.crl"),
    ]
    assert asked == {Fetch.NONE: [], Fetch.OCSP: [responder], Fetch.CRL: lists, Fetch.BOTH: [responder, *lists]}


def test_first_two_uris_that_are_followed_are_asked() -> None:
    assert questions()[0].uris == ("http://ocsp.test/", "http://b.test/")
    allowed = replace(BOTH, allowed=frozenset({("ocsp.test", 8080)}))
    assert questions(allowed)[0].uris == ("http://ocsp.test/", "http://ocsp.test:8080/")


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("ldap:///CN=CA?certificateRevocationList", Unavailable.SCHEME),
        ("https://crl.test/ca.crl", Unavailable.SCHEME),
        ("http://user:word@crl.test/ca.crl", Unavailable.URI),
        ("http://crl.test/\x01", Unavailable.URI),
        ("http://crl.test:8080/ca.crl", Unavailable.PORT),
    ],
)
def test_certificate_without_uri_that_is_followed_says_why(uri: str, problem: Unavailable) -> None:
    leaf = issue(now=NOW, issuer=CA, extensions=pointing_at(crl=(uri,)))
    (found,) = wanted(read_chain([leaf.der, CA.der]), BOTH)
    assert (found.question, found.problem) == (None, problem)
    assert found.detail


def test_request_names_the_certificate_by_sha1_and_holds_no_nonce() -> None:
    request = questions()[0].request
    assert (request.accept, request.content_type) == ("application/ocsp-response", "application/ocsp-request")
    assert request.content is not None
    read = ocsp.load_der_ocsp_request(request.content)
    assert isinstance(read.hash_algorithm, hashes.SHA1)
    assert read.serial_number == LEAF.certificate.serial_number
    assert list(read.extensions) == []
    built = ocsp.OCSPRequestBuilder().add_certificate(LEAF.certificate, CA.certificate, hashes.SHA1()).build()
    assert (read.issuer_name_hash, read.issuer_key_hash) == (built.issuer_name_hash, built.issuer_key_hash)


def test_nothing_can_be_asked_about_a_certificate_that_cannot_be_read() -> None:
    leaf, ca, _ = WAY
    assert ocsp_request(replace(leaf, serial=None), ca) is None
    assert ocsp_request(leaf, replace(ca, der=b"\x30\x00")) is None
    (found, *_) = wanted((leaf, replace(ca, der=b"\x30\x00")), BOTH)
    assert (found.question, found.problem) == (None, Unavailable.UNUSABLE)


def test_equal_questions_are_one_whoever_asks() -> None:
    other = read_chain([issue(now=NOW, issuer=CA, extensions=pointing_at(crl=("http://crl.test/ca.crl",))).der])
    ours, theirs = questions()[1], questions(way=(*other, *WAY[1:]))[0]
    assert ours == theirs
    assert questions()[0] == questions()[0]
    assert ours not in questions(replace(BOTH, refresh_s=1.0))
    assert ours not in questions(replace(BOTH, allowed=frozenset({("crl.test", 80)})))


# What an answer is worth


def content(question: Question, responder: Responder) -> bytes:
    return responder.crl() if question.request.content is None else responder.response(question.request.content)


@pytest.fixture
def responder() -> Iterator[Responder]:
    with Responder(CA, now=lambda: NOW) as responder:
        yield responder


@pytest.mark.parametrize("place", [0, 1], ids=["ocsp", "crl"])
@pytest.mark.parametrize("is_revoked", [False, True])
def test_genuine_answer_is_usable_whatever_it_says(responder: Responder, place: int, is_revoked: bool) -> None:
    question = questions()[place]
    if is_revoked:
        responder.revoked.add(LEAF.certificate.serial_number)
    reading = question.read(content(question, responder), NOW)
    assert (reading.is_usable, reading.next_update, reading.detail) == (True, NOW + DAY, "")


@pytest.mark.parametrize("place", [0, 1], ids=["ocsp", "crl"])
def test_anything_else_is_not_usable_and_says_why(responder: Responder, place: int) -> None:
    question = questions()[place]
    old = content(question, responder)
    responder.ca = issue(now=NOW, is_ca=True, subject="Test intermediate CA")
    for bad, detail in (
        (b"", "it cannot be decoded"),
        (b"<html>", "it cannot be decoded"),
        (old[:-1], "it cannot be decoded"),
        (old[:-1] + bytes((old[-1] ^ 1,)), "its signature is wrong"),
        (content(question, responder), ""),
    ):
        reading = question.read(bad, NOW)
        assert not reading.is_usable
        assert detail in reading.detail
    late = question.read(old, NOW + 2 * DAY)
    assert (late.is_usable, late.detail) == (False, "it is out of date")


def test_responder_that_refuses_gave_no_answer(responder: Responder) -> None:
    question = questions()[0]
    responder.refuses = True
    reading = question.read(content(question, responder), NOW)
    assert not reading.is_usable
    assert "tryLater" in reading.detail


# When it is asked again


def after(question: Question, lifetime: timedelta | None) -> float:
    return (question.next_asking(NOW, None if lifetime is None else NOW + lifetime) - NOW).total_seconds()


def test_is_asked_again_before_the_answer_is_out_of_date() -> None:
    question = questions()[0]
    for lifetime in (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=12)):
        assert 0.7 <= after(question, lifetime) / lifetime.total_seconds() <= 0.9


def test_is_asked_again_after_the_configured_time_however_long_the_answer_lasts() -> None:
    question = questions(replace(BOTH, refresh_s=3600.0))[0]
    assert 0.7 * 3600 <= after(question, 30 * DAY) <= 0.9 * 3600
    assert after(question, None) == after(question, 30 * DAY)


def test_is_not_asked_without_pause_however_short_the_answer_lasts() -> None:
    for lifetime in (timedelta(seconds=1), timedelta(0), -DAY):
        assert after(questions()[0], lifetime) >= 0.7 * 60
    assert after(questions(replace(BOTH, refresh_s=1.0))[0], -DAY) >= 0.7


def test_each_failure_in_a_row_puts_off_the_next_try_up_to_an_hour() -> None:
    question = questions()[0]
    waits = [(question.next_try(NOW, failures) - NOW).total_seconds() for failures in range(1, 40)]
    assert 0.7 * 60 <= waits[0] <= 0.9 * 60
    assert waits[1:6] == pytest.approx([2 * wait for wait in waits[:5]])
    assert max(waits) == waits[-1] <= 3600


def test_moment_differs_from_one_question_to_another_and_never_from_run_to_run() -> None:
    many = [replace(questions()[1], uris=(f"http://crl{number}.test/",)) for number in range(50)]
    moments = [question.next_asking(NOW, NOW + DAY) for question in many]
    assert len(set(moments)) == 50
    assert max(moments) - min(moments) > DAY / 20
    assert [replace(question).next_asking(NOW, NOW + DAY) for question in many] == moments
