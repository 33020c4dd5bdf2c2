"""From a broker that breaks to the page on somebody's telephone: monitor, Prometheus and Alertmanager, all real.

The rules and the routing are the committed ones, but that a minute takes a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest

from monitor.demo.pki import issue
from tests.support.alertmanager import Alertmanager
from tests.support.alerts import ALERTMANAGER, RULES
from tests.support.brokers import Mosquitto
from tests.support.daemon import MonitorProcess
from tests.support.pki import TestPki, write_chain
from tests.support.ports import PATIENCE_S
from tests.support.prometheus import Prometheus
from tests.support.receiver import Receiver

_MILLISECONDS = {"s": 1000, "m": 60_000, "h": 3_600_000}


def hurried(text: str) -> str:
    """Make every length of time a sixtieth: `[3m]`, `for: 1m`, `group_wait: 30s`."""

    def shortened(found: re.Match[str]) -> str:
        return f"{max(1, int(found['count']) * _MILLISECONDS[found['unit']] // 60)}ms"

    pattern = r"(?<=\[)(?P<count>\d+)(?P<unit>[smh])(?=\])"
    keyed = r"(?<=: )(?P<count>\d+)(?P<unit>[smh])$"
    return re.sub(keyed, shortened, re.sub(pattern, shortened, text), flags=re.MULTILINE)


@dataclass(frozen=True)
class Plant:
    """Three brokers, who watches them, and who is told."""

    healthy: Mosquitto
    other: Mosquitto
    expired: Mosquitto
    receiver: Receiver
    renew: Callable[[], None]
    """Gives the expired one another certificate."""


@pytest.fixture
def plant(pki: TestPki, tmp_path: Path) -> Iterator[Plant]:
    receiver = Receiver()
    well = write_chain(tmp_path, "well", (issue(now=pki.now, issuer=pki.intermediate), pki.intermediate))
    over = issue(
        now=pki.now,
        issuer=pki.intermediate,
        not_before=pki.now - timedelta(days=90),
        not_after=pki.now - timedelta(days=3),
    )
    old = write_chain(tmp_path, "old", (over, pki.intermediate))
    names = {"healthy": well, "other": well, "expired": old}
    brokers = [Mosquitto(tmp_path / name, certificate=files) for name, files in names.items()]
    healthy, other, expired = brokers
    tls = {"ca_file": str(pki.ca_file), "server_name": "localhost"}
    watched = [
        {"name": broker.directory.name, "host": "127.0.0.1", "port": broker.port, "tls": tls} for broker in brokers
    ]
    monitor = MonitorProcess(tmp_path / "monitor", watched, defaults={"interval": "1s", "timeout": "900ms"})
    routing = tmp_path / "alertmanager.yml"
    routing.write_text(hurried(ALERTMANAGER.read_text()).replace("127.0.0.1:9884", f"127.0.0.1:{receiver.port}"))
    alertmanager = Alertmanager(tmp_path / "alertmanager", routing)
    rules = tmp_path / "rules"
    rules.mkdir()
    for path in RULES:
        (rules / path.name).write_text(hurried(path.read_text()))
    prometheus = Prometheus(
        tmp_path / "prometheus",
        [f"127.0.0.1:{monitor.port}"],
        settings={
            "rule_files": [f"{rules}/*.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}]},
        },
    )
    with ExitStack() as stack:
        stack.enter_context(receiver.running())
        for server in (*brokers, monitor, alertmanager, prometheus):
            stack.enter_context(server)

        def renew() -> None:
            expired.replace_certificate(well)
            expired.reload()

        yield Plant(healthy=healthy, other=other, expired=expired, receiver=receiver, renew=renew)


def test_each_trouble_is_one_page_with_its_sentence_and_runbook_and_resolves(plant: Plant) -> None:
    receiver = plant.receiver
    page = receiver.wait_for("firing", "MqttTlsCertificateExpired", "expired")
    assert page.names == {"MqttTlsCertificateExpired"}
    (alert,) = page.alerts
    assert "Clients refuse broker expired: its leaf certificate" in alert["annotations"]["description"]
    with urlopen(alert["annotations"]["runbook_url"], timeout=PATIENCE_S) as answer:
        assert "MqttTlsCertificateExpired" in answer.read().decode()
    plant.renew()
    receiver.wait_for("resolved", "MqttTlsCertificateExpired", "expired")

    plant.healthy.stop()
    page = receiver.wait_for("firing", "MqttTlsBrokerDown", "healthy")
    assert page.names == {"MqttTlsBrokerDown"}
    assert "fail in phase connect with connect_refused" in page.alerts[0]["annotations"]["description"]
    plant.healthy.start()
    receiver.wait_for("resolved", "MqttTlsBrokerDown", "healthy")

    brokers = (plant.healthy, plant.other, plant.expired)
    for broker in brokers:
        broker.stop()
    page = receiver.wait_for("firing", "MqttTlsMonitorIsolated")
    assert page.names == {"MqttTlsMonitorIsolated"}
    assert "fail before a TLS handshake is done, 3 with connect_refused" in page.alerts[0]["annotations"]["description"]
    for broker in brokers:
        broker.start()
    receiver.wait_for("resolved", "MqttTlsMonitorIsolated")

    paged = [page.names for page in receiver.pages if page.receiver == "on-call" and page.status == "firing"]
    # Before the first scrape, there is no monitor.
    assert [names for names in paged if names != {"MqttTlsMonitorAbsent"}] == [
        {"MqttTlsCertificateExpired"},
        {"MqttTlsBrokerDown"},
        {"MqttTlsMonitorIsolated"},
    ]
