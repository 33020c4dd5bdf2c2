"""What the store keeps, counts and forgets."""

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.demo.pki import issue
from monitor.model.broker import Addresses, Broker, Policy, RefusalSettings
from monitor.model.facts import TcpFacts
from monitor.model.judgement import Assessment, Changed, Verdict
from monitor.model.outcome import Phase
from monitor.model.refusal import RefusalCheck
from monitor.model.report import ProbeReport
from monitor.model.scan import ScanFacts
from monitor.store import BrokerState, Change, Standing, Store
from monitor.store.store import KEPT_CHANGES, KEPT_FAILURES
from tests.support.records import (
    NOW,
    REFUSALS,
    SCAN,
    a_broker,
    a_change,
    a_report,
    an_assessment,
    expired,
    tls_facts,
    watching,
)

ENDED = NOW + timedelta(seconds=0.025)


def recorded(store: Store, report: ProbeReport, assessment: Assessment | None = None) -> Change:
    return store.record(report, assessment or an_assessment(report))


def state(store: Store, name: str = "plant-7") -> BrokerState:
    (found,) = store.snapshot().of(name)
    return found


def later(report: ProbeReport, minutes: float) -> ProbeReport:
    return replace(report, started_at=NOW + timedelta(minutes=minutes))


def test_configured_broker_is_known_before_its_first_result() -> None:
    known = state(watching())
    assert (known.report, known.assessment, known.tls, known.standing) == (None, None, None, None)
    assert known.probes_total == 0
    assert dict(known.failures) == dict.fromkeys(Phase, 0)


def test_brokers_are_in_the_configurations_order() -> None:
    store = watching(a_broker("b"), a_broker("a"))
    recorded(store, a_report("a"))
    assert [known.broker.name for known in store.snapshot().brokers] == ["b", "a"]


def test_success_is_counted_and_dated_at_the_probes_end() -> None:
    store = watching()
    recorded(store, a_report())
    known = state(store)
    assert known.last_success_at == known.tls_seen_at == ENDED
    assert known.failing_since is None
    assert known.probes_total == 1
    assert sum(known.failures.values()) == 0
    assert (known.handshake.count, known.roundtrip.count) == (1, 1)
    assert known.recent_failures == ()


def test_failing_since_is_the_first_failure_of_the_unbroken_line() -> None:
    store = watching()
    recorded(store, a_report())
    for minute in (1, 2, 3):
        recorded(store, later(a_report(reason="connect_refused"), minute))
    known = state(store)
    assert known.failing_since == ENDED + timedelta(minutes=1)
    assert known.last_success_at == ENDED
    assert known.failures[Phase.CONNECT] == 3
    recorded(store, later(a_report(), 4))
    assert state(store).failing_since is None


def test_failing_since_survives_a_change_of_reason() -> None:
    store = watching()
    recorded(store, a_report(reason="connect_refused"))
    recorded(store, later(a_report(reason="handshake_timeout"), 1))
    known = state(store)
    assert known.failing_since == ENDED
    assert known.standing_since == ENDED + timedelta(minutes=1)


def test_clock_that_is_set_back_leaves_nothing_in_the_future() -> None:
    store = watching()
    recorded(store, later(a_report(), 120))
    recorded(store, later(a_report(reason="connect_refused"), 120))
    recorded(store, later(a_report(reason="connect_refused"), 1))
    recorded(store, later(a_report(reason="connect_refused"), 2))
    known = state(store)
    told = {known.last_success_at, known.tls_seen_at, known.failing_since, known.standing_since}
    assert told == {ENDED + timedelta(minutes=1)}


def test_certificates_are_kept_while_the_broker_is_down() -> None:
    store = watching()
    recorded(store, a_report())
    recorded(store, later(a_report(reason="connect_refused"), 1))
    assert state(store).tls_seen_at == ENDED
    assert store.known("plant-7").last_seen == tls_facts()


def test_handshake_without_certificates_does_not_displace_seen_ones() -> None:
    store = watching()
    recorded(store, a_report())
    recorded(store, a_report(reason="handshake_alert_protocol_version", tls=tls_facts(certificates=(), version=None)))
    assert store.known("plant-7").last_seen == tls_facts()


def test_certificates_of_a_chain_that_is_not_accepted_are_kept_too() -> None:
    store = watching()
    report, assessment = expired()
    recorded(store, report, assessment)
    assert store.known("plant-7").last_seen is report.tls


def test_last_seen_of_an_unknown_broker_is_none() -> None:
    assert watching().known("other").last_seen is None


def test_first_result_is_a_change_from_nothing() -> None:
    change = recorded(watching(), a_report())
    assert change.is_change
    assert change.before is None
    assert change.after == Standing(verdict=Verdict.OK, reason=None)
    assert change.since == ENDED


def test_same_verdict_and_reason_is_no_change_and_keeps_its_begin() -> None:
    store = watching()
    recorded(store, a_report())
    change = recorded(store, later(a_report(), 1))
    assert not change.is_change
    assert change.since == ENDED


def test_another_reason_is_a_change() -> None:
    store = watching()
    recorded(store, a_report(reason="connect_refused"))
    change = recorded(store, later(a_report(reason="connect_timeout"), 1))
    assert change.is_change
    assert change.before == Standing(verdict=Verdict.CRITICAL, reason="connect_refused")
    assert change.after == Standing(verdict=Verdict.CRITICAL, reason="connect_timeout")


def test_outage_is_one_kept_failure_with_its_count() -> None:
    store = watching()
    for minute in range(5):
        recorded(store, later(a_report(reason="connect_refused", detail=f"try {minute}"), minute))
    (run,) = state(store).recent_failures
    assert (run.phase, run.reason, run.detail, run.count) == (Phase.CONNECT, "connect_refused", "try 4", 5)
    assert (run.first_at, run.last_at) == (ENDED, ENDED + timedelta(minutes=4))


def test_outages_of_the_same_kind_with_a_success_between_are_two() -> None:
    store = watching()
    for minute, reason in enumerate(("connect_refused", None, "connect_refused")):
        recorded(store, later(a_report(reason=reason), minute))
    assert [run.count for run in state(store).recent_failures] == [1, 1]


def test_kept_failures_are_bounded_and_latest_first() -> None:
    store = watching()
    for minute in range(KEPT_FAILURES + 5):
        recorded(store, later(a_report(reason=("connect_refused", "connect_timeout")[minute % 2]), minute))
    runs = state(store).recent_failures
    assert len(runs) == KEPT_FAILURES
    assert runs[0].first_at == ENDED + timedelta(minutes=KEPT_FAILURES + 4)


def test_retransmitted_segments_add_up_and_unknown_ones_count_nothing() -> None:
    store = watching()
    for segments in (2, None, 3):
        recorded(store, a_report(tcp=TcpFacts(rtt_s=None, retransmitted_segments=segments)))
    assert state(store).retransmitted_total == 5


def test_duration_on_a_bound_falls_into_that_bucket() -> None:
    store = watching()
    histogram = state(store).handshake
    assert histogram.observed(0.005).counts == (1, 0, 0, 0, 0, 0, 0, 0)
    assert histogram.observed(0.0050001).counts == (0, 1, 0, 0, 0, 0, 0, 0)
    assert histogram.observed(6.0).counts == (0, 0, 0, 0, 0, 0, 0, 1)


def test_changed_settings_keep_the_history() -> None:
    store = watching()
    recorded(store, a_report())
    changed = replace(a_broker(), interval_s=15.0, policy=Policy(expiry_warning_s=1.0))
    store.configure([changed])
    assert state(store).broker is changed
    assert state(store).probes_total == 1
    assert store.known("plant-7").last_seen is not None


@pytest.mark.parametrize("place", [{"host": "other.example.org"}, {"port": 8884}])
def test_another_host_or_port_starts_anew(place: dict[str, Any]) -> None:
    store = watching()
    recorded(store, a_report())
    store.configure([replace(a_broker(), **place)])
    assert state(store).probes_total == 0
    assert store.known("plant-7").last_seen is None


def test_removed_broker_is_forgotten() -> None:
    store = watching(a_broker("a"), a_broker("b"))
    recorded(store, a_report("a"))
    store.configure([a_broker("b")])
    assert store.snapshot().of("a") == ()
    store.configure([a_broker("a"), a_broker("b")])
    assert state(store, "a").probes_total == 0


def test_late_result_of_a_removed_broker_changes_nothing() -> None:
    store = watching(a_broker("b"))
    change = recorded(store, a_report("a"))
    assert not change.is_change
    assert store.snapshot().of("a") == ()


def test_late_result_from_the_former_host_is_dropped() -> None:
    store = watching(replace(a_broker(), host="new.example.org"))
    assert not recorded(store, a_report(host="mqtt.example.org")).is_change
    assert state(store).probes_total == 0


def test_snapshot_does_not_change_afterwards() -> None:
    store = watching()
    before = store.snapshot()
    recorded(store, a_report(reason="connect_refused"))
    store.monitor.missed("overlap")
    store.configure([])
    assert before.brokers[0].probes_total == 0
    assert before.brokers[0].failures[Phase.CONNECT] == 0
    assert before.monitor.missed["overlap"] == 0
    with pytest.raises(FrozenInstanceError):
        before.brokers[0].probes_total = 1  # type: ignore[misc]


def test_end_of_the_own_client_certificate_is_known_from_the_configuration() -> None:
    not_after = datetime(2027, 3, 1, tzinfo=UTC)
    client = issue(now=NOW, not_after=not_after, extended_key_usage=("clientAuth",))
    store = watching(a_broker(client_chain=(client.der,)))
    assert state(store).client_certificate_not_after == not_after


def test_unreadable_client_certificate_has_no_known_end() -> None:
    assert state(watching(a_broker(client_chain=(b"not DER",)))).client_certificate_not_after is None


def test_daemon_counters_add_up() -> None:
    store = watching()
    stats = store.monitor
    stats.delayed(0.02)
    stats.delayed(-0.001)
    stats.missed("misfire")
    stats.missed("overlap")
    stats.missed("overlap")
    stats.probe_started()
    stats.probe_started()
    stats.probe_ended()
    stats.internal_error()
    stats.loop_lag(0.003)
    known = store.snapshot().monitor
    assert known.schedule_delay.counts[:2] == (1, 1)
    assert known.schedule_delay.total_s == 0.02
    assert dict(known.missed) == {"misfire": 1, "overlap": 2}
    assert known.probes_in_flight == 1
    assert known.internal_errors_total == 1
    assert known.event_loop_lag_s == 0.003


def test_refused_reload_keeps_the_time_of_the_last_accepted_one() -> None:
    store = watching()
    assert store.snapshot().monitor.last_reload_successful is None
    store.monitor.reloaded(success=True, at=NOW)
    store.monitor.reloaded(success=False, at=NOW + timedelta(hours=1))
    known = store.snapshot().monitor
    assert known.last_reload_successful is False
    assert known.last_reload_success_at == NOW


def test_changes_are_counted_by_what_from_zero() -> None:
    store = watching()
    assert dict(state(store).certificate_changes) == dict.fromkeys(Changed, 0)
    for change in (a_change(Changed.LEAF, Changed.KEY), None, a_change(Changed.LEAF), a_change()):
        report = a_report()
        recorded(store, report, an_assessment(report, change=change))
    assert dict(state(store).certificate_changes) == {
        Changed.LEAF: 2, Changed.KEY: 1, Changed.ISSUER: 0, Changed.ROOT: 0
    }  # fmt: skip


def test_changes_are_kept_latest_first_and_bounded() -> None:
    store = watching()
    changes = [a_change(Changed.LEAF, at=NOW + timedelta(hours=hour)) for hour in range(KEPT_CHANGES + 3)]
    for change in changes:
        report = a_report()
        recorded(store, report, an_assessment(report, change=change))
        recorded(store, report, an_assessment(report))
    assert state(store).changes == tuple(reversed(changes[3:]))
    store.configure([replace(a_broker(), interval_s=15.0)])
    assert len(state(store).changes) == KEPT_CHANGES


def test_last_change_of_the_ca_is_kept_beyond_later_ones_of_the_leaf() -> None:
    store = watching()
    assert store.known("plant-7").last_change is None
    issuer = a_change(Changed.LEAF, Changed.ISSUER)
    for change in (issuer, a_change(Changed.LEAF), None):
        report = a_report()
        recorded(store, report, an_assessment(report, change=change))
    assert store.known("plant-7").last_change is issuer
    assert store.known("other").last_change is None
    store.configure([a_broker(port=8884)])
    assert store.known("plant-7").last_change is None
    assert sum(state(store).certificate_changes.values()) == 0


def test_pace_of_each_phase_that_waits_is_handed_to_the_next_judging() -> None:
    store = watching()
    recorded(store, a_report())
    recorded(store, a_report(reason="handshake_timeout"))
    paces = store.known("plant-7").paces
    assert set(paces) == set(Phase) - {Phase.VERIFY}
    assert (len(paces[Phase.CONNECT].recent), len(paces[Phase.HANDSHAKE].recent)) == (2, 1)


def test_pace_is_forgotten_with_the_place_and_kept_with_other_settings() -> None:
    store = watching()
    recorded(store, a_report())
    store.configure((replace(a_broker(), interval_s=30.0),))
    assert store.known("plant-7").paces
    store.configure((replace(a_broker(), port=8884),))
    assert not store.known("plant-7").paces


def test_scan_is_kept_until_the_next_one_that_gets_answers_or_until_it_is_no_longer_wanted() -> None:
    of = replace(a_broker(), scan_interval_s=86_400.0)
    store = watching(of)
    store.record_scan(of, SCAN)
    store.record_scan(of, ScanFacts(at=NOW, untold=("TLS 1.0: Connection refused",)))
    assert store.known("plant-7").scan == state(store).scan == SCAN
    store.record_scan(replace(of, port=8884), ScanFacts(at=NOW, address="192.0.2.9"))
    assert store.known("plant-7").scan == SCAN
    store.configure([replace(of, interval_s=30.0)])
    assert store.known("plant-7").scan == SCAN
    store.configure([a_broker()])
    assert store.known("plant-7").scan is None


# Brokers that are watched at each of their addresses

FIRST, SECOND, THIRD = "192.0.2.1", "192.0.2.2", "2001:db8::3"


def watching_each(*addresses: str) -> Store:
    """Return a store that knows a good result of each address."""
    store = watching(a_broker(addresses=Addresses.ALL))
    store.resolved("plant-7", addresses)
    for address in addresses:
        recorded(store, a_report(address=address))
    return store


def by_address(store: Store) -> dict[str | None, BrokerState]:
    return {each.address: each for each in store.snapshot().of("plant-7")}


def test_broker_without_a_known_address_is_one_state_and_keeps_what_fails() -> None:
    store = watching(a_broker(addresses=Addresses.ALL))
    change = recorded(store, a_report(reason="resolve_nxdomain", address=None))
    assert change.address is None
    assert change.is_change
    assert state(store).failures[Phase.RESOLVE] == 1
    assert store.addresses("plant-7") == ()


def test_each_address_is_a_state_of_its_own_in_the_order_given() -> None:
    store = watching_each(FIRST, SECOND, THIRD)
    change = recorded(store, later(a_report(address=SECOND, reason="connect_refused"), 1))
    assert (change.address, change.after) == (SECOND, Standing(verdict=Verdict.CRITICAL, reason="connect_refused"))
    known = by_address(store)
    assert list(known) == [FIRST, SECOND, THIRD]
    assert store.addresses("plant-7") == (FIRST, SECOND, THIRD)
    assert [each.probes_total for each in known.values()] == [1, 2, 1]
    assert [each.failing_since is None for each in known.values()] == [True, False, True]


def test_states_of_a_broker_stay_side_by_side_in_the_configurations_order() -> None:
    store = watching(a_broker("b"), a_broker("a", addresses=Addresses.ALL), a_broker("c"))
    store.resolved("a", (FIRST, SECOND))
    assert [(each.broker.name, each.address) for each in store.snapshot().brokers] == [
        ("b", None), ("a", FIRST), ("a", SECOND), ("c", None)
    ]  # fmt: skip


def test_address_that_is_gone_is_forgotten_and_begins_anew_when_it_returns() -> None:
    store = watching_each(FIRST, SECOND)
    store.resolved("plant-7", (SECOND, THIRD))
    assert {address: each.probes_total for address, each in by_address(store).items()} == {SECOND: 1, THIRD: 0}
    assert not recorded(store, a_report(address=FIRST)).is_change
    store.resolved("plant-7", (FIRST, SECOND))
    assert {address: each.probes_total for address, each in by_address(store).items()} == {FIRST: 0, SECOND: 1}


def test_certificates_are_known_by_address() -> None:
    store = watching_each(FIRST, SECOND)
    other = tls_facts(certificates=tls_facts().certificates[:1])
    recorded(store, a_report(address=SECOND, tls=other))
    assert store.known("plant-7", FIRST).last_seen == tls_facts()
    assert store.known("plant-7", SECOND).last_seen == other
    assert store.known("plant-7", THIRD).last_seen is None


def test_whichever_address_answers_is_one_state_unless_each_is_watched() -> None:
    store = watching()
    for address in (FIRST, SECOND):
        assert recorded(store, a_report(address=address)).address is None
    assert state(store).probes_total == 2
    assert store.known("plant-7", THIRD).last_seen is not None
    assert store.addresses("plant-7") == ()


def test_changed_settings_keep_every_address() -> None:
    store = watching_each(FIRST, SECOND)
    changed = replace(a_broker(addresses=Addresses.ALL), interval_s=15.0)
    store.configure([changed])
    assert [(each.broker, each.probes_total) for each in by_address(store).values()] == [(changed, 1), (changed, 1)]


@pytest.mark.parametrize("changed", [a_broker(), a_broker(addresses=Addresses.ALL, port=8884)])
def test_another_choice_of_addresses_starts_anew(changed: Broker) -> None:
    store = watching_each(FIRST, SECOND)
    store.configure([changed])
    assert (state(store).address, state(store).probes_total) == (None, 0)


def test_addresses_of_an_unwatched_broker_are_ignored() -> None:
    store = watching()
    store.resolved("other", (FIRST,))
    assert len(store.snapshot().brokers) == 1


# What must be refused


def test_attempts_and_scan_at_one_address_say_nothing_of_the_others() -> None:
    store = watching_each(FIRST, SECOND)
    broker = a_broker(addresses=Addresses.ALL)
    refusals = tuple(replace(each, address=SECOND) for each in REFUSALS)
    store.record_refusals(broker, refusals)
    store.record_scan(broker, replace(SCAN, address=SECOND))
    assert (by_address(store)[FIRST].refusals, by_address(store)[FIRST].scan) == ((), None)
    assert by_address(store)[SECOND].refusals == refusals
    assert by_address(store)[SECOND].scan is not None


def test_attempts_that_no_address_answered_concern_them_all() -> None:
    store = watching_each(FIRST, SECOND)
    store.record_refusals(a_broker(addresses=Addresses.ALL), REFUSALS)
    assert [each.refusals for each in by_address(store).values()] == [REFUSALS, REFUSALS]


def test_attempts_are_kept_until_the_next_round_and_told_to_who_judges() -> None:
    settings = RefusalSettings(checks=(RefusalCheck.ANONYMOUS, RefusalCheck.WRONG_PASSWORD))
    broker = replace(a_broker(), refusals=settings)
    store = watching(broker)
    store.record_refusals(broker, REFUSALS[:1])
    assert store.known("plant-7").refusals == REFUSALS[:1]
    store.record_refusals(broker, REFUSALS[2:])
    assert state(store).refusals == store.known("plant-7").refusals == REFUSALS[2:]


def test_attempts_at_another_place_or_of_a_removed_broker_are_dropped() -> None:
    store = watching(a_broker())
    store.record_refusals(a_broker(port=1), REFUSALS)
    store.record_refusals(a_broker("removed"), REFUSALS)
    assert state(store).refusals == ()
    assert store.snapshot().of("removed") == ()


def test_reload_forgets_only_the_checks_that_are_no_longer_wanted() -> None:
    broker = replace(a_broker(), refusals=RefusalSettings(checks=tuple(attempt.check for attempt in REFUSALS)))
    store = watching(broker)
    store.record_refusals(broker, REFUSALS)
    store.configure([replace(broker, refusals=RefusalSettings(checks=(REFUSALS[1].check,)))])
    assert state(store).refusals == REFUSALS[1:2]
