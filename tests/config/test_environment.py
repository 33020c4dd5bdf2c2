from __future__ import annotations

import pytest

from monitor.model.config import ConfigError, LogFormat, Settings
from tests.config.conftest import Load

TEXT = "listen: ':1'\nmax_in_flight: 2\nlog: {level: error, format: json}\nbrokers: [{name: a, host: a.example}]"


def test_variables_overrule_the_file(load_text: Load) -> None:
    environ = {
        "MQTT_TLS_MONITOR_LISTEN": "127.0.0.1:9000",
        "MQTT_TLS_MONITOR_MAX_IN_FLIGHT": "16",
        "MQTT_TLS_MONITOR_LOG_LEVEL": "debug",
        "MQTT_TLS_MONITOR_LOG_FORMAT": "console",
    }
    assert load_text(TEXT, environ).settings == Settings(
        listen_host="127.0.0.1",
        listen_port=9000,
        max_in_flight=16,
        log_level="debug",
        log_format=LogFormat.CONSOLE,
    )


def test_empty_and_foreign_variables_are_no_matter(load_text: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    # Kubernetes sets the second for a service of this name; the third is the process' own, which is not looked at.
    monkeypatch.setenv("MQTT_TLS_MONITOR_MAX_IN_FLIGHT", "99")
    environ = {"MQTT_TLS_MONITOR_LISTEN": "", "MQTT_TLS_MONITOR_PORT": "tcp://192.0.2.1:9883"}
    settings = load_text(TEXT, environ).settings
    assert (settings.listen_port, settings.max_in_flight) == (1, 2)


def test_every_wrong_variable_is_named_beside_the_files_problems(load_text: Load) -> None:
    environ = {
        "MQTT_TLS_MONITOR_LISTEN": "9883",
        "MQTT_TLS_MONITOR_MAX_IN_FLIGHT": "many",
        "MQTT_TLS_MONITOR_LOG_LEVEL": "loud",
        "MQTT_TLS_MONITOR_LOG_FORMAT": "xml",
    }
    with pytest.raises(ConfigError) as refused:
        load_text("brokers: [{name: a}]", environ)
    lines = [str(problem) for problem in refused.value.problems]
    assert lines[:4] == [
        "environment: MQTT_TLS_MONITOR_LISTEN: expected host:port or :port to listen on, found '9883'; write :9883",
        "environment: MQTT_TLS_MONITOR_MAX_IN_FLIGHT: expected a number of probes from 1 to 4096, found 'many'",
        "environment: MQTT_TLS_MONITOR_LOG_LEVEL: expected a log level (debug, info, warning or error), found 'loud'",
        "environment: MQTT_TLS_MONITOR_LOG_FORMAT: expected a log format (auto, console or json), found 'xml'",
    ]
    assert lines[4].endswith(":1: brokers[0].host: expected a host name or an IP address, found nothing")
