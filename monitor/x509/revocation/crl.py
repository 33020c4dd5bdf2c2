"""One revocation list and what it says of one certificate (RFC 5280 5, 6.3). Nothing raises, whatever the bytes.

Used are complete lists of the CA that issued the certificate. Of delta lists only what they revoke is taken, as nothing
is good without its complete list; indirect lists are not used. Either says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

from cryptography import x509
from cryptography.x509 import ReasonFlags

from monitor.model.facts import CertificateFacts
from monitor.model.revocation import Status
from monitor.x509 import der
from monitor.x509.anchors import load_cryptography
from monitor.x509.revocation.issuer import ERRORS, Issuer, is_signature
from monitor.x509.revocation.reasons import ALL, reason_name
from monitor.x509.revocation.scope import coverage
from monitor.x509.revocation.statement import Statement, invalid

_ERRORS: Final = (*ERRORS, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
# TBSCertList has seven fields at most (RFC 5280 5.1).
_MAX_FIELDS: Final = 7
# What is processed, or says nothing of which certificates are revoked.
_SCOPE: Final = x509.IssuingDistributionPoint
_KNOWN: Final = (
    _SCOPE,
    x509.CRLNumber,
    x509.DeltaCRLIndicator,
    x509.AuthorityKeyIdentifier,
    x509.IssuerAlternativeName,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crl:
    """A list, read and not verified."""

    fault: str = ""
    """Why it cannot be read, as the end of a sentence; then nothing else is known."""
    issuer_der: bytes | None = field(default=None, repr=False)
    this_update: datetime | None = None
    next_update: datetime | None = None
    is_delta: bool = False
    scope: x509.IssuingDistributionPoint | None = None
    unknown_critical: tuple[str, ...] = ()
    loaded: x509.CertificateRevocationList | None = field(default=None, repr=False)
    signed: bytes = field(default=b"", repr=False)
    """The octets that the signature is of: cryptography would write them anew, at ten times the cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one list says of one certificate."""

    statement: Statement
    reasons: frozenset[ReasonFlags]
    """For which it would tell; empty where it does not speak for the certificate."""
    kind: object = None
    """Lists of equal kinds speak for the same certificates: of these a newer one replaces an older one."""


def read_crl(encoded: bytes) -> Crl:
    """Read a list, DER. One of 10 MiB holds up other threads for some 30 ms, and as long again when it is searched."""
    try:
        loaded = x509.load_der_x509_crl(encoded)
        extensions = list(loaded.extensions)
        signed = next(der.elements(der.only(encoded, der.SEQUENCE).body, at_most=3)).encoded
        return Crl(
            issuer_der=_issuer_der(signed),
            this_update=loaded.last_update_utc,
            next_update=loaded.next_update_utc,
            is_delta=any(isinstance(each.value, x509.DeltaCRLIndicator) for each in extensions),
            scope=next((each.value for each in extensions if isinstance(each.value, _SCOPE)), None),
            unknown_critical=_unknown(extensions),
            loaded=loaded,
            signed=signed,
        )
    except _ERRORS:
        return Crl(fault="it cannot be decoded")


def entry(crl: Crl, certificate: CertificateFacts, signers: Sequence[Issuer]) -> Entry:
    """Return what a list says of a certificate.

    Args:
        crl: of the certificate's issuer, by name.
        certificate: in question.
        signers: certificates of that name that are relied on, the issuer's own first; not empty.
    """
    try:
        return _entry(crl, certificate, signers)
    except _ERRORS:
        return Entry(statement=invalid("it cannot be decoded"), reasons=ALL)


def _entry(crl: Crl, certificate: CertificateFacts, signers: Sequence[Issuer]) -> Entry:
    loaded = crl.loaded
    if loaded is None or certificate.serial is None:
        return Entry(statement=invalid(crl.fault), reasons=ALL)
    told = coverage(crl.scope, loaded.issuer, certificate, _points(certificate))
    if told.detail:
        return _unusable(crl, told.detail)
    signer, fault = _signer(loaded, crl.signed, signers)
    if fault:
        return Entry(statement=invalid(fault), reasons=ALL)
    by = None if signer is None or signer is signers[0] else signer.facts
    listed = loaded.get_revoked_certificate_by_serial_number(int(certificate.serial, 16))
    reason = None if listed is None else _reason(listed)
    if listed is not None and reason is not ReasonFlags.remove_from_crl:
        revoked = Statement(
            status=Status.REVOKED,
            this_update=crl.this_update,
            next_update=crl.next_update,
            revoked_at=listed.revocation_date_utc,
            reason=reason_name(reason),
            signer=by,
        )
        return Entry(statement=revoked, reasons=told.reasons, kind=_kind(crl))
    if crl.is_delta:
        return _unusable(crl, "it is a delta list, with changes to another one, and does not say what is good")
    if crl.unknown_critical:
        # RFC 5280 5.2: then it must not be used to say that a certificate is good.
        return _unusable(crl, f"it holds a critical extension that is not known here ({crl.unknown_critical[0]})")
    good = Statement(status=Status.GOOD, this_update=crl.this_update, next_update=crl.next_update, signer=by)
    return Entry(statement=good, reasons=told.reasons, kind=_kind(crl))


def _unusable(crl: Crl, detail: str) -> Entry:
    statement = Statement(
        status=Status.UNKNOWN, detail=detail, this_update=crl.this_update, next_update=crl.next_update
    )
    return Entry(statement=statement, reasons=frozenset(), kind=_kind(crl))


def _kind(crl: Crl) -> object:
    return crl.scope, crl.is_delta


def _signer(
    loaded: x509.CertificateRevocationList, signed: bytes, signers: Sequence[Issuer]
) -> tuple[Issuer | None, str]:
    """Return whose key signed, and why that is not enough; empty if it is."""
    fault = "its signature is wrong"
    for signer in signers:
        is_signed = is_signature(
            signer.key,
            loaded.signature,
            signed,
            loaded.signature_hash_algorithm,
            loaded.signature_algorithm_parameters,
        )
        if is_signed is None:
            fault = "its signature is of a kind that cannot be checked"
        elif is_signed:
            # RFC 5280 6.3.3 f.
            if signer.facts.key_usage is None or "cRLSign" in signer.facts.key_usage:
                return signer, ""
            return None, "the CA's certificate does not let its key sign lists (keyUsage without cRLSign)"
    return None, fault


def _reason(listed: x509.RevokedCertificate) -> ReasonFlags | None:
    try:
        return listed.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except (x509.ExtensionNotFound, *_ERRORS):
        # On the list it is, whatever else cannot be read.
        return None


def _points(certificate: CertificateFacts) -> tuple[x509.DistributionPoint, ...]:
    loaded = load_cryptography(certificate.der)
    if loaded is None:
        return ()
    try:
        return tuple(loaded.extensions.get_extension_for_class(x509.CRLDistributionPoints).value)
    except x509.ExtensionNotFound:
        return ()


def _unknown(extensions: Iterable[x509.Extension[x509.ExtensionType]]) -> tuple[str, ...]:
    return tuple(each.oid.dotted_string for each in extensions if each.critical and not isinstance(each.value, _KNOWN))


def _issuer_der(encoded: bytes) -> bytes:
    # RFC 5280 5.1.2: version, an INTEGER, is absent in version 1; then signature, issuer. The rest may be megabytes.
    version, first, second = islice(der.elements(der.only(encoded, der.SEQUENCE).body, at_most=_MAX_FIELDS), 3)
    return (second if version.tag == der.INTEGER else first).encoded
