"""What Alertmanager makes of the alerts: who is told, and how many pages that is."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.support.alertmanager import Alertmanager
from tests.support.alerts import ALERTMANAGER, alert_names, alerts
from tests.support.receiver import Receiver

EXPIRED, DOWN = "MqttTlsCertificateExpired", "MqttTlsBrokerDown"
SEVERITY = {rule.alert: rule.labels["severity"] for rule in alerts()}


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    with Alertmanager(tmp_path, ALERTMANAGER) as running:
        yield running


def an_alert(name: str, broker: str | None = "north", **labels: str) -> dict[str, str]:
    place = {"job": "mqtt-tls-monitor", "instance": "mon:9883"}
    if broker is not None:
        place["broker"] = broker
    return {"alertname": name, "severity": SEVERITY[name], **place, **labels}


@contextmanager
def told_within_seconds(tmp_path: Path) -> Iterator[tuple[Receiver, Alertmanager]]:
    receiver = Receiver()
    hasty = tmp_path / "alertmanager.yml"
    text = re.sub("(group_wait|group_interval): .*", r"\1: 1s", ALERTMANAGER.read_text())
    hasty.write_text(text.replace("127.0.0.1:9884", f"127.0.0.1:{receiver.port}"))
    with receiver.running(), Alertmanager(tmp_path / "alertmanager", hasty) as alertmanager:
        yield receiver, alertmanager


def test_amtool_finds_nothing_to_complain_about() -> None:
    checked = subprocess.run(["amtool", "check-config", ALERTMANAGER], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_that_is_named_exists() -> None:
    named = set(re.findall(r"\bMqttTls[A-Z]\w+", ALERTMANAGER.read_text()))
    assert named
    assert named <= set(alert_names())


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=MqttTlsBrokerDown severity=critical broker=north", "on-call"),
        ("alertname=MqttTlsCertificateExpired severity=critical broker=north issuer=CN", "on-call"),
        ("alertname=MqttTlsMonitorIsolated severity=critical instance=mon", "on-call"),
        ("alertname=MqttTlsFlapping severity=warning broker=north", "team"),
        ("alertname=MqttTlsCertificateExpiring severity=warning broker=north issuer=CN", "team"),
        ("alertname=MqttTlsMonitorReloadFailed severity=warning instance=mon", "team"),
    ],
)
def test_critical_alerts_wake_and_warnings_wait(labels: str, receiver: str) -> None:
    command = ["amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", f"--verify.receivers={receiver}"]
    tested = subprocess.run([*command, *labels.split()], capture_output=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_one_intermediate_that_expires_under_a_thousand_brokers_is_one_page(alertmanager: Alertmanager) -> None:
    issuer = "CN=Issuing CA"
    alertmanager.fire([an_alert(EXPIRED, f"plant-{number}", issuer=issuer) for number in range(1000)])
    assert alertmanager.pages("on-call") == [((EXPIRED,), 1000)]
    alertmanager.fire(
        [
            alert
            for broker in ("plant-0", "plant-999")
            for alert in (
                an_alert("MqttTlsChainInvalid", broker, issuer=issuer),
                an_alert("MqttTlsVerifyFailing", broker),
                an_alert("MqttTlsRoundTripBudgetBurn", broker),
            )
        ]
    )
    assert alertmanager.pages("on-call") == [((EXPIRED,), 1000)]
    assert alertmanager.pages("team") == []


def test_a_page_about_a_thousand_brokers_is_small_enough_to_be_taken(tmp_path: Path) -> None:
    with told_within_seconds(tmp_path) as (receiver, alertmanager):
        alertmanager.fire([an_alert(EXPIRED, f"plant-{number}", issuer="CN=CA" * 100) for number in range(1000)])
        page = receiver.wait_for("firing", EXPIRED)
    assert page.total == 1000
    assert 0 < len(page.alerts) <= 100
    # What nginx takes unless told otherwise.
    assert page.size < 1 << 20


def test_an_isolated_monitor_is_one_page_and_speaks_for_no_other(alertmanager: Alertmanager) -> None:
    alertmanager.fire(
        [
            an_alert("MqttTlsMonitorIsolated", None),
            *(an_alert(DOWN, f"plant-{number}") for number in range(1000)),
            an_alert("MqttTlsCertificateExpiring", "plant-7", issuer="CN=Issuing CA"),
            an_alert(DOWN, "plant-7") | {"instance": "elsewhere:9883"},
        ]
    )
    assert alertmanager.pages("on-call") == [((DOWN,), 1), (("MqttTlsMonitorIsolated",), 1)]
    assert alertmanager.pages("team") == []


def test_a_broker_that_is_down_does_not_also_page_for_its_latency_or_findings(alertmanager: Alertmanager) -> None:
    about_brokers = [name for name in alert_names() if not name.startswith("MqttTlsMonitor")]
    alertmanager.fire([an_alert(name) for name in about_brokers])
    assert alertmanager.pages("on-call") == [((DOWN,), 1)]
    assert alertmanager.pages("team") == []


def test_an_expired_certificate_is_one_page_that_says_so(alertmanager: Alertmanager) -> None:
    names = (EXPIRED, "MqttTlsChainInvalid", "MqttTlsVerifyFailing", "MqttTlsFlapping", "MqttTlsRoundTripBudgetBurn")
    alertmanager.fire([an_alert(name) for name in names])
    assert alertmanager.pages("on-call") == [((EXPIRED,), 1)]
    assert alertmanager.pages("team") == []


def test_the_page_that_warned_of_the_end_is_resolved_once_it_has_come(tmp_path: Path) -> None:
    with told_within_seconds(tmp_path) as (receiver, alertmanager):
        expiring = an_alert("MqttTlsCertificateExpiring", issuer="CN=Issuing CA", severity="critical")
        alertmanager.fire([expiring])
        receiver.wait_for("firing", "MqttTlsCertificateExpiring")
        alertmanager.fire([an_alert(EXPIRED, issuer="CN=Issuing CA")])
        receiver.wait_for("firing", EXPIRED)
        alertmanager.end([expiring])
        receiver.wait_for("resolved", "MqttTlsCertificateExpiring")


def test_two_things_wrong_with_one_broker_are_one_page_and_two_monitors_see_it(alertmanager: Alertmanager) -> None:
    seen = [an_alert("MqttTlsNameMismatch"), an_alert("MqttTlsRefusalNotEnforced")]
    alertmanager.fire([*seen, *(alert | {"instance": "elsewhere:9883"} for alert in seen)])
    assert alertmanager.pages("on-call") == [(("MqttTlsNameMismatch", "MqttTlsRefusalNotEnforced"), 4)]


def test_all_addresses_of_a_broker_are_one_page(alertmanager: Alertmanager) -> None:
    alertmanager.fire([an_alert(DOWN, address=f"192.0.2.{number}", team="plants") for number in range(1, 9)])
    assert alertmanager.pages("on-call") == [((DOWN,), 8)]


def test_one_address_that_is_down_keeps_nothing_of_another_back(alertmanager: Alertmanager) -> None:
    alertmanager.fire(
        [
            an_alert(DOWN, address="192.0.2.1"),
            an_alert("MqttTlsHandshakeSlow", address="192.0.2.1"),
            an_alert("MqttTlsRoundTripSlow", address="192.0.2.2"),
        ]
    )
    assert alertmanager.pages("on-call") == [((DOWN,), 1)]
    assert alertmanager.pages("team") == [(("MqttTlsRoundTripSlow",), 1)]


def test_the_graver_of_two_alerts_of_one_name_is_told(alertmanager: Alertmanager) -> None:
    expiring = an_alert("MqttTlsCertificateExpiring", issuer="CN=Issuing CA")
    alertmanager.fire([expiring | {"severity": severity} for severity in ("warning", "critical")])
    assert alertmanager.pages("on-call") == [(("MqttTlsCertificateExpiring",), 1)]
    assert alertmanager.pages("team") == []


def test_every_receiver_is_told_something() -> None:
    config = yaml.safe_load(ALERTMANAGER.read_text())
    used = {config["route"]["receiver"], *(route["receiver"] for route in leaves(config["route"]))}
    assert used == {receiver["name"] for receiver in config["receivers"]}


def leaves(route: dict) -> Iterator[dict]:  # type: ignore[type-arg]
    for child in route.get("routes", ()):
        if "receiver" in child:
            yield child
        yield from leaves(child)
