"""The index of what all brokers serve: who is found, who is forgotten, and what it costs."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

from monitor.model.broker import Addresses
from monitor.model.facts import CertificateFacts
from monitor.model.judgement import CertificateChange, Changed
from monitor.model.known import Known
from monitor.store import BrokerState, Store
from monitor.store.fleet import Fleet
from tests.support.records import NOW, a_broker, a_certificate, a_change, a_report, an_assessment, tls_facts

HOST = "mqtt.example.org"


def leaf(
    certificate: int, *, key: int | None = None, names: tuple[str, ...] = (HOST,), subject: str = f"CN={HOST}"
) -> CertificateFacts:
    """Make a certificate of that number, with the key of that number (by default none that can be read)."""
    return replace(
        a_certificate(names=names, subject=subject),
        fingerprint_sha256=f"{certificate:064x}",
        spki_sha256=None if key is None else f"{key:064x}",
    )


def serve(
    store: Store, name: str, served: CertificateFacts, *, change: CertificateChange | None = None, **place: object
) -> Known:
    """Record a probe that was served this, and return what is known of others beside it."""
    report = a_report(name, tls=tls_facts((served,)), **place)  # type: ignore[arg-type]
    known = store.known(name, report.address, serving=report.tls)
    store.record(report, an_assessment(report, change=change))
    return known


def names(store: Store, name: str) -> tuple[list[str], list[str]]:
    known = store.known(name)
    return [each.broker for each in known.listeners], [each.broker for each in known.key_holders]


def test_rotated_listener_is_known_to_the_other_with_what_it_served_before() -> None:
    store = Store()
    store.configure([a_broker("mqtts"), a_broker("wss", port=8084)])
    serve(store, "mqtts", leaf(1))
    serve(store, "wss", leaf(1), port=8084)
    assert names(store, "mqtts") == ([], [])
    rotation = a_change(Changed.LEAF, at=NOW + timedelta(hours=1))
    serve(store, "wss", leaf(2), port=8084, change=rotation)
    serve(store, "wss", leaf(2), port=8084, change=a_change(Changed.ISSUER))
    (other,) = store.known("mqtts").listeners
    assert (other.broker, other.host, other.port) == ("wss", HOST, 8084)
    assert (other.before, other.rotated_at) == (rotation.before.fingerprint_sha256, rotation.at)
    serve(store, "mqtts", leaf(2))
    assert names(store, "mqtts") == names(store, "wss") == ([], [])


def test_report_at_hand_is_compared_before_it_is_recorded() -> None:
    store = Store()
    store.configure([a_broker("mqtts"), a_broker("wss", port=8084)])
    serve(store, "wss", leaf(2), port=8084)
    assert [each.broker for each in serve(store, "mqtts", leaf(1)).listeners] == ["wss"]


def test_other_names_another_host_and_the_same_port_are_no_listeners_of_this_broker() -> None:
    store = Store()
    store.configure(
        [
            a_broker("a"),
            a_broker("other names", port=8084),
            a_broker("other host", host="b.example", port=8084),
            a_broker("same port"),
        ]
    )
    serve(store, "a", leaf(1))
    serve(store, "other names", leaf(2, names=("admin.example.org",)), port=8084)
    serve(store, "other host", leaf(3), host="b.example", port=8084)
    serve(store, "same port", leaf(4))
    assert names(store, "a") == ([], [])


def test_key_in_certificates_for_other_names_at_other_hosts_is_reused() -> None:
    store = Store()
    store.configure([a_broker("a"), a_broker("b", host="b.example"), a_broker("c", host="c.example")])
    serve(store, "a", leaf(1, key=7))
    serve(store, "b", leaf(2, key=7, names=("b.example",)), host="b.example")
    serve(store, "c", leaf(3, key=8, names=("c.example",)), host="c.example")
    assert [names(store, each)[1] for each in "abc"] == [["b"], ["a"], []]


def test_one_certificate_on_several_hosts_and_its_successor_are_no_reuse() -> None:
    store = Store()
    hosts = ("a.example", "b.example", "c.example")
    store.configure([a_broker(host, host=host) for host in hosts])
    for host in hosts:
        serve(store, host, leaf(2 if host == "c.example" else 1, key=7, names=hosts), host=host)
    assert [names(store, host) for host in hosts] == [([], [])] * 3


def test_other_listener_of_the_same_host_may_have_the_key() -> None:
    store = Store()
    store.configure([a_broker("a"), a_broker("b", port=8084)])
    serve(store, "a", leaf(1, key=7))
    serve(store, "b", leaf(2, key=7, names=("ws.example.org",)), port=8084)
    assert names(store, "a") == ([], [])


def test_certificates_without_names_are_told_apart_by_their_subjects() -> None:
    store = Store()
    store.configure([a_broker("a"), a_broker("b", host="b.example")])
    serve(store, "a", leaf(1, key=7, names=(), subject="CN=a"))
    serve(store, "b", leaf(2, key=7, names=(), subject="CN=b"), host="b.example")
    assert names(store, "a") == ([], ["b"])


def test_removed_and_moved_brokers_are_forgotten() -> None:
    store = Store()
    mine, gone, moved = a_broker("a"), a_broker("gone", port=8084), a_broker("moved", host="b.example")
    store.configure([mine, gone, moved])
    serve(store, "a", leaf(1, key=7))
    serve(store, "gone", leaf(2), port=8084)
    serve(store, "moved", leaf(3, key=7, names=("b.example",)), host="b.example")
    assert names(store, "a") == (["gone"], ["moved"])
    store.configure([mine, replace(gone, interval_s=30.0), moved])
    assert names(store, "a") == (["gone"], ["moved"])
    store.configure([mine, replace(moved, host="c.example")])
    assert names(store, "a") == ([], [])


def test_address_that_a_name_no_longer_has_is_forgotten() -> None:
    store = Store()
    store.configure([a_broker("cluster", addresses=Addresses.ALL), a_broker("wss", port=8084)])
    store.resolved("cluster", ("192.0.2.1", "192.0.2.2"))
    serve(store, "cluster", leaf(1), address="192.0.2.1")
    serve(store, "cluster", leaf(2), address="192.0.2.2")
    serve(store, "wss", leaf(1), port=8084)
    assert names(store, "wss") == (["cluster"], [])
    store.resolved("cluster", ("192.0.2.1",))
    assert names(store, "wss") == ([], [])


def test_nothing_is_left_of_what_was_forgotten() -> None:
    fleet = Fleet()
    fleet.record(BrokerState(broker=a_broker("never seen")))
    for number in range(5):
        fleet.record(BrokerState(broker=a_broker("a"), tls=tls_facts((leaf(number, key=number),))))
    fleet.keep("a", ())
    assert (fleet._known, fleet._at_host, fleet._of_key) == ({}, {}, {})


def test_thousand_brokers_that_share_everything_ask_in_no_time() -> None:
    fleet = Fleet()
    others = [
        (a_broker(f"b{number}", host=f"h{number}.example", port=8000 + number), leaf(number, key=7))
        for number in range(1000)
    ]
    same_host = [(a_broker(f"c{number}", port=8000 + number), leaf(number, key=8)) for number in range(1000)]
    other_names = [
        (a_broker(f"d{number}", host=f"d{number}.example"), leaf(number, key=9, names=(f"d{number}.example",)))
        for number in range(1000)
    ]
    began = time.process_time()
    for broker, served in (*others, *same_host, *other_names):
        fleet.record(BrokerState(broker=broker, tls=tls_facts((served,))))
        fleet.listeners(broker, served)
        fleet.key_holders(broker, served)
    # A hundredth of it is usual; were each compared with each, it would be three million comparisons.
    assert time.process_time() - began < 1.0
