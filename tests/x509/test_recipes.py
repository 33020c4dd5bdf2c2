"""Certificates as operators make them with the `openssl` command: accepted where the recipe is followed."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from monitor.model.broker import Trust
from monitor.model.judgement import Judgement, Validator
from monitor.x509.certificate import read_chain
from monitor.x509.judge import Judge
from tests.support.ports import PATIENCE_S

CONFIGURATION = """
[req]
distinguished_name = req_distinguished_name
req_extensions = v3_req
prompt = no
[req_distinguished_name]
countryName = CN
stateOrProvinceName = Zhejiang
localityName = Hangzhou
organizationName = EMQX
commonName = Server certificate
[v3_req]
subjectAltName = @alt_names
[alt_names]
IP.1 = 127.0.0.1
DNS.1 = broker.example
"""


def openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(("openssl", *arguments), cwd=directory, check=True, capture_output=True, timeout=PATIENCE_S)


def der(path: Path) -> bytes:
    return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)


def judged(served: Path, ca_file: Path, reference: str) -> Judgement:
    # The command dates certificates by the real clock: judged a little later, by that of the certificate itself.
    chain = read_chain([der(served)])
    assert chain[0].not_before is not None
    at = chain[0].not_before.astimezone(UTC)
    return Judge().judge(chain, Trust(source=str(ca_file), anchors=(der(ca_file),)), reference, at)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """The article's way: a CA by `req -new -x509`, a request, and `x509 -req` with the extensions of openssl.cnf."""
    (tmp_path / "openssl.cnf").write_text(CONFIGURATION)
    openssl(tmp_path, "genrsa", "-out", "ca.key", "2048")
    openssl(
        tmp_path,
        *("req", "-x509", "-new", "-nodes", "-key", "ca.key", "-sha256", "-days", "3650"),
        *("-subj", "/C=CN/O=EMQX/CN=Self-made CA", "-out", "ca.pem"),
    )
    openssl(tmp_path, "genrsa", "-out", "server.key", "2048")
    openssl(tmp_path, *("req", "-new", "-key", "server.key", "-config", "openssl.cnf", "-out", "server.csr"))
    return tmp_path


def sign(recipe: Path, *extra: str) -> Path:
    openssl(
        recipe,
        *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-out", "server.pem", "-days", "3650", "-sha256", *extra),
    )
    return recipe / "server.pem"


@pytest.mark.parametrize("reference", ["127.0.0.1", "broker.example"])
def test_self_made_ca_and_certificate_are_accepted(recipe: Path, reference: str) -> None:
    server = sign(recipe, "-extensions", "v3_req", "-extfile", "openssl.cnf")
    judgement = judged(server, recipe / "ca.pem", reference)
    assert judgement.accepted
    # The recipe's CA has no keyUsage, which web clients want; that is an opinion and not the gate.
    assert not {opinion.validator: opinion.accepts for opinion in judgement.opinions}[Validator.CRYPTOGRAPHY_STRICT]


def test_extensions_forgotten_when_signing_leave_a_certificate_without_names(recipe: Path) -> None:
    judgement = judged(sign(recipe), recipe / "ca.pem", "broker.example")
    assert judgement.is_trusted
    assert not judgement.name_matches
    assert not judgement.accepted


def test_self_made_certificate_for_another_name_is_not_accepted(recipe: Path) -> None:
    server = sign(recipe, "-extensions", "v3_req", "-extfile", "openssl.cnf")
    assert not judged(server, recipe / "ca.pem", "other.example").accepted
    assert not judged(server, recipe / "ca.pem", "127.0.0.2").accepted


def test_ca_made_anew_under_its_old_name_is_not_accepted(recipe: Path) -> None:
    server = sign(recipe, "-extensions", "v3_req", "-extfile", "openssl.cnf")
    openssl(
        recipe,
        *("req", "-x509", "-new", "-nodes", "-newkey", "rsa:2048", "-keyout", "new.key", "-sha256"),
        *("-subj", "/C=CN/O=EMQX/CN=Self-made CA", "-out", "new.pem"),
    )
    assert not judged(server, recipe / "new.pem", "broker.example").is_trusted


def self_signed(directory: Path, name: str, *extra: str) -> Path:
    openssl(
        directory,
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "365", "-subj", "/CN=broker"),
        *("-addext", "subjectAltName=DNS:broker.example,IP:127.0.0.1", *extra),
    )
    return directory / f"{name}.pem"


def test_self_signed_certificate_that_calls_itself_a_ca_is_accepted_where_it_is_the_ca_file(tmp_path: Path) -> None:
    server = self_signed(tmp_path, "server")
    assert read_chain([der(server)])[0].is_ca is True
    assert judged(server, server, "broker.example").accepted
    assert judged(server, server, "127.0.0.1").accepted


def test_self_signed_certificate_under_another_ca_file_is_not_accepted(tmp_path: Path) -> None:
    # The same subject, another key.
    server, other = self_signed(tmp_path, "server"), self_signed(tmp_path, "other")
    assert not judged(server, other, "broker.example").is_trusted


def test_self_signed_certificate_for_clients_only_is_not_accepted(tmp_path: Path) -> None:
    server = self_signed(tmp_path, "server", "-addext", "extendedKeyUsage=clientAuth")
    judgement = judged(server, server, "broker.example")
    assert not judgement.is_for_servers
    assert not judgement.accepted


def test_clock_is_an_argument_and_not_the_machines(recipe: Path) -> None:
    server = sign(recipe, "-extensions", "v3_req", "-extfile", "openssl.cnf")
    chain = read_chain([der(server)])
    ca = Trust(source="ca.pem", anchors=(der(recipe / "ca.pem"),))
    assert not Judge().judge(chain, ca, "broker.example", datetime(1999, 1, 1, tzinfo=UTC)).is_trusted
