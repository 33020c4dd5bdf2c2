"""One OCSP response and what it says of one certificate (RFC 6960). Nothing raises, whatever the bytes.

Relied on is a response signed by the key of the CA that issued the certificate, or by one to whose certificate that CA
gave the right (id-kp-OCSPSigning). Whoever asked whom is no matter.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from monitor.model.facts import CertificateFacts
from monitor.model.revocation import Status
from monitor.x509.anchors import quietly
from monitor.x509.certificate import read_chain
from monitor.x509.revocation.issuer import ERRORS, Issuer, is_signature, issued_by, prepare
from monitor.x509.revocation.pss import RSASSA_PSS, response_pss
from monitor.x509.revocation.reasons import reason_name
from monitor.x509.revocation.statement import Statement, invalid

MAX_RESPONSE_OCTETS: Final = 65_536
"""A usual one has one to two thousand."""

_MAX_SINGLES: Final = 64
_MAX_CERTIFICATES: Final = 8
# RFC 6960 4.2.2.1: without nextUpdate, newer news is to be had at any time; what is a day old is no news, as
# mozilla::pkix has it.
_WITHOUT_NEXT_UPDATE: Final = timedelta(days=1)
_RESPONDER_SAYS: Final = {
    ocsp.OCSPResponseStatus.MALFORMED_REQUEST: "malformedRequest",
    ocsp.OCSPResponseStatus.INTERNAL_ERROR: "internalError",
    ocsp.OCSPResponseStatus.TRY_LATER: "tryLater",
    ocsp.OCSPResponseStatus.SIG_REQUIRED: "sigRequired",
    ocsp.OCSPResponseStatus.UNAUTHORIZED: "unauthorized",
}


def read_response(encoded: bytes, certificate: CertificateFacts, issuer: Issuer) -> Statement:
    """Read and verify a response.

    Args:
        encoded: DER of an OCSPResponse.
        certificate: in question.
        issuer: the CA that issued it.

    Returns:
        What it says. Its `next_update` is a day after `this_update` where the response names none.
    """
    if len(encoded) > MAX_RESPONSE_OCTETS:
        return invalid(f"it has {len(encoded)} octets, more than is read")
    try:
        return quietly(lambda: _read(encoded, certificate, issuer))
    except ERRORS:
        return invalid("it cannot be decoded")


def _read(encoded: bytes, certificate: CertificateFacts, issuer: Issuer) -> Statement:
    response = ocsp.load_der_ocsp_response(encoded)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        said = _RESPONDER_SAYS[response.response_status]
        return Statement(status=Status.UNAVAILABLE, detail=f"the responder answered with an error ({said})")
    responder, fault = _responder(encoded, response, issuer)
    if fault:
        return invalid(fault)
    found = _single(response, certificate, issuer)
    if found is None:
        return invalid("it is about another certificate")
    if _has_unknown_critical(response):
        return Statement(status=Status.UNKNOWN, detail="it holds a critical extension that is not known here")
    this_update = found.this_update_utc
    is_revoked = found.certificate_status is ocsp.OCSPCertStatus.REVOKED
    status = {
        ocsp.OCSPCertStatus.GOOD: Status.GOOD,
        ocsp.OCSPCertStatus.REVOKED: Status.REVOKED,
        ocsp.OCSPCertStatus.UNKNOWN: Status.UNKNOWN,
    }[found.certificate_status]
    return Statement(
        status=status,
        detail="the responder does not know the certificate" if status is Status.UNKNOWN else "",
        this_update=this_update,
        next_update=found.next_update_utc or _later(this_update),
        revoked_at=found.revocation_time_utc if is_revoked else None,
        reason=reason_name(found.revocation_reason) if is_revoked else None,
        signer=None if responder is None else responder.facts,
        is_responder_unchecked=responder is not None and not _is_exempt(responder),
    )


def _later(this_update: datetime) -> datetime | None:
    try:
        return this_update + _WITHOUT_NEXT_UPDATE
    except OverflowError:
        return None


def _responder(encoded: bytes, response: ocsp.OCSPResponse, issuer: Issuer) -> tuple[Issuer | None, str]:
    """Return who signed, None for the CA itself, and why that is not enough; empty if it is."""
    if _names(response, issuer):
        signed = _is_signed(encoded, response, issuer)
        return None, "" if signed else _signature_fault(signed)
    for certificate in response.certificates[:_MAX_CERTIFICATES]:
        responder = prepare(read_chain([certificate.public_bytes(Encoding.DER)])[0])
        if responder is None or not _names(response, responder):
            continue
        if not issued_by(responder.loaded, issuer):
            return None, "it is signed with a certificate that the CA of the broker's certificate did not issue"
        if "OCSPSigning" not in (responder.facts.extended_key_usage or ()):
            return None, "it is signed with a certificate that has no right to sign such responses (OCSPSigning)"
        signed = _is_signed(encoded, response, responder)
        return responder, "" if signed else _signature_fault(signed)
    return None, "it is signed neither by the CA of the broker's certificate nor on its behalf"


def _names(response: ocsp.OCSPResponse, signer: Issuer) -> bool:
    # RFC 6960 4.2.1: by name, or by the SHA-1 of the key.
    if response.responder_key_hash is not None:
        return response.responder_key_hash == signer.key_hash(hashes.SHA1())  # noqa: S303 - the standard's digest
    return response.responder_name == signer.loaded.subject


def _is_signed(encoded: bytes, response: ocsp.OCSPResponse, signer: Issuer) -> bool | None:
    signature, signed = response.signature, response.tbs_response_bytes
    if response.signature_algorithm_oid.dotted_string == RSASSA_PSS:
        pss = response_pss(encoded)
        return None if pss is None else is_signature(signer.key, signature, signed, pss.digest, pss.padding)
    try:
        algorithm = response.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    return is_signature(signer.key, signature, signed, algorithm)


def _signature_fault(signed: bool | None) -> str:
    return "its signature is of a kind that cannot be checked" if signed is None else "its signature is wrong"


def _single(
    response: ocsp.OCSPResponse, certificate: CertificateFacts, issuer: Issuer
) -> ocsp.OCSPSingleResponse | None:
    """Return the part that is about the certificate: its serial number, and digests of its issuer's name and key."""
    if certificate.serial is None:
        return None
    serial = int(certificate.serial, 16)
    for found in islice(response.responses, _MAX_SINGLES):
        algorithm = found.hash_algorithm
        if (
            found.serial_number == serial
            and found.issuer_name_hash == issuer.name_hash(algorithm)
            and found.issuer_key_hash == issuer.key_hash(algorithm)
        ):
            return found
    return None


def _has_unknown_critical(response: ocsp.OCSPResponse) -> bool:
    # Extensions of a part are to be had only where there is one part; responders send no others.
    parts = len(list(islice(response.responses, 2)))
    found = (*response.extensions, *(response.single_extensions if parts == 1 else ()))
    return any(extension.critical and not isinstance(extension.value, x509.OCSPNonce) for extension in found)


def _is_exempt(responder: Issuer) -> bool:
    # RFC 6960 4.2.2.2.1: id-pkix-ocsp-nocheck.
    try:
        responder.loaded.extensions.get_extension_for_class(x509.OCSPNoCheck)
    except x509.ExtensionNotFound:
        return False
    return True
