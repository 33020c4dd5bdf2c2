"""`discover` as an operator has it: what it prints loads, and watches the very broker that was read about."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.cli.discover import discover_host
from monitor.demo.pki import issue
from tests.support.brokers import Mosquitto
from tests.support.daemon import run_command
from tests.support.pki import TestPki, write_chain
from tests.support.ports import free_port
from tests.support.processes import ServerProcess, tool


def discovered(*arguments: str, status: int = 0, env: dict[str, str] | None = None) -> str:
    ended = run_command("discover", *arguments, env=env)
    assert ended.returncode == status, ended.stderr
    return str(ended.stdout)


def probed(config: Path, name: str) -> dict[str, Any]:
    ended = run_command("probe", name, "--config", str(config), "--json")
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def test_what_is_printed_watches_a_real_mosquitto(pki: TestPki, tmp_path: Path) -> None:
    leaf = issue(now=pki.now, issuer=pki.intermediate, names=("DNS:broker.example.org",))
    files = write_chain(tmp_path, "server", (leaf, pki.intermediate))
    with Mosquitto(tmp_path / "mosquitto", certificate=files, extra=(f"cafile {pki.ca_file}",)) as mosquitto:
        text = discovered(str(next(mosquitto.directory.glob("*.conf"))))
        config = tmp_path / "monitor.yml"
        config.write_text(text)
        document = probed(config, f"mosquitto-{mosquitto.port}")
    assert 'server_name: "broker.example.org"' in text
    assert f'ca_file: "{pki.ca_file}"' in text
    assert document["success"], document
    assert document["verdict"] == "ok"
    assert run_command("check-config", str(config)).returncode == 0


class Configured(ServerProcess):
    """A broker on a configuration that the test has written; `port` is one of its ports."""

    def __init__(self, directory: Path, *command: str) -> None:
        super().__init__(directory)
        self._command = command

    def command(self) -> Sequence[str]:
        return self._command


def findings(config: Path) -> dict[str, list[str]]:
    """Probe every broker of a configuration, and return the codes of what was found at each."""
    assert run_command("check-config", str(config)).returncode == 0
    names = [broker["name"] for broker in yaml.safe_load(config.read_text())["brokers"]]
    return {name: [each["code"] for each in probed(config, name)["findings"]] for name in names}


def test_what_is_printed_watches_each_listener_of_a_real_mosquitto(pki: TestPki, tmp_path: Path) -> None:
    leaf = issue(now=pki.now, issuer=pki.intermediate, names=("DNS:broker.example.org",))
    other = issue(now=pki.now, issuer=pki.intermediate, names=("DNS:other.example.org",))
    ours = write_chain(tmp_path, "ours", (leaf, pki.intermediate))
    theirs = write_chain(tmp_path, "theirs", (other, pki.intermediate))
    path = tmp_path / "mosquitto.conf"
    mosquitto = Configured(tmp_path / "mosquitto", tool("mosquitto"), "-c", str(path))
    strict, default, web = free_port(), free_port(), free_port()
    path.write_text(
        f"{'user root' if os.geteuid() == 0 else ''}\nallow_anonymous true\n"
        f"listener {mosquitto.port} 127.0.0.1 # for devices\ncertfile {ours.chain}\nkeyfile {ours.key}\n"
        f"include_dir {tmp_path}/conf.d\n"
        f"listener {strict} 127.0.0.1\ncertfile {ours.chain}\nkeyfile {ours.key}\ncafile {pki.ca_file}\n"
        "require_certificate true\n"
    )
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "Z.conf").write_text(
        f"port {default}\nbind_address 127.0.0.1\ncertfile {theirs.chain}\nkeyfile {theirs.key}\n"
    )
    (tmp_path / "conf.d" / "a.conf").write_text(
        f"listener {web} 127.0.0.1\nprotocol websockets\ncertfile {theirs.chain}\nkeyfile {theirs.key}\n"
    )
    config = tmp_path / "monitor.yml"
    with mosquitto:
        config.write_text(discovered(str(path)))
        found = findings(config)
    assert found == {
        f"mosquitto-{default}": [],
        f"mosquitto-{mosquitto.port}": [],
        f"mosquitto-{web}": [],
        f"mosquitto-{strict}": ["mqtt_connect_client_certificate_required"],
    }
    assert 'server_name: "other.example.org"' in config.read_text()


def test_what_is_printed_watches_each_listener_of_a_real_nats_server(pki: TestPki, tmp_path: Path) -> None:
    leaf = issue(now=pki.now, issuer=pki.intermediate, names=("DNS:broker.example.org",))
    files = write_chain(tmp_path, "ours", (leaf, pki.intermediate))
    path = tmp_path / "nats-server.conf"
    nats = Configured(tmp_path / "nats", tool("nats-server"), "-c", str(path))
    web = free_port()
    path.write_text(
        f"MQTT_PORT = {nats.port}\nlisten: 127.0.0.1:-1\nserver_name: test; jetstream {{ store_dir: {tmp_path}/js }}\n"
        "leafnodes { remotes: [ { url: nats://127.0.0.1:1 } ] }\n"
        "authorization { users: [ { user: a, password: b#c//d }, { user: m, password: m } ] }\n"
        "MQTT\n{\n  host: 127.0.0.1\n  port: $MQTT_PORT\n  no_auth_user: m\n  include tls.conf\n}\n"
        f"websocket {{ listen: '127.0.0.1:{web}', include ./tls.conf }}\n"
    )
    (tmp_path / "tls.conf").write_text(
        f"TLS = {{ cert_file = {files.chain}; key_file = '{files.key}'\n ca_file: {pki.ca_file} // for clients\n}}\n"
    )
    config = tmp_path / "monitor.yml"
    with nats:
        config.write_text(discovered(str(path)))
        found = findings(config)
    assert found == {f"nats-server-{nats.port}": [], f"nats-server-{web}": []}


def test_certificate_that_the_system_trusts_needs_no_ca_file(pki: TestPki, tmp_path: Path) -> None:
    files = write_chain(tmp_path, "server", (issue(now=pki.now, issuer=pki.intermediate), pki.intermediate))
    (tmp_path / "mosquitto.conf").write_text(f"listener 8883\ncertfile {files.chain}\nkeyfile {files.key}\n")
    env = {"SSL_CERT_FILE": str(pki.ca_file), "SSL_CERT_DIR": str(tmp_path / "none")}
    text = discovered(str(tmp_path / "mosquitto.conf"), env=env)
    assert "trust: system" in text
    assert "name the CA" not in text


def test_intermediate_in_the_brokers_ca_file_is_no_ca_where_the_system_knows_the_root(
    pki: TestPki, tmp_path: Path
) -> None:
    leaf = issue(now=pki.now, issuer=pki.intermediate)
    files = write_chain(tmp_path, "server", (leaf,))
    filling = write_chain(tmp_path, "full", (leaf, pki.intermediate)).chain
    (tmp_path / "mosquitto.conf").write_text(f"listener 8883\ncertfile {files.chain}\ncafile {filling}\n")
    env = {"SSL_CERT_FILE": str(pki.ca_file), "SSL_CERT_DIR": str(tmp_path / "none")}
    assert "      trust: system\n" in discovered(str(tmp_path / "mosquitto.conf"), env=env)


def test_certificate_of_an_unknown_ca_says_what_to_find_out(pki: TestPki, tmp_path: Path) -> None:
    files = write_chain(tmp_path, "server", (issue(now=pki.now, issuer=pki.intermediate), pki.intermediate))
    (tmp_path / "mosquitto.conf").write_text(f"listener 8883\ncertfile {files.chain}\n")
    text = discovered(str(tmp_path / "mosquitto.conf"))
    assert (
        "# name the CA's certificate that clients trust as tls.ca_file; the file ends at a certificate issued by"
        in text
    )


def test_certificate_for_any_name_of_a_domain_says_that_one_has_to_be_named(pki: TestPki, tmp_path: Path) -> None:
    leaf = issue(now=pki.now, issuer=pki.intermediate, names=("DNS:*.example.org",))
    files = write_chain(tmp_path, "server", (leaf, pki.intermediate))
    told = "      # its certificate is for *.example.org: name the one that clients use as server_name\n"
    config = tmp_path / "monitor.yml"
    with Mosquitto(tmp_path / "mosquitto", certificate=files, extra=(f"cafile {pki.ca_file}",)) as mosquitto:
        text = discovered(str(next(mosquitto.directory.glob("*.conf"))))
        assert told in text
        config.write_text(text.replace(told, '      server_name: "mqtt.example.org"\n'))
        document = probed(config, f"mosquitto-{mosquitto.port}")
    assert document["verdict"] == "ok", document


def test_ca_that_only_another_listener_names_is_found(pki: TestPki, tmp_path: Path) -> None:
    files = write_chain(tmp_path, "server", (issue(now=pki.now, issuer=pki.intermediate), pki.intermediate))
    (tmp_path / "mosquitto.conf").write_text(
        f"listener 8883\ncertfile {files.chain}\nlistener 8884\ncertfile {files.chain}\ncafile {pki.ca_file}\n"
    )
    text = discovered(str(tmp_path / "mosquitto.conf"))
    assert text.count(f'ca_file: "{pki.ca_file}"') == 2


def test_host_below_a_directory_keeps_its_own_paths(tmp_path: Path) -> None:
    place = tmp_path / "etc/mosquitto"
    place.mkdir(parents=True)
    (place / "mosquitto.conf").write_text("listener 8883\ncertfile /etc/mosquitto/gone.pem\nrequire_certificate true\n")
    text = discovered("--root", str(tmp_path))
    assert "cannot use /etc/mosquitto/gone.pem: no such file" in text
    assert "# client_certificate:" in text
    assert str(tmp_path) not in text
    config = tmp_path / "monitor.yml"
    config.write_text(text)
    assert run_command("check-config", str(config)).returncode == 0


def test_two_ports_of_one_kind_have_names_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "mosquitto.conf").write_text(
        "listener 8883 192.0.2.1\ncertfile /a.pem\nlistener 8883 192.0.2.2\ncertfile /b.pem\n"
    )
    text = discovered(str(tmp_path / "mosquitto.conf"))
    assert "name: mosquitto-8883\n" in text
    assert "name: mosquitto-8883-2\n" in text


def test_relative_name_of_a_file_is_one_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("emqx.conf").write_text("listeners.wss.default.enable = false\n")
    assert discover_host(Path("/"), [Path("emqx.conf")]) == 0
    assert f'certificate: "{tmp_path}/certs/cert.pem"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--root", "/nowhere"), 3, "no broker's configuration found; looked for /etc/mosquitto/mosquitto.conf"),
        (("/nowhere/mosquitto.conf",), 3, "no such file: /nowhere/mosquitto.conf"),
        (("/etc",), 3, "expected the broker's main file, found a directory: /etc"),
        (("/etc/passwd",), 3, "/etc/passwd: expected a name that tells the broker (mosquitto.conf, emqx.conf"),
    ],
)
def test_nothing_to_read_is_said(arguments: tuple[str, ...], status: int, message: str) -> None:
    ended = run_command("discover", *arguments)
    assert ended.returncode == status
    assert message in ended.stderr
    assert ended.stdout == ""


def test_broker_without_tls_is_status_1_and_a_comment(tmp_path: Path) -> None:
    (tmp_path / "mosquitto.conf").write_text("listener 1883\n")
    assert f"# {tmp_path / 'mosquitto.conf'}: no port with TLS" in discovered(
        str(tmp_path / "mosquitto.conf"), status=1
    )


def test_what_no_file_should_be_is_neither_waited_for_nor_read_without_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "conf.d").mkdir()
    os.mkfifo(tmp_path / "conf.d" / "pipe.conf")
    path = tmp_path / "mosquitto.conf"
    path.write_text(
        f"include_dir {tmp_path}/conf.d\nlistener 8883\ncertfile {tmp_path}/pipe\nlistener 8884\ncertfile /dev/zero\n"
    )
    text = discovered(str(path))
    assert f"cannot use {tmp_path}/pipe: a pipe or device" in text
    assert "cannot use /dev/zero: a pipe or device" in text
    assert "conf.d/pipe.conf: a pipe or device" in text


def test_names_of_files_write_no_configuration(tmp_path: Path) -> None:
    odd = tmp_path / "conf.d" / "z\n  - {name: evil, host: attacker.example}\n  # .conf"
    odd.parent.mkdir()
    odd.write_text("listener 8884\ncertfile /b.pem\ntls_nonsense 1\n")
    path = tmp_path / "mosquitto.conf"
    path.write_text(f"listener 8883\ncertfile /a\x7f.pem\ninclude_dir {odd.parent}\n")
    config = tmp_path / "monitor.yml"
    config.write_text(discovered(str(path)))
    ended = run_command("check-config", str(config))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert [broker["name"] for broker in yaml.safe_load(config.read_text())["brokers"]] == [
        "mosquitto-8883",
        "mosquitto-8884",
    ]


def test_listeners_that_cannot_be_are_notes(tmp_path: Path) -> None:
    path = tmp_path / "mosquitto.conf"
    path.write_text(
        "".join(f"listener {where}\ncertfile /a.pem\n" for where in ("99999", "-5", "8883 a\x7fb", "8883 fine.example"))
    )
    text = discovered(str(path))
    assert text.count("not understood: a listener on") == 3
    assert [broker["host"] for broker in yaml.safe_load(text)["brokers"]] == ["fine.example"]
