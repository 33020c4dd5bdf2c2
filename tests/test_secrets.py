"""Everything that runs, with marked secrets; and every place where something comes out of it, searched for them."""

from __future__ import annotations

import base64
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from monitor.cli.commands import run_command as run_in_process
from monitor.config.credentials import Credentials
from monitor.config.files import Files
from monitor.config.load import load
from monitor.config.problems import Problems
from tests.support.confidential import TOKEN_VARIABLE, Confidential, ConfidentialMonitor, mistakes
from tests.support.daemon import MonitorProcess, run_command
from tests.support.marked import Marked
from tests.support.outlets import Manager, answers, environments, exchanged, no_http, process_list
from tests.support.pki import TestPki
from tests.support.ports import wait_until

# `sitecustomize` of the daemon: a fault where the password is in the local variables of whoever is at work.
FAULT = """
from paho.mqtt.client import Client

def _packet_queue(self, command, packet, *rest):
    raise RuntimeError("a fault of the library")

Client._packet_queue = _packet_queue
"""
# And a formatter that shows those, as some do.
SHOWING_LOCALS = """
import traceback

class Revealing(traceback.TracebackException):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **{**options, "capture_locals": True})

traceback.TracebackException = Revealing
"""


@pytest.fixture(scope="module")
def confidential(pki: TestPki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Confidential]:
    with Confidential(tmp_path_factory.mktemp("confidential"), pki) as brokers:
        yield brokers


@pytest.fixture(scope="module")
def config(confidential: Confidential, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration that is as it should be."""
    path = tmp_path_factory.mktemp("config") / "monitor.yml"
    path.write_text(yaml.safe_dump({"brokers": confidential.brokers}))
    return path


# The search itself

LEAKS: dict[str, Callable[[str], str]] = {
    "plain": lambda value: f"password={value}",
    "repr": lambda value: repr({"password": value}),
    "repr of bytes": lambda value: repr(value.encode()),
    "JSON": lambda value: json.dumps([value]),
    "URL": lambda value: f"https://u:{quote(value, safe='')}@host/",
    "dump": lambda value: value.encode().hex(" "),
    "hex": lambda value: f"monitor:{value}".encode().hex(),
    "base64": lambda value: base64.b64encode(f"monitor:{value}".encode()).decode(),
    "base64, wrapped": lambda value: base64.encodebytes(f"the user:{value}".encode() * 3).decode(),
    "a piece": lambda value: value[5:30],
    "upper case": str.upper,
}


@pytest.mark.parametrize("leak", LEAKS)
def test_search_finds_what_was_let_out(confidential: Confidential, leak: str) -> None:
    for value in (confidential.password, confidential.token, confidential.passphrase):
        assert confidential.marked.found(f"before {LEAKS[leak](value)} after")
    assert not confidential.marked.found(f"before {LEAKS[leak]('an ordinary word, long enough to be cut')} after")


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes])
def test_search_finds_a_key_whatever_its_digits_are(encode: Callable[[bytes], bytes]) -> None:
    key = b"\xfb\xff\xfe\x03" * 8
    for before in range(3):
        encoded = encode(bytes(36 + before) + key + b"more")
        assert Marked(key=key).found(encoded)
        assert Marked(key=key).found(repr(encoded))


def test_search_finds_keys_and_no_certificates(confidential: Confidential) -> None:
    marked = confidential.marked
    assert marked.found(confidential.key_pem)
    assert marked.found(repr(confidential.key_pem))
    assert marked.found(confidential.sealed_key_file.read_bytes())
    assert not marked.found(confidential.chain_file.read_bytes())


# The daemon


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_daemon_lets_out_no_secret(confidential: Confidential, tmp_path: Path, log_format: str) -> None:
    (tmp_path / "temporary").mkdir()
    settings = {"log": {"level": "debug", "format": log_format}, "state_file": "state.json"}
    found = confidential.marked.found_in
    outputs: dict[str, bytes | str] = {}
    with Manager() as manager:
        places = {"NOTIFY_SOCKET": manager.address, "TMPDIR": str(tmp_path / "temporary")}
        daemon = ConfidentialMonitor(
            tmp_path / "monitor",
            confidential.brokers,
            environment={**confidential.environment, **places},
            **settings,
        )
        with daemon:
            wait_until_all_are_used(confidential, daemon)
            assert "STATUS=8 brokers" in manager.heard
            outputs |= answers(daemon)
            for name, text in mistakes(confidential).items():
                daemon.config.write_bytes(text.encode("utf-8", "surrogateescape"))
                status, outputs[f"reload with {name}"] = daemon.get("/-/reload", method="POST")
                assert status == 500, name
            daemon.configure(confidential.brokers, **settings)
            assert daemon.get("/-/reload", method="POST")[0] == 200
            for request in no_http(confidential.token.encode()):
                exchanged(daemon.port, request)  # what is answered is for who sent it
            url = ("--url", f"http://127.0.0.1:{daemon.port}/")
            outputs |= {"status": said("status", *url), "as JSON": said("status", "connack-echo", "--json", *url)}
            outputs["URL"] = said("status", f"mqtts://u:{confidential.token}@b", *url)
            outputs |= process_list(daemon.pid)
            # What the operator puts there is there, and documented.
            assert list(found(environments(daemon.pid))) == [f"{daemon.pid} {TOKEN_VARIABLE}"]
            outputs["service manager"] = manager.heard
            end(daemon, signal.SIGQUIT if log_format == "console" else signal.SIGTERM)
    outputs |= {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(outputs[str(tmp_path / "monitor" / "state.json")]) > 1000
    assert found(outputs) == {}
    assert "configuration problem" in daemon.log
    assert "Traceback" not in daemon.log


def wait_until_all_are_used(confidential: Confidential, daemon: MonitorProcess) -> None:
    """Return once each secret has opened what it opens, was refused, was said back, and was held back."""
    for name in ("file", "variable", "credential", "mutual"):
        daemon.wait_for(1, "probe_success", name)
    for check in ("anonymous", "wrong_password"):
        daemon.wait_for(1, "refusal_enforced", "file", check)
    failures = {
        ("refusing", "mqtt_connect", "mqtt_connect_not_authorized"),
        ("connack-echo", "mqtt_connect", "mqtt_connect_bad_user_name_or_password"),
        ("disconnect-echo", "subscribe", "subscribe_disconnected"),
        ("stranger", "verify", "verify_chain_incomplete"),
    }
    wait_until(lambda: failures <= daemon.series("probe_failure_info").keys(), "every failure")
    assert confidential.connack_echo.saw(confidential.password.encode())
    assert confidential.disconnect_echo.saw(confidential.password.encode())
    for name in ("connack-echo", "disconnect-echo"):
        assert "(withheld: it repeats the password)" in daemon.get(f"/api/v1/brokers/{name}")[1]
    assert confidential.stranger.peers
    for peer in confidential.stranger.peers:
        # A ClientHello alone, if that has come already: the flight with the client certificate was held back.
        assert len(peer.raw) in {0, 5 + int.from_bytes(peer.raw[3:5])}


def end(daemon: MonitorProcess, number: signal.Signals) -> None:
    # A core dump holds whatever the memory held; the unit allows none either.
    resource.prlimit(daemon.pid, resource.RLIMIT_CORE, (0, 0))
    os.kill(daemon.pid, number)
    assert daemon.wait_for_end() == (-number if number is signal.SIGQUIT else 0)


@pytest.mark.parametrize(("log_format", "shows_locals"), [("json", False), ("console", False), ("console", True)])
def test_traceback_of_a_fault_shows_no_variables(
    confidential: Confidential, tmp_path: Path, log_format: str, shows_locals: bool
) -> None:
    (tmp_path / "sitecustomize.py").write_text(FAULT + (SHOWING_LOCALS if shows_locals else ""))
    daemon = ConfidentialMonitor(
        tmp_path / "monitor",
        confidential.brokers[:1],
        environment={**confidential.environment, "PYTHONPATH": str(tmp_path)},
        log={"level": "debug", "format": log_format},
    )
    with daemon:
        daemon.wait_for_log("a fault of the library")
        daemon.wait_until_ready()
        page = daemon.get("/brokers/file")[1]
    assert "Traceback" in daemon.log
    assert "_send_connect" in daemon.log
    assert "a fault of the library" not in page
    # Shown on purpose, they are found: so the search would notice.
    assert bool(confidential.marked.found(daemon.log)) == shows_locals
    assert not confidential.marked.found(page)


# The commands


def test_commands_let_out_no_secret(confidential: Confidential, config: Path, pki: TestPki) -> None:
    def probe(port: int, *options: object) -> tuple[str, ...]:
        return ("probe", f"127.0.0.1:{port}", "--ca-file", str(pki.ca_file), *map(str, options))

    user = ("--username", "monitor", "--password-file", confidential.password_file)
    identity = ("--client-cert", confidential.chain_file, "--client-key", confidential.key_file)
    sealed = ("--client-cert", confidential.chain_file, "--client-key", confidential.sealed_key_file)
    opening = ("--ca-file", str(pki.ca_file), "--passphrase-file")
    inspect = ("inspect", str(confidential.pkcs12_file), *opening)
    chain = ("inspect", str(confidential.chain_file), "--key", str(confidential.sealed_key_file), *opening)
    commands: dict[tuple[str, ...], int] = {
        probe(confidential.accepting.port, *user): 0,
        probe(confidential.refusing.port, *user, "--json"): 2,
        probe(confidential.connack_echo.port, *user, "--mqtt-version", "5"): 2,
        probe(confidential.disconnect_echo.port, *user, "--mqtt-version", "5", "--json"): 2,
        probe(confidential.stranger.port, *user, *identity): 2,
        probe(confidential.mutual.port, *identity): 0,
        probe(confidential.mutual.port, *sealed): 3,
        probe(confidential.accepting.port, "--username", "u", "--password-file", confidential.token): 3,
        ("probe", "--config", str(config), "--refusals", "--scan"): 2,
        ("check-config", str(config)): 0,
        ("check-config", "--acl", "nats", str(config)): 0,
        (*inspect, str(confidential.passphrase_file)): 2,
        (*inspect, str(confidential.wrong_passphrase_file), "--json"): 3,
        (*chain, str(confidential.passphrase_file), "--json"): 2,
        (*chain, str(confidential.wrong_passphrase_file)): 3,
    }
    environment = {**confidential.environment, "MQTT_TLS_MONITOR_DEBUG": "1"}
    with ThreadPoolExecutor(2) as pool:
        ended = dict(zip(commands, pool.map(lambda each: run_command(*each, env=environment), commands), strict=True))
    assert {each: done.returncode for each, done in ended.items()} == commands, [
        done.stderr for each, done in ended.items() if done.returncode != commands[each]
    ]
    assert confidential.marked.found_in({str(each): done.stdout + done.stderr for each, done in ended.items()}) == {}


def test_secret_typed_in_the_wrong_place_is_not_repeated(
    confidential: Confidential, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, key = confidential.token, confidential.key_pem.decode()
    certificate = str(confidential.chain_file)
    wrong: list[tuple[str, ...]] = [
        ("probe", "b", "--password", secret),
        ("probe", "b", f"--password={secret}"),
        ("probe", "b", f"--passwordfile={secret}"),
        ("probe", "b", "-u", "monitor", "-P", secret),
        ("probe", "b", f"-P{secret}"),
        ("probe", f"mqtts://monitor:{secret}@b"),
        ("probe", f"https://monitor:{secret}@b/"),
        ("probe", f"monitor:{secret}@b"),
        ("probe", "--config", str(config), f"mqtts://monitor:{secret}@b"),
        ("probe", "b", "--client-cert", certificate, "--client-key", key),
        ("probe", "b", "--client-cert", certificate, "--client-key", key.replace("\n", " ")),
        ("probe", "b", "--server-name", f"mqtts://monitor:{secret}@b"),
        ("run", "--config", str(config), secret),
        ("run", "--password", secret),
        ("check-config", str(config), secret),
        ("inspect", certificate, "--passphrase", secret),
        ("inspect", certificate, "--passphrase-file", secret),
        ("inspect", certificate, "--key", key),
        ("inspect", certificate, secret, secret),
        ("inspect", key),
        ("status", "a", secret),
        ("status", "--url", f"http://monitor:{secret}@127.0.0.1:1/"),
        ("status", "--url", f"http://127.0.0.1:1/?token={secret}"),
    ]
    outputs: dict[str, bytes | str] = {}
    for arguments in wrong:
        monkeypatch.setattr(sys, "argv", ["mqtt-tls-monitor", *arguments])
        assert run_in_process() in {1, 3}, arguments
        output = capsys.readouterr()
        assert output.err
        outputs[" ".join(arguments)] = output.out + output.err
    assert confidential.marked.found_in(outputs) == {}


def test_mistake_in_a_configuration_is_told_without_its_secret(
    confidential: Confidential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "monitor.yml"
    outputs: dict[str, bytes | str] = {}
    for name, text in mistakes(confidential).items():
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        monkeypatch.setattr(sys, "argv", ["mqtt-tls-monitor", "check-config", str(path)])
        assert run_in_process() == 1, name
        output = capsys.readouterr()
        assert str(path) in output.err
        outputs[name] = output.out + output.err
    assert confidential.marked.found_in(outputs) == {}


# Records


def test_what_holds_secrets_does_not_print_them(
    confidential: Confidential, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(config, confidential.environment)
    credentials = Credentials(environ=confidential.environment, problems=Problems(), files=Files(base=Path()))
    credentials.files.read(confidential.password_file)
    secrets = [broker.mqtt.password for broker in loaded.brokers if broker.mqtt.password is not None]
    assert confidential.token.encode() in [secret.reveal() for secret in secrets]
    for held in (loaded, *loaded.brokers, credentials, *secrets):
        for text in (repr(held), str(held), f"{held}", f"{held!r:>10}", json.dumps([held], default=str)):
            assert not confidential.marked.found(text)


def said(*arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Return everything that a command prints."""
    ended = run_command(*arguments, env=env)
    return ended.stdout + ended.stderr
