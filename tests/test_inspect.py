"""`inspect` on files that the `openssl` command made: what is found, printed and returned, and what never shows."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.exit_status import Complaint
from monitor.cli.inspect import inspect_file
from tests.support.daemon import run_command
from tests.support.openssl import CA, CLIENT, SERVER, Pair, certificate, joined, openssl

NAMES = "DNS:mqtt.example.org,IP:192.0.2.7"
PASSPHRASE = "correct horse battery"


@dataclass(frozen=True)
class Files:
    """What an operator has at hand."""

    directory: Path
    root: Pair
    intermediate: Pair
    leaf: Pair
    chain: Path
    passphrase: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    directory = tmp_path_factory.mktemp("openssl")
    root = certificate(directory, "root", subject="Our Root", extensions=CA, days=3650)
    intermediate = certificate(directory, "intermediate", subject="Our Issuer", issuer=root, extensions=CA, days=1800)
    leaf = certificate(directory, "leaf", issuer=intermediate, names=NAMES)
    chain = joined(directory / "chain.pem", leaf.certificate, intermediate.certificate)
    passphrase = directory / "passphrase"
    passphrase.write_text(f"{PASSPHRASE}\n")
    return Files(directory, root, intermediate, leaf, chain, passphrase)


@pytest.fixture
def inspect(files: Files, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Inspect a file, by default with the root as trust and the right name; the exit status and the document."""

    def run(chain: Path, **options: Any) -> tuple[int, dict[str, Any]]:
        given: dict[str, Any] = {
            "key": None,
            "passphrase_file": None,
            "ca_file": files.root.certificate,
            "names": ["mqtt.example.org"],
            "at": None,
        }
        status = inspect_file(chain, **{**given, **options}, as_json=True)
        output = capsys.readouterr()
        assert output.err == ""
        assert not any(secret in output.out for secret in secrets(files))
        assert "monitor's configuration" not in output.out
        [line] = output.out.splitlines()
        return status, json.loads(line)

    return run


def secrets(files: Files) -> list[str]:
    """What no output may hold: the passphrase, and every line of the private keys."""
    keys = [pair.key.read_text() for pair in (files.root, files.intermediate, files.leaf)]
    return [PASSPHRASE, "PRIVATE KEY-", *(line for key in keys for line in key.splitlines() if "-" not in line)]


def codes(document: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in document["findings"]]


def only(document: dict[str, Any], code: str) -> dict[str, Any]:
    [found] = [finding for finding in document["findings"] if finding["code"] == code]
    return dict(found)


def refusal(chain: Path, **options: Any) -> str:
    given: dict[str, Any] = {"key": None, "passphrase_file": None, "ca_file": None, "names": [], "at": None}
    with pytest.raises(Complaint) as refused:
        inspect_file(chain, **{**given, **options}, as_json=True)
    message = str(refused.value)
    assert PASSPHRASE not in message
    return message


def later(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


# Right files, in every form


def test_right_file_has_no_findings_and_the_contracts_document(files: Files, inspect: Any) -> None:
    status, document = inspect(files.chain, key=files.leaf.key, names=["mqtt.example.org", "192.0.2.7"])
    assert status == 0
    assert list(document) == [
        "schema_version",
        "broker",
        "file",
        "address",
        "started_at",
        "verdict",
        "success",
        "failing_since",
        "last_success_at",
        "phases",
        "tls",
        "certificates",
        "findings",
        "trust_profiles",
        "revocation",
        "next_break",
        "changes",
        "certificate_file",
        "refusals",
        "scan",
    ]
    assert (document["broker"], document["file"], document["phases"]) == (None, str(files.chain), [])
    assert (document["verdict"], document["success"], document["findings"]) == ("ok", True, [])
    assert [each["role"] for each in document["certificates"]] == ["leaf", "intermediate"]


def der(files: Files, directory: Path) -> tuple[Path, dict[str, Any]]:
    made, key = directory / "leaf.der", directory / "leaf.key.der"
    openssl("x509", "-in", files.leaf.certificate, "-outform", "der", "-out", made)
    openssl("pkey", "-in", files.leaf.key, "-outform", "der", "-out", key)
    ca = joined(directory / "ca.pem", files.root.certificate, files.intermediate.certificate)
    return made, {"key": key, "ca_file": ca}


def der_with_encrypted_key(files: Files, directory: Path) -> tuple[Path, dict[str, Any]]:
    made, options = der(files, directory)
    key = directory / "encrypted.der"
    locked = ("-topk8", "-v2", "aes-256-cbc", "-passout", f"pass:{PASSPHRASE}", "-outform", "der")
    openssl("pkcs8", *locked, "-in", files.leaf.key, "-out", key)
    return made, {**options, "key": key, "passphrase_file": files.passphrase}


def encrypted_key(files: Files, directory: Path) -> tuple[Path, dict[str, Any]]:
    key = directory / "encrypted.key"
    openssl("pkey", "-in", files.leaf.key, "-aes256", "-passout", f"pass:{PASSPHRASE}", "-out", key)
    return files.chain, {"key": key, "passphrase_file": files.passphrase}


def traditional_key(files: Files, directory: Path) -> tuple[Path, dict[str, Any]]:
    key = directory / "traditional.key"
    openssl("ec", "-in", files.leaf.key, "-aes128", "-passout", f"pass:{PASSPHRASE}", "-out", key)
    return files.chain, {"key": key, "passphrase_file": files.passphrase}


def bundle_with_key(files: Files, directory: Path) -> tuple[Path, dict[str, Any]]:
    return joined(directory / "all.pem", files.leaf.key, files.chain), {}


def pkcs12(files: Files, directory: Path) -> tuple[Path, dict[str, Any]]:
    made = directory / "bundle.p12"
    # -certfile in the wrong order: PKCS#12 has none.
    others = joined(directory / "others.pem", files.root.certificate, files.intermediate.certificate)
    source = ("-in", files.leaf.certificate, "-inkey", files.leaf.key, "-certfile", others)
    openssl("pkcs12", "-export", *source, "-passout", f"pass:{PASSPHRASE}", "-out", made)
    return made, {"passphrase_file": files.passphrase}


def pkcs12_without_key(files: Files, directory: Path) -> tuple[Path, dict[str, Any]]:
    made = directory / "nokeys.p12"
    source = ("-nokeys", "-in", files.chain)
    openssl("pkcs12", "-export", *source, "-passout", f"pass:{PASSPHRASE}", "-out", made)
    return made, {"passphrase_file": files.passphrase, "key": files.leaf.key}


def text_around(files: Files, directory: Path) -> tuple[Path, dict[str, Any]]:
    text = openssl("x509", "-in", files.leaf.certificate, "-text")
    request = (files.directory / "leaf.csr").read_bytes()
    made = joined(directory / "text.pem", b"the broker's\n", text, request, files.intermediate.certificate, b"\nend\n")
    return made, {"key": files.leaf.key}


@pytest.mark.parametrize(
    "form",
    [
        der,
        der_with_encrypted_key,
        encrypted_key,
        traditional_key,
        bundle_with_key,
        pkcs12,
        pkcs12_without_key,
        text_around,
    ],
)
def test_every_form_of_file_and_key_is_read(
    form: Callable[[Files, Path], tuple[Path, dict[str, Any]]], files: Files, tmp_path: Path, inspect: Any
) -> None:
    chain, options = form(files, tmp_path)
    status, document = inspect(chain, **options)
    assert (status, document["findings"]) == (0, [])
    # The key was looked at, too: another leaf's is refused in the same form.
    assert document["certificates"][0]["subject"] == "CN=leaf"


def test_key_in_the_bundle_is_compared_unless_another_is_named(files: Files, tmp_path: Path, inspect: Any) -> None:
    wrong = joined(tmp_path / "wrong.pem", files.chain, files.root.key)
    status, document = inspect(wrong)
    assert (status, codes(document)) == (2, ["key_mismatch"])
    assert f"than the one in {wrong}, which belongs to none" in document["findings"][0]["message"]
    assert inspect(wrong, key=files.leaf.key)[0] == 0


# What is found


def test_key_of_another_certificate_in_the_file_is_named(files: Files, inspect: Any) -> None:
    status, document = inspect(files.chain, key=files.intermediate.key)
    assert (status, document["success"], codes(document)) == (2, False, ["key_mismatch"])
    found = only(document, "key_mismatch")
    assert "which belongs to the intermediate certificate at position 1 (CN=Our Issuer)" in found["message"]
    assert "Mosquitto: `certfile` and `keyfile`" in found["fix"]


def test_each_name_must_match(files: Files, inspect: Any) -> None:
    status, document = inspect(files.chain, names=["mqtt.example.org", "backup.example.org", "192.0.2.8"])
    assert (status, codes(document)) == (2, ["name_mismatch", "name_mismatch"])
    assert [finding["message"].split(" is not for ")[1].split(":")[0] for finding in document["findings"]] == [
        "backup.example.org",
        "192.0.2.8",
    ]
    assert "--name" in document["findings"][0]["fix"]


def test_without_a_name_it_says_so_and_finds_nothing_wrong(files: Files, inspect: Any) -> None:
    status, document = inspect(files.chain, names=[])
    assert (status, document["verdict"], codes(document)) == (0, "ok", ["name_not_checked"])
    assert "mqtt.example.org" in document["findings"][0]["message"]


@pytest.mark.parametrize(
    ("days", "status", "expected"),
    [
        (-1, 2, ["certificate_not_yet_valid"] * 3),
        (1, 0, []),
        (350, 1, ["certificate_expiring"]),
        (360, 2, ["certificate_expiring"]),
        (366, 2, ["certificate_expired"]),
    ],
)
def test_time_to_judge_at_decides(days: int, status: int, expected: list[str], files: Files, inspect: Any) -> None:
    at = later(days)
    found, document = inspect(files.chain, at=at)
    assert document["success"] is (0 < days <= 360)
    assert (found, codes(document)) == (status, expected)
    assert document["started_at"] == at[:10] + document["started_at"][10:]


def test_time_with_an_offset_is_the_same_moment(files: Files, inspect: Any) -> None:
    _, document = inspect(files.chain, at="2027-01-31t12:00:00.5+02:00")
    assert document["started_at"] == "2027-01-31T10:00:00.500Z"


def test_leaf_alone_is_incomplete_and_says_the_file(files: Files, inspect: Any) -> None:
    status, document = inspect(files.leaf.certificate)
    assert (status, codes(document)) == (2, ["chain_incomplete"])
    found = only(document, "chain_incomplete")
    assert "which the file does not hold" in found["message"]
    assert "broker does not send" not in found["message"]
    assert "--ca-file" in found["fix"]


def test_file_that_begins_with_a_ca_is_told_as_a_broker_would_serve_it(
    files: Files, tmp_path: Path, inspect: Any
) -> None:
    made = joined(tmp_path / "first.pem", files.intermediate.certificate, files.leaf.certificate)
    status, document = inspect(made, key=files.leaf.key)
    assert (status, codes(document)) == (2, ["chain_ca_first"])
    assert only(document, "chain_ca_first")["message"].startswith("The file begins with the certificate of a CA")
    assert [each["role"] for each in document["certificates"]] == ["intermediate", "leaf"]


def test_shuffled_chain_is_a_warning(files: Files, tmp_path: Path, inspect: Any) -> None:
    made = joined(tmp_path / "c.pem", files.leaf.certificate, files.root.certificate, files.intermediate.certificate)
    status, document = inspect(made)
    assert (status, codes(document)) == (1, ["chain_order"])


def test_ca_that_clients_do_not_trust(files: Files, tmp_path: Path, inspect: Any) -> None:
    other = certificate(tmp_path, "other", extensions=CA)
    status, document = inspect(files.chain, ca_file=other.certificate)
    assert (status, codes(document)) == (2, ["chain_untrusted"])
    whole = joined(tmp_path / "whole.pem", files.chain, files.root.certificate)
    assert inspect(whole, ca_file=None)[0] == 2  # the system does not know this CA either


def test_self_signed_certificate_is_refused_unless_it_is_trusted(tmp_path: Path, inspect: Any) -> None:
    own = certificate(tmp_path, "own", names=NAMES, extensions="basicConstraints=CA:FALSE")
    assert codes(inspect(own.certificate)[1]) == ["leaf_self_signed"]
    assert inspect(own.certificate, ca_file=own.certificate, key=own.key)[0] == 0


def test_ca_made_anew_under_its_old_name_is_not_the_same(files: Files, tmp_path: Path, inspect: Any) -> None:
    anew = certificate(tmp_path, "anew", subject="Our Root", extensions=CA)
    assert codes(inspect(files.chain, ca_file=anew.certificate)[1]) == ["chain_untrusted"]


def test_certificate_under_its_cas_name_is_told_with_the_option_to_set(
    files: Files, tmp_path: Path, inspect: Any
) -> None:
    ca = certificate(tmp_path, "ca", subject="mqtt.example.org", extensions=CA)
    leaf = certificate(tmp_path, "leaf", subject="mqtt.example.org", issuer=ca, names=NAMES)
    status, document = inspect(leaf.certificate)
    assert (status, codes(document)) == (2, ["chain_untrusted"])
    assert "as `--ca-file`" in only(document, "chain_untrusted")["fix"]
    assert inspect(leaf.certificate, ca_file=ca.certificate)[0] in {0, 1}


def test_issuer_that_is_no_ca_is_told(files: Files, tmp_path: Path, inspect: Any) -> None:
    below = certificate(tmp_path, "below", issuer=files.leaf, names=NAMES)
    made = joined(tmp_path / "c.pem", below.certificate, files.chain)
    assert "chain_issuer_not_ca" in codes(inspect(made)[1])


def test_clients_certificate_is_not_for_servers(files: Files, tmp_path: Path, inspect: Any) -> None:
    client = certificate(tmp_path, "client", issuer=files.root, names=NAMES, extensions=CLIENT)
    assert codes(inspect(client.certificate)[1]) == ["leaf_not_for_servers"]


def test_six_faults_at_once_are_all_listed_with_fixes(files: Files, tmp_path: Path, inspect: Any) -> None:
    wrong = certificate(
        tmp_path, "wrong", issuer=files.intermediate, names="DNS:other.example.org", extensions=CLIENT, days=30
    )
    stranger = certificate(tmp_path, "stranger", extensions=CA, days=3650)
    made = joined(tmp_path / "c.pem", wrong.certificate, stranger.certificate)
    status, document = inspect(made, key=files.leaf.key, at=later(60))
    assert status == 2
    assert codes(document) == [
        "certificate_expired",
        "chain_incomplete",
        "leaf_not_for_servers",
        "name_mismatch",
        "key_mismatch",
        "chain_foreign",
    ]
    assert all(finding["fix"] for finding in document["findings"])
    assert len({finding["fix"] for finding in document["findings"]}) == 6


def test_strict_clients_opinion_of_a_public_chain(
    files: Files, tmp_path: Path, inspect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lax = SERVER.replace("keyid", "none") + "\ncertificatePolicies=2.23.140.1.2.1"
    leaf = certificate(tmp_path, "lax", issuer=files.root, names=NAMES, extensions=lax)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.root.certificate))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    status, document = inspect(leaf.certificate, ca_file=None)
    assert "validators_disagree" in codes(document)
    assert status < 2


def test_what_is_no_certificate_is_said_to_be_unreadable_and_nothing_more(tmp_path: Path, inspect: Any) -> None:
    junk = tmp_path / "junk.der"
    junk.write_bytes(b"0\x80")
    status, document = inspect(junk)
    assert status == 2
    assert set(codes(document)) <= {"certificate_unreadable", "chain_invalid", "name_not_checked"}
    told = {finding["code"]: finding["message"] for finding in document["findings"]}
    assert "nothing of it can be read" in told["certificate_unreadable"]


# Damaged certificates are findings


def damaged(files: Files, directory: Path, damage: Callable[[bytes], bytes], which: Path) -> Path:
    parts = [
        damage(path.read_bytes()) if path == which else path.read_bytes()
        for path in (files.leaf.certificate, files.intermediate.certificate)
    ]
    return joined(directory / "damaged.pem", *parts)


@pytest.mark.parametrize(
    "damage",
    [
        lambda pem: pem[:-100] + b"\n",  # the END line is missing
        lambda pem: pem.replace(b"-----END", b"%%%\n-----END"),
        lambda pem: pem[:300] + b"\n" + pem[340:],
        lambda pem: b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        lambda pem: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ],
    ids=["cut-off", "no-base64", "lines-lost", "empty", "no-der"],
)
@pytest.mark.parametrize("which", ["leaf", "intermediate"])
def test_damaged_certificate_is_a_finding(
    damage: Callable[[bytes], bytes], which: str, files: Files, tmp_path: Path, inspect: Any
) -> None:
    made = damaged(files, tmp_path, damage, getattr(files, which).certificate)
    status, document = inspect(made, key=files.leaf.key)
    assert len(document["certificates"]) == 2
    assert (status, document["success"]) == (2, False)
    assert "certificate_unreadable" in codes(document)
    assert "Brokers will not load the file" in only(document, "certificate_unreadable")["message"]


def test_files_joined_without_a_line_break_cannot_be_loaded(files: Files, tmp_path: Path, inspect: Any) -> None:
    made = joined(tmp_path / "c.pem", files.leaf.certificate.read_bytes().rstrip(), files.intermediate.certificate)
    status, document = inspect(made, key=files.leaf.key)
    assert status == 2
    found = only(document, "certificate_unreadable")
    assert "joined with another without a line break" in found["message"]
    assert "each ending with a line break" in found["fix"]


def test_something_behind_a_der_certificate_is_a_finding(files: Files, tmp_path: Path, inspect: Any) -> None:
    whole = openssl("x509", "-in", files.leaf.certificate, "-outform", "der")
    status, document = inspect(joined(tmp_path / "more.der", whole, b"more"))
    assert status == 2
    assert "certificate_unreadable" in codes(document)


def test_certificate_of_a_version_that_does_not_exist_is_a_finding(files: Files, tmp_path: Path, inspect: Any) -> None:
    whole = openssl("x509", "-in", files.leaf.certificate, "-outform", "der")
    assert whole.count(b"\xa0\x03\x02\x01\x02") == 1
    made = joined(tmp_path / "v6.der", whole.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05"))
    status, document = inspect(made, key=files.leaf.key)
    assert status == 2
    assert "chain_incomplete" in codes(document)


def test_der_cut_off_anywhere_is_a_finding(files: Files, tmp_path: Path, inspect: Any) -> None:
    whole = openssl("x509", "-in", files.leaf.certificate, "-outform", "der")
    for length in range(40, len(whole), 37):
        status, document = inspect(joined(tmp_path / "cut.der", whole[:length]))
        assert status == 2
        assert "certificate_unreadable" in codes(document)


# What cannot be told


def unusable(files: Files, directory: Path) -> dict[str, tuple[bytes, str]]:
    """Name content that is no certificate, and a part of what is said of it."""
    crl_config = directory / "ca.cnf"
    index = directory / "index"
    index.write_text("")
    crl_config.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={index}\ndefault_md=sha256\ndefault_crl_days=1\n")
    ca = ("-config", crl_config, "-cert", files.root.certificate, "-keyfile", files.root.key)
    crl = openssl("ca", "-gencrl", *ca)
    pkcs7 = openssl("crl2pkcs7", "-nocrl", "-certfile", files.chain)
    request = (files.directory / "leaf.csr").read_bytes()
    return {
        "empty": (b"", "an empty file"),
        "blank": (b" \n\n", "an empty file"),
        "text": (b"0 certificates\n", "no PEM block"),
        "key": (files.leaf.key.read_bytes(), "only PRIVATE KEY"),
        "der key": (openssl("pkey", "-in", files.leaf.key, "-outform", "der"), "a private key"),
        "request": (request, "only CERTIFICATE REQUEST (a request, from which the CA makes the certificate)"),
        "der request": (openssl("req", "-in", files.directory / "leaf.csr", "-outform", "der"), "CERTIFICATE REQUEST"),
        "crl": (crl, "only X509 CRL (a list of revoked certificates)"),
        "pkcs7": (pkcs7, "openssl pkcs7 -print_certs"),
        "der pkcs7": (openssl("crl2pkcs7", "-nocrl", "-certfile", files.chain, "-outform", "der"), "pkcs7 -inform der"),
        "damaged pkcs12": (b"\x30\x82\x01\x00\x02\x01\x03" + bytes(253), "PKCS#12"),
    }


def test_files_without_certificates_are_told_in_one_line(files: Files, tmp_path: Path) -> None:
    for name, (content, said) in unusable(files, tmp_path).items():
        message = refusal(joined(tmp_path / "file", content))
        assert said in message, name
        assert message.startswith(f"CHAIN: expected certificates in '{tmp_path / 'file'}'"), name
        assert "\n" not in message, name


def test_directory_and_pipe_and_missing_file_are_told_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path).endswith("found a directory")
    assert refusal(tmp_path / "pipe").endswith("found a pipe or device")
    assert refusal(tmp_path / "missing").endswith("found no such file")


@pytest.mark.parametrize("form", [encrypted_key, traditional_key, pkcs12, der_with_encrypted_key])
def test_passphrase_that_is_missing_or_wrong_is_told(
    form: Callable[[Files, Path], tuple[Path, dict[str, Any]]], files: Files, tmp_path: Path
) -> None:
    chain, options = form(files, tmp_path)
    assert "--passphrase-file" in refusal(chain, **{**options, "passphrase_file": None})
    wrong = joined(tmp_path / "wrong", b"open sesame")
    message = refusal(chain, **{**options, "passphrase_file": wrong})
    assert "the passphrase does not open" in message
    assert "sesame" not in message


def test_encrypted_key_in_the_bundle_needs_its_passphrase(files: Files, tmp_path: Path, inspect: Any) -> None:
    _, options = encrypted_key(files, tmp_path)
    made = joined(tmp_path / "all.pem", files.chain, options["key"])
    assert "--passphrase-file" in refusal(made)
    assert inspect(made, passphrase_file=files.passphrase)[0] == 0
    assert inspect(made, key=files.leaf.key)[0] == 0


def test_key_file_without_a_key_is_told(files: Files, tmp_path: Path) -> None:
    assert refusal(files.chain, key=files.chain).endswith("found only CERTIFICATE")
    assert refusal(files.chain, key=joined(tmp_path / "empty", b"")).endswith("found an empty file")
    junk = joined(tmp_path / "junk", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    assert refusal(files.chain, key=junk).endswith("found one that is damaged or of an unknown kind")
    der = joined(tmp_path / "junk.der", b"\x30\x82AAAA")
    assert refusal(files.chain, key=der).endswith("found one that is damaged or of an unknown kind")


@pytest.mark.parametrize(
    "at", ["tomorrow", "2027-01-31", "2027-01-31T12:00:00", "2027-02-31T12:00:00Z", "0001-01-01T00:00:00+23:59"]
)
def test_time_that_is_none_is_told(at: str, files: Files) -> None:
    assert refusal(files.chain, at=at).startswith("--at: expected a time such as 2027-01-31T12:00:00Z, found")


def test_every_wrong_option_has_its_line(files: Files, tmp_path: Path) -> None:
    message = refusal(
        tmp_path / "chain",
        key=tmp_path / "key",
        ca_file=tmp_path / "ca",
        names=["mqtts://broker", "ok.example", "a b"],
        at="now",
    )
    assert [line.partition(":")[0] for line in message.splitlines()] == [
        "--at",
        "--name",
        "--name",
        "--ca-file",
        "CHAIN",
        "--key",
    ]
    assert refusal(files.chain, passphrase_file=tmp_path / "p").startswith("--passphrase-file: ")


# The command itself


def test_command_shows_chain_key_and_findings_and_exits_with_the_verdict(files: Files) -> None:
    options = ("--ca-file", str(files.root.certificate), "--name", "mqtt.example.org", "--key", str(files.leaf.key))
    right = run_command("inspect", str(files.chain), *options)
    assert (right.returncode, right.stderr) == (0, "")
    for said in ("OK", "Clients will accept this chain until", "CN=leaf", "is that of certificate 0", "No findings."):
        assert said in " ".join(right.stdout.split())  # lines break where the terminal's width wants it
    assert not any(secret in right.stdout for secret in secrets(files))
    for word in ("phase", "served", "probe"):
        assert word not in right.stdout
    wrong = run_command("inspect", str(files.chain), *options, "--at", later(366))
    assert wrong.returncode == 2
    assert not any(secret in wrong.stdout for secret in secrets(files))
    assert "certificate_expired" in wrong.stdout
    assert "--json" in run_command("inspect", "--help").stdout


def test_command_without_a_usable_file_exits_with_3_and_one_line(files: Files) -> None:
    result = run_command("inspect", str(files.leaf.key))
    assert (result.returncode, result.stdout) == (3, "")
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("mqtt-tls-monitor: CHAIN: expected certificates in")
    assert run_command("inspect").returncode == 3
