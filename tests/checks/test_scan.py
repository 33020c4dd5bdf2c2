"""What a scan told is worded: how grave it is, and what it was compared with."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.checks.scan import scanned
from monitor.demo.pki import issue
from monitor.model.broker import TlsVersion
from monitor.model.facts import CertificateFacts
from monitor.model.judgement import Finding, Severity
from monitor.model.scan import ScanFacts, Weakness, WeakSuite
from monitor.x509.certificate import read_chain
from tests.checks.served import DAY, INTERMEDIATE, LEAF, NOW, broker

Chain = tuple[CertificateFacts, ...]
SERVED = read_chain([LEAF.der, INTERMEDIATE.der])
SUITES = (
    WeakSuite(name="TLS_RSA_WITH_RC4_128_SHA", weakness=Weakness.RC4),
    WeakSuite(name="TLS_RSA_WITH_3DES_EDE_CBC_SHA", weakness=Weakness.TRIPLE_DES),
)


def found(**told: object) -> list[Finding]:
    return list(scanned(broker(), ScanFacts(at=NOW, address="127.0.0.1", **told), NOW))  # type: ignore[arg-type]


def other(names: tuple[str, ...] = ("DNS:localhost",), *, ends_in: timedelta = 90 * DAY) -> Chain:
    made = issue(
        now=NOW,
        issuer=INTERMEDIATE,
        subject="other",
        names=names,
        not_before=NOW - 80 * DAY,
        not_after=NOW + ends_in,
    )
    return read_chain([made.der])


def test_without_a_scan_there_is_nothing_to_say() -> None:
    assert list(scanned(broker(), None, NOW)) == []


def test_what_was_not_told_is_no_finding() -> None:
    assert found(untold=("TLS 1.0: the broker hung up without a word",)) == []
    assert found(served=SERVED, without_name=SERVED, for_ecdsa=SERVED, has_secure_renegotiation=True) == []
    assert found(served=SERVED, without_name=(), for_rsa=()) == []
    assert found(without_name=other(), for_rsa=other()) == [], "there is nothing to compare it with"


def test_versions_and_suites_are_named() -> None:
    [versions] = found(old_versions=(TlsVersion.V1_0, TlsVersion.V1_1))
    assert "accepts TLS 1.0 and TLS 1.1 from" in versions.message
    [suites] = found(weak_suites=SUITES)
    assert suites.message.endswith("TLS_RSA_WITH_RC4_128_SHA (RC4), TLS_RSA_WITH_3DES_EDE_CBC_SHA (3DES).")


@pytest.mark.parametrize("weakness", Weakness)
def test_every_weakness_has_a_word(weakness: Weakness) -> None:
    [finding] = found(weak_suites=(WeakSuite(name="TLS_X", weakness=weakness),))
    assert "TLS_X (" in finding.message


def test_default_certificate_for_another_name_is_graver_than_one_for_this_name() -> None:
    [finding] = found(served=SERVED, without_name=other(("DNS:default.example",)))
    assert (finding.code, finding.severity) == ("certificate_without_name", Severity.WARNING)
    assert "(CN=other), which is not for localhost" in finding.message
    [finding] = found(served=SERVED, without_name=other())
    assert (finding.code, finding.severity) == ("certificate_without_name", Severity.INFO)


def test_refusal_for_want_of_a_name_names_the_alert() -> None:
    [finding] = found(served=SERVED, refusal_without_name="unrecognized_name")
    assert finding.message.endswith("with the alert unrecognized_name.")


@pytest.mark.parametrize(
    ("second", "severity", "said"),
    [
        (other(), Severity.INFO, "(CN=other, valid until 2027-02-21 12:00:00 UTC)."),
        (other(ends_in=-DAY), Severity.WARNING, ": it has expired."),
        (other(ends_in=3 * DAY), Severity.WARNING, ": it will expire soon."),
        (other(("DNS:old.example",)), Severity.WARNING, ": it is not for localhost."),
        (other(("DNS:old.example",), ends_in=-DAY), Severity.WARNING, "it has expired and it is not for localhost."),
    ],
)
def test_second_certificate_is_looked_at_like_the_first(second: Chain, severity: Severity, said: str) -> None:
    [finding] = found(served=SERVED, for_rsa=second, for_ecdsa=SERVED)
    assert (finding.code, finding.severity) == ("certificate_second", severity)
    assert finding.message.startswith("Clients that take RSA keys alone are served another certificate (CN=other")
    assert finding.message.endswith(said)
