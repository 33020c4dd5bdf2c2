"""The ClientHello of our own is one, and whatever answers it is read, awaited or refused, never stumbled over."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.broker import TlsVersion
from monitor.model.reasons import ALERTS
from monitor.model.scan import Weakness
from monitor.wire.hello import (
    RENEGOTIATION_INFO,
    Alert,
    ServerHello,
    client_hello,
    close_notify,
    read_answer,
    read_certificates,
)
from monitor.wire.suites import ECDSA_SUITES, RSA_SUITES, WEAK_SUITES, weakness
from tests.support.client_hello import hello_message, parse_hello
from tests.support.server_hello import RANDOM, certificates, record, server_hello
from tests.support.tls_records import ContentType, message, plain_record


def alert(level: int, description: int) -> bytes:
    return plain_record(ContentType.ALERT, bytes((level, description)))


@pytest.mark.parametrize("version", [TlsVersion.V1_0, TlsVersion.V1_1, TlsVersion.V1_2])
@pytest.mark.parametrize("server_name", ["mqtt.example.org", None])
def test_hello_offers_what_it_is_told_to(version: TlsVersion, server_name: str | None) -> None:
    sent = client_hello(version, tuple(WEAK_SUITES), server_name=server_name, random=RANDOM)
    whole = hello_message(sent)
    assert whole is not None
    hello = parse_hello(whole)
    assert (hello.random, hello.server_name) == (RANDOM, server_name)
    assert hello.cipher_suites == tuple(WEAK_SUITES)
    assert hello.versions == ()
    assert whole[4:6] == {"1.0": b"\3\1", "1.1": b"\3\2", "1.2": b"\3\3"}[version]
    assert sent[:3] == b"\x16\3\1"
    assert len(sent) < 512, "longer ones trouble old servers"


def test_choice_is_read_with_and_without_extensions() -> None:
    plain = ServerHello(version=0x0301, suite=0x0005, extensions=frozenset())
    assert read_answer(record(server_hello(0x0301, 0x0005, session_id=b"x" * 32))) == plain
    rich = read_answer(record(server_hello(0x0303, 0xC02F, RENEGOTIATION_INFO, 11)))
    assert rich == ServerHello(version=0x0303, suite=0xC02F, extensions=frozenset({RENEGOTIATION_INFO, 11}))


@pytest.mark.parametrize(("number", "name"), [*ALERTS.items(), (0, "close_notify"), (255, "unknown")])
def test_fatal_alert_is_a_refusal(number: int, name: str) -> None:
    assert read_answer(alert(2, number)) == Alert(name)


def test_warning_comes_before_the_choice_and_is_none_itself() -> None:
    assert read_answer(alert(1, 112)) is None
    assert isinstance(read_answer(alert(1, 112) + record(server_hello())), ServerHello)
    assert read_answer(alert(1, 112) + alert(2, 40)) == Alert("handshake_failure")
    assert read_answer(alert(1, 0)) == Alert("close_notify")


def test_certificates_are_read_over_records_of_any_size() -> None:
    flight = server_hello() + certificates(b"leaf" * 30, b"issuer" * 40) + message(14, b"")
    for size in (1, 7, 100, len(flight)):
        pieces = b"".join(record(flight[at : at + size]) for at in range(0, len(flight), size))
        assert isinstance(read_answer(pieces), ServerHello)
        assert read_certificates(pieces) == (b"leaf" * 30, b"issuer" * 40)


def test_anonymous_server_serves_no_certificates() -> None:
    assert read_certificates(record(server_hello() + message(12, b"key") + message(14, b""))) == ()


def test_every_beginning_of_an_answer_is_waited_for() -> None:
    choice = record(server_hello(0x0303, 0x000A, RENEGOTIATION_INFO))
    assert all(read_answer(choice[:length]) is None for length in range(len(choice)))
    whole = record(server_hello() + certificates(b"leaf"))
    assert all(read_certificates(whole[:length]) is None for length in range(len(whole)))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\x20\x02\x00\x00",  # CONNACK
        record(message(1, b"")),
        record(message(2, b"\3\3" + RANDOM + b"\xff\0\5\0")),
        record(message(2, b"\3\3" + RANDOM)),
        record(message(2, server_hello()[4:] + b"\0\5\0")),
        record(b"\x02\xff\xff\xff"),
        plain_record(ContentType.ALERT, b"\2"),
        record(b"") * 1025,
        record(b"\x0b\0\xff\xff" + bytes(16000)) * 9,
    ],
)
def test_what_is_no_answer_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_answer(answer)


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x16\3\3", b"\x15\3\3", record(b""), b"\x16\3\3\0\x30\2\0\0"]))
def test_arbitrary_bytes_are_read_awaited_or_refused(noise: bytes, start: bytes) -> None:
    for read in (read_answer, read_certificates):
        with suppress(ValueError):
            read(start + noise)


@given(st.integers(0, 200), st.binary(min_size=1, max_size=3), st.integers(0, 250))
def test_damaged_flights_are_read_awaited_or_refused(at: int, damage: bytes, cut: int) -> None:
    flight = bytearray(
        record(server_hello(0x0303, 0xC02F, RENEGOTIATION_INFO) + certificates(b"leaf" * 20, b"ca" * 20))
    )
    flight[at : at + len(damage)] = damage
    for read in (read_answer, read_certificates):
        with suppress(ValueError):
            read(bytes(flight[: len(flight) - cut]))


def test_goodbye_is_a_close_notify() -> None:
    assert close_notify(0x0302) == b"\x15\3\2\0\2\1\0"
    assert read_answer(close_notify(0x0303)) == Alert("close_notify")


def test_each_weak_suite_says_what_is_weak_and_no_other_does() -> None:
    assert {weakness(name) for name in WEAK_SUITES.values()} == set(Weakness)
    assert not any(map(weakness, (*RSA_SUITES.values(), *ECDSA_SUITES.values())))
    assert weakness("TLS_DH_anon_EXPORT_WITH_RC4_40_MD5") is Weakness.ANONYMOUS
