from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.config.files import Files
from monitor.config.trust import TrustStore
from monitor.model.config import ConfigError
from tests.config.conftest import Load
from tests.support.pki import TestPki

BROKER = "brokers:\n  - name: a\n    host: a.example\n    tls: {%s}\n"
Write = Callable[..., Path]


def test_ca_file_alone_is_trusted_alone(load_text: Load, pki: TestPki, write: Write, tmp_path: Path) -> None:
    write("ca.pem", pki.root)
    trust = load_text(BROKER % "ca_file: ca.pem").brokers[0].tls.trust
    assert (trust.source, trust.anchors) == (str(tmp_path / "ca.pem"), (pki.root.der,))


def test_without_ca_file_the_system_is_trusted(load_text: Load, pki: TestPki) -> None:
    trust = load_text(BROKER % "").brokers[0].tls.trust
    assert (trust.source, trust.anchors) == ("system", (pki.foreign_root.der,))


def test_both_are_trusted_together(load_text: Load, pki: TestPki, write: Write, tmp_path: Path) -> None:
    write("ca.pem", pki.root)
    trust = load_text(BROKER % "trust: both, ca_file: ca.pem").brokers[0].tls.trust
    assert (trust.source, trust.anchors) == (
        f"system + {tmp_path / 'ca.pem'}",
        (pki.foreign_root.der, pki.root.der),
    )


def test_ca_file_may_hold_several_with_text_between_and_repeated(load_text: Load, pki: TestPki, write: Write) -> None:
    parts = (b"# ours\n", pki.root.pem, b"subject=x\n", pki.leaf.pem, pki.root.pem.replace(b"\n", b"\r\n"))
    write("ca.pem", b"".join(parts))
    assert load_text(BROKER % "ca_file: ca.pem").brokers[0].tls.trust.anchors == (pki.root.der, pki.leaf.der)


def test_brokers_share_one_trust_per_choice(load_text: Load, pki: TestPki, write: Write) -> None:
    write("ca.pem", pki.root)
    brokers = load_text(
        """
brokers:
  - {name: a, host: a.example}
  - {name: b, host: b.example}
  - {name: c, host: c.example, tls: {ca_file: ca.pem}}
  - {name: d, host: d.example, tls: {ca_file: ca.pem}}
"""
    ).brokers
    assert brokers[0].tls.trust is brokers[1].tls.trust
    assert brokers[2].tls.trust is brokers[3].tls.trust


def test_broker_can_go_back_to_the_system_from_a_shared_ca_file(load_text: Load, write: Write, pki: TestPki) -> None:
    write("ca.pem", pki.root)
    shared = "defaults: {tls: {ca_file: ca.pem}}\n"
    assert load_text(shared + BROKER % "trust: system").brokers[0].tls.trust.source == "system"


def test_shared_system_trust_beside_a_brokers_ca_file_is_a_contradiction(
    load_text: Load, write: Write, pki: TestPki
) -> None:
    write("ca.pem", pki.root)
    with pytest.raises(ConfigError, match=r"defaults\.tls\.trust: expected trust: ca_file or trust: both"):
        load_text("defaults: {tls: {trust: system}}\n" + BROKER % "ca_file: ca.pem")


def test_variables_replace_bundle_and_directory_each(pki: TestPki, tmp_path: Path, write: Write) -> None:
    bundle = write("bundle.pem", pki.root.pem + pki.intermediate.pem)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    write("one/b.pem", pki.foreign_root.pem + b"-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    write("one/README", "no certificate")
    (tmp_path / "one" / "0123abcd.0").symlink_to("b.pem")
    (tmp_path / "one" / "dangling.0").symlink_to("gone.pem")
    write("two/any-name", pki.root)
    environ = {"SSL_CERT_FILE": str(bundle), "SSL_CERT_DIR": f"{tmp_path / 'one'}:{tmp_path / 'two'}"}
    trust = TrustStore(Files(tmp_path), environ).trust(system=True, ca_file=None)
    assert trust.anchors == (pki.root.der, pki.intermediate.der, pki.foreign_root.der)


def test_the_platforms_own_store_is_found(tmp_path: Path) -> None:
    trust = TrustStore(Files(tmp_path), {}).trust(system=True, ca_file=None)
    assert len(trust.anchors) > 20
    assert len(set(trust.anchors)) == len(trust.anchors)


def test_empty_store_is_a_problem_that_names_the_variables(load_text: Load, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_text(BROKER % "", {"SSL_CERT_DIR": str(tmp_path / "none")})
    (problem,) = refused.value.problems
    assert problem.message == "expected a system trust store, found none where SSL_CERT_FILE and SSL_CERT_DIR say"
    assert (problem.line, problem.key) == (4, "brokers[0].tls.trust")


def test_profiles_are_read_like_other_trusts_and_joined_with_the_shared_ones(
    load_text: Load, pki: TestPki, write: Write, tmp_path: Path
) -> None:
    write("old.pem", pki.root)
    write("new.pem", pki.intermediate)
    shared = "defaults:\n  tls: {trust_profiles: {gateway: system, devices: old.pem}}\n"
    config = load_text(shared + BROKER % "trust_profiles: {devices: new.pem, 2022.x_y-z: old.pem}")
    found = [(each.name, each.trust.source, each.trust.anchors) for each in config.brokers[0].tls.trust_profiles]
    assert found == [
        ("2022.x_y-z", str(tmp_path / "old.pem"), (pki.root.der,)),
        ("devices", str(tmp_path / "new.pem"), (pki.intermediate.der,)),
        ("gateway", "system", (pki.foreign_root.der,)),
    ]


def test_there_are_no_profiles_unless_named(load_text: Load) -> None:
    assert load_text(BROKER % "").brokers[0].tls.trust_profiles == ()
    assert load_text(BROKER % "trust_profiles: ").brokers[0].tls.trust_profiles == ()
