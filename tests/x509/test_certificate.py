"""Reading certificates: the same facts as cryptography's where both can, and the rest of them where it cannot."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.demo.pki import issue
from monitor.model.facts import CertificateFacts, Role
from monitor.x509 import certificate as subject_under_test
from monitor.x509.certificate import read_chain
from monitor.x509.distinguished import ATTRIBUTES
from monitor.x509.extensions import MAX_SUBJECT_ALT_NAMES
from tests.x509 import odd

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROOT = issue(now=NOW, is_ca=True)
INTERMEDIATE = issue(now=NOW, issuer=ROOT, is_ca=True, path_length=0)
LEAF = issue(now=NOW, issuer=INTERMEDIATE, ca_issuers="http://ca.test/ca.der")
RICH = issue(
    now=NOW,
    issuer=INTERMEDIATE,
    names=(
        "DNS:a.example",
        "DNS:*.b.example",
        "IP:192.0.2.1",
        "IP:2001:db8::1",
        "URI:https://a.example/x",
        "email:a@b.example",
    ),
    key_usage=("digitalSignature", "keyAgreement", "decipherOnly"),
    extended_key_usage=("serverAuth", "clientAuth", "anyExtendedKeyUsage", "1.2.3.4.5"),
)


def read(encoded: bytes) -> CertificateFacts:
    return read_chain([encoded])[0]


def signed_by_hand(key: CertificateIssuerPrivateKeyTypes, name: x509.Name) -> bytes:
    is_edwards = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return (
        x509.CertificateBuilder(
            subject_name=name,
            issuer_name=name,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=NOW,
            not_valid_after=NOW + timedelta(days=1),
        )
        .sign(key, None if is_edwards else hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


CN_ONLY = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "by hand")])
KEYS: dict[str, CertificateIssuerPrivateKeyTypes] = {
    "RSA 2048": rsa.generate_private_key(65537, 2048),
    "RSA 1024, exponent 3": rsa.generate_private_key(3, 1024),
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": ec.generate_private_key(ec.SECP256K1()),
    "brainpool": ec.generate_private_key(ec.BrainpoolP256R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    "Ed448": ed448.Ed448PrivateKey.generate(),
    "DSA": dsa.generate_private_key(1024),
}


def assert_agrees(encoded: bytes) -> None:
    """Compare every fact with what cryptography reads."""
    facts, other = read(encoded), x509.load_der_x509_certificate(encoded)
    short = {oid: text for oid, text in ATTRIBUTES.items() if oid != "2.5.4.3"}
    overrides = {x509.ObjectIdentifier(oid): text for oid, text in short.items()}

    assert facts.unreadable == ()
    assert facts.der == encoded
    assert facts.fingerprint_sha256 == hashlib.sha256(encoded).hexdigest()
    assert facts.subject == other.subject.rfc4514_string(overrides)
    assert facts.issuer == other.issuer.rfc4514_string(overrides)
    assert facts.subject_der == other.subject.public_bytes()
    assert facts.issuer_der == other.issuer.public_bytes()
    assert facts.serial is not None
    assert int(facts.serial, 16) == other.serial_number
    assert (facts.not_before, facts.not_after) == (other.not_valid_before_utc, other.not_valid_after_utc)
    assert facts.is_self_issued == (other.subject == other.issuer)
    names = [attribute.value for attribute in other.subject if attribute.oid == NameOID.COMMON_NAME]
    assert facts.common_name == (names[-1] if names else None)
    found = {extension.oid: extension.value for extension in other.extensions}
    san = found.get(x509.SubjectAlternativeName.oid, x509.SubjectAlternativeName([]))
    assert isinstance(san, x509.SubjectAlternativeName)
    assert list(facts.dns_names) == san.get_values_for_type(x509.DNSName)
    assert [ipaddress.ip_address(text) for text in facts.ip_addresses] == san.get_values_for_type(x509.IPAddress)
    uris = [f"URI:{uri}" for uri in san.get_values_for_type(x509.UniformResourceIdentifier)]
    assert [text for text in facts.other_names if text.startswith("URI:")] == uris
    constraints = found.get(x509.BasicConstraints.oid)
    if isinstance(constraints, x509.BasicConstraints):
        assert (facts.is_ca, facts.path_length) == (constraints.ca, constraints.path_length)
    else:
        assert (facts.is_ca, facts.path_length) == (None, None)
    extended = found.get(x509.ExtendedKeyUsage.oid)
    if isinstance(extended, x509.ExtendedKeyUsage):
        assert facts.extended_key_usage is not None
        assert len(facts.extended_key_usage) == len(list(extended))
    else:
        assert facts.extended_key_usage is None
    subject_id = found.get(x509.SubjectKeyIdentifier.oid)
    if isinstance(subject_id, x509.SubjectKeyIdentifier):
        assert facts.subject_key_id == subject_id.digest.hex()
    authority_id = found.get(x509.AuthorityKeyIdentifier.oid)
    if isinstance(authority_id, x509.AuthorityKeyIdentifier) and authority_id.key_identifier:
        assert facts.authority_key_id == authority_id.key_identifier.hex()
    key, public = facts.key, other.public_key()
    assert key is not None
    match public:
        case rsa.RSAPublicKey():
            numbers = public.public_numbers()
            assert (key.algorithm, key.bits, key.exponent) == ("RSA", numbers.n.bit_length(), numbers.e)
        case ec.EllipticCurvePublicKey():
            assert (key.algorithm, key.bits) == ("EC", public.curve.key_size)
        case dsa.DSAPublicKey():
            assert (key.algorithm, key.bits) == ("DSA", public.key_size)
        case ed25519.Ed25519PublicKey():
            assert key.algorithm == "Ed25519"
        case ed448.Ed448PublicKey():
            assert key.algorithm == "Ed448"


@pytest.mark.parametrize("issued", [ROOT, INTERMEDIATE, LEAF, RICH], ids=["root", "intermediate", "leaf", "rich"])
def test_well_formed_certificate_yields_the_same_facts_as_cryptography(issued: object) -> None:
    assert_agrees(issued.der)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KEYS)
def test_every_kind_of_key_yields_the_same_facts_as_cryptography(kind: str) -> None:
    assert_agrees(signed_by_hand(KEYS[kind], CN_ONLY))


@pytest.mark.parametrize(
    ("kind", "curve", "signature"),
    [
        ("P-256", "P-256", "ecdsa-with-SHA256"),
        ("P-521", "P-521", "ecdsa-with-SHA256"),
        ("secp256k1", "secp256k1", "ecdsa-with-SHA256"),
        ("RSA 2048", None, "sha256WithRSAEncryption"),
        ("Ed25519", None, "Ed25519"),
        ("Ed448", None, "Ed448"),
    ],
)
def test_curve_and_signature_bear_the_standards_names(kind: str, curve: str | None, signature: str) -> None:
    facts = read(signed_by_hand(KEYS[kind], CN_ONLY))
    assert facts.key is not None
    assert (facts.key.curve, facts.signature) == (curve, signature)


@pytest.mark.parametrize(
    "name",
    [
        x509.Name([]),
        x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, 'Acme, "Inc" + <x>;\\'),
                x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@b.example"),
                x509.NameAttribute(NameOID.SERIAL_NUMBER, "4711"),
                x509.NameAttribute(NameOID.COMMON_NAME, "first"),
                x509.NameAttribute(NameOID.COMMON_NAME, "#Größe "),
            ]
        ),
        x509.Name(
            [
                x509.RelativeDistinguishedName(
                    [
                        x509.NameAttribute(NameOID.COMMON_NAME, "one"),
                        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, " two "),
                    ]
                )
            ]
        ),
    ],
    ids=["empty", "escapes", "multi-valued"],
)
def test_names_are_written_as_rfc_4514_wants(name: x509.Name) -> None:
    assert_agrees(signed_by_hand(KEYS["P-256"], name))


def test_rich_certificate_yields_usages_and_names_by_the_standards_words() -> None:
    facts = read(RICH.der)
    assert facts.key_usage == ("digitalSignature", "keyAgreement", "decipherOnly")
    assert facts.extended_key_usage == ("serverAuth", "clientAuth", "anyExtendedKeyUsage", "1.2.3.4.5")
    assert facts.names == (
        "DNS:a.example",
        "DNS:*.b.example",
        "IP:192.0.2.1",
        "IP:2001:db8::1",
        "URI:https://a.example/x",
        "email:a@b.example",
    )
    assert read(LEAF.der).ca_issuers == ("http://ca.test/ca.der",)


def test_what_is_said_of_revocation_is_told() -> None:
    silent = read(LEAF.der)
    assert (silent.must_staple, silent.ocsp_responders, silent.crl_uris) == (False, (), ())
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(uri))
        for method, uri in (
            (AuthorityInformationAccessOID.OCSP, "http://ocsp.test"),
            (AuthorityInformationAccessOID.CA_ISSUERS, "http://ca.test/ca.der"),
            (AuthorityInformationAccessOID.OCSP, "http://ocsp2.test"),
        )
    ]
    names = [x509.UniformResourceIdentifier("ldap://ca.test/x"), x509.DirectoryName(LEAF.certificate.subject)]
    by_names = x509.DistributionPoint(
        [*names, x509.UniformResourceIdentifier("http://ca.test/1.crl")], None, None, None
    )
    relative = x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, "part")])
    by_relative_name = x509.DistributionPoint(None, relative, None, None)
    further = (
        (x509.AuthorityInformationAccess(access), False),
        (x509.CRLDistributionPoints([by_names, by_relative_name]), False),
        (x509.TLSFeature([x509.TLSFeatureType.status_request]), False),
    )
    (facts,) = read_chain([issue(now=NOW, extensions=further).der])
    assert facts.must_staple is True
    assert facts.ocsp_responders == ("http://ocsp.test", "http://ocsp2.test")
    assert facts.ca_issuers == ("http://ca.test/ca.der",)
    assert facts.crl_uris == ("ldap://ca.test/x", "http://ca.test/1.crl")
    assert facts.unreadable == ()


def test_critical_extensions_policies_and_timestamps_are_told() -> None:
    timestamps = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
    policies = [x509.PolicyInformation(x509.ObjectIdentifier(dotted), None) for dotted in ("2.23.140.1.2.1", "1.2.3")]
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    two = x509.UnrecognizedExtension(timestamps, odd.tlv(0x04, b"\x00\x07\x00\x02ab\x00\x01c"))
    further = ((x509.CertificatePolicies(policies), False), (unknown, True), (two, False))
    (facts,) = read_chain([issue(now=NOW, extensions=further).der])
    assert facts.critical_extensions == ("basicConstraints", "keyUsage", "1.2.3.4")
    assert facts.certificate_policies == ("2.23.140.1.2.1", "1.2.3")
    assert facts.embedded_scts == 2
    assert facts.unreadable == ()


@pytest.mark.parametrize("listed", [b"", b"\x00", b"\x00\x05\x00\x02ab", b"\x00\x04\x00\x09ab", b"\x00\x01\x00"])
def test_timestamps_that_are_cut_off_cost_themselves_alone(listed: bytes) -> None:
    (facts,) = read_chain(
        [odd.certificate(extensions=(odd.extension("1.3.6.1.4.1.11129.2.4.2", odd.tlv(0x04, listed)), odd.LOCALHOST))]
    )
    assert facts.embedded_scts == 0
    assert facts.unreadable == ("signedCertificateTimestamps",)
    assert facts.dns_names == ("localhost",)


def test_certificate_cut_off_at_every_byte_never_raises_and_keeps_what_came_before() -> None:
    whole = read(LEAF.der)
    for length in range(len(LEAF.der)):
        facts = read(LEAF.der[:length])
        assert "certificate" in facts.unreadable
        assert facts.serial in {None, whole.serial}
        assert facts.not_after in {None, whole.not_after}
        assert facts.subject in {None, whole.subject}
    assert read(LEAF.der[:-1]).dns_names == whole.dns_names


def test_bytes_behind_a_certificate_are_noted_and_cost_nothing_else() -> None:
    facts = read(LEAF.der + b"\x00")
    assert facts.unreadable == ("certificate",)
    assert facts.not_after == read(LEAF.der).not_after


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_flipped_bits_never_raise(data: st.DataObject) -> None:
    encoded = bytearray(data.draw(st.sampled_from((LEAF.der, RICH.der, INTERMEDIATE.der))))
    for _ in range(data.draw(st.integers(1, 8))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    facts = read(bytes(encoded))
    assert len(facts.fingerprint_sha256) == 64


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_never_raise(encoded: bytes) -> None:
    assert read(encoded).der == encoded


ODD: dict[str, tuple[bytes, tuple[str, ...], dict[str, object]]] = {
    "negative serial": (odd.certificate(serial=odd.integer(-5)), (), {"serial": "-05"}),
    "serial of the wrong type": (odd.certificate(serial=odd.tlv(0x04, b"\x01")), ("serialNumber",), {"serial": None}),
    "empty serial": (odd.certificate(serial=odd.tlv(0x02)), ("serialNumber",), {"serial": None}),
    "UTCTime without seconds": (
        odd.certificate(not_before=odd.tlv(0x17, b"2601010000Z")),
        ("notBefore",),
        {"not_before": None, "not_after": datetime(2027, 1, 1, tzinfo=UTC)},
    ),
    "UTCTime with an offset": (
        odd.certificate(not_after=odd.tlv(0x17, b"270101000000+0100")),
        ("notAfter",),
        {"not_before": datetime(2026, 1, 1, tzinfo=UTC), "not_after": None},
    ),
    "a month that does not exist": (
        odd.certificate(not_after=odd.tlv(0x17, b"271301000000Z")),
        ("notAfter",),
        {"not_after": None},
    ),
    "GeneralizedTime before 2050": (
        odd.certificate(not_after=odd.tlv(0x18, b"20270101000000Z")),
        (),
        {"not_after": datetime(2027, 1, 1, tzinfo=UTC)},
    ),
    "no end of validity": (
        odd.certificate(not_after=odd.tlv(0x18, b"99991231235959Z")),
        (),
        {"not_after": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)},
    ),
    "last century": (
        odd.certificate(not_before=odd.tlv(0x17, b"500101000000Z")),
        (),
        {"not_before": datetime(1950, 1, 1, tzinfo=UTC)},
    ),
    "validity that is no sequence": (
        odd.certificate(validity=odd.tlv(0x04, b"x")),
        ("notBefore", "notAfter"),
        {"not_before": None, "not_after": None, "serial": "0a1b"},
    ),
    "subject that is no name": (
        odd.certificate(subject=odd.tlv(0x30, odd.tlv(0x30))),
        ("subject",),
        {"subject": None, "is_self_issued": None, "issuer": "CN=issuer"},
    ),
    "subject that is not UTF-8": (
        odd.certificate(subject=odd.common_name(b"\xff\xfe")),
        ("subject",),
        {"subject": "CN=#0c02fffe", "common_name": None, "is_self_issued": False},
    ),
    "common name that steers a terminal": (
        odd.certificate(subject=odd.common_name(b"\x1b[2Jx")),
        (),
        {"subject": "CN=\\1B[2Jx", "common_name": "\\1B[2Jx"},
    ),
    "common name in BMPString": (
        odd.certificate(subject=odd.common_name("hi".encode("utf-16-be"), 0x1E)),
        (),
        {"subject": "CN=hi"},
    ),
    "key that is none": (odd.certificate(key=odd.tlv(0x30)), ("subjectPublicKeyInfo",), {"key": None}),
    "signature algorithm nobody knows": (
        odd.certificate(signature=odd.tlv(0x30, odd.oid("1.2.3.4"))),
        (),
        {"signature": "1.2.3.4"},
    ),
    "the same extension twice": (
        odd.certificate(extensions=(odd.LOCALHOST, odd.subject_alt_name(odd.tlv(0x82, b"evil.example")))),
        ("subjectAltName",),
        {"dns_names": (), "subject": "CN=subject"},
    ),
    "extendedKeyUsage twice": (
        odd.certificate(extensions=(odd.LOCALHOST, odd.CLIENT_AUTH, odd.SERVER_AUTH)),
        ("extKeyUsage",),
        {"extended_key_usage": None, "dns_names": ("localhost",)},
    ),
    "subjectAltName that is no sequence": (
        odd.certificate(extensions=(odd.extension("2.5.29.17", b"\x04\x00"), odd.SERVER_AUTH)),
        ("subjectAltName",),
        {"dns_names": (), "extended_key_usage": ("serverAuth",)},
    ),
    "empty subjectAltName": (
        odd.certificate(extensions=(odd.subject_alt_name(),)),
        ("subjectAltName",),
        {"dns_names": ()},
    ),
    "one bad name among good ones": (
        odd.certificate(
            extensions=(
                odd.subject_alt_name(
                    odd.tlv(0x82, b"a.example"),
                    odd.tlv(0x87, b"\x01\x02\x03"),
                    odd.tlv(0x82, b"\xc3\xbc.example"),
                    odd.tlv(0x82, b"b.example"),
                ),
            )
        ),
        ("subjectAltName",),
        {"dns_names": ("a.example", "b.example"), "ip_addresses": ()},
    ),
    "zero octet in a name": (
        odd.certificate(extensions=(odd.subject_alt_name(odd.tlv(0x82, b"localhost\x00.evil.example")),)),
        (),
        {"dns_names": ("localhost\\00.evil.example",)},
    ),
    "names of other kinds": (
        odd.certificate(
            extensions=(
                odd.subject_alt_name(
                    odd.tlv(0xA4, odd.common_name(b"dir")),
                    odd.tlv(0xA0, odd.oid("1.2.3"), odd.tlv(0xA0, odd.tlv(0x0C, b"x"))),
                    odd.tlv(0x88, b"\x2a\x03"),
                ),
            )
        ),
        (),
        {"other_names": ("dirName:CN=dir", "other:1.2.3", "other:[8]")},
    ),
    "basicConstraints of nonsense": (
        odd.certificate(extensions=(odd.extension("2.5.29.19", odd.tlv(0x30, odd.integer(-1))), odd.LOCALHOST)),
        ("basicConstraints",),
        {"is_ca": None, "path_length": None, "dns_names": ("localhost",)},
    ),
    "extensions that are no list": (
        odd.certificate(extensions=odd.tlv(0xA3, odd.tlv(0x04, b"x"))),
        ("extensions",),
        {"dns_names": (), "subject": "CN=subject"},
    ),
    "version 1": (
        odd.certificate(version=b"", extensions=b""),
        (),
        {"serial": "0a1b", "is_ca": None, "subject": "CN=subject"},
    ),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_field_costs_that_field_alone(case: str) -> None:
    encoded, unreadable, expected = ODD[case]
    facts = read(encoded)
    assert facts.unreadable == unreadable
    assert {name: getattr(facts, name) for name in expected} == expected


@pytest.mark.parametrize(
    "case",
    [
        "UTCTime without seconds",
        "UTCTime with an offset",
        "a month that does not exist",
        "serial of the wrong type",
        "validity that is no sequence",
        "subject that is no name",
        "subject that is not UTF-8",
        "empty serial",
    ],
)
def test_certificate_that_cryptography_refuses_whole_still_yields_the_rest(case: str) -> None:
    encoded, _, _ = ODD[case]
    with pytest.raises(ValueError):
        str(x509.load_der_x509_certificate(encoded).subject)
    assert read(encoded).dns_names == ("localhost",)


def test_only_the_first_thousand_names_are_kept_and_the_rest_is_noted() -> None:
    entries = [odd.tlv(0x82, b"h%d.example" % number) for number in range(MAX_SUBJECT_ALT_NAMES + 5)]
    facts = read(odd.certificate(extensions=(odd.subject_alt_name(*entries),)))
    assert len(facts.dns_names) == MAX_SUBJECT_ALT_NAMES
    assert facts.unreadable == ("subjectAltName (only the first 1000 entries were read)",)


def test_length_that_claims_gigabytes_is_refused_without_taking_them() -> None:
    facts = read(b"\x30\x84\xff\xff\xff\xff\x30\x84\xff\xff\xff\xff\x02\x84\x7f\xff\xff\xff\x01")
    assert facts.serial is None
    assert "certificate" in facts.unreadable


def test_first_certificate_is_the_leaf_and_self_issued_cas_are_roots() -> None:
    facts = read_chain([LEAF.der, INTERMEDIATE.der, ROOT.der])
    assert [each.role for each in facts] == [Role.LEAF, Role.INTERMEDIATE, Role.ROOT]
    assert [each.position for each in facts] == [0, 1, 2]


def test_self_signed_certificate_that_calls_itself_a_ca_is_the_leaf_where_it_stands_alone() -> None:
    assert [each.role for each in read_chain([ROOT.der])] == [Role.LEAF]
    assert [each.role for each in read_chain([INTERMEDIATE.der, ROOT.der])] == [Role.LEAF, Role.ROOT]


def test_where_the_file_begins_with_a_ca_the_leaf_is_the_one_that_is_none() -> None:
    assert [each.role for each in read_chain([ROOT.der, LEAF.der])] == [Role.ROOT, Role.LEAF]
    facts = read_chain([INTERMEDIATE.der, ROOT.der, LEAF.der])
    assert [each.role for each in facts] == [Role.INTERMEDIATE, Role.ROOT, Role.LEAF]


def test_chain_that_repeats_is_not_read_again_and_memory_of_chains_is_bounded() -> None:
    assert read_chain([LEAF.der, ROOT.der]) is read_chain([bytes(bytearray(LEAF.der)), ROOT.der])
    assert subject_under_test._remembered.cache_info().maxsize == 1_024
    long_chain = [LEAF.der + bytes(40_000)]
    assert read_chain(long_chain) is not read_chain(long_chain)


def test_no_certificates_are_no_facts() -> None:
    assert read_chain([]) == ()


def test_public_key_has_the_fingerprint_that_pins_are_made_of() -> None:
    spki = LEAF.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert read(LEAF.der).spki_sha256 == hashlib.sha256(spki).hexdigest()
    assert read(b"").spki_sha256 is None
    assert read(issue(now=NOW, key=LEAF.key).der).spki_sha256 == read(LEAF.der).spki_sha256
