"""The TLS engine against peers that refuse, lie, or speak something else: only `ConnectionEnded` ever comes out."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from OpenSSL import SSL
from OpenSSL._util import ffi as _ffi
from OpenSSL._util import lib as _lib

from monitor.demo.pki import Issued
from monitor.model.broker import TlsVersion
from monitor.model.reasons import ALERTS, UNKNOWN_ALERT
from monitor.wire.ending import ConnectionEnded, End, Ending
from monitor.wire.engine import TlsEngine, _alert
from tests.support.pki import TestPki
from tests.support.tls_peer import MemoryServer, server_context, shake_hands

VERSIONS = [TlsVersion.V1_2, TlsVersion.V1_3]
FATAL, WARNING = 2, 1
_ERR_LIB_SSL = 20  # <openssl/err.h>
_REASON_OFFSET = 23  # ERR_PACK
_SSL_AD_REASON_OFFSET = 1000


@pytest.fixture(autouse=True)
def _error_queue_stays_clean(pki: TestPki) -> object:
    """OpenSSL keeps one error queue per thread: what one connection leaves there, another takes for its own."""
    assert _lib.ERR_peek_error() == 0
    yield
    assert _lib.ERR_peek_error() == 0


def _begun(**options: object) -> TlsEngine:
    engine = TlsEngine(server_name="localhost", **options)  # type: ignore[arg-type]
    engine.handshake()
    return engine


def _ending(engine: TlsEngine, ciphertext: bytes) -> Ending | None:
    """Feed everything and go on as far as it leads; None where the engine waits for more."""
    try:
        if ciphertext:
            engine.feed(ciphertext)
        if engine.is_complete or engine.handshake():
            while engine.read():
                pass
    except ConnectionEnded as ended:
        return ended.ending
    return None


def _flight(engine: TlsEngine, server: MemoryServer) -> bytes:
    server.feed(engine.take())
    return server.take()


def _alert_record(level: int, number: int) -> bytes:
    return bytes((21, 3, 3, 0, 2, level, number))


@pytest.mark.parametrize("number", range(1, 256))
def test_a_fatal_alert_has_its_name_or_is_unknown(number: int) -> None:
    ending = _ending(_begun(), _alert_record(FATAL, number))
    assert ending is not None
    assert ending.end is End.ALERT
    assert ending.alert == ALERTS.get(number, UNKNOWN_ALERT)
    assert ending.detail


def test_close_notify_instead_of_an_answer_is_an_orderly_end() -> None:
    ending = _ending(_begun(), _alert_record(WARNING, 0))
    assert ending is not None
    assert ending.end is End.CLOSE_NOTIFY


def test_a_warning_does_not_end_the_handshake(pki: TestPki) -> None:
    engine, server = _begun(), MemoryServer(server_context(*pki.chain, version=TlsVersion.V1_2))
    assert _ending(engine, _alert_record(WARNING, 112)) is None  # unrecognized_name, as some servers warn
    engine.feed(_flight(engine, server))
    shake_hands(engine, server)
    assert engine.is_complete


def test_an_alert_of_no_level_is_a_breach_and_no_alert() -> None:
    ending = _ending(_begun(), _alert_record(7, 40))
    assert ending is not None
    assert ending.end is End.TLS_ERROR
    assert ending.alert is None


@pytest.mark.parametrize("version", VERSIONS)
def test_an_alert_after_the_handshake_has_its_name(pki: TestPki, version: TlsVersion) -> None:
    # A client that offers nothing is refused by this server with a fatal alert: in 1.3 after our handshake.
    engine = _begun()
    server = MemoryServer(server_context(*pki.chain, version=version, demands_certificate=True))
    engine.feed(_flight(engine, server))
    assert engine.handshake() is (version is TlsVersion.V1_3)
    with pytest.raises(SSL.Error, match="peer did not return a certificate"):
        server.feed(engine.take())
    ending = _ending(engine, server.take())
    assert ending is not None
    expected = "certificate_required" if version is TlsVersion.V1_3 else "handshake_failure"
    assert (ending.end, ending.alert) == (End.ALERT, expected)


def test_none_of_openssls_own_reasons_reads_like_an_alert() -> None:
    read_as_alert = {}
    for number in range(1, _SSL_AD_REASON_OFFSET):
        text = _lib.ERR_reason_error_string((_ERR_LIB_SSL << _REASON_OFFSET) | number)
        if text != _ffi.NULL and _alert("SSL routines", _ffi.string(text).decode()):
            read_as_alert[number] = _ffi.string(text)
    assert read_as_alert == {}


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"220 mail.test ESMTP\r\n",
        b"\x20\x02\x00\x00",
        b"\x00" * 64,
        b"\xff" * 64,
        b"\x16\x02",
        b"<",
    ],
)
def test_an_answer_in_another_protocol_is_not_tls_and_is_quoted(start: bytes) -> None:
    ending = _ending(_begun(), start)
    assert ending is not None
    assert ending.end is End.NOT_TLS
    assert repr(start[:16]) in ending.detail


def test_a_record_that_only_looks_like_tls_is_no_alert() -> None:
    for answer in (b"\x16\x03\x03\x00\x00" * 40, b"\x16\x03\x03\x40\x01" + b"x" * 0x4001, b"\x17\x03\x03\x00\x01x"):
        ending = _ending(_begun(), answer)
        assert ending is not None
        assert ending.end in {End.TLS_ERROR, End.NOT_TLS, End.TOO_MUCH_DATA}


def _point(issued: Issued) -> bytes:
    return issued.certificate.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def test_a_key_that_does_not_belong_to_the_certificate_is_a_bad_signature(pki: TestPki) -> None:
    engine, server = _begun(), MemoryServer(server_context(*pki.chain, version=TlsVersion.V1_2))
    flight = _flight(engine, server)
    assert _point(pki.leaf) in flight
    ending = _ending(engine, flight.replace(_point(pki.leaf), _point(pki.client)))
    assert ending is not None
    assert ending.end is End.BAD_SIGNATURE


def test_a_certificate_that_cannot_be_decoded_is_unreadable(pki: TestPki) -> None:
    engine, server = _begun(), MemoryServer(server_context(*pki.chain, version=TlsVersion.V1_2))
    ending = _ending(engine, _flight(engine, server).replace(pki.leaf.der, b"\x31" + pki.leaf.der[1:]))
    assert ending is not None
    assert ending.end is End.CERTIFICATE_UNREADABLE


def test_a_public_key_on_an_unknown_curve_is_unreadable(pki: TestPki) -> None:
    engine, server = _begun(), MemoryServer(server_context(*pki.chain, version=TlsVersion.V1_2))
    p256 = bytes.fromhex("06082a8648ce3d030107")
    broken = pki.leaf.der.replace(p256, p256[:-1] + b"\x63")
    ending = _ending(engine, _flight(engine, server).replace(pki.leaf.der, broken))
    assert ending is not None
    assert ending.end is End.CERTIFICATE_UNREADABLE


@pytest.mark.parametrize("version", VERSIONS)
def test_garbage_after_the_server_hello_is_a_breach(pki: TestPki, version: TlsVersion) -> None:
    engine, server = _begun(), MemoryServer(server_context(*pki.chain, version=version))
    flight = _flight(engine, server)
    hello = flight[: 5 + int.from_bytes(flight[3:5], "big")]
    ending = _ending(engine, hello + bytes(range(256)) * 4)
    assert ending is not None
    assert ending.end in {End.TLS_ERROR, End.NOT_TLS}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_broken_record_after_the_handshake_is_a_breach_and_what_came_before_is_kept(
    pki: TestPki, version: TlsVersion
) -> None:
    engine, server = TlsEngine(server_name=None), MemoryServer(server_context(*pki.chain, version=version))
    shake_hands(engine, server)
    good, bad = server.seal(b"good"), bytearray(server.seal(b"bad"))
    bad[-1] ^= 1
    engine.feed(good + bytes(bad))
    assert engine.read() == b"good"
    with pytest.raises(ConnectionEnded) as caught:
        engine.read()
    assert caught.value.ending.end is End.TLS_ERROR


_FUZZ = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_FLIPS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4)


def _flipped(data: bytes, flips: list[tuple[float, int]]) -> bytes:
    changed = bytearray(data)
    for place, mask in flips:
        changed[int(place * len(changed))] ^= mask
    return bytes(changed)


@pytest.mark.parametrize("version", VERSIONS)
@_FUZZ
@given(flips=_FLIPS, cut=st.floats(0, 1))
def test_a_server_flight_with_wrong_bytes_ends_or_waits(
    pki: TestPki, version: TlsVersion, flips: list[tuple[float, int]], cut: float
) -> None:
    engine = _begun()
    context = server_context(*pki.chain, version=version, asks_for_certificate=True, accepted_cas=(pki.root,))
    flight = _flipped(_flight(engine, MemoryServer(context)), flips)
    at = int(cut * len(flight))
    first = _ending(engine, flight[:at]) if at else None
    ending = first or _ending(engine, flight[at:])
    assert ending is None or ending.detail
    served = engine.served()
    assert len(served.chain) <= 2
    engine.take()
    assert _lib.ERR_peek_error() == 0


@pytest.mark.parametrize("version", VERSIONS)
@_FUZZ
@given(flips=_FLIPS)
def test_application_records_with_wrong_bytes_end_or_wait(
    pki: TestPki, version: TlsVersion, flips: list[tuple[float, int]]
) -> None:
    engine, server = TlsEngine(server_name=None), MemoryServer(server_context(*pki.chain, version=version))
    shake_hands(engine, server)
    ending = _ending(engine, _flipped(server.seal(b"first") + server.seal(b"second") + server.close_notify(), flips))
    assert ending is None or ending.end in {End.TLS_ERROR, End.NOT_TLS, End.TOO_MUCH_DATA, End.CLOSE_NOTIFY}
    assert _lib.ERR_peek_error() == 0


@_FUZZ
@given(st.binary(min_size=1, max_size=400))
def test_any_bytes_instead_of_an_answer_end_or_wait(answer: bytes) -> None:
    engine = _begun()
    ending = _ending(engine, answer)
    assert ending is None or ending.detail
    assert engine.served().chain == ()


def test_after_every_kind_of_failure_the_next_connection_is_well(pki: TestPki) -> None:
    for answer in (_alert_record(FATAL, 40), _alert_record(FATAL, 200), b"\x17\x03\x03\x00\x01x", b"no TLS"):
        assert _ending(_begun(), answer) is not None
        engine, server = TlsEngine(server_name=None), MemoryServer(server_context(*pki.chain))
        shake_hands(engine, server)
        assert engine.is_complete


def test_writing_after_a_failure_ends_too(pki: TestPki) -> None:
    engine, server = TlsEngine(server_name=None), MemoryServer(server_context(*pki.chain))
    shake_hands(engine, server)
    engine.close_notify()
    with pytest.raises(ConnectionEnded):
        engine.write(b"too late")
