"""The command line as the shell sees it: what is printed, where, and with which exit status."""

import json
import os
import signal
import socket
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from monitor.cli.exit_status import Status, worst
from monitor.demo.pki import issue
from tests.support.brokers import Mosquitto, OpensslServer
from tests.support.daemon import COMMAND, run_command
from tests.support.pki import TestPki, write_chain
from tests.support.ports import PATIENCE_S, closed_port, silent_port

YEAR = timedelta(days=365)
EXAMPLE = Path(__file__).parent.parent / "config" / "monitor.example.yml"
MINIMAL = "brokers:\n  - name: plant\n    host: mqtt.example.org\n"


# probe


def test_healthy_broker_exits_with_0_and_shows_phases_and_chain(mosquitto: Mosquitto, pki: TestPki) -> None:
    result = run_command("probe", f"localhost:{mosquitto.port}", "--ca-file", str(pki.ca_file))
    assert (result.returncode, result.stderr) == (0, "")
    assert "roundtrip" in result.stdout
    assert "Test Intermediate" in result.stdout
    assert "\x1b" not in result.stdout


def test_json_is_one_document_per_target_in_the_order_named(mosquitto: Mosquitto, pki: TestPki) -> None:
    with closed_port() as nobody, silent_port() as silent:
        ports = (silent, mosquitto.port, nobody)
        targets = [f"127.0.0.1:{port}" for port in ports]
        options = ("--ca-file", str(pki.ca_file), "--timeout", "3s")
        result = run_command("probe", "--json", *options, *targets)
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert [document["broker"] for document in documents] == targets
    assert [document["verdict"] for document in documents] == ["critical", "ok", "critical"]
    assert documents[0]["schema_version"] == 1
    assert result.returncode == 2


def test_failure_exits_with_2_and_says_why_without_traceback() -> None:
    with closed_port() as nobody:
        result = run_command("probe", f"mqtts://127.0.0.1:{nobody}")
    assert result.returncode == 2
    assert "connect_refused" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_unknown_host_exits_with_2() -> None:
    result = run_command("probe", "nobody.invalid", "--json")
    assert result.returncode == 2
    [failed] = [phase for phase in json.loads(result.stdout)["phases"] if phase["outcome"] == "failed"]
    assert failed["name"] == "resolve"


def test_untrusted_broker_exits_with_2(mosquitto: Mosquitto, pki: TestPki) -> None:
    target = f"localhost:{mosquitto.port}"
    result = run_command("probe", target, "--json", "--ca-file", str(pki.foreign_ca_file))
    assert result.returncode == 2
    assert json.loads(result.stdout)["findings"][0]["code"].startswith("chain_")


def test_certificate_near_its_end_exits_with_1(pki: TestPki, tmp_path: Path) -> None:
    leaf = issue(
        now=pki.now, issuer=pki.intermediate, not_after=pki.now + timedelta(days=20), not_before=pki.now - YEAR
    )
    files = write_chain(tmp_path, "ending", (leaf, pki.intermediate))
    with Mosquitto(tmp_path / "mosquitto", certificate=files) as mosquitto:
        broker = {"name": "plant", "host": "localhost", "port": mosquitto.port, "tls": {"ca_file": str(pki.ca_file)}}
        config = tmp_path / "monitor.yml"
        config.write_text(yaml.safe_dump({"brokers": [broker]}))
        result = run_command("probe", "--config", str(config), "plant")
        everything = run_command("probe", "--config", str(config), "--json")
    assert result.returncode == 1
    assert json.loads(everything.stdout)["broker"] == "plant"


def test_refusals_are_tried_at_once_and_told(pki: TestPki, tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "mosquitto", certificate=pki.server_files) as mosquitto:
        broker = {
            "name": "plant",
            "host": "localhost",
            "port": mosquitto.port,
            "tls": {"ca_file": str(pki.ca_file)},
            "mqtt": {"username": "monitor"},
            "refusals": {"checks": ["anonymous", "foreign_client_certificate"]},
        }
        config = tmp_path / "monitor.yml"
        config.write_text(yaml.safe_dump({"brokers": [broker]}))
        result = run_command("probe", "--config", str(config), "plant", "--refusals", "--json")
        without = run_command("probe", "--config", str(config), "plant", "--json")
    assert result.returncode == 2
    shown = json.loads(result.stdout)
    assert [(attempt["check"], attempt["outcome"]) for attempt in shown["refusals"]] == [
        ("anonymous", "accepted"),
        ("foreign_client_certificate", "accepted"),
    ]
    assert [finding["code"] for finding in shown["findings"]] == ["refusal_not_enforced"] * 2
    assert "Mosquitto: `allow_anonymous false`" in shown["findings"][0]["fix"]
    assert (without.returncode, json.loads(without.stdout)["refusals"]) == (0, [])


def test_refusals_without_checks_are_bad_usage(tmp_path: Path) -> None:
    config = tmp_path / "monitor.yml"
    config.write_text(MINIMAL)
    result = run_command("probe", "--config", str(config), "--refusals")
    assert result.returncode == 3
    assert "name checks under 'refusals' in a configuration" in result.stderr


def test_scan_is_made_at_once_and_told(pki: TestPki, tmp_path: Path) -> None:
    options = ("-cipher", "ALL:@SECLEVEL=0", "-no_tls1_3", "-client_renegotiation")
    with OpensslServer(tmp_path / "s_server", certificate=pki.server_files, options=options) as server:
        common = (f"localhost:{server.port}", "--tls-only", "--ca-file", str(pki.ca_file))
        result = run_command("probe", *common, "--scan", "--json")
        without = run_command("probe", *common, "--json")
        picture = run_command("probe", *common, "--scan")
    assert (result.returncode, without.returncode) == (1, 0)
    shown = json.loads(result.stdout)
    assert [finding["code"] for finding in shown["findings"]] == [
        "tls_version_old_accepted",
        "cipher_weak_accepted",
        "renegotiation_by_clients",
    ]
    assert (shown["success"], shown["scan"]["old_versions"]) == (True, ["1.0", "1.1"])
    assert json.loads(without.stdout)["scan"] is None
    assert "old versions accepted: TLS 1.0, TLS 1.1" in picture.stdout


def test_tls_only_speaks_no_mqtt(mosquitto: Mosquitto, pki: TestPki) -> None:
    target = f"localhost:{mosquitto.port}"
    result = run_command("probe", target, "--tls-only", "--json", "--ca-file", str(pki.ca_file))
    assert result.returncode == 0
    assert [phase["name"] for phase in json.loads(result.stdout)["phases"]][-1] == "verify"


def test_user_name_and_password_file_are_used(pki: TestPki, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("open sesame\n")
    password.chmod(0o600)
    options = ("--ca-file", str(pki.ca_file), "--username", "monitor", "--mqtt-version", "5", "--qos", "2")
    with Mosquitto(tmp_path / "m", certificate=pki.server_files, users={"monitor": "open sesame"}) as broker:
        target = f"localhost:{broker.port}"
        accepted = run_command("probe", target, *options, "--password-file", str(password))
        password.write_text("wrong\n")
        refused = run_command("probe", target, *options, "--password-file", str(password))
    assert accepted.returncode == 0, accepted.stdout
    assert refused.returncode == 2
    assert "not_authorized" in refused.stdout
    assert "wrong" not in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "nothing to probe"),
        (("mqtt://broker",), "mqtt"),
        (("https://broker",), "https"),
        (("broker:99999",), "port"),
        (("bro ker",), "host name"),
        (("broker/path",), "path"),
        (("broker", "--timeout", "soon"), "--timeout: expected"),
        (("broker", "--qos", "3"), "--qos: expected"),
        (("broker", "--mqtt-version", "4"), "--mqtt-version: expected"),
        (("broker", "--ca-file", "/nowhere.pem"), "--ca-file: expected"),
        (("broker", "--client-cert", "/nowhere.pem"), "--client-cert: expected"),
        (("--nonsense",), "No such option"),
        (("--config", "/nowhere.yml"), "/nowhere.yml: expected"),
        (("broker", "--config", "/nowhere.yml", "--qos", "1"), "leave the other options out"),
    ],
)
def test_unusable_targets_and_options_exit_with_3(arguments: tuple[str, ...], complaint: str) -> None:
    result = run_command("probe", *arguments)
    assert (result.returncode, result.stdout) == (3, "")
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr


def test_one_bad_option_is_told_once_for_all_targets() -> None:
    result = run_command("probe", "a", "b", "--qos", "7")
    assert result.stderr.count("--qos") == 1


def test_misspelt_name_is_answered_with_the_right_one(tmp_path: Path) -> None:
    config = tmp_path / "monitor.yml"
    config.write_text(MINIMAL)
    result = run_command("probe", "plnat", "--config", str(config))
    assert result.returncode == 3
    assert "did you mean 'plant'?" in result.stderr


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((Status.OK, Status.WARNING), Status.WARNING),
        ((Status.WARNING, Status.UNKNOWN), Status.UNKNOWN),
        ((Status.UNKNOWN, Status.CRITICAL, Status.OK), Status.CRITICAL),
        ((), Status.OK),
    ],
)
def test_worst_status_of_several(statuses: tuple[Status, ...], expected: Status) -> None:
    assert worst(statuses) is expected


def test_reader_that_closes_the_pipe_gets_no_traceback() -> None:
    command = [*COMMAND, "probe", "--json", *(f"127.0.0.1:{port}" for port in (1, 2, 3))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        complaint = process.stderr.read()
    assert complaint == ""
    assert process.returncode == 141  # as after SIGPIPE: 1 would say that there are warnings


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "certificate_expired"),
        ("probe", "--json", "127.0.0.1:1"),
        ("--version",),
        ("check-config", str(EXAMPLE)),
    ],
    ids=lambda arguments: arguments[0],
)
def test_answer_that_cannot_be_written_is_no_fault_of_the_monitor(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (
        3,
        "mqtt-tls-monitor: cannot write the answer: No space left on device\n",
    )


def test_answer_that_nobody_waits_for_gets_no_traceback() -> None:
    nobody, pipe = os.pipe()
    os.close(nobody)
    command = [*COMMAND, "explain", "certificate_expired"]
    with os.fdopen(pipe, "w") as output:
        result = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (141, "")


def test_closed_output_is_no_fault_of_the_monitor() -> None:
    result = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "explain", "certificate_expired"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_interrupted_probe_ends_with_130_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        command = [*COMMAND, "probe", f"127.0.0.1:{listener.getsockname()[1]}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            client, _ = listener.accept()
            with client:
                client.recv(1)  # the handshake has begun
                process.send_signal(signal.SIGINT)
                said = process.communicate(timeout=PATIENCE_S)
    assert said == ("", "")
    assert process.returncode == 130


@pytest.mark.parametrize("target", ["mqtts://monitor:open/ses@me@broker:8883", "monitor:open/ses@me@broker"])
def test_password_in_a_target_is_not_repeated(target: str) -> None:
    result = run_command("probe", target)
    assert result.returncode == 3
    assert "...@broker" in result.stderr
    assert "ses" not in result.stderr


# run and check-config


def test_run_without_a_configuration_exits_with_1() -> None:
    result = run_command("run")
    assert result.returncode == 1
    assert "--config FILE" in result.stderr


@pytest.mark.parametrize("command", [("run", "--config"), ("check-config",)])
def test_missing_file_exits_with_1_and_one_line(command: tuple[str, ...]) -> None:
    result = run_command(*command, "/nowhere.yml")
    assert result.returncode == 1
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("/nowhere.yml: ")


def test_usable_configuration_exits_with_0(tmp_path: Path, pki: TestPki) -> None:
    config = tmp_path / "monitor.yml"
    config.write_text(f"defaults:\n  tls:\n    ca_file: {pki.ca_file}\n{MINIMAL}")
    result = run_command("check-config", str(config))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{config}: can be used, 1 broker\n"


def test_every_error_is_a_line_with_file_line_and_key(tmp_path: Path) -> None:
    config = tmp_path / "monitor.yml"
    config.write_text("brokers:\n  - name: a\n    host: b\n    prot: 1\n  - name: a\n    port: 0\n    host: c\n")
    result = run_command("check-config", str(config))
    assert result.returncode == 1
    places = [line.partition(": expected")[0] for line in result.stderr.splitlines()]
    assert places == [f"{config}:4: brokers[0].prot", f"{config}:5: brokers[1].name", f"{config}:6: brokers[1].port"]


def test_acl_lines_alone_are_on_standard_output(tmp_path: Path, pki: TestPki) -> None:
    config = tmp_path / "monitor.yml"
    config.write_text(f"defaults:\n  tls:\n    ca_file: {pki.ca_file}\n{MINIMAL}")
    result = run_command("check-config", str(config), "--acl", "mosquitto")
    assert result.returncode == 0
    assert all(line.startswith(("#", "topic readwrite")) for line in result.stdout.splitlines())
    unknown = run_command("check-config", str(config), "--acl", "hivemq")
    assert unknown.returncode == 1
    assert "mosquitto, emqx, rabbitmq, nats" in unknown.stderr


# explain, and the program itself


@pytest.mark.parametrize("code", ["certificate_expired", "verify_certificate_expired", "connect_refused", "internal"])
def test_code_is_explained_in_words(code: str) -> None:
    result = run_command("explain", code)
    assert result.returncode == 0
    assert result.stdout.startswith(code)
    assert "What to do: " in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_explanation_lists_each_kind_of_broker_below_what_to_do() -> None:
    text = run_command("explain", "certificate_expired").stdout
    assert text.index("What to do: ") < text.index("The broker's certificate and key") < text.index("\n  EMQX       ")
    assert "\n  Mosquitto  `certfile`" in text


def test_alert_is_explained_by_its_runbook() -> None:
    result = run_command("explain", "MqttTlsBrokerDown")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("# MqttTlsBrokerDown\n")
    assert "## What it means" in result.stdout


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("certificate_expird", "certificate_expired"),
        ("expired", "certificate_expired"),
        ("MqttTlsBrokerDwn", "MqttTlsBrokerDown"),
    ],
)
def test_unknown_code_is_answered_with_near_ones(typed: str, meant: str) -> None:
    result = run_command("explain", typed)
    assert (result.returncode, result.stdout) == (3, "")
    assert f"did you mean {meant}" in result.stderr


def test_each_mistake_of_a_configuration_is_a_line_of_its_own(tmp_path: Path) -> None:
    config = tmp_path / "monitor.yml"
    config.write_text(MINIMAL + "listn: 1\nstatefile: 1\n")
    lines = run_command("probe", "--config", str(config)).stderr.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"mqtt-tls-monitor: {config}:") for line in lines)


def test_demo_on_an_impossible_port_is_wrong_usage() -> None:
    result = run_command("demo", "--port", "99999")
    assert result.returncode == 3
    assert "--port" in result.stderr
    assert "internal error" not in result.stderr


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("probe", "probe [OPTIONS] [TARGET]..."),
        ("inspect", "inspect [OPTIONS] CHAIN"),
        ("check-config", "check-config [OPTIONS] FILE"),
        ("status", "status [OPTIONS] [BROKER]"),
        ("discover", "discover [OPTIONS] [FILE]..."),
        ("explain", "explain [OPTIONS] CODE"),
    ],
)
def test_help_names_arguments_without_types(command: str, usage: str) -> None:
    text = run_command(command, "--help").stdout
    assert f"mqtt-tls-monitor {usage}\n" in text
    assert "<" not in text
    assert "{" not in text.replace("{id} and {nonce}", "")


def test_version_and_help_and_nothing() -> None:
    assert run_command("--version").stdout.startswith("mqtt-tls-monitor ")
    text = run_command("--help").stdout
    for command in ("run", "probe", "inspect", "check-config", "explain", "demo"):
        assert f"  {command} " in text
    nothing = run_command()
    assert nothing.returncode == 3
    assert "--help" in nothing.stderr
