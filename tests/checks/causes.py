"""Each finding's cause: the certificates, or the handshake, that bring it about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from monitor.demo.pki import Issued, issue
from monitor.model.broker import Broker, Policy, TlsVersion
from monitor.model.facts import MqttFacts, TlsFacts
from monitor.model.fetched import Fetched
from monitor.model.installed import FileState
from monitor.model.known import Known
from monitor.model.outcome import Phase
from monitor.model.pace import Pace
from monitor.model.refusal import Refusal, RefusalCheck, RefusalOutcome
from monitor.model.revocation import CrlFile, EncodedCrl, Source
from monitor.model.scan import ScanFacts, Weakness, WeakSuite
from monitor.model.unavailable import Unavailable
from monitor.x509.certificate import read_chain
from tests.checks.served import DAY, INTERMEDIATE, LEAF, NOW, ROOT, broker, handshake, neighbour, on_disk, report
from tests.support.revocation import MUST_STAPLE, REVOKED, UNKNOWN, ocsp_response, revocation_list
from tests.x509 import odd

OTHER_ROOT = issue(now=NOW, is_ca=True, subject="Other root")
ODD_CA = issue(now=NOW, issuer=ROOT, is_ca=True, subject="CA without keyUsage", key_usage=None)
REMARKS = Policy(remarks=True)
DEMANDING = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)
UNKNOWN_EXTENSION = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
PUBLIC_POLICY = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("2.23.140.1.2.1"), None)])
TIMESTAMPS = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), odd.tlv(0x04, b"\x00\x05\x00\x03abc")
)
"""One entry of three bytes, which nobody here looks into."""


def public(of: Broker) -> Broker:
    """Make the broker trust its anchors as the system's."""
    return replace(of, tls=replace(of.tls, trust=replace(of.tls.trust, includes_system=True)))


def public_leaf(
    *,
    issuer: Issued = INTERMEDIATE,
    names: tuple[str, ...] = ("DNS:mqtt.example.org",),
    not_before: datetime = NOW - DAY,
    days: float = 90,
    with_scts: bool = True,
) -> Issued:
    """Issue a certificate as a public CA does."""
    return issue(
        now=NOW,
        issuer=issuer,
        names=names,
        not_before=not_before,
        not_after=not_before + days * DAY - timedelta(seconds=1),
        extensions=((PUBLIC_POLICY, False), *(((TIMESTAMPS, False),) if with_scts else ())),
    )


def rsa_key(bits: int = 2048, exponent: int = 65537) -> bytes:
    """Encode an RSA key as it stands in a certificate; its modulus is just a number."""
    key = odd.tlv(0x30, odd.integer((1 << bits - 1) + 1), odd.integer(exponent))
    return odd.tlv(0x30, odd.tlv(0x30, odd.oid("1.2.840.113549.1.1.1"), odd.tlv(0x05)), odd.tlv(0x03, b"\x00" + key))


def curve_key(curve: ec.EllipticCurve) -> bytes:
    """Encode an EC key as it stands in a certificate."""
    return ec.derive_private_key(1, curve).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


DSA_KEY = odd.tlv(
    0x30,
    odd.tlv(0x30, odd.oid("1.2.840.10040.4.1"), odd.tlv(0x30, *(odd.integer(1 << 2047) for _ in range(3)))),
    odd.tlv(0x03, b"\x00", odd.integer(5)),
)
SHA1 = odd.tlv(0x30, odd.oid("1.2.840.113549.1.1.5"), odd.tlv(0x05))
MD5 = odd.tlv(0x30, odd.oid("1.2.840.113549.1.1.4"), odd.tlv(0x05))


def below(**deviation: object) -> TlsFacts:
    """Serve a leaf below a CA of the root with a deviation."""
    ca = issue(now=NOW, issuer=ROOT, is_ca=True, subject="Odd CA")
    if deviation:
        ca = issue(**{"now": NOW, "issuer": ROOT, "is_ca": True, "subject": "Odd CA", **deviation})  # type: ignore[arg-type]
    return handshake(issue(now=NOW, issuer=ca), ca)


def path_too_long() -> TlsFacts:
    upper = issue(now=NOW, issuer=ROOT, is_ca=True, path_length=0, subject="Upper")
    lower = issue(now=NOW, issuer=upper, is_ca=True, subject="Lower")
    return handshake(issue(now=NOW, issuer=lower), lower, upper)


def cross_signed_expired() -> TlsFacts:
    old = issue(
        now=NOW, issuer=OTHER_ROOT, is_ca=True, key=INTERMEDIATE.key, not_before=NOW - 9 * DAY, not_after=NOW - DAY
    )
    return handshake(LEAF, INTERMEDIATE, old)


def leaf(**deviation: object) -> Callable[[], TlsFacts]:
    """Serve a leaf with a deviation, and its intermediate."""
    made: dict[str, object] = {"now": NOW, "issuer": INTERMEDIATE, **deviation}
    return lambda: handshake(issue(**made), INTERMEDIATE)  # type: ignore[arg-type]


def response(**deviation: object) -> bytes:
    """Answer for the leaf, signed by its CA."""
    return ocsp_response(**{"leaf": LEAF, "issuer": INTERMEDIATE, "now": NOW, **deviation})  # type: ignore[arg-type]


def stapled(encoded: bytes) -> TlsFacts:
    """Serve the usual chain and staple a response."""
    return replace(handshake(LEAF, INTERMEDIATE), ocsp_response=encoded)


def crl(issuer: Issued, *revoked: Issued, **deviation: object) -> bytes:
    """List the certificates that a CA revoked."""
    return revocation_list(issuer, *revoked, **{"now": NOW, **deviation})  # type: ignore[arg-type]


def listed(*lists: bytes) -> tuple[CrlFile, ...]:
    """Keep lists in one file."""
    return (CrlFile(path="/etc/ca.crl", crls=tuple(map(EncodedCrl.of, lists))),)


def fetched(
    source: Source, content: bytes | None = None, *, problem: Unavailable | None = None, of: Issued = LEAF
) -> tuple[Fetched, ...]:
    """Have this from where the leaf points, by default from the first try on."""
    return (
        Fetched(
            source=source,
            fingerprint_sha256=hashlib.sha256(of.der).hexdigest(),
            uri=f"http://{source}.test/",
            content=content,
            sha256="" if content is None else EncodedCrl.of(content).sha256,
            problem=problem,
            detail="" if problem is None else f"the {problem} of it",
        ),
    )


def session(**settled: str | None) -> Callable[[], TlsFacts]:
    """Settle on something else in the handshake."""
    return lambda: replace(handshake(LEAF, INTERMEDIATE), **settled)  # type: ignore[arg-type]


def attempt(check: RefusalCheck, outcome: RefusalOutcome, detail: str = "a stranger was let in") -> Refusal:
    """Tell what came of an attempt at what must be refused."""
    return Refusal(check=check, outcome=outcome, detail=detail, at=NOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What brings a finding about."""

    code: str
    tls: Callable[[], TlsFacts]
    broker: Callable[[], Broker] = field(default=broker)
    mqtt: MqttFacts | None = None
    elapsed_s: float = 0.001
    """Of each phase."""
    known: Callable[[], Known] = field(default=Known)
    left_out: int = 0


def _out_of_date(not_before: timedelta, not_after: timedelta) -> Callable[[], TlsFacts]:
    return leaf(not_before=NOW + not_before, not_after=NOW + not_after)


def _client(not_after: timedelta = 90 * DAY, **deviation: object) -> Callable[[], Broker]:
    made: dict[str, object] = {
        "now": NOW,
        "names": None,
        "extended_key_usage": ("clientAuth",),
        "not_before": NOW - 80 * DAY,
        "not_after": NOW + not_after,
        **deviation,
    }
    return lambda: broker(client=(issue(**made),))  # type: ignore[arg-type]


def _public() -> Broker:
    return public(broker(server_name="mqtt.example.org"))


def well() -> TlsFacts:
    """Serve what nothing is wrong with."""
    return handshake(LEAF, INTERMEDIATE)


def scan(**told: object) -> Callable[[], Known]:
    """Know what a scan told."""
    return lambda: Known(scan=ScanFacts(at=NOW, address="127.0.0.1", **told))  # type: ignore[arg-type]


RENEWED = issue(now=NOW, issuer=INTERMEDIATE, not_before=NOW, not_after=NOW + 100 * DAY)
SHORT_CA = issue(now=NOW, issuer=ROOT, is_ca=True, subject="Short CA", not_after=NOW + 100 * DAY)
NARROW = x509.NameConstraints(permitted_subtrees=[x509.DNSName("other.example")], excluded_subtrees=None)


def _on_disk(*held: Issued, **deviation: object) -> Callable[[], Known]:
    return lambda: Known(files=on_disk(*held, **deviation))  # type: ignore[arg-type]


CAUSES = (
    Cause(code="chain_ca_first", tls=lambda: handshake(INTERMEDIATE, LEAF)),
    Cause(code="certificate_revoked", tls=lambda: stapled(response(status=REVOKED))),
    Cause(code="certificate_expired", tls=_out_of_date(-9 * DAY, -DAY)),
    Cause(code="certificate_not_yet_valid", tls=_out_of_date(DAY, 9 * DAY)),
    Cause(code="leaf_self_signed", tls=lambda: handshake(issue(now=NOW))),
    Cause(code="chain_incomplete", tls=lambda: handshake(LEAF)),
    Cause(code="chain_untrusted", tls=lambda: handshake(LEAF, INTERMEDIATE, ROOT), broker=lambda: broker(OTHER_ROOT)),
    Cause(code="chain_issuer_not_ca", tls=lambda: below(is_ca=False)),
    Cause(code="chain_path_length", tls=path_too_long),
    Cause(code="chain_name_constraints", tls=lambda: below(extensions=((NARROW, True),))),
    Cause(code="chain_critical_extension", tls=leaf(extensions=((UNKNOWN_EXTENSION, True),))),
    Cause(code="chain_left_out", tls=lambda: handshake(LEAF, *[OTHER_ROOT] * 16, INTERMEDIATE)),
    Cause(code="chain_invalid", tls=lambda: handshake(LEAF, issue(now=NOW, issuer=ROOT, is_ca=True))),
    Cause(code="leaf_not_for_servers", tls=leaf(extended_key_usage=("clientAuth",))),
    Cause(code="name_common_name_only", tls=leaf(names=None)),
    Cause(code="name_ip_as_dns", tls=leaf(names=("DNS:127.0.0.1",)), broker=lambda: broker(server_name="127.0.0.1")),
    Cause(code="name_mismatch", tls=leaf(names=("DNS:other.example",))),
    Cause(
        code="certificate_file_key_mismatch",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=_on_disk(LEAF, INTERMEDIATE, key_matches=False),
    ),
    Cause(code="certificate_expiring", tls=_out_of_date(-80 * DAY, 10 * DAY)),
    Cause(
        code="client_certificate_expired", tls=lambda: handshake(LEAF, INTERMEDIATE), broker=_client(-timedelta(days=1))
    ),
    Cause(
        code="client_certificate_expiring", tls=lambda: handshake(LEAF, INTERMEDIATE), broker=_client(timedelta(days=9))
    ),
    Cause(
        code="client_certificate_not_for_clients",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        broker=_client(extended_key_usage=("serverAuth",)),
    ),
    Cause(
        code="client_certificate_public",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        broker=_client(extensions=((PUBLIC_POLICY, False),)),
    ),
    Cause(code="staple_missing", tls=leaf(extensions=((MUST_STAPLE, False),))),
    Cause(code="staple_invalid", tls=lambda: stapled(response(signer=OTHER_ROOT))),
    Cause(code="staple_stale", tls=lambda: stapled(response(this_update=NOW - 2 * DAY, next_update=NOW - DAY))),
    Cause(code="revocation_unknown", tls=lambda: stapled(response(status=UNKNOWN))),
    Cause(
        code="crl_stale",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(crl_files=listed(crl(INTERMEDIATE, this_update=NOW - 2 * DAY, next_update=NOW - DAY))),
    ),
    Cause(
        code="crl_invalid",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(
            crl_files=(CrlFile(path="/etc/ca.crl", problem="no such file"), *listed(crl(INTERMEDIATE)))
        ),
    ),
    Cause(
        code="crl_missing",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(crl_files=listed(crl(OTHER_ROOT))),
    ),
    Cause(
        code="revocation_invalid",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(fetched=fetched(Source.OCSP, response(signer=OTHER_ROOT), problem=Unavailable.UNUSABLE)),
    ),
    Cause(
        code="revocation_unavailable",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(fetched=fetched(Source.OCSP, problem=Unavailable.TIMEOUT)),
    ),
    Cause(
        code="profile_untrusted",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        broker=lambda: broker(profiles={"devices-2022": OTHER_ROOT}),
    ),
    Cause(
        code="issuer_changed",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(last_seen=handshake(LEAF, issue(now=NOW, issuer=ROOT, is_ca=True, key=INTERMEDIATE.key))),
    ),
    Cause(
        code="certificate_not_reloaded",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(files=on_disk(issue(now=NOW, issuer=INTERMEDIATE), INTERMEDIATE)),
    ),
    Cause(
        code="certificate_file_expired",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(files=on_disk(issue(now=NOW, not_before=NOW - 9 * DAY, not_after=NOW - DAY))),
    ),
    Cause(
        code="certificate_file_older",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(files=on_disk(issue(now=NOW, issuer=INTERMEDIATE, not_before=NOW - 9 * DAY), INTERMEDIATE)),
    ),
    Cause(
        code="certificate_file_chain_differs",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(files=on_disk(LEAF, issue(now=NOW, issuer=ROOT, is_ca=True, key=INTERMEDIATE.key))),
    ),
    *(
        Cause(
            code=f"certificate_file_{state.value}",
            tls=lambda: handshake(LEAF, INTERMEDIATE),
            known=_on_disk(LEAF, INTERMEDIATE, state=state),
        )
        for state in (FileState.MISSING, FileState.DAMAGED, FileState.UNREADABLE)
    ),
    Cause(
        code="listener_differs",
        tls=leaf(not_before=NOW - 9 * DAY),
        known=lambda: Known(listeners=(neighbour(LEAF),)),
    ),
    Cause(
        code="key_reused",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(key_holders=(neighbour(LEAF, host="other.example", port=8883),)),
    ),
    Cause(
        code="addresses_differ",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(siblings=(report(handshake(RENEWED, INTERMEDIATE), address="127.0.0.2"),)),
    ),
    Cause(code="chain_order", tls=lambda: handshake(LEAF, ROOT, INTERMEDIATE)),
    Cause(code="chain_cross_signed_expired", tls=cross_signed_expired),
    Cause(code="chain_policies", tls=lambda: below(extensions=((DEMANDING, True),))),
    Cause(code="chain_foreign", tls=lambda: handshake(LEAF, INTERMEDIATE, OTHER_ROOT)),
    Cause(code="chain_duplicate", tls=lambda: handshake(LEAF, INTERMEDIATE, INTERMEDIATE)),
    Cause(code="key_weak", tls=leaf(key=rsa.generate_private_key(65537, 1024))),
    Cause(code="signature_weak", tls=lambda: handshake(odd.certificate(signature=SHA1))),
    Cause(code="lifetime_too_long", tls=lambda: handshake(public_leaf(days=201), INTERMEDIATE), broker=_public),
    Cause(
        code="leaf_outlives_issuer",
        tls=lambda: handshake(issue(now=NOW, issuer=SHORT_CA, not_after=NOW + 365 * DAY), SHORT_CA),
    ),
    Cause(code="name_wildcard_misused", tls=leaf(names=("DNS:localhost", "DNS:*.com"))),
    Cause(code="name_trailing_dot", tls=leaf(names=("DNS:localhost", "DNS:mqtt.example.org."))),
    Cause(
        code="name_internal",
        tls=lambda: handshake(public_leaf(names=("DNS:mqtt.example.org", "DNS:broker.local")), INTERMEDIATE),
        broker=_public,
    ),
    Cause(code="scts_missing", tls=lambda: handshake(public_leaf(with_scts=False), INTERMEDIATE), broker=_public),
    Cause(code="tls_version_old", tls=session(version="TLSv1.1", cipher="ECDHE-ECDSA-AES128-SHA")),
    Cause(code="key_exchange_static", tls=session(version="TLSv1.2", cipher="AES128-GCM-SHA256", group=None)),
    Cause(
        code="tls_1_3_missing",
        tls=session(version="TLSv1.2", cipher="ECDHE-ECDSA-AES128-GCM-SHA256"),
        broker=lambda: broker(policy=REMARKS),
    ),
    Cause(
        code="key_exchange_not_post_quantum",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        broker=lambda: broker(policy=REMARKS),
    ),
    Cause(
        code="phase_slow",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(paces={Phase.CONNECT: Pace(recent=(0.4,) * 5, blocks=(0.02,) * 6)}),
        elapsed_s=0.4,
    ),
    Cause(
        code="refusal_not_enforced",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(refusals=(attempt(RefusalCheck.ANONYMOUS, RefusalOutcome.ACCEPTED),)),
    ),
    Cause(
        code="refusal_not_told",
        tls=lambda: handshake(LEAF, INTERMEDIATE),
        known=lambda: Known(refusals=(attempt(RefusalCheck.ANONYMOUS, RefusalOutcome.UNKNOWN),)),
    ),
    Cause(code="tls_version_old_accepted", tls=well, known=scan(old_versions=(TlsVersion.V1_0,))),
    Cause(
        code="cipher_weak_accepted",
        tls=well,
        known=scan(weak_suites=(WeakSuite(name="TLS_RSA_WITH_RC4_128_SHA", weakness=Weakness.RC4),)),
    ),
    Cause(code="renegotiation_insecure", tls=well, known=scan(has_secure_renegotiation=False)),
    Cause(code="renegotiation_by_clients", tls=well, known=scan(lets_clients_renegotiate=True)),
    Cause(
        code="certificate_without_name",
        tls=well,
        known=scan(
            served=well().certificates,
            without_name=read_chain([issue(now=NOW, issuer=INTERMEDIATE, names=("DNS:default.example",)).der]),
        ),
    ),
    Cause(
        code="certificate_second",
        tls=well,
        known=scan(
            served=well().certificates, for_rsa=read_chain([issue(now=NOW, issuer=INTERMEDIATE, subject="second").der])
        ),
    ),
    Cause(
        code="certificate_unreadable",
        tls=lambda: handshake(odd.certificate(not_before=odd.tlv(0x17, b"2601010000Z"))),
    ),
    Cause(
        code="validators_disagree",
        tls=lambda: handshake(public_leaf(issuer=ODD_CA), ODD_CA),
        broker=_public,
    ),
    Cause(code="qos_downgraded", tls=lambda: handshake(LEAF, INTERMEDIATE), mqtt=MqttFacts(suback_code=0)),
    Cause(code="addresses_left_out", tls=lambda: handshake(LEAF, INTERMEDIATE), left_out=4),
    Cause(
        code="chain_root_sent",
        tls=lambda: handshake(LEAF, INTERMEDIATE, ROOT),
        broker=lambda: broker(policy=REMARKS),
    ),
)
"""In the catalogue's order."""


def aware(year: int, month: int, day: int) -> datetime:
    """Return that day's beginning."""
    return datetime(year, month, day, tzinfo=UTC)
