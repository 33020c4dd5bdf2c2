from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from monitor.demo.pki import issue
from monitor.model.config import Config, ConfigError
from tests.config.conftest import Load
from tests.support.pki import TestPki

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Write = Callable[..., Path]
MQTT = "brokers: [{name: a, host: a.example, mqtt: {username: u, %s}}]"
TLS = "brokers: [{name: a, host: a.example, tls: {client_certificate: own.pem, client_key: own.key%s}}]"


def password(config: Config) -> bytes | None:
    secret = config.brokers[0].mqtt.password
    return None if secret is None else secret.reveal()


@pytest.mark.parametrize(
    ("content", "read"),
    [("p", b"p"), ("p\n", b"p"), ("p\r\n", b"p"), ("p \n\n", b"p \n"), (" pässword", b" p\xc3\xa4ssword")],
)
def test_password_file_loses_one_newline_alone(content: str, read: bytes, load_text: Load, write: Write) -> None:
    write("password", content)
    assert password(load_text(MQTT % "password_file: password")) == read


def test_password_is_read_from_the_environment_given(load_text: Load) -> None:
    assert password(load_text(MQTT % "password_env: BROKER_PASSWORD", {"BROKER_PASSWORD": "p"})) == b"p"


def test_empty_variable_is_no_password(load_text: Load) -> None:
    with pytest.raises(ConfigError, match="expected a secret in the environment variable, found nothing in it"):
        load_text(MQTT % "password_env: BROKER_PASSWORD", {"BROKER_PASSWORD": ""})


def test_password_is_read_from_the_credentials_directory(load_text: Load, write: Write, tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    write("credentials/broker", "p\n", mode=0o400)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    config = load_text(MQTT % "password_credential: broker", environ)
    assert (password(config), config.warnings) == (b"p", ())


def test_credential_is_a_name_and_no_path(load_text: Load, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected the name of a systemd credential, found a path"):
        load_text(MQTT % "password_credential: ../x", {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_broker_replaces_the_shared_password_whatever_its_spelling(load_text: Load, write: Write) -> None:
    write("shared", "shared")
    text = "defaults: {mqtt: {username: u, password_file: shared}}\n" + MQTT % "password_env: OWN"
    assert password(load_text(text, {"OWN": "own"})) == b"own"


def test_mqtt_5_knows_passwords_without_user(load_text: Load) -> None:
    text = "brokers: [{name: a, host: a.example, mqtt: {version: 5, password_env: TOKEN}}]"
    assert password(load_text(text, {"TOKEN": "t"})) == b"t"


def test_shared_file_is_warned_about_once(load_text: Load, write: Write) -> None:
    write("password", "p", mode=0o644)
    config = load_text(
        "defaults: {mqtt: {username: u, password_file: password}}\n"
        "brokers: [{name: a, host: a.example}, {name: b, host: b.example}]"
    )
    assert [(warning.line, warning.key) for warning in config.warnings] == [(1, "defaults.mqtt.password_file")]


def test_nothing_that_prints_shows_a_secret(load_text: Load, write: Write, pki: TestPki) -> None:
    write("own.pem", pki.client)
    write("own.key", pki.client.key_pem)
    text = "brokers: [{name: a, host: a.example, mqtt: {username: u, password_env: P}, %s}]"
    config = load_text(text % "tls: {client_certificate: own.pem, client_key: own.key}", {"P": "hunter2"})
    assert "hunter2" not in repr(config)
    assert "PRIVATE" not in repr(config)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("passphrase", [None, b"open"])
@pytest.mark.parametrize("kind", ["EC", "RSA"])
def test_key_in_any_pem_form_becomes_plain_pkcs8(
    kind: str, passphrase: bytes | None, form: PrivateFormat, load_text: Load, write: Write
) -> None:
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "EC" else rsa.generate_private_key(65537, 2048)
    authority = issue(now=NOW, is_ca=True)
    certificate = issue(now=NOW, issuer=authority, key=key, extended_key_usage=("clientAuth",))
    write("own.pem", certificate.pem + authority.pem)
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    # As `openssl ecparam -genkey` writes it: something else first.
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    write("own.key", parameters + key.private_bytes(Encoding.PEM, form, encryption))
    write("passphrase", "open\n")
    config = load_text(TLS % ("" if passphrase is None else ", client_key_passphrase_file: passphrase"))
    identity = config.brokers[0].tls.client_identity
    assert identity is not None
    assert identity.chain == (certificate.der, authority.der)
    assert identity.key.reveal().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert load_pem_private_key(identity.key.reveal(), None).public_key() == key.public_key()
    assert config.warnings == ()


def test_certificate_and_key_may_be_one_file(load_text: Load, write: Write, pki: TestPki) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    certificate = issue(now=pki.now, issuer=pki.intermediate, key=key)
    write("own.pem", certificate.key_pem + certificate.pem)
    text = "brokers: [{name: a, host: a.example, tls: {client_certificate: own.pem, client_key: own.pem}}]"
    identity = load_text(text).brokers[0].tls.client_identity
    assert identity is not None
    assert identity.chain == (certificate.der,)


def test_brokers_share_one_identity(load_text: Load, write: Write, pki: TestPki) -> None:
    write("own.pem", pki.client)
    write("own.key", pki.client.key_pem)
    first, second = load_text(
        "defaults: {tls: {client_certificate: own.pem, client_key: own.key}}\n"
        "brokers: [{name: a, host: a.example}, {name: b, host: b.example}]"
    ).brokers
    assert first.tls.client_identity is second.tls.client_identity is not None


def test_plain_key_that_others_can_read_is_warned_about_and_an_encrypted_one_is_not(
    load_text: Load, write: Write, pki: TestPki
) -> None:
    write("own.pem", pki.client)
    write("own.key", pki.client.key_pem, mode=0o644)
    (warning,) = load_text(TLS % "").warnings
    assert (warning.key, "mode 0644" in warning.message) == ("brokers[0].tls.client_key", True)
    sealed = pki.client.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open"))
    write("own.key", sealed, mode=0o644)
    write("passphrase", "open")
    assert load_text(TLS % ", client_key_passphrase_file: passphrase").warnings == ()
