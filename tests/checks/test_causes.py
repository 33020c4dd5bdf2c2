"""Every finding has a cause here, a broker that is well has no finding, and the new ones say what they saw."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from monitor.checks.assess import Assessor
from monitor.checks.words.certificates import FINDINGS
from monitor.demo.pki import issue
from monitor.model.broker import Broker, Policy
from monitor.model.chain_file import ChainFile, KeyFile
from monitor.model.facts import TlsFacts
from monitor.model.judgement import Finding, Severity
from monitor.model.reasons import VERIFY_FINDINGS
from monitor.x509.certificate import read_chain
from tests.checks import causes
from tests.checks.causes import CAUSES, REMARKS, Cause, aware, curve_key, public, public_leaf, rsa_key
from tests.checks.served import DAY, INTERMEDIATE, LEAF, NOW, ROOT, broker, handshake, report
from tests.x509 import odd

OF_FILES = {"key_mismatch", "name_not_checked"}
NO_WORSE_ELSEWHERE = {"certificate_not_yet_valid", "chain_incomplete", "chain_untrusted", "certificate_expiring"}
"""Critical in a file, and yet the file may be right: another moment, or another trust, and it can be installed."""


def found(tls: TlsFacts, of: Broker | None = None, *, now: datetime = NOW) -> dict[str, Finding]:
    return {each.code: each for each in Assessor().assess(report(tls), of or broker(), now).findings}


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.code)
def test_cause_brings_its_finding_about(cause: Cause) -> None:
    tls, of = cause.tls(), cause.broker()
    seen = report(tls, mqtt=cause.mqtt, elapsed_s=cause.elapsed_s, left_out=cause.left_out)
    findings = Assessor().assess(seen, of, NOW, cause.known()).findings
    assert cause.code in [each.code for each in findings]
    refusal = Assessor().verify(tls, of, NOW)
    if cause.code in VERIFY_FINDINGS:
        assert refusal is not None
        assert refusal.code == cause.code, "nothing else is the matter"
    elif refusal is not None:
        # What no library would issue is signed by nobody.
        assert cause.code in {"certificate_unreadable", "signature_weak"}


def test_file_with_anothers_key_and_without_a_name_brings_its_findings_about() -> None:
    file = ChainFile(
        source="chain.pem",
        certificates=read_chain([LEAF.der, INTERMEDIATE.der]),
        damaged=frozenset(),
        key=KeyFile(source="other.key", belongs_to=(False, False)),
    )
    trust = broker().tls.trust
    assessment = Assessor().inspect(file, trust=trust, names=(), policy=Policy(), now=NOW)
    assert {each.code for each in assessment.findings} == OF_FILES


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.code)
def test_inspect_of_the_same_certificates_speaks_of_no_broker_that_shows_them(cause: Cause) -> None:
    of = cause.broker()
    file = ChainFile(source="chain.pem", certificates=cause.tls().certificates)
    assessment = Assessor().inspect(
        file, trust=of.tls.trust, names=(of.tls.server_name,), policy=replace(of.policy, remarks=True), now=NOW
    )
    for each in assessment.findings:
        assert not re.search(
            r"\bserve[sd]?\b|broker (sends|sent|shows|chose)|(was|were) sent|take up|disk|[Pp]ut the previous|"
            r"monitor's configuration|`(ca_file|host|server_name)`",
            f"{each.message} {each.fix}",
        )
        is_for_nobody = each.severity is Severity.CRITICAL and each.code not in NO_WORSE_ELSEWHERE
        assert each.fix.startswith("Do not install") is is_for_nobody


def test_no_finding_is_without_a_cause() -> None:
    assert [cause.code for cause in CAUSES] == [entry.code for entry in FINDINGS if entry.code not in OF_FILES]


# Nothing is said of a broker that is well.


@pytest.mark.parametrize("days", [6, 47, 90, 397, 825])
@pytest.mark.parametrize("is_root_sent", [False, True])
@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)])
def test_ordinary_certificate_of_an_own_ca_has_no_findings(
    days: int, is_root_sent: bool, key: rsa.RSAPrivateKey
) -> None:
    root = issue(now=NOW, is_ca=True, key=key, key_usage=None)
    leaf = issue(now=NOW, issuer=root, key=key, not_before=NOW, not_after=NOW + days * DAY)
    served = handshake(leaf, root) if is_root_sent else handshake(leaf)
    for tls in (served, replace(served, version="TLSv1.2", cipher="ECDHE-RSA-AES256-GCM-SHA384")):
        assert found(tls, broker(root)) == {}


def test_own_ca_in_the_systems_store_is_not_held_to_the_rules_for_public_ones() -> None:
    leaf = issue(now=NOW, issuer=INTERMEDIATE, names=("DNS:localhost", "IP:192.168.1.10"), not_after=NOW + 800 * DAY)
    assert found(handshake(leaf, INTERMEDIATE), public(broker())) == {}


def test_ordinary_certificate_of_a_public_ca_has_no_findings() -> None:
    of = public(broker(server_name="mqtt.example.org"))
    assert found(handshake(public_leaf(), INTERMEDIATE), of) == {}


# The chain.


def test_several_broken_limits_are_all_named() -> None:
    ca = issue(now=NOW, issuer=ROOT, is_ca=False, subject="no CA")
    leaf = issue(now=NOW, issuer=ca, extensions=((causes.UNKNOWN_EXTENSION, True),))
    codes = found(handshake(leaf, ca))
    assert {"chain_issuer_not_ca", "chain_critical_extension"} <= set(codes)
    assert "chain_invalid" not in codes
    assert "1.3.6.1.4.1.99999.1" in codes["chain_critical_extension"].message


def test_ca_that_may_not_sign_certificates_is_no_issuer() -> None:
    finding = found(causes.below(key_usage=("cRLSign",)))["chain_issuer_not_ca"]
    assert "keyUsage without keyCertSign" in finding.message
    assert finding.certificate == 1


def test_limit_of_an_anchor_that_was_not_sent_counts() -> None:
    root = issue(now=NOW, is_ca=True, path_length=0)
    ca = issue(now=NOW, issuer=root, is_ca=True)
    finding = found(handshake(issue(now=NOW, issuer=ca), ca), broker(root))["chain_path_length"]
    assert "allows 0 further CAs between itself and the broker's certificate (pathlen:0), and there are 1" in (
        finding.message
    )


def test_name_constraints_say_who_limits_and_which_names_are_outside() -> None:
    message = found(causes.below(extensions=((causes.NARROW, True),)))["chain_name_constraints"].message
    assert "CN=Odd CA" in message
    assert "DNS:localhost" in message


def test_pile_beside_a_sound_path_is_only_a_warning() -> None:
    pile = [causes.OTHER_ROOT] * 16
    assert found(handshake(LEAF, INTERMEDIATE, *pile))["chain_left_out"].severity is Severity.WARNING


def test_certificates_that_were_not_even_read_are_counted_among_those_left_out() -> None:
    served = replace(handshake(LEAF, INTERMEDIATE), certificates_left_out=300)
    assert "300 of 302 certificates" in found(served)["chain_left_out"].message
    incomplete = replace(handshake(LEAF), certificates_left_out=300)
    assert found(incomplete)["chain_left_out"].severity is Severity.CRITICAL


def test_strangers_are_counted_and_do_not_count_as_disorder() -> None:
    stray = issue(now=NOW, is_ca=True, subject="Stray")
    codes = found(handshake(LEAF, stray, causes.OTHER_ROOT, INTERMEDIATE))
    assert set(codes) == {"chain_foreign"}
    assert codes["chain_foreign"].message.endswith("The same holds for 1 more.")


def test_nothing_is_called_foreign_where_a_name_cannot_be_read() -> None:
    nameless = odd.certificate(issuer=odd.tlv(0x30, b"\x31\x05"))
    assert "chain_foreign" not in found(handshake(nameless, INTERMEDIATE))
    assert "chain_foreign" not in found(
        handshake(LEAF, INTERMEDIATE, odd.certificate(subject=odd.tlv(0x30, b"\x31\x05")))
    )
    assert "chain_foreign" in found(handshake(LEAF, INTERMEDIATE, odd.certificate()))


def test_expired_twin_of_a_served_root_is_the_old_way_up() -> None:
    message = found(causes.cross_signed_expired())["chain_cross_signed_expired"].message
    assert "CN=Test root CA" in message
    assert "expired on 2026-11-22" in message


# Time.


@pytest.mark.parametrize(
    ("lifetime", "left", "severity"),
    [
        (6, 1.51, None),
        (6, 1.5, Severity.WARNING),
        (6, 6 / 12, Severity.CRITICAL),
        (47, 11.8, None),
        (47, 11.7, Severity.WARNING),
        (47, 3.9, Severity.CRITICAL),
        (90, 21.1, None),
        (90, 21, Severity.WARNING),
        (90, 7, Severity.CRITICAL),
        (3650, 21.1, None),
    ],
)
def test_expiry_counts_by_share_of_the_lifetime_where_that_is_shorter(
    lifetime: float, left: float, severity: Severity | None
) -> None:
    end = NOW + timedelta(days=left)
    leaf = issue(now=NOW, issuer=INTERMEDIATE, not_before=end - timedelta(days=lifetime), not_after=end)
    codes = found(handshake(leaf, INTERMEDIATE))
    assert (codes["certificate_expiring"].severity if codes else None) == severity


@pytest.mark.parametrize(
    ("issued", "limit"),
    [
        (aware(2026, 3, 14), 398),
        (aware(2026, 3, 15), 200),
        (aware(2027, 3, 14), 200),
        (aware(2027, 3, 15), 100),
        (aware(2029, 3, 14), 100),
        (aware(2029, 3, 15), 47),
    ],
)
def test_public_certificates_may_last_by_their_day_of_issue(issued: datetime, limit: int) -> None:
    root = issue(now=issued, is_ca=True)
    of = public(broker(root, server_name="mqtt.example.org"))
    now = issued + DAY
    assert found(handshake(public_leaf(issuer=root, not_before=issued, days=limit)), of, now=now) == {}
    codes = found(handshake(public_leaf(issuer=root, not_before=issued, days=limit + 0.5)), of, now=now)
    assert f"longer than the {limit} days" in codes["lifetime_too_long"].message
    assert codes["lifetime_too_long"].severity is Severity.WARNING


def test_long_life_below_a_private_ca_is_a_remark() -> None:
    leaf = handshake(issue(now=NOW, issuer=INTERMEDIATE, not_after=NOW + 900 * DAY), INTERMEDIATE)
    assert found(leaf) == {}
    assert found(leaf, broker(policy=REMARKS))["lifetime_too_long"].severity is Severity.INFO


def test_leaf_that_outlives_its_issuer_names_the_ca_and_its_end() -> None:
    served = handshake(issue(now=NOW, issuer=causes.SHORT_CA, not_after=NOW + 365 * DAY), causes.SHORT_CA)
    message = found(served)["leaf_outlives_issuer"].message
    assert "CN=Short CA only until 2027-03-03" in message


# Names.


@pytest.mark.parametrize(
    ("name", "is_misused"),
    [
        ("*.example.org", False),
        ("*.a.example.org", False),
        ("mqtt*.example.org", True),
        ("mqtt.*.org", True),
        ("*.com", True),
        ("*", True),
        ("*.*.example.org", True),
    ],
)
def test_wildcard_stands_for_the_first_part_alone(name: str, is_misused: bool) -> None:
    leaf = issue(now=NOW, issuer=INTERMEDIATE, names=("DNS:localhost", f"DNS:{name}"))
    codes = found(handshake(leaf, INTERMEDIATE))
    assert set(codes) == ({"name_wildcard_misused"} if is_misused else set())


@pytest.mark.parametrize(
    ("name", "is_internal"),
    [
        ("DNS:broker", True),
        ("DNS:broker.local", True),
        ("DNS:*.corp.internal", True),
        ("IP:192.168.1.10", True),
        ("IP:9.9.9.9", False),
        ("DNS:internal.example.org", False),
    ],
)
def test_names_of_private_networks_in_public_certificates(name: str, is_internal: bool) -> None:
    of = public(broker(server_name="mqtt.example.org"))
    codes = found(handshake(public_leaf(names=("DNS:mqtt.example.org", name)), INTERMEDIATE), of)
    assert set(codes) == ({"name_internal"} if is_internal else set())


# Keys and signatures.


@pytest.mark.parametrize(
    ("key", "said", "severity"),
    [
        (rsa_key(1024), "an RSA key of 1024 bits; 2048 are the least", Severity.WARNING),
        (rsa_key(exponent=1), "no sound RSA key: its public exponent is 1", Severity.WARNING),
        (rsa_key(exponent=65536), "no sound RSA key: its public exponent is 65536", Severity.WARNING),
        (rsa_key(exponent=3), "the small public exponent 3", Severity.INFO),
        (rsa_key(exponent=1 << 70), "longer than clients accept", Severity.WARNING),
        (curve_key(ec.SECP192R1()), "on the curve P-192, of 192 bits; 256 are the least", Severity.WARNING),
        (causes.DSA_KEY, "of the kind DSA", Severity.WARNING),
    ],
)
def test_weak_key_says_what_is_weak(key: bytes, said: str, severity: Severity) -> None:
    finding = found(handshake(odd.certificate(key=key)))["key_weak"]
    assert said in finding.message
    assert finding.severity is severity


def test_weak_signature_names_the_digest_and_passes_over_roots() -> None:
    assert "over SHA-1" in found(handshake(odd.certificate(signature=causes.SHA1)))["signature_weak"].message
    assert "over MD5" in found(handshake(odd.certificate(signature=causes.MD5)))["signature_weak"].message
    own = odd.certificate(signature=causes.SHA1, issuer=odd.common_name(b"same"), subject=odd.common_name(b"same"))
    assert "signature_weak" not in found(handshake(own))


# The session, and remarks.


@pytest.mark.parametrize(
    ("version", "cipher", "group", "expected"),
    [
        ("TLSv1.3", "TLS_AES_128_GCM_SHA256", "X25519MLKEM768", set()),
        ("TLSv1.3", "TLS_AES_128_GCM_SHA256", "X25519", {"key_exchange_not_post_quantum"}),
        (
            "TLSv1.2",
            "ECDHE-RSA-AES128-GCM-SHA256",
            "X25519",
            {"tls_1_3_missing", "key_exchange_not_post_quantum"},
        ),
        ("TLSv1.2", "AES128-SHA", None, {"tls_1_3_missing", "key_exchange_static"}),
        ("TLSv1", "AES128-SHA", None, {"tls_version_old", "key_exchange_static"}),
        (None, None, None, set()),
    ],
)
def test_session_is_remarked_upon_only_where_that_is_wanted(
    version: str | None, cipher: str | None, group: str | None, expected: set[str]
) -> None:
    tls = replace(handshake(LEAF, INTERMEDIATE), version=version, cipher=cipher, group=group)
    assert set(found(tls, broker(policy=REMARKS))) == expected
    remarks = {"tls_1_3_missing", "key_exchange_not_post_quantum"}
    assert set(found(tls, broker(policy=Policy()))) == expected - remarks
