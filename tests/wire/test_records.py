"""Record headers: counting them in a stream cut anywhere, and reading the client's own flight."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.demo.pki import issue
from monitor.model.broker import ClientIdentity, TlsVersion
from monitor.wire.engine import TlsEngine
from monitor.wire.records import (
    APPLICATION_DATA,
    HANDSHAKE,
    ClientFlight,
    Record,
    RecordCounter,
    looks_like_tls,
    read_client_flight,
    split,
)
from tests.support.pki import TestPki, identity_of
from tests.support.tls_peer import MemoryServer, server_context

_RECORDS = st.lists(
    st.builds(Record, st.sampled_from((20, 21, HANDSHAKE, APPLICATION_DATA)), st.binary(max_size=40)), max_size=8
)


def _wire(record: Record) -> bytes:
    return bytes((record.content_type, 3, 3)) + len(record.body).to_bytes(2, "big") + record.body


def _stream(records: list[Record]) -> bytes:
    return b"".join(_wire(record) for record in records)


@given(_RECORDS)
def test_whole_records_are_split_as_they_were_joined(records: list[Record]) -> None:
    assert split(_stream(records)) == records


@given(_RECORDS, st.binary(min_size=1, max_size=20), st.data())
def test_a_partial_record_at_the_end_is_left_out(records: list[Record], body: bytes, data: st.DataObject) -> None:
    partial = _wire(Record(HANDSHAKE, body))
    cut = data.draw(st.integers(0, len(partial) - 1))
    assert split(_stream(records) + partial[:cut]) == records


@given(st.binary(max_size=200))
def test_any_bytes_can_be_split(data: bytes) -> None:
    records = split(data)
    assert sum(5 + len(record.body) for record in records) <= len(data)


@given(_RECORDS)
def test_byte_by_byte_every_record_is_counted_when_its_last_byte_comes(records: list[Record]) -> None:
    counter = RecordCounter()
    for before, record in enumerate(records):
        wire = _wire(record)
        for byte in wire[:-1]:
            counter.feed(bytes((byte,)))
            assert counter.whole == before
        counter.feed(wire[-1:])
        assert counter.whole == before + 1


@given(_RECORDS, st.binary(max_size=4), st.lists(st.integers(0, 400), max_size=12))
def test_cut_anywhere_the_count_is_the_same(records: list[Record], tail: bytes, cuts: list[int]) -> None:
    stream = _stream(records) + tail
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    counter = RecordCounter()
    for start, end in pairwise(edges):
        counter.feed(stream[start:end])
    assert counter.whole == len(records)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"\x16", True),
        (b"\x16\x03\x03", True),
        (b"\x15\x03\x01\x00\x02", True),
        (b"\x14\x03", True),
        (b"\x17\x03", True),
        (b"\x16\x02", False),
        (b"\x18\x03", False),
        (b"HTTP/1.1", False),
        (b"\x20\x02\x00\x01", False),
        (b"\x00", False),
    ],
)
def test_what_can_be_tls_is_told_from_the_first_bytes(start: bytes, expected: bool) -> None:
    assert looks_like_tls(start) is expected


def test_an_empty_flight_carries_nothing() -> None:
    assert read_client_flight(b"", is_tls13=True) == ClientFlight(False, False)
    assert read_client_flight(b"", is_tls13=False) == ClientFlight(False, False)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_can_be_read_as_a_flight(data: bytes, is_tls13: bool) -> None:
    assert isinstance(read_client_flight(data, is_tls13=is_tls13), ClientFlight)


def _large_identity(pki: TestPki) -> ClientIdentity:
    # More than a record holds (16 KiB), so that the Certificate message takes several.
    names = [f"DNS:host-{number}.{'x' * 50}.test" for number in range(330)]
    leaf = issue(now=pki.now, issuer=pki.intermediate, names=names, extended_key_usage=("clientAuth",))
    assert len(leaf.der) > 20_000
    return identity_of(leaf, pki.intermediate, pki.root)


@pytest.mark.parametrize("version", [TlsVersion.V1_2, TlsVersion.V1_3])
@pytest.mark.parametrize(
    ("asked", "identity", "expected"),
    [
        (False, "none", ClientFlight(False, False)),
        (False, "small", ClientFlight(False, False)),
        (True, "none", ClientFlight(True, False)),
        (True, "small", ClientFlight(True, True)),
        (True, "large", ClientFlight(True, True)),
    ],
)
def test_our_own_flight_shows_whether_a_certificate_was_asked_for_and_is_in_it(
    pki: TestPki, version: TlsVersion, asked: bool, identity: str, expected: ClientFlight
) -> None:
    identities = {"none": None, "small": pki.client_identity, "large": _large_identity(pki)}
    engine = TlsEngine(server_name="localhost", identity=identities[identity])
    server = MemoryServer(server_context(*pki.chain, version=version, asks_for_certificate=asked))
    engine.handshake()
    server.feed(engine.take())
    engine.feed(server.take())
    engine.handshake()
    assert engine.client_flight(engine.take()) == expected
