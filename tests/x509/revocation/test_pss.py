"""Responses that are signed with RSASSA-PSS: made by OpenSSL, as cryptography makes none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import ocsp

from monitor.demo.pki import Issued, issue
from monitor.model.revocation import Status
from monitor.x509.certificate import read_chain
from monitor.x509.revocation.issuer import prepare
from monitor.x509.revocation.ocsp import read_response
from monitor.x509.revocation.statement import Statement
from tests.support.openssl import openssl

NOW = datetime.now(UTC)
CA = issue(now=NOW, is_ca=True, key=rsa.generate_private_key(65_537, 2048))
LEAF = issue(now=NOW, issuer=CA)


def response(directory: Path, digest: str, *options: str, is_revoked: bool = False) -> bytes:
    """Have OpenSSL answer for the leaf."""
    ca, key, leaf, index, made = (directory / name for name in ("ca.pem", "ca.key", "leaf.pem", "index", "response"))
    ca.write_bytes(CA.pem)
    key.write_bytes(CA.key_pem)
    leaf.write_bytes(LEAF.pem)
    serial = f"{LEAF.certificate.serial_number:X}"
    state = "R\t401231235959Z\t261101000000Z,keyCompromise" if is_revoked else "V\t401231235959Z\t"
    index.write_text(f"{state}\t{serial.zfill(len(serial) + len(serial) % 2)}\tunknown\t/CN=broker.test\n")
    asked = ("-issuer", ca, "-cert", leaf, "-no_nonce")
    by = ("-index", index, "-CA", ca, "-rsigner", ca, "-rkey", key, "-rmd", digest, "-ndays", "5")
    padded = [each for option in ("rsa_padding_mode:pss", *options) for each in ("-rsigopt", option)]
    openssl("ocsp", *asked, *by, *padded, "-respout", made, "-noverify")
    return made.read_bytes()


def read(encoded: bytes, issuer: Issued = CA) -> Statement:
    certificate, above = read_chain([LEAF.der, issuer.der])
    ready = prepare(above)
    assert ready is not None
    return read_response(encoded, certificate, ready)


@pytest.mark.parametrize(
    ("digest", "options"),
    [
        ("sha256", ()),
        ("sha256", ("rsa_pss_saltlen:20",)),
        ("sha384", ("rsa_mgf1_md:sha512", "rsa_pss_saltlen:0")),
        ("sha1", ("rsa_pss_saltlen:20",)),  # all by default: no parameter is written
    ],
)
def test_genuine_response_is_believed(tmp_path: Path, digest: str, options: tuple[str, ...]) -> None:
    assert read(response(tmp_path, digest, *options)).status is Status.GOOD
    assert read(response(tmp_path, digest, *options, is_revoked=True)).status is Status.REVOKED


def test_damaged_signature_is_wrong(tmp_path: Path) -> None:
    encoded = response(tmp_path, "sha256")
    signature = ocsp.load_der_ocsp_response(encoded).signature
    statement = read(encoded.replace(signature, signature[:-1] + bytes([signature[-1] ^ 1])))
    assert (statement.status, statement.detail) == (Status.INVALID, "its signature is wrong")


def test_digest_that_is_not_known_here_cannot_be_checked(tmp_path: Path) -> None:
    sha_384, sha_512_256 = (bytes.fromhex(f"608648016503040{number}") for number in ("202", "206"))
    statement = read(response(tmp_path, "sha384").replace(sha_384, sha_512_256))
    assert (statement.status, statement.detail) == (
        Status.INVALID,
        "its signature is of a kind that cannot be checked",
    )


def test_no_flipped_bit_turns_revoked_to_good_or_raises(tmp_path: Path) -> None:
    encoded = response(tmp_path, "sha256", is_revoked=True)
    signature = ocsp.load_der_ocsp_response(encoded).signature
    # The parameters stand before the signature, and are not covered by it.
    end = encoded.index(signature)
    for place in range(8 * (end - 80), 8 * end):
        damaged = bytearray(encoded)
        damaged[place // 8] ^= 1 << place % 8
        assert read(bytes(damaged)).status is not Status.GOOD
