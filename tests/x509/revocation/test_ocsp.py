"""OCSP responses: what they say is believed from the CA and from whom it gave the right, and from nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from monitor.demo.pki import Issued, issue
from monitor.model.revocation import Status
from monitor.x509.certificate import read_chain
from monitor.x509.revocation.issuer import prepare
from monitor.x509.revocation.ocsp import MAX_RESPONSE_OCTETS, read_response
from monitor.x509.revocation.statement import Statement
from tests.support.revocation import GOOD, REVOKED, UNKNOWN, ocsp_response

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
CA = issue(now=NOW, is_ca=True)
OTHER_CA = issue(now=NOW, is_ca=True)
LEAF = issue(now=NOW, issuer=CA)
OTHER_LEAF = issue(now=NOW, issuer=CA)
UNKNOWN_EXTENSION = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


def responder(issuer: Issued = CA, *, usage: str = "OCSPSigning", nocheck: bool = True, **dates: datetime) -> Issued:
    extensions = ((x509.OCSPNoCheck(), False),) if nocheck else ()
    return issue(
        now=NOW,
        issuer=issuer,
        subject="OCSP responder",
        names=None,
        extended_key_usage=(usage,),
        extensions=extensions,
        **dates,  # type: ignore[arg-type]
    )


def made(**deviation: object) -> bytes:
    return ocsp_response(**{"leaf": LEAF, "issuer": CA, "now": NOW, **deviation})  # type: ignore[arg-type]


def delegated(by: Issued, **deviation: object) -> bytes:
    return made(signer=by, certificates=(by,), **deviation)


def read(encoded: bytes, leaf: Issued = LEAF, issuer: Issued = CA) -> Statement:
    (certificate,), (above,) = read_chain([leaf.der]), read_chain([issuer.der])
    ready = prepare(above)
    assert ready is not None
    return read_response(encoded, certificate, ready)


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.SHA256()])
def test_good_is_good_until_its_last_second(by_name: bool, digest: hashes.SHA256) -> None:
    statement = read(made(by_name=by_name, digest=digest))
    assert statement.next_update == NOW + DAY
    assert statement.at(NOW) == (Status.GOOD, "")
    assert statement.at(NOW + DAY)[0] is Status.GOOD
    assert statement.at(NOW + DAY + SECOND)[0] is Status.STALE


@pytest.mark.parametrize("key", [rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()])
def test_other_kinds_of_keys_sign_too(key: rsa.RSAPrivateKey) -> None:
    ca = issue(now=NOW, is_ca=True, key=key)
    leaf = issue(now=NOW, issuer=ca)
    assert read(made(leaf=leaf, issuer=ca), leaf, ca).at(NOW)[0] is Status.GOOD


def test_revoked_says_when_and_why_and_stays_so_however_old() -> None:
    statement = read(made(status=REVOKED, reason=x509.ReasonFlags.key_compromise))
    assert (statement.revoked_at, statement.reason) == (NOW - timedelta(hours=1), "keyCompromise")
    assert statement.at(NOW)[0] is Status.REVOKED
    assert statement.at(NOW + 30 * DAY)[0] is Status.REVOKED


def test_hold_ends_with_its_news() -> None:
    statement = read(made(status=REVOKED, reason=x509.ReasonFlags.certificate_hold))
    assert statement.at(NOW)[0] is Status.REVOKED
    assert statement.at(NOW + 2 * DAY)[0] is Status.STALE


def test_unknown_is_not_good() -> None:
    assert read(made(status=UNKNOWN)).at(NOW) == (Status.UNKNOWN, "the responder does not know the certificate")


def test_without_next_update_it_is_news_for_a_day() -> None:
    statement = read(made(has_next_update=False, this_update=NOW))
    assert statement.at(NOW + DAY)[0] is Status.GOOD
    assert statement.at(NOW + DAY + SECOND)[0] is Status.STALE


def test_of_the_future_it_is_invalid_beyond_a_difference_of_clocks() -> None:
    statement = read(made(this_update=NOW + timedelta(minutes=5)))
    assert statement.at(NOW)[0] is Status.GOOD
    assert statement.at(NOW - SECOND)[0] is Status.INVALID


@pytest.mark.parametrize(
    ("encoded", "said"),
    [
        (lambda: made(signer=OTHER_CA), "neither by the CA of the broker's certificate nor on its behalf"),
        (lambda: made(leaf=OTHER_LEAF), "about another certificate"),
        (lambda: made(leaf=issue(now=NOW, issuer=OTHER_CA), issuer=OTHER_CA, signer=CA), "about another certificate"),
        (lambda: delegated(responder(OTHER_CA)), "did not issue"),
        (lambda: delegated(responder(usage="serverAuth")), "no right to sign such responses"),
        (lambda: delegated(LEAF), "no right to sign such responses"),
        (lambda: damaged(made()), "its signature is wrong"),
        (lambda: b"", "cannot be decoded"),
        (lambda: b"garbage", "cannot be decoded"),
        (lambda: made()[:-1], "cannot be decoded"),
        (lambda: b"\x30" * (MAX_RESPONSE_OCTETS + 1), "more than is read"),
    ],
)
def test_what_cannot_be_relied_on_is_never_good(encoded: Callable[[], bytes], said: str) -> None:
    status, detail = read(encoded()).at(NOW)
    assert status is Status.INVALID
    assert said in detail


def damaged(encoded: bytes) -> bytes:
    """Flip the last bit of the signature."""
    signature = ocsp.load_der_ocsp_response(encoded).signature
    return encoded.replace(signature, signature[:-1] + bytes([signature[-1] ^ 1]))


@pytest.mark.parametrize("status", [GOOD, REVOKED])
def test_key_of_another_ca_with_the_same_name_does_not_count(status: ocsp.OCSPCertStatus) -> None:
    encoded = made(status=status, signer=OTHER_CA, by_name=True)
    assert read(encoded).at(NOW) == (Status.INVALID, "its signature is wrong")


def test_responder_with_the_right_speaks_for_the_ca_while_its_certificate_is_valid() -> None:
    by = responder(not_before=NOW - DAY, not_after=NOW + timedelta(hours=1))
    statement = read(delegated(by))
    assert statement.at(NOW)[0] is Status.GOOD
    assert statement.at(NOW + timedelta(hours=1) + SECOND)[0] is Status.INVALID
    assert statement.is_responder_unchecked is False


def test_revoked_stays_so_when_the_responders_certificate_ends_and_whatever_the_date() -> None:
    by = responder(not_before=NOW - DAY, not_after=NOW + timedelta(hours=1))
    assert read(delegated(by, status=REVOKED)).at(NOW + DAY)[0] is Status.REVOKED
    assert read(made(status=REVOKED, this_update=NOW + timedelta(hours=1))).at(NOW)[0] is Status.REVOKED
    hold = x509.ReasonFlags.certificate_hold
    assert read(delegated(by, status=REVOKED, reason=hold)).at(NOW + DAY)[0] is Status.INVALID


def test_responder_that_is_not_exempt_from_revocation_is_named() -> None:
    statement = read(delegated(responder(nocheck=False)))
    assert statement.is_responder_unchecked
    assert statement.signer is not None
    assert statement.signer.subject == "CN=OCSP responder"


def test_unknown_critical_extension_forbids_its_use_and_a_nonce_does_not() -> None:
    assert read(made(extensions=((UNKNOWN_EXTENSION, True),))).at(NOW)[0] is Status.UNKNOWN
    assert read(made(extensions=((UNKNOWN_EXTENSION, False),))).at(NOW)[0] is Status.GOOD
    assert read(made(extensions=((x509.OCSPNonce(b"nonce"), True),))).at(NOW)[0] is Status.GOOD


def test_error_of_the_responder_is_unavailable() -> None:
    encoded = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER)
    status, detail = read(encoded).at(NOW)
    assert status is Status.UNAVAILABLE
    assert "tryLater" in detail
