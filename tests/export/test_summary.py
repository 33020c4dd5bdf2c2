"""One line for all brokers."""

from __future__ import annotations

from datetime import timedelta

from monitor.export.summary import summary
from monitor.model.broker import Addresses
from monitor.model.judgement import Severity
from monitor.store import Snapshot, Store
from tests.support.records import NOW, a_break, a_broker, a_finding, a_report, an_assessment

NEVER_PROBED = "new"


def known(*, well: tuple[str, ...] = (), worth_a_warning: tuple[str, ...] = (), down: tuple[str, ...] = ()) -> Snapshot:
    store = Store()
    store.configure([a_broker(name) for name in (*well, *worth_a_warning, *down, NEVER_PROBED)])
    for name in well:
        store.record(report := a_report(name), an_assessment(report, next_break=a_break()))
    for name in worth_a_warning:
        store.record(report := a_report(name), an_assessment(report, a_finding(severity=Severity.WARNING)))
    for name in down:
        report = a_report(name, reason="connect_refused")
        store.record(report, an_assessment(report, a_finding("connect_refused", Severity.CRITICAL)))
    return store.snapshot()


def test_one_broker_that_was_not_probed_yet() -> None:
    assert summary(known(), NOW) == "1 broker: 1 not probed yet."


def test_shard_that_has_none_says_so() -> None:
    assert summary(Store().snapshot(), NOW) == "No brokers: none of the configuration's falls to this shard."


def test_brokers_are_counted_by_their_state() -> None:
    snapshot = known(well=("a", "b"), worth_a_warning=("c",), down=("d",))
    assert summary(snapshot, NOW) == (
        "5 brokers: 2 ok, 1 warning, 1 critical (d), 1 not probed yet; next to break: a in 12 days."
    )


def test_broker_with_several_addresses_counts_once_as_the_gravest_of_them() -> None:
    store = Store()
    store.configure([a_broker("a"), a_broker("cluster", addresses=Addresses.ALL)])
    store.resolved("cluster", ("192.0.2.1", "192.0.2.2", "192.0.2.3"))
    for address, reason in (("192.0.2.1", None), ("192.0.2.2", "connect_refused"), ("192.0.2.3", "connect_refused")):
        report = a_report("cluster", address=address, reason=reason)
        store.record(report, an_assessment(report))
    assert summary(store.snapshot(), NOW) == "2 brokers: 1 critical (cluster), 1 not probed yet."


def test_a_few_critical_ones_are_named() -> None:
    assert "(a, b, c and 2 more)" in summary(known(down=("a", "b", "c", "d", "e")), NOW)


def test_break_that_is_near_has_its_hour() -> None:
    # Rounded down, as everywhere.
    assert "next to break: a in 11 days." in summary(known(well=("a",)), NOW + timedelta(hours=2))
    assert "next to break: a on 2026-12-05 13:00 UTC." in summary(known(well=("a",)), NOW + timedelta(days=11))
