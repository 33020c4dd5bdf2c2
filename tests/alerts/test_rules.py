"""The alert rules: what promtool says of them, what they refer to, and that each one is tested whole."""

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from monitor.checks.catalogue import CATALOGUE
from monitor.export.families import FAMILIES
from monitor.model.broker import CONFIGURED_TRUST
from monitor.model.judgement import Cause, Changed
from monitor.model.outcome import Phase
from monitor.model.revocation import Status
from tests.export.test_metrics import everything
from tests.support.alerts import ROOT, RULE_TESTS, RULES, Rule, Series, Timeline, alert_names, alerts, rules, timelines
from tests.support.exposed import samples
from tests.support.processes import tool

# Metrics whose names are settled, and whose exporters may come later than the rules about them.
SETTLED = {
    "mqtt_tls_monitor_discovery_last_success_timestamp_seconds": {"source"},
}
SCRAPED = {"job", "instance"}
OWN = {"site", "line"}
"""Labels that a configuration adds, in these tests and in `everything()`."""

METRIC = re.compile(r"(?<![\w:])(?:\w+:)?mqtt_tls_[\w:]+")


def name_of(timeline: Timeline) -> str:
    return timeline.name


def exposed() -> dict[str, set[str]]:
    """Return the label names of every sample that the daemon exposes, by its name."""
    found = {name: set(labels) for name, labels in SETTLED.items()}
    for sample in samples(everything()):
        found.setdefault(sample.name, set()).update(set(sample.labels) - OWN)
    return found


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.stem)
def test_promtool_finds_nothing_to_complain_about(file: Path) -> None:
    checked = subprocess.run(["promtool", "check", "rules", "--lint-fatal", file], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("file", RULE_TESTS, ids=lambda file: file.stem)
def test_promtools_tests_pass(file: Path) -> None:
    tested = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr


# What rules refer to.


def test_no_rule_refers_to_a_metric_that_nobody_exposes() -> None:
    families = {family.name for family in FAMILIES} | set(exposed())
    recorded = {rule.record for rule in rules()}
    for rule in rules():
        for text in rule.texts:
            used = set(METRIC.findall(text))
            assert used <= families | recorded, f"{rule.alert or rule.record}: {used - families - recorded}"


@pytest.mark.parametrize(
    ("label", "known"),
    [
        ("code", set(CATALOGUE)),
        ("cause", set(Cause)),
        ("phase", set(Phase)),
        ("what", set(Changed)),
        ("trust", {CONFIGURED_TRUST}),
        ("alertname", set(alert_names())),
        ("status", set(Status)),
        ("le", {"0.5"}),
    ],
)
def test_no_rule_refers_to_a_value_that_does_not_exist(label: str, known: set[str]) -> None:
    used = {
        value
        for rule in rules()
        for text in rule.texts
        for values in re.findall(rf'(?<!\w){label}(?:=|!=|=~|!~)"([^"%]*)"', text)
        for value in values.split("|")
    }
    assert used
    assert used <= known


def test_rules_about_findings_aggregate_their_severity_away() -> None:
    for rule in rules():
        for before in re.findall(r"(.*)\bmqtt_tls_findings\{", rule.expr, re.DOTALL):
            is_dropped = re.search(
                r"(without \([^)]*\bfinding_severity\b[^)]*\)|by \([^)]*\)) \((\w+_over_time\()?$", before.strip()
            )
            assert is_dropped or re.search(r"and on \([^)]*\)$", before.strip()), rule.expr


def test_configuration_of_prometheus_is_valid() -> None:
    checked = subprocess.run(
        [tool("promtool"), "check", "config", RULES[0].parents[1] / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_nothing_alerts_on_the_reason_of_a_failure() -> None:
    assert [rule.expr for rule in rules() if "mqtt_tls_probe_failure_info" in rule.expr] == []


def test_alerts_have_a_severity_and_say_what_is_wrong() -> None:
    for rule in alerts():
        assert rule.labels["severity"] in {"critical", "warning"}
        assert set(rule.annotations) == {"summary", "description", "runbook_url"}
        assert f"/{rule.alert}" in rule.annotations["runbook_url"]


def test_alerts_carry_names_of_their_own() -> None:
    assert all(re.fullmatch(r"MqttTls([A-Z][a-z]+)+", name) for name in alert_names())
    told = [(rule.alert, tuple(sorted(rule.labels.items()))) for rule in alerts()]
    assert len(set(told)) == len(told)


def test_what_holds_an_alert_back_outlasts_it() -> None:
    # Or the last minute of what was held back would be a page. The budget's is over once a broker is down.
    keeps = {rule.alert: rule.keeps_firing_m for rule in alerts() if rule.alert != "MqttTlsRoundTripBudgetBurn"}
    isolated, down = keeps.pop("MqttTlsMonitorIsolated"), keeps.pop("MqttTlsBrokerDown")
    assert isolated > down > max(keeps.values())
    reasons = ("MqttTlsCertificateExpired", "MqttTlsChainInvalid", "MqttTlsNameMismatch", "MqttTlsCertificateRevoked")
    assert min(keeps[name] for name in reasons) > keeps["MqttTlsVerifyFailing"]


def test_the_page_lists_every_alert_with_its_severities() -> None:
    listed = re.findall(
        r"^\| \[`(MqttTls\w+)`\]\(runbooks/\1\.md\) \| ([\w, ]+) \|",
        (ROOT / "docs/alerts.md").read_text(),
        re.MULTILINE,
    )
    severities = {name: {rule.labels["severity"] for rule in alerts() if rule.alert == name} for name in alert_names()}
    assert {name: set(words.split(", ")) for name, words in listed} == severities


# That each alert is tested whole.


def proves_firing(timeline: Timeline, rule: Rule) -> bool:
    """Tell whether the rule fires, with every annotation held to its word."""
    found = [alert for fired in timeline.fires.values() for alert in fired if is_of(alert, rule)]
    return bool(found) and all(set(alert["exp_annotations"]) == set(rule.annotations) for alert in found)


def proves_survival(timeline: Timeline, rule: Rule) -> bool:
    """Tell whether the rule fires before, in and after a minute in which every series was lost by one scrape."""
    samples = [series.samples() for series in timeline.series]
    lost = [
        minute
        for minute in range(1, min(map(len, samples)) - 1)
        if all(each[minute] == "stale" for each in samples)
        and any(each[minute - 1] != "stale" for each in samples)
        and any(each[minute + 1] != "stale" for each in samples)
    ]
    fires = {minute for minute, fired in timeline.fires.items() if any(is_of(alert, rule) for alert in fired)}
    return any(minute in fires and min(fires) < minute < max(fires) for minute in lost)


def proves_resolving(timeline: Timeline, rule: Rule) -> bool:
    """Tell whether the rule fires, and nothing of its name does at the end."""
    minutes = list(timeline.fires)
    return proves_firing(timeline, rule) and minutes == sorted(minutes) and not timeline.fires[minutes[-1]]


def proves_silence(timeline: Timeline, _: Rule) -> bool:
    """Tell whether nothing of its name fires at any time."""
    return not any(timeline.fires.values())


def is_of(alert: Mapping[str, Any], rule: Rule) -> bool:
    labels: Mapping[str, str] = alert["exp_labels"]
    return rule.labels.items() <= labels.items()


PROOFS = (proves_firing, proves_survival, proves_resolving, proves_silence)


@pytest.mark.parametrize("proves", PROOFS, ids=lambda proof: proof.__name__)
def test_each_alert_is_tested_whole(proves: Callable[[Timeline, Rule], bool]) -> None:
    found = timelines()
    missing = [
        f"{rule.alert} {dict(rule.labels)}"
        for rule in alerts()
        if not any(timeline.alert == rule.alert and proves(timeline, rule) for timeline in found)
    ]
    assert missing == []


def test_a_lost_scrape_is_written_stale_and_never_left_out() -> None:
    # `_` leaves the sample before in force for five minutes, which is not what Prometheus does.
    for file in RULE_TESTS:
        assert not re.search(r"values:.*\b_", file.read_text())


@pytest.mark.parametrize("timeline", timelines(), ids=name_of)
def test_input_has_the_labels_that_the_daemon_exposes(timeline: Timeline) -> None:
    known = exposed()
    for series in timeline.series:
        if series.name != "up":
            assert set(series.labels) - SCRAPED - OWN - {"address"} == known[series.name] - {"address"}, series


def test_the_proofs_refuse_what_proves_nothing() -> None:
    rule = alerts()[0]
    fired = ({"exp_labels": dict(rule.labels), "exp_annotations": dict(rule.annotations)},)

    def timeline(values: str, fires: dict[int, tuple[Mapping[str, Any], ...]]) -> Timeline:
        return Timeline(
            name="",
            rule_files=(),
            alert=rule.alert or "",
            series=(Series(name="up", labels={}, values=values),),
            fires=fires,
        )

    whole = timeline("0x3 stale 0x3 1x3", {0: (), 3: fired, 4: fired, 5: fired, 9: ()})
    assert [proof(whole, rule) for proof in PROOFS] == [True, True, True, False]
    never_lost = timeline("0x7 1x3", {0: (), 3: fired, 4: fired, 5: fired})
    assert [proof(never_lost, rule) for proof in PROOFS] == [True, False, False, False]
    not_looked_at = timeline("0x3 stale 0x3 1x3", {3: fired, 5: fired, 9: ()})
    assert [proof(not_looked_at, rule) for proof in PROOFS] == [True, False, True, False]
    silent = timeline("1x9", {3: (), 9: ()})
    assert [proof(silent, rule) for proof in PROOFS] == [False, False, False, True]
