"""Which alert's runbook a finding leads to."""

import pytest

from monitor.checks.catalogue import CATALOGUE
from monitor.export.alerts import alert_of
from monitor.export.page import broker_page
from monitor.model.judgement import Severity
from monitor.model.outcome import Phase
from tests.export.test_page import Reader, state_of
from tests.support.alerts import alert_names
from tests.support.records import NOW, a_finding, a_report, an_assessment

# They are about how things go over time, and about the monitor: no finding says so.
OF_TIME = {
    "MqttTlsFlapping",
    "MqttTlsNextBreak",
    "MqttTlsHandshakeSlow",
    "MqttTlsRoundTripSlow",
    "MqttTlsRoundTripBudgetBurn",
}


def test_every_alert_about_a_broker_is_led_to() -> None:
    led_to = {alert_of(a_finding(code, entry.severity)) for code, entry in CATALOGUE.items()}
    about_brokers = {name for name in alert_names() if not name.startswith("MqttTlsMonitor")}
    assert about_brokers - led_to == OF_TIME
    assert led_to - {None} <= set(alert_names())


@pytest.mark.parametrize(
    "code",
    [
        code
        for code, entry in CATALOGUE.items()
        # Of `verify`, the finding behind the reason is shown. The others are about a file, or one's own certificate.
        if entry.severity is Severity.CRITICAL
        and not (code.startswith(f"{Phase.VERIFY}_") and code != "verify_timeout")
        and code not in {"key_mismatch", "certificate_file_expired", "key_weak", "signature_weak"}
    ],
)
def test_whatever_stands_in_clients_way_leads_to_one(code: str) -> None:
    assert alert_of(a_finding(code, Severity.CRITICAL)) is not None


@pytest.mark.parametrize("code", ["chain_order", "name_internal", "chain_root_sent"])
def test_what_hurts_nobody_now_leads_to_none(code: str) -> None:
    assert alert_of(a_finding(code, CATALOGUE[code].severity)) is None


def test_page_links_each_finding_to_its_runbook() -> None:
    report = a_report()
    assessment = an_assessment(report, a_finding("certificate_expiring"), a_finding("chain_order"))
    page = Reader(broker_page(state_of((report, assessment)), NOW))
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    assert [link for link in links if link and "MqttTls" in link] == ["../runbooks/MqttTlsCertificateExpiring"]
    assert "../runbooks/" in links
