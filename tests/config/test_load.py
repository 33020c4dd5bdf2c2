from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.config.load import broker_from_options, load
from monitor.model.broker import Broker, MqttSettings, MqttVersion, Policy, Protocol, TlsVersion
from monitor.model.config import ConfigError, LogFormat, Settings
from monitor.model.refusal import RefusalCheck
from tests.config.conftest import Load
from tests.support.pki import TestPki
from tests.support.ports import PATIENCE_S

THREE_LINES = "brokers:\n  - name: a\n    host: a.example\n"


def test_three_lines_are_enough(load_text: Load, tmp_path: Path) -> None:
    config = load_text(THREE_LINES)
    (broker,) = config.brokers
    assert config.file == str(tmp_path / "monitor.yml")
    assert config.settings == Settings()
    assert config.warnings == ()
    # Whatever the file does not say is as the records themselves have it.
    assert broker == Broker(name="a", host="a.example", tls=broker.tls)
    assert (broker.port, broker.interval_s, broker.timeout_s, broker.mqtt.qos) == (8883, 60.0, 10.0, 1)
    assert broker.mqtt.topic == "mqtt-tls-monitor/{id}/{nonce}"
    assert broker.tls.server_name == "a.example"
    assert broker.tls.trust.source == "system"


def test_every_key_arrives(load_text: Load, write: Callable[..., Path]) -> None:
    write("password", "s3cret\n")
    config = load_text(
        """
listen: "[::1]:9000"
max_in_flight: 8
log: {level: debug, format: json}
brokers:
  - name: Werk Süd
    host: "[FE80::1%eth0]"
    port: 8884
    protocol: mqtt
    interval: 1m30s
    timeout: 2s
    labels: {site: south, rack: 007}
    tls:
      server_name: Broker.example.
      minimum_version: 1.3
      alpn: [mqtt, x]
    mqtt:
      version: 5
      client_id_prefix: m
      username: monitor
      password_file: password
      topic: t/{nonce}
      qos: 2
    expiry: {warning: 30d, critical: 1w}
    remarks: true
"""
    )
    (broker,) = config.brokers
    assert config.settings == Settings(
        listen_host="::1", listen_port=9000, max_in_flight=8, log_level="debug", log_format=LogFormat.JSON
    )
    assert (broker.name, broker.host, broker.port, broker.protocol) == ("Werk Süd", "fe80::1%eth0", 8884, Protocol.MQTT)
    assert (broker.interval_s, broker.timeout_s) == (90.0, 2.0)
    assert broker.labels == (("rack", "007"), ("site", "south"))
    assert broker.tls.server_name == "broker.example"
    assert (broker.tls.minimum_version, broker.tls.alpn) == (TlsVersion.V1_3, ("mqtt", "x"))
    password = broker.mqtt.password
    assert password is not None
    assert password.reveal() == b"s3cret"
    assert broker.mqtt == MqttSettings(
        version=MqttVersion.V5, client_id_prefix="m", username="monitor", password=password, topic="t/{nonce}", qos=2
    )
    assert broker.policy == Policy(expiry_warning_s=30 * 86400.0, expiry_critical_s=7 * 86400.0, remarks=True)


def test_server_name_of_an_address_with_scope_is_the_address(load_text: Load) -> None:
    (broker,) = load_text("brokers: [{name: a, host: 'fe80::1%eth0'}]").brokers
    assert broker.tls.server_name == "fe80::1"


def test_defaults_hold_where_a_broker_says_nothing(load_text: Load) -> None:
    first, second = load_text(
        """
defaults:
  port: 8884
  interval: 30s
  labels: {site: south, team: a}
  tls: {minimum_version: 1.3, alpn: [mqtt, x]}
  mqtt: {qos: 0, topic: "t/{nonce}"}
brokers:
  - {name: a, host: a.example}
  - name: b
    host: b.example
    port: 8885
    labels: {team: b}
    tls: {alpn: [y]}
    mqtt: {qos: 2}
"""
    ).brokers
    assert (first.port, first.interval_s, first.mqtt.qos, first.tls.alpn) == (8884, 30.0, 0, ("mqtt", "x"))
    assert (second.port, second.interval_s, second.mqtt.qos, second.tls.alpn) == (8885, 30.0, 2, ("y",))
    assert second.labels == (("site", "south"), ("team", "b"))
    assert second.tls.minimum_version is TlsVersion.V1_3
    assert second.mqtt.topic == "t/{nonce}"


def test_value_written_out_overrules_even_if_it_is_the_usual_one(load_text: Load) -> None:
    (broker,) = load_text("defaults: {port: 1}\nbrokers: [{name: a, host: a.example, port: 8883}]").brokers
    assert broker.port == 8883


def test_empty_sections_say_nothing(load_text: Load) -> None:
    config = load_text(f"log:\ndefaults:\n{THREE_LINES}    tls:\n    mqtt:\n    labels:\n    expiry:\n")
    assert config.brokers[0].mqtt == MqttSettings()


def test_mqtt_defaults_do_not_matter_to_a_tls_listener(load_text: Load) -> None:
    config = load_text(
        "defaults: {mqtt: {username: u, password_file: nowhere}}\nbrokers: [{name: a, host: a.example, protocol: tls}]"
    )
    assert config.brokers[0].mqtt == MqttSettings()
    assert config.warnings == ()


def test_relative_paths_start_at_the_configuration(load_text: Load, write: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    write("secrets/password", "x")
    (broker,) = load_text(f"{THREE_LINES}    mqtt: {{username: u, password_file: secrets/password}}\n").brokers
    assert broker.mqtt.password is not None


def test_byte_order_mark_and_windows_lines_are_no_matter(load_text: Load) -> None:
    assert load_text("\ufeff" + THREE_LINES.replace("\n", "\r\n")).brokers[0].name == "a"


def test_directory_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a configuration file, found a directory"):
        load(tmp_path, {})


def test_configuration_may_come_through_a_pipe(tmp_path: Path, system_store: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.write(writing, THREE_LINES.encode())
    os.close(writing)
    try:
        assert load(Path(f"/dev/fd/{reading}"), system_store).brokers[0].name == "a"
    finally:
        os.close(reading)


def test_named_file_that_is_a_pipe_is_refused_without_waiting(load_text: Load, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="found a pipe or device"):
        load_text(f"{THREE_LINES}    tls: {{ca_file: pipe}}\n")


def test_file_without_end_is_refused(load_text: Load) -> None:
    with pytest.raises(ConfigError, match="expected a configuration file, found more than 16777216 bytes"):
        load(Path("/dev/zero"), {})


def test_unprivileged_user_is_told_of_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """In a process of its own, as permissions do not bind root."""
    path = tmp_path / "monitor.yml"
    path.write_text(THREE_LINES)
    path.chmod(0)
    tmp_path.chmod(0o755)
    code = (
        "import os; from pathlib import Path\n"
        "from monitor.config.load import load; from monitor.model.config import ConfigError\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)\n"
        "try: load(Path('monitor.yml'), {})\n"
        "except ConfigError as error: print(error)\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", code]
    ended = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert ended.stderr == ""
    assert (
        ended.stdout
        == "monitor.yml: expected a configuration file, found one that cannot be read (Permission denied)\n"
    )


def test_thousand_brokers_load_in_a_moment(load_text: Load) -> None:
    entry = """  - name: broker-{0}
    host: broker-{0}.example
    labels: {{site: s{0}, rack: r{0}}}
    tls: {{minimum_version: 1.2, server_name: b{0}.example}}
    mqtt: {{qos: 1, username: u{0}}}
"""
    text = "defaults: {interval: 30s}\nbrokers:\n" + "".join(entry.format(number) for number in range(1000))
    begun = time.process_time()
    brokers = load_text(text).brokers
    assert time.process_time() - begun < 2.0
    assert len(brokers) == 1000
    assert len({id(broker.tls.trust) for broker in brokers}) == 1


def test_options_make_a_broker_like_an_item_of_the_file(system_store: dict[str, str], pki_ca: Path) -> None:
    broker = broker_from_options(
        {
            "host": "A.example",
            "port": 8884,
            "timeout": None,
            "tls": {"ca_file": pki_ca, "server_name": None},
            "mqtt": {},
        },
        system_store,
        source="command line",
    )
    assert (broker.name, broker.host, broker.port) == ("a.example:8884", "a.example", 8884)
    assert broker.tls.trust.source == str(pki_ca)


def test_options_name_an_ipv6_broker_with_brackets(system_store: dict[str, str]) -> None:
    assert broker_from_options({"host": "::1"}, system_store, source="x").name == "[::1]:8883"


def test_wrong_options_are_all_named_by_key_without_line(system_store: dict[str, str]) -> None:
    options = {"host": "a:1", "timeout": "5", "tls": {"ca_file": "nowhere.pem"}, "mqtt": {"qos": 7}, "x": 1}
    with pytest.raises(ConfigError) as refused:
        broker_from_options(options, system_store, source="a:1")
    problems = refused.value.problems
    assert {problem.key for problem in problems} == {"host", "timeout", "tls.ca_file", "mqtt.qos", "x"}
    assert {(problem.file, problem.line) for problem in problems} == {("a:1", None)}


def test_reading_access_lists_and_hosts_needs_no_pydantic() -> None:
    code = "import sys, monitor.config.acl, monitor.config.hosts; assert 'pydantic' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=PATIENCE_S)


@pytest.fixture
def pki_ca(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_bytes((Path(__file__).parent / "bad" / "files" / "ca.pem").read_bytes())
    return path


def test_refusals_are_read_with_what_they_need(load_text: Load, write: Callable[..., Path], pki: TestPki) -> None:
    write("old.pem", pki.client)
    write("old.key", pki.client.key_pem)
    config = load_text(
        """
defaults:
  refusals: {interval: 2h, checks: [foreign_client_certificate]}
brokers:
  - name: shared
    host: a.example
  - name: own
    host: b.example
    mqtt: {username: u}
    refusals:
      checks: [anonymous, expired_client_certificate, anonymous]
      expired_client_certificate: old.pem
      expired_client_key: old.key
  - name: none
    host: c.example
    refusals: {checks: []}
  - name: others
    host: d.example
    protocol: tls
    refusals: {checks: [tls_1_1, weak_cipher, plain_port_open], plain_port: 1884}
  - name: topics
    host: e.example
    refusals:
      checks: [forbidden_subscribe, forbidden_publish]
      forbidden_subscribe: $SYS/+/#
      forbidden_publish: plant/7/valve
"""
    )
    shared, own, none, others, topics = (broker.refusals for broker in config.brokers)
    assert (shared.interval_s, shared.checks) == (7200, (RefusalCheck.FOREIGN_CLIENT_CERTIFICATE,))
    assert own.checks == (RefusalCheck.ANONYMOUS, RefusalCheck.EXPIRED_CLIENT_CERTIFICATE)
    assert own.expired_identity is not None
    assert own.expired_identity.chain == (pki.client.der,)
    assert none.checks == ()
    assert (others.plain_port, own.plain_port) == (1884, 1883)
    assert (topics.forbidden_subscribe, topics.forbidden_publish) == ("$SYS/+/#", "plant/7/valve")


def test_scans_are_off_unless_asked_for_and_a_broker_may_say_no(load_text: Load) -> None:
    (plain,) = load_text(THREE_LINES).brokers
    assert plain.scan_interval_s is None
    config = load_text(
        """
defaults:
  scan: {interval: 1d}
brokers:
  - {name: a, host: a.example}
  - {name: b, host: b.example, scan: {interval: off}}
  - {name: c, host: c.example, scan: {interval: 12h}}
"""
    )
    assert [broker.scan_interval_s for broker in config.brokers] == [86_400, None, 43_200]
