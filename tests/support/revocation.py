"""OCSP responses and revocation lists made to order: good by default, one deviation per argument."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from monitor.demo.pki import Digest, Issued

DAY = timedelta(days=1)
GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
MUST_STAPLE = x509.TLSFeature([x509.TLSFeatureType.status_request])


def ocsp_response(
    *,
    leaf: Issued,
    issuer: Issued,
    now: datetime,
    status: ocsp.OCSPCertStatus = GOOD,
    signer: Issued | None = None,
    certificates: Sequence[Issued] = (),
    this_update: datetime | None = None,
    next_update: datetime | None = None,
    has_next_update: bool = True,
    reason: x509.ReasonFlags | None = None,
    by_name: bool = False,
    digest: Digest | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> bytes:
    """Answer for a certificate.

    Args:
        leaf: the certificate in question.
        issuer: its CA, as the response names it.
        now: the moment from which the dates are counted.
        status: what is answered; revoked an hour ago.
        signer: whose key signs; None for the issuer's.
        certificates: sent along.
        this_update: default an hour ago.
        next_update: default a day from now.
        has_next_update: False leaves it out.
        reason: of the revocation.
        by_name: the responder calls itself by its name instead of its key.
        digest: of the issuer's name and key; SHA-1 unless given, as everywhere.
        extensions: of the response, each with its criticality.
    """
    by = signer or issuer
    is_revoked = status is REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=leaf.certificate,
        issuer=issuer.certificate,
        algorithm=digest or hashes.SHA1(),
        cert_status=status,
        this_update=this_update or now - timedelta(hours=1),
        next_update=(next_update or now + DAY) if has_next_update else None,
        revocation_time=now - timedelta(hours=1) if is_revoked else None,
        revocation_reason=reason if is_revoked else None,
    )
    encoding = ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH
    builder = builder.responder_id(encoding, by.certificate)
    if certificates:
        builder = builder.certificates([each.certificate for each in certificates])
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, is_critical)
    return builder.sign(by.key, _digest(by.key)).public_bytes(Encoding.DER)


def revocation_list(
    issuer: Issued,
    *revoked: Issued,
    now: datetime,
    signer: Issued | None = None,
    this_update: datetime | None = None,
    next_update: datetime | None = None,
    reason: x509.ReasonFlags | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    encoding: Encoding = Encoding.DER,
) -> bytes:
    """List the certificates that a CA revoked an hour ago; good for a day from `now` unless given."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(this_update or now - timedelta(hours=1))
        .next_update(next_update or now + DAY)
    )
    for each in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(each.certificate.serial_number)
        entry = entry.revocation_date(now - timedelta(hours=1))
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, is_critical)
    by = signer or issuer
    return builder.sign(by.key, _digest(by.key)).public_bytes(encoding)


def _digest(key: CertificateIssuerPrivateKeyTypes) -> hashes.SHA256 | None:
    return hashes.SHA256() if hasattr(key, "curve") or hasattr(key, "private_numbers") else None
