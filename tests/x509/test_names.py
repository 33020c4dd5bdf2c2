"""RFC 9525 6, clause by clause."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.demo.pki import issue
from monitor.x509.certificate import read_chain
from monitor.x509.names import matches
from tests.x509 import odd

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMED = (
    "DNS:broker.example",
    "DNS:*.wild.example",
    "DNS:UPPER.example",
    "IP:192.0.2.1",
    "IP:2001:db8::1",
    "IP:fe80::1",
)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("broker.example", True),
        ("BROKER.example", True),
        ("upper.EXAMPLE", True),
        ("sub.broker.example", False),
        ("example", False),
        ("one.wild.example", True),
        ("two.one.wild.example", False),
        ("wild.example", False),
        (".wild.example", False),
        ("xn--bcher-kva.wild.example", False),
        ("192.0.2.1", True),
        ("192.0.2.2", False),
        ("2001:db8::1", True),
        ("2001:0db8:0:0:0:0:0:1", True),
        ("fe80::1%eth0", True),
        ("::ffff:192.0.2.1", False),
        ("", False),
        ("a b", False),
        ("*.wild.example", False),
        ("ä" * 80, False),
    ],
)
def test_reference_matches_only_entries_of_its_own_kind(reference: str, expected: bool) -> None:
    certificate = read_chain([issue(now=NOW, names=NAMED).der])[0]
    assert matches(certificate, reference) is expected


def test_address_written_as_a_dns_name_matches_no_address() -> None:
    certificate = read_chain([issue(now=NOW, names=("DNS:192.0.2.1",)).der])[0]
    assert not matches(certificate, "192.0.2.1")


def test_common_name_counts_for_nothing() -> None:
    certificate = read_chain([issue(now=NOW, subject="broker.example", names=None).der])[0]
    assert not matches(certificate, "broker.example")


@pytest.mark.parametrize(
    ("pattern", "reference"),
    [
        (b"f*.example.com", "foo.example.com"),
        (b"*o.example.com", "foo.example.com"),
        (b"a.*.example.com", "a.b.example.com"),
        (b"*.*.example.com", "a.b.example.com"),
        (b"*", "localhost"),
        (b"*.", "localhost"),
        (b"*.com", "example.com"),
        (b"**.example.com", "foo.example.com"),
        (b"localhost\x00.evil.example", "localhost"),
        (b" localhost", "localhost"),
        (b"localhost.", "localhost"),
        (b".localhost", "localhost"),
        (b"..", "localhost"),
        (b"12345", "localhost"),
        (b"xn--", "localhost"),
    ],
)
def test_odd_pattern_matches_nothing_and_spoils_no_other(pattern: bytes, reference: str) -> None:
    alone = odd.certificate(extensions=(odd.subject_alt_name(odd.tlv(0x82, pattern)),))
    assert not matches(read_chain([alone])[0], reference)
    beside = odd.subject_alt_name(odd.tlv(0x82, pattern), odd.tlv(0x82, reference.encode()))
    assert matches(read_chain([odd.certificate(extensions=(beside,))])[0], reference)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80), st.lists(st.binary(max_size=40), max_size=5))
def test_no_reference_and_no_pattern_ever_raises(reference: str, patterns: list[bytes]) -> None:
    entries = [odd.tlv(0x82, pattern) for pattern in patterns]
    certificate = odd.certificate(extensions=(odd.subject_alt_name(*entries),))
    matches(read_chain([certificate])[0], reference)
