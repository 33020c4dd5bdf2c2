"""The exposition's samples: the contract's names and values, whatever brokers are called and serve."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.export.families import FAMILIES
from monitor.export.metrics import LABEL_LIMIT
from monitor.model.broker import Addresses, Protocol
from monitor.model.facts import TcpFacts
from monitor.model.judgement import Changed, Severity
from monitor.model.outcome import MQTT_PHASES, TLS_PHASES
from monitor.model.revocation import Source, Status
from monitor.store import Snapshot
from tests.support.exposed import samples
from tests.support.records import (
    NOW,
    REFUSALS,
    SCAN,
    a_break,
    a_broker,
    a_certificate,
    a_change,
    a_file,
    a_finding,
    a_profile,
    a_report,
    an_answer,
    an_assessment,
    expired,
    tls_facts,
    watching,
)

ENDED = (NOW + timedelta(seconds=0.025)).timestamp()
HOSTILE = 'CN="quoted"\\back\nline\x00nul\x1b[31m\ud800' + "long" * 100


def everything() -> Snapshot:
    """Return a snapshot in which every family has samples, brokers differ in their labels, and one is hostile."""
    brokers = (
        a_broker("healthy", labels=(("site", "north"),)),
        a_broker("plant-7", labels=(("line", "3"), ("site", "south"))),
        a_broker("dashboard", protocol=Protocol.TLS),
        a_broker("never probed"),
        a_broker('odd "name"\\ \n'),
        a_broker("cluster", addresses=Addresses.ALL),
    )
    store = watching(*brokers)
    store.resolved("cluster", ("192.0.2.1", "2001:db8::2"))
    node = a_report("cluster", address="192.0.2.1")
    store.record(node, an_assessment(node))
    healthy = a_report("healthy", tls=replace(tls_facts(), alpn="mqtt"))
    profiles = (a_profile(), a_profile("gateway", error="OpenSSL says: no"))
    change = a_change(Changed.LEAF, Changed.ISSUER)
    answers = (an_answer(), an_answer(Source.CRL_FILE, Status.STALE))
    opinions = an_assessment(
        healthy,
        a_finding(),
        profiles=profiles,
        change=change,
        next_break=a_break(),
        refusals=REFUSALS,
        scan=SCAN,
        revocation=answers,
    )
    store.record(healthy, replace(opinions, certificate_file=a_file()))
    store.record(*expired())
    tls_only = a_report("dashboard", protocol=Protocol.TLS)
    store.record(tls_only, an_assessment(tls_only))
    hostile = a_certificate(subject=HOSTILE, issuer=None, key=None, names=(), not_after=None)
    odd = a_report('odd "name"\\ \n', tls=tls_facts((hostile,)))
    store.record(odd, an_assessment(odd))
    store.monitor.reloaded(success=True, at=NOW)
    store.monitor.state_read(success=True)
    store.monitor.state_written(success=True, at=NOW)
    store.monitor.loop_lag(0.001)
    store.monitor.delayed(0.02)
    snapshot = store.snapshot()
    first = replace(snapshot.brokers[0], client_certificate_not_after=NOW)
    return replace(snapshot, brokers=(first, *snapshot.brokers[1:]))


def series(snapshot: Snapshot) -> dict[str, float]:
    """Return the samples of the text exposition as `name{label="value",...}` with labels sorted by name."""
    found: dict[str, float] = {}
    for sample in samples(snapshot):
        labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
        key = f"{sample.name}{{{labels}}}"
        assert key not in found, f"{key} is there twice"
        found[key] = sample.value
    return found


def of(found: dict[str, float], name: str) -> dict[str, float]:
    return {key.removeprefix(name): value for key, value in found.items() if key.startswith(f"{name}{{")}


def test_every_declared_family_can_have_samples() -> None:
    present = {sample.name for sample in samples(everything())}
    stems = {re.sub(r"_(bucket|count|sum)$", "", name) for name in present}
    assert {family.name for family in FAMILIES} - stems - present == set()


def test_help_is_a_plain_sentence() -> None:
    for family in FAMILIES:
        assert re.fullmatch(r"[A-Z0-9][^\n]*\.", family.help), family.name


def test_configured_broker_has_its_series_before_the_first_probe() -> None:
    found = series(watching().snapshot())
    broker = 'broker="plant-7"'
    assert of(found, "mqtt_tls_broker_info") == {
        f'{{{broker},host="mqtt.example.org",port="8883",protocol="mqtt"}}': 1.0
    }
    assert of(found, "mqtt_tls_probes_total") == {f"{{{broker}}}": 0.0}
    assert of(found, "mqtt_tls_probe_failures_total") == {
        f'{{{broker},phase="{phase.value}"}}': 0.0 for phase in (*TLS_PHASES, *MQTT_PHASES)
    }
    for name in ("probe_success", "last_probe_timestamp_seconds", "last_success_timestamp_seconds", "chain_valid"):
        assert of(found, f"mqtt_tls_{name}") == {}


def test_healthy_broker_shows_its_numbers() -> None:
    store = watching()
    report = a_report(tcp=TcpFacts(rtt_s=0.0004, retransmitted_segments=2))
    store.record(report, an_assessment(report))
    found = series(store.snapshot())
    broker = 'broker="plant-7"'
    for name, value in {
        "probe_success": 1.0,
        "probe_duration_seconds": 0.025,
        "last_probe_timestamp_seconds": ENDED,
        "last_success_timestamp_seconds": ENDED,
        "certificate_last_seen_timestamp_seconds": ENDED,
        "tcp_rtt_seconds": 0.0004,
        "tcp_retransmitted_segments_total": 2.0,
        "name_valid": 1.0,
        "chain_expiry_timestamp_seconds": (NOW + timedelta(days=61)).timestamp(),
    }.items():
        assert of(found, f"mqtt_tls_{name}") == {f"{{{broker}}}": value}
    assert of(found, "mqtt_tls_chain_valid") == {f'{{{broker},trust="configured"}}': 1.0}
    assert of(found, "mqtt_tls_endpoint_info") == {f'{{address="192.0.2.7",{broker}}}': 1.0}
    assert found[f'mqtt_tls_phase_duration_seconds{{{broker},phase="handshake"}}'] == 0.0127
    assert of(found, "mqtt_tls_probe_failure_info") == {}
    assert of(found, "mqtt_tls_findings") == {}
    assert list(of(found, "mqtt_tls_session_info")) == [
        f'{{alpn="",{broker},cipher_suite="TLS_AES_256_GCM_SHA384",group="X25519",tls_version="TLSv1.3"}}'
    ]


def test_histograms_have_the_contracts_buckets_cumulated() -> None:
    store = watching()
    report = a_report()
    store.record(report, an_assessment(report))
    buckets = of(series(store.snapshot()), "mqtt_tls_handshake_duration_seconds_bucket")
    assert buckets == {
        f'{{broker="plant-7",le="{bound}"}}': count
        for bound, count in {
            "0.005": 0, "0.025": 1, "0.1": 1, "0.25": 1, "0.5": 1, "1.0": 1, "5.0": 1, "+Inf": 1
        }.items()
    }  # fmt: skip


def test_expired_broker_keeps_its_certificates_series() -> None:
    store = watching()
    store.record(*expired())
    found = series(store.snapshot())
    assert of(found, "mqtt_tls_probe_success") == {'{broker="plant-7"}': 0.0}
    assert of(found, "mqtt_tls_probe_failure_info") == {
        '{broker="plant-7",phase="verify",reason="verify_certificate_expired"}': 1.0
    }
    assert of(found, "mqtt_tls_chain_valid") == {'{broker="plant-7",trust="configured"}': 0.0}
    assert of(found, "mqtt_tls_findings") == {
        '{broker="plant-7",code="certificate_expired",finding_severity="critical"}': 1.0
    }
    ended = (NOW - timedelta(days=3, hours=1)).timestamp()
    not_after = of(found, "mqtt_tls_certificate_not_after_timestamp_seconds")
    assert not_after['{broker="plant-7",position="0",role="leaf"}'] == ended
    assert len(not_after) == 2


def test_broker_that_went_down_keeps_certificates_and_loses_its_phases() -> None:
    store = watching()
    report = a_report()
    store.record(report, an_assessment(report))
    down = a_report(reason="connect_refused", started_at=NOW + timedelta(minutes=1), tcp=TcpFacts(
        rtt_s=None, retransmitted_segments=None))  # fmt: skip
    store.record(down, an_assessment(down, a_finding("connect_refused", Severity.CRITICAL)))
    found = series(store.snapshot())
    assert len(of(found, "mqtt_tls_certificate_not_after_timestamp_seconds")) == 2
    assert of(found, "mqtt_tls_certificate_last_seen_timestamp_seconds") == {'{broker="plant-7"}': ENDED}
    assert of(found, "mqtt_tls_phase_duration_seconds") == {'{broker="plant-7",phase="resolve"}': 0.0009}
    assert of(found, "mqtt_tls_session_info") == {}
    assert of(found, "mqtt_tls_tcp_rtt_seconds") == {}
    assert found['mqtt_tls_probe_failures_total{broker="plant-7",phase="connect"}'] == 1.0


def test_findings_of_one_code_are_counted() -> None:
    store = watching()
    report = a_report()
    findings = [a_finding(certificate=position) for position in range(2)]
    store.record(report, an_assessment(report, *findings))
    assert of(series(store.snapshot()), "mqtt_tls_findings") == {
        '{broker="plant-7",code="certificate_expires_soon",finding_severity="warning"}': 2.0
    }


def test_a_chain_whose_end_is_not_known_has_no_expiry() -> None:
    store = watching()
    report = a_report(reason="verify_chain_untrusted")
    store.record(report, an_assessment(report, chain_not_after=None))
    assert of(series(store.snapshot()), "mqtt_tls_chain_expiry_timestamp_seconds") == {}


def test_profiles_stand_beside_the_configured_trust() -> None:
    assert {
        key: value for key, value in of(series(everything()), "mqtt_tls_chain_valid").items() if 'site="north"' in key
    } == {
        '{broker="healthy",site="north",trust="configured"}': 1.0,
        '{broker="healthy",site="north",trust="devices-2022"}': 1.0,
        '{broker="healthy",site="north",trust="gateway"}': 0.0,
    }


@pytest.mark.parametrize(("is_served", "value"), [(True, 1), (False, 0), (None, None)])
def test_file_that_cannot_be_compared_has_no_series(is_served: bool | None, value: float | None) -> None:
    store = watching()
    report = a_report()
    store.record(report, an_assessment(report, certificate_file=a_file(is_served=is_served)))
    found = of(series(store.snapshot()), "mqtt_tls_certificate_file_served")
    assert found == ({} if value is None else {'{broker="plant-7"}': value})


def test_each_source_of_revocation_says_one_of_all_it_may_say() -> None:
    every = of(series(everything()), "mqtt_tls_revocation_status")
    found = {labels: value for labels, value in every.items() if 'site="north"' in labels}
    assert len(found) == 2 * len(Status)
    assert [labels for labels, value in found.items() if value] == [
        '{broker="healthy",site="north",source="staple",status="good"}',
        '{broker="healthy",site="north",source="crl_file",status="stale"}',
    ]
    assert of(series(everything()), "mqtt_tls_revocation_next_update_timestamp_seconds") == {
        '{broker="healthy",site="north",source="staple"}': (NOW + timedelta(days=2)).timestamp()
    }


def test_next_break_is_one_series_with_its_cause() -> None:
    assert of(series(everything()), "mqtt_tls_next_break_timestamp_seconds") == {
        '{broker="healthy",cause="leaf",site="north"}': (NOW + timedelta(days=12, hours=1)).timestamp()
    }


def test_refusals_are_1_or_0_and_absent_where_nothing_was_told() -> None:
    assert of(series(everything()), "mqtt_tls_refusal_enforced") == {
        '{broker="healthy",check="anonymous",site="north"}': 1.0,
        '{broker="healthy",check="no_client_certificate",site="north"}': 0.0,
    }


def test_latest_scan_is_dated() -> None:
    name = "mqtt_tls_last_scan_timestamp_seconds"
    assert of(series(everything()), name) == {'{broker="healthy",site="north"}': SCAN.at.timestamp()}


def test_certificate_changes_are_counted_by_what_and_zero_from_the_start() -> None:
    name = "mqtt_tls_certificate_changes_total"
    assert of(series(watching().snapshot()), name) == {
        f'{{broker="plant-7",what="{what}"}}': 0.0 for what in ("leaf", "key", "issuer", "root")
    }
    found = of(series(everything()), name)
    assert found['{broker="healthy",site="north",what="leaf"}'] == 1.0
    assert found['{broker="healthy",site="north",what="issuer"}'] == 1.0
    assert found['{broker="healthy",site="north",what="root"}'] == 0.0


def test_tls_only_broker_has_no_mqtt_series() -> None:
    store = watching(a_broker(protocol=Protocol.TLS))
    report = a_report(protocol=Protocol.TLS)
    store.record(report, an_assessment(report))
    found = series(store.snapshot())
    assert len(of(found, "mqtt_tls_probe_failures_total")) == len(TLS_PHASES)
    assert of(found, "mqtt_tls_roundtrip_duration_seconds_count") == {}
    assert of(found, "mqtt_tls_handshake_duration_seconds_count") != {}


def test_own_labels_are_on_every_series_of_their_broker() -> None:
    store = watching(a_broker(labels=(("line", "3"), ("site", "north"))))
    report = a_report()
    store.record(report, an_assessment(report, a_finding()))
    for key in series(store.snapshot()):
        if not key.startswith("mqtt_tls_monitor_"):
            assert 'broker="plant-7"' in key
            assert 'line="3"' in key
            assert 'site="north"' in key


def test_removed_brokers_series_vanish() -> None:
    store = watching(a_broker("a"), a_broker("b"))
    for name in ("a", "b"):
        report = a_report(name)
        store.record(report, an_assessment(report))
    store.configure([a_broker("b")])
    found = series(store.snapshot())
    assert not [key for key in found if 'broker="a"' in key]
    assert found["mqtt_tls_monitor_brokers{}"] == 1.0


def test_label_values_are_bounded_and_free_of_control_characters() -> None:
    for sample in samples(everything()):
        for value in sample.labels.values():
            assert len(value) <= LABEL_LIMIT
            assert value.isprintable()


@pytest.mark.parametrize(("success", "value"), [(True, 1.0), (False, 0.0)])
def test_reload_shows_how_it_went(success: bool, value: float) -> None:
    store = watching()
    store.monitor.reloaded(success=success, at=NOW)
    found = series(store.snapshot())
    assert found["mqtt_tls_monitor_config_last_reload_successful{}"] == value
    stamped = of(found, "mqtt_tls_monitor_config_last_reload_success_timestamp_seconds")
    assert stamped == ({"{}": NOW.timestamp()} if success else {})


def test_state_file_has_no_series_unless_there_is_one() -> None:
    store = watching()
    assert of(series(store.snapshot()), "mqtt_tls_monitor_state_last_write_successful") == {}
    store.monitor.state_read(success=False)
    store.monitor.state_written(success=True, at=NOW)
    store.monitor.state_written(success=False, at=NOW + timedelta(hours=1))
    found = series(store.snapshot())
    assert {key: value for key, value in found.items() if "_state_" in key} == {
        "mqtt_tls_monitor_state_last_read_successful{}": 0,
        "mqtt_tls_monitor_state_last_write_successful{}": 0,
        "mqtt_tls_monitor_state_last_write_success_timestamp_seconds{}": NOW.timestamp(),
    }


def test_label_address_is_where_each_address_is_watched_and_on_nothing_that_is_configured() -> None:
    store = watching(a_broker("a"), a_broker("b", addresses=Addresses.ALL))
    store.resolved("b", ("192.0.2.1", "2001:db8::2"))
    for report in (a_report("a"), a_report("b", address="192.0.2.1"), a_report("b", address="2001:db8::2")):
        store.record(report, an_assessment(report))
    found = series(store.snapshot())
    assert list(of(found, "mqtt_tls_probe_success")) == [
        '{broker="a"}', '{address="192.0.2.1",broker="b"}', '{address="2001:db8::2",broker="b"}'
    ]  # fmt: skip
    assert set(of(found, "mqtt_tls_endpoint_info")) >= set(list(of(found, "mqtt_tls_probe_success"))[1:])
    assert len(of(found, "mqtt_tls_probe_interval_seconds")) == len(of(found, "mqtt_tls_broker_info")) == 2
    assert found["mqtt_tls_monitor_brokers{}"] == 2
    store.resolved("b", ("192.0.2.1",))
    assert not [key for key in series(store.snapshot()) if "2001:db8::2" in key]
