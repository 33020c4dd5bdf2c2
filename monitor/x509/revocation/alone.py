"""What one revocation list says of one certificate where there is no other to complete it."""

from __future__ import annotations

from dataclasses import replace

from monitor.model.facts import CertificateFacts
from monitor.model.revocation import Status
from monitor.x509.revocation.crl import Crl, entry
from monitor.x509.revocation.issuer import Issuer
from monitor.x509.revocation.reasons import ALL
from monitor.x509.revocation.statement import Statement, invalid


def alone(crl: Crl, certificate: CertificateFacts, issuer: Issuer) -> Statement:
    """Look a certificate up in a list.

    Args:
        crl: readable or not.
        certificate: in question.
        issuer: that issued it: only its key may sign.
    """
    if crl.fault:
        return invalid(crl.fault)
    if crl.issuer_der != certificate.issuer_der:
        return invalid("it is of another CA")
    found = entry(crl, certificate, (issuer,))
    if found.statement.status is Status.GOOD and found.reasons != ALL:
        detail = "it tells only of certificates that were revoked for some of the possible reasons"
        return replace(found.statement, status=Status.UNKNOWN, detail=detail)
    return found.statement
