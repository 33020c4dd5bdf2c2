"""The exposition: valid in both formats; and what is remembered of one scrape is never stale in the next."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import ProcessCollector
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from monitor.export.exposition import Exposition
from monitor.export.families import FAMILIES
from monitor.model.broker import Addresses
from monitor.model.judgement import Changed
from monitor.store import Snapshot, Store
from tests.export.test_metrics import everything
from tests.support.exposed import exposition, samples
from tests.support.records import (
    NOW,
    REFUSALS,
    SCAN,
    a_broker,
    a_change,
    a_report,
    an_assessment,
)

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def known(found: list[Sample]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in found}


def openmetrics(body: bytes) -> list[Sample]:
    families = parse_openmetrics(body.decode())  # type: ignore[no-untyped-call]  # client_python leaves it untyped
    return [sample for family in families for sample in family.samples]


def test_promtool_finds_nothing_to_complain_about() -> None:
    body, content_type = Exposition().render(everything())
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    checked = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_openmetrics_parses_and_says_the_same() -> None:
    body, content_type = Exposition().render(everything(), accept=OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")
    assert known(openmetrics(body)) == known(samples(everything()))


@pytest.mark.parametrize("scheme", ["allow-utf-8", "underscores", "dots", "values"])
def test_names_are_the_same_whatever_escaping_is_asked_for(scheme: str) -> None:
    accept = f"application/openmetrics-text;version=1.0.0;escaping={scheme};q=0.5,text/plain;version=0.0.4;q=0.2"
    body, content_type = Exposition().render(everything(), accept=accept)
    assert content_type.endswith("; escaping=underscores")
    assert known(openmetrics(body)) == known(samples(everything()))
    body, content_type = Exposition().render(everything(), accept=f"text/plain;version=1.0.0; escaping={scheme}")
    assert content_type == "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"
    assert body == exposition(everything())


@pytest.mark.parametrize("accept", ["application/openmetrics-text;version=x", "text/plain;version=1.x", ";;,=,\x00"])
def test_format_that_makes_no_sense_is_answered_with_prometheus_text(accept: str) -> None:
    body, content_type = Exposition().render(everything(), accept=accept)
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert body == exposition(everything())


def test_each_family_has_its_help_and_type_once_and_what_belongs_to_the_process_follows() -> None:
    process = [*ProcessCollector(registry=None).collect()]
    body, _ = Exposition().render(everything(), process=process)
    names = [line.split()[2] for line in body.decode().splitlines() if line.startswith("# TYPE ")]
    assert names[: len(FAMILIES)] == [family.name for family in FAMILIES]
    assert {name.partition("_")[0] for name in names[len(FAMILIES) :]} == {"process"}
    assert len(names) == len(set(names))
    types = {line.split()[3] for line in body.decode().splitlines() if line.startswith("# TYPE ")}
    assert types == {"gauge", "counter", "histogram"}


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_no_created_series(accept: str) -> None:
    assert b"_created" not in Exposition().render(everything(), accept=accept)[0]


def test_names_restrict_the_exposition_to_these_samples() -> None:
    asked = {"mqtt_tls_probe_success", "mqtt_tls_monitor_brokers", "mqtt_tls_handshake_duration_seconds_count"}
    body, _ = Exposition().render(everything(), names=[*asked])
    found = [sample for family in parse_text(body.decode()) for sample in family.samples]
    assert known(found) == {key: value for key, value in known(samples(everything())).items() if key[0] in asked}
    assert {sample.name for sample in found} == asked


def test_unknown_name_gives_an_empty_exposition() -> None:
    assert Exposition().render(everything(), names=["no_such_metric"])[0] == b""


# What is remembered of one scrape for the next.


class Scraped:
    """A store that is scraped after every step, by one exposition for all of them."""

    def __init__(self) -> None:
        self.store = Store()
        self._exposition = Exposition()

    def __call__(self) -> Snapshot:
        """Scrape: what is exposed is what somebody who remembers nothing would expose."""
        snapshot = self.store.snapshot()
        assert self._exposition.render(snapshot)[0] == exposition(snapshot)
        return snapshot


def test_every_change_of_a_broker_shows_in_the_next_scrape() -> None:
    scraped = Scraped()
    store, broker = scraped.store, a_broker("a")
    store.configure([broker, a_broker("b")])
    scraped()
    for number, reason in enumerate((None, "connect_refused", None)):
        report = a_report("a", reason=reason, started_at=NOW + timedelta(minutes=number))
        store.record(report, an_assessment(report, change=a_change(Changed.LEAF)))
        scraped()
    store.record_refusals(broker, REFUSALS)
    scraped()
    store.record_scan(broker, SCAN)
    scraped()
    store.monitor.reloaded(success=False, at=NOW)
    scraped()


def test_brokers_that_come_and_go_and_change_their_labels_show_in_the_next_scrape() -> None:
    scraped = Scraped()
    a, b = a_broker("a"), a_broker("b")
    for brokers in ([a], [a, b], [b, a], [replace(a, labels=(("site", "north"),))], [b], [], [a]):
        scraped.store.configure(brokers)
        assert [state.broker for state in scraped().brokers] == brokers


def test_addresses_that_come_and_go_leave_what_holds_of_their_broker_there_once() -> None:
    scraped = Scraped()
    scraped.store.configure([a_broker("a", addresses=Addresses.ALL)])
    for addresses in (("192.0.2.1", "192.0.2.2"), ("192.0.2.2", "192.0.2.1"), ("192.0.2.1",), ("192.0.2.3",)):
        scraped.store.resolved("a", addresses)
        report = a_report("a", address=addresses[0])
        scraped.store.record(report, an_assessment(report))
        found = [sample.name for sample in samples(scraped())]
        assert found.count("mqtt_tls_broker_info") == 1
        assert found.count("mqtt_tls_probes_total") == len(addresses)
