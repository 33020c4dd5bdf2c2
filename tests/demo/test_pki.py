from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from monitor.demo.pki import Issued, issue

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def root() -> Issued:
    return issue(now=NOW, is_ca=True)


def verify(leaf: Issued, *intermediates: Issued, root: Issued, at: datetime = NOW) -> None:
    policy = PolicyBuilder().store(Store([root.certificate])).time(at)
    verifier = policy.build_server_verifier(x509.DNSName("localhost"))
    verifier.verify(leaf.certificate, [one.certificate for one in intermediates])


def has(issued: Issued, kind: type[x509.ExtensionType]) -> bool:
    return any(isinstance(extension.value, kind) for extension in issued.certificate.extensions)


def test_defaults_pass_the_strict_webpki_policy(root: Issued) -> None:
    intermediate = issue(now=NOW, issuer=root, is_ca=True, path_length=0)
    verify(issue(now=NOW, issuer=intermediate), intermediate, root=root)


def test_root_intermediate_and_leaf_have_different_subjects(root: Issued) -> None:
    intermediate = issue(now=NOW, issuer=root, is_ca=True)
    leaf = issue(now=NOW, issuer=intermediate)
    assert len({one.certificate.subject for one in (root, intermediate, leaf)}) == 3
    assert leaf.certificate.issuer == intermediate.certificate.subject


def test_dates_are_counted_from_now(root: Issued) -> None:
    leaf = issue(now=NOW, issuer=root, not_after=NOW + timedelta(seconds=5, microseconds=7)).certificate
    assert leaf.not_valid_before_utc == NOW - timedelta(days=1)
    assert leaf.not_valid_after_utc == NOW + timedelta(seconds=5)


def test_expired_certificate_is_refused_for_its_dates_alone(root: Issued) -> None:
    leaf = issue(now=NOW, issuer=root, not_after=NOW - timedelta(hours=1))
    verify(leaf, root=root, at=NOW - timedelta(hours=2))
    with pytest.raises(VerificationError):
        verify(leaf, root=root)


def test_without_issuer_the_certificate_signs_itself() -> None:
    leaf = issue(now=NOW).certificate
    assert leaf.issuer == leaf.subject
    leaf.verify_directly_issued_by(leaf)


def test_none_leaves_an_extension_out(root: Issued) -> None:
    bare = issue(now=NOW, issuer=root, names=None, is_ca=None, key_usage=None, extended_key_usage=None)
    assert not has(bare, x509.SubjectAlternativeName)
    assert not has(bare, x509.BasicConstraints)
    assert not has(bare, x509.KeyUsage)
    assert not has(bare, x509.ExtendedKeyUsage)


def test_empty_subject_makes_the_names_critical(root: Issued) -> None:
    leaf = issue(now=NOW, issuer=root, subject="").certificate
    assert not list(leaf.subject)
    assert leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


def test_names_of_every_kind_are_read_back(root: Issued) -> None:
    names = ("DNS:*.example.test", "IP:2001:db8::1", "URI:mqtts://broker.test", "email:ops@example.test")
    leaf = issue(now=NOW, issuer=root, names=names).certificate
    read = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in read] == [name.partition(":")[2] for name in names]


def test_name_of_unknown_kind_is_refused(root: Issued) -> None:
    with pytest.raises(ValueError, match="expected DNS:"):
        issue(now=NOW, issuer=root, names=("localhost",))


def test_usages_are_the_standards_names_or_oids(root: Issued) -> None:
    leaf = issue(
        now=NOW, issuer=root, key_usage=("keyAgreement",), extended_key_usage=("clientAuth", "1.3.6.1.5.5.8.2.2")
    ).certificate
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_agreement
    assert not usage.digital_signature
    purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [purpose.dotted_string for purpose in purposes] == ["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.8.2.2"]


def test_given_extension_replaces_the_one_of_its_kind(root: Issued) -> None:
    odd = x509.BasicConstraints(ca=True, path_length=3)
    leaf = issue(now=NOW, issuer=root, extensions=[(odd, False)]).certificate
    read = leaf.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (read.value, read.critical) == (odd, False)


def test_ca_issuers_is_in_authority_information_access(root: Issued) -> None:
    leaf = issue(now=NOW, issuer=root, ca_issuers="http://ca.test/root.crt").certificate
    (access,) = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert access.access_method == AuthorityInformationAccessOID.CA_ISSUERS
    assert access.access_location.value == "http://ca.test/root.crt"


def test_rsa_and_ed25519_keys_sign(root: Issued) -> None:
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    rsa_ca = issue(now=NOW, is_ca=True, key=rsa_key, digest=hashes.SHA384())
    edwards = issue(now=NOW, issuer=rsa_ca, key=ed25519.Ed25519PrivateKey.generate(), is_ca=True)
    leaf = issue(now=NOW, issuer=edwards)
    assert isinstance(rsa_ca.certificate.signature_hash_algorithm, hashes.SHA384)
    edwards.certificate.verify_directly_issued_by(rsa_ca.certificate)
    leaf.certificate.verify_directly_issued_by(edwards.certificate)


def test_key_pem_is_pkcs8_and_belongs_to_the_certificate(root: Issued) -> None:
    leaf = issue(now=NOW, issuer=root)
    assert leaf.key_pem.startswith(b"-----BEGIN PRIVATE KEY-----")
    key = serialization.load_pem_private_key(leaf.key_pem, password=None)
    assert key.public_key() == leaf.certificate.public_key()
    assert x509.load_pem_x509_certificate(leaf.pem) == leaf.certificate
