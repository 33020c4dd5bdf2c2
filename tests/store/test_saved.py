"""The document of what outlives the process: whole, bounded, and nothing in it can raise later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.checks import changes
from monitor.checks.assess import Assessor
from monitor.demo.pki import issue
from monitor.export.document import pending
from monitor.export.page import broker_page
from monitor.model.broker import Addresses, Broker
from monitor.model.facts import TlsFacts
from monitor.model.judgement import CertificateChange, Changed, Verdict
from monitor.store import Standing, Store, saved
from monitor.x509.judge import Judge
from tests.checks import served
from tests.checks.served import INTERMEDIATE, LEAF, handshake
from tests.store.saving import HANDSHAKE, known, record
from tests.support.exposed import exposition
from tests.support.records import NOW, a_broker, a_change, a_report, an_assessment

BROKER = a_broker()
ANCHORS = Judge().anchors(served.broker().tls.trust)


def watching(broker: Broker = BROKER) -> Store:
    store = Store()
    store.configure([broker])
    return store


def change(before: TlsFacts, after: TlsFacts, at: datetime) -> CertificateChange:
    """Compare what was served, as the daemon does."""
    found = changes.change(before.certificates, after.certificates, ANCHORS, at)
    assert found is not None
    return found


def eventful() -> Store:
    """Return a store whose broker changed, changed its CA, and fails."""
    store = watching()
    record(store)
    record(store, minute=1, change=a_change(Changed.LEAF, Changed.ISSUER))
    record(store, minute=2, change=a_change(Changed.LEAF, Changed.KEY, at=NOW + timedelta(minutes=2)))
    record(store, minute=3, reason="connect_refused")
    record(store, minute=4, reason="connect_refused")
    return store


def restored(data: bytes, broker: Broker = BROKER) -> Store:
    """Return a store that begins with the document."""
    store = Store()
    store.restore(saved.read(data, [broker]).states)
    store.configure([broker])
    return store


def changed(edit: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the document of an eventful broker after an edit of its state."""
    document = json.loads(saved.write(eventful().snapshot().brokers, NOW))
    edit(document["brokers"][0])
    return json.dumps(document).encode()


def test_everything_that_matters_is_the_same_afterwards() -> None:
    store = eventful()
    document = saved.read(saved.write(store.snapshot().brokers, NOW), [BROKER])
    assert document.states == known(store)
    assert (document.saved_at, document.faults) == (NOW, ())
    [state] = document.states
    assert state.standing == Standing(verdict=Verdict.CRITICAL, reason="connect_refused")
    assert [change.what for change in state.changes] == [
        (Changed.LEAF, Changed.KEY),
        (Changed.LEAF, Changed.ISSUER),
    ]
    assert state.last_change == state.changes[1]
    assert dict(state.certificate_changes) == {
        Changed.LEAF: 2, Changed.KEY: 1, Changed.ISSUER: 1, Changed.ROOT: 0
    }  # fmt: skip


def test_first_result_continues_what_was_before() -> None:
    before = eventful()
    store = restored(saved.write(before.snapshot().brokers, NOW))
    after, known_before = store.known("plant-7"), before.known("plant-7")
    assert (after.last_seen, after.last_seen_at) == (known_before.last_seen, known_before.last_seen_at)
    assert after.last_change == known_before.last_change
    report = replace(a_report(reason="connect_refused", started_at=NOW + timedelta(hours=1)), tls=None)
    change = store.record(report, an_assessment(report))
    assert not change.is_change
    [was], [state] = before.snapshot().brokers, store.snapshot().brokers
    assert change.since == was.standing_since == state.standing_since
    assert (state.failing_since, state.last_success_at) == (was.failing_since, was.last_success_at)
    assert (state.tls, state.tls_seen_at) == (was.tls, was.tls_seen_at)
    assert state.probes_total == 1


def test_listener_that_was_left_behind_before_the_restart_is_so_after_it() -> None:
    renewed = handshake(issue(now=NOW, issuer=INTERMEDIATE), INTERMEDIATE)
    mqtt, wss = a_broker("mqtt"), a_broker("wss", port=8084)
    store = Store()
    store.configure([mqtt, wss])
    for broker in (mqtt, wss):
        record(store, broker=broker)
    at = NOW + timedelta(minutes=1)
    record(store, broker=wss, minute=1, tls=renewed, change=change(HANDSHAKE, renewed, at))
    [neighbour] = store.known("mqtt").listeners
    assert neighbour.before == LEAF.certificate.fingerprint(SHA256()).hex()
    after = Store()
    after.restore(saved.read(saved.write(store.snapshot().brokers, NOW), [mqtt, wss]).states)
    after.configure([mqtt, wss])
    assert after.known("mqtt").listeners == (replace(neighbour, rotated_at=at),)
    # An intermediate that changed later is no other certificate of the broker.
    extended = replace(renewed, certificates=renewed.certificates[:1])
    record(store, broker=wss, minute=2, tls=extended, change=change(renewed, extended, at + timedelta(minutes=1)))
    after = Store()
    after.restore(saved.read(saved.write(store.snapshot().brokers, NOW), [mqtt, wss]).states)
    after.configure([mqtt, wss])
    assert after.known("mqtt").listeners == (replace(neighbour, rotated_at=at),)


def test_each_address_has_its_own_memory() -> None:
    broker = a_broker(addresses=Addresses.ALL)
    store = watching(broker)
    store.resolved("plant-7", ["192.0.2.1", "2001:db8::2"])
    record(store, address="192.0.2.1")
    record(store, address="2001:db8::2", reason="connect_refused")
    data = saved.write(store.snapshot().brokers, NOW)
    after = restored(data, broker)
    assert [(state.address, state.standing) for state in after.snapshot().brokers] == [
        ("192.0.2.1", Standing(verdict=Verdict.OK, reason=None)),
        ("2001:db8::2", Standing(verdict=Verdict.CRITICAL, reason="connect_refused")),
    ]
    # Watched as one again, it begins anew.
    assert [state.standing for state in restored(data).snapshot().brokers] == [None]


@pytest.mark.parametrize("other", [{"name": "other"}, {"host": "other.example.org"}, {"port": 8884}])
def test_other_brokers_are_passed_over(other: dict[str, Any]) -> None:
    document = saved.read(saved.write(eventful().snapshot().brokers, NOW), [replace(BROKER, **other)])
    assert (document.states, document.faults) == ((), ())


def test_broker_of_which_nothing_is_known_takes_no_line() -> None:
    assert json.loads(saved.write(watching().snapshot().brokers, NOW))["brokers"] == []


def test_what_the_certificates_say_is_read_from_them() -> None:
    text = saved.write(eventful().snapshot().brokers, NOW).decode()
    assert HANDSHAKE.certificates[0].fingerprint_sha256 not in text
    store = restored(changed(lambda state: state["tls"]["certificates"].reverse()))
    [state] = store.snapshot().brokers
    assert state.tls is not None
    assert state.tls.certificates == handshake(INTERMEDIATE, LEAF).certificates


def test_text_that_no_encoding_holds_is_saved_without_it() -> None:
    store = watching()
    odd = replace(a_change(Changed.LEAF).before, issuer="\ud800\x00" + "x" * 5000, root=None)
    record(store, change=replace(a_change(Changed.LEAF), before=odd))
    record(store, minute=1, tls=replace(HANDSHAKE, alpn="\udfff\x1b", accepted_cas=("CN=\ud800",) * 32))
    [state] = restored(saved.write(store.snapshot().brokers, NOW)).snapshot().brokers
    assert state.changes[0].before.issuer == ("?\x00" + "x" * 5000)[:1024]
    assert state.tls is not None
    assert (state.tls.alpn, len(state.tls.accepted_cas)) == ("?\x1b", 32)


def test_pile_of_certificates_takes_no_more_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "LARGEST_BYTES", 8192)
    store = watching()
    for minute in range(20):
        record(store, minute=minute, tls=handshake(*[LEAF] * 2), change=a_change(Changed.LEAF))
    [state] = restored(saved.write(store.snapshot().brokers, NOW)).snapshot().brokers
    assert (len(state.changes), state.tls is None) == (0, False)
    record(store, tls=handshake(*[LEAF] * 64))
    data = saved.write(store.snapshot().brokers, NOW)
    assert len(data) < 8192
    [state] = restored(data).snapshot().brokers
    assert (state.changes, state.tls, state.tls_seen_at) == ((), None, None)
    assert state.certificate_changes[Changed.LEAF] == 20


def test_whatever_a_probe_reads_can_be_saved() -> None:
    store = watching()
    record(store, tls=replace(handshake(b"", b"\x30\x00", *[LEAF] * 62), ocsp_response=b"\xff" * 70_000))
    document = saved.read(saved.write(store.snapshot().brokers, NOW), [BROKER])
    assert (document.states, document.faults) == (known(store), ())


BAD = {
    "no mapping": lambda state: state.clear(),
    "port": lambda state: state.update(port="many"),
    "address": lambda state: state.update(address="evil.example"),
    "verdict": lambda state: state["standing"].update(verdict="fine"),
    "naive time": lambda state: state.update(failing_since="2026-11-23T12:00:00"),
    "no time": lambda state: state.update(last_success_at="yesterday"),
    "endless time": lambda state: state.update(last_success_at=1e308),
    "end of the calendar": lambda state: state.update(failing_since="9999-12-31T23:59:59-23:59"),
    "begin of the calendar": lambda state: state.update(failing_since="0001-01-01T00:00:00+23:59"),
    "no certificates": lambda state: state["tls"].update(certificates=[]),
    "no base64": lambda state: state["tls"].update(certificates=["ä"]),
    "certificate of another kind": lambda state: state["tls"].update(certificates=[{"der": 1}]),
    "certificates without end": lambda state: state["tls"].update(certificates=["MAA="] * 65),
    "certificate without end": lambda state: state["tls"].update(certificates=["A" * 2_000_000]),
    "names without end": lambda state: state["tls"].update(accepted_cas=["CN=x"] * 33),
    "negative count": lambda state: state["certificate_changes"].update(leaf=-1),
    "count without end": lambda state: state["certificate_changes"].update(leaf=10**400),
    "unknown count": lambda state: state["certificate_changes"].update(colour=1),
    "fingerprint": lambda state: state["changes"][0]["before"].update(fingerprint_sha256="<b>"),
    "changes without end": lambda state: state.update(changes=state["changes"] * 51),
    "unknown change": lambda state: state["changes"][0].update(what=["colour"]),
}


@pytest.mark.parametrize("name", BAD)
def test_state_that_makes_no_sense_is_left_out_and_named(name: str) -> None:
    document = saved.read(changed(BAD[name]), [BROKER])
    assert document.states == ()
    [fault] = document.faults
    assert fault.startswith("brokers.0")
    assert len(fault) < 3000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
TOP = json.loads(saved.write(eventful().snapshot().brokers, NOW))["brokers"][0]
PATHS = [
    *((key,) for key in TOP),
    *(("tls", key) for key in TOP["tls"]),
    *(("changes", 0, key) for key in TOP["changes"][0]),
    *(("last_change", "before", key) for key in TOP["last_change"]["before"]),
]


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from(PATHS), value=JSON)
def test_nothing_that_was_read_raises_later(path: tuple[Any, ...], value: Any) -> None:
    def edit(state: dict[str, Any]) -> None:
        inner: Any = state
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value

    store = restored(changed(edit))
    now = NOW + timedelta(hours=1)
    for down in (False, True):
        [state] = store.snapshot().brokers
        exposition(store.snapshot())
        broker_page(state, now)
        json.dumps(pending(state.broker, last_seen=state.tls, changes=state.changes)).encode()
        saved.write(store.snapshot().brokers, now)
        report = replace(a_report(reason="connect_refused" if down else None), tls=None if down else HANDSHAKE)
        store.record(report, Assessor().assess(report, BROKER, now, store.known("plant-7")))


def test_time_of_saving_that_makes_no_sense_is_unknown() -> None:
    data = b'{"version": 1, "saved_at": "0001-01-01T00:00:00+23:59", "brokers": []}'
    assert saved.read(data, [BROKER]) == saved.Saved(saved_at=None, states=(), faults=())


def test_members_of_a_later_monitor_are_passed_over() -> None:
    assert saved.read(changed(lambda state: state.update(colour="green")), [BROKER]).states == known(eventful())


def test_clock_that_was_never_set_can_be_saved() -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC)
    assert saved.read(saved.write((), at), [BROKER]).saved_at == at
