"""For which certificates and reasons a revocation list speaks (RFC 5280 5.2.5, 6.3.3 b)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509 import DirectoryName, GeneralName, Name, ReasonFlags, RelativeDistinguishedName

from monitor.model.facts import CertificateFacts
from monitor.x509.revocation.reasons import ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a list tells of one certificate."""

    reasons: frozenset[ReasonFlags]
    """For which the certificate would be on it."""
    detail: str = ""
    """Why it tells nothing, as the end of a sentence; empty where it tells something."""


def coverage(
    scope: x509.IssuingDistributionPoint | None,
    list_issuer: Name,
    certificate: CertificateFacts,
    points: tuple[x509.DistributionPoint, ...],
) -> Coverage:
    """Compare a list's scope with a certificate.

    Args:
        scope: the list's issuingDistributionPoint; None where it has none, and speaks for everything.
        list_issuer: who issued both.
        certificate: in question.
        points: its distribution points; none counts as one of its issuer's name (RFC 5280 6.3.3, at the end).
    """
    if scope is None:
        return Coverage(reasons=ALL)
    excluded = _exclusion(scope, certificate)
    if excluded:
        return Coverage(reasons=frozenset(), detail=excluded)
    told = ALL if scope.only_some_reasons is None else scope.only_some_reasons
    names = frozenset(_names(scope.full_name, scope.relative_name, list_issuer))
    told &= _asked(names, list_issuer, points) if names else ALL
    if not told:
        detail = "it is for other certificates of the same CA (another distribution point)"
        return Coverage(reasons=told, detail=detail)
    return Coverage(reasons=told)


def _exclusion(scope: x509.IssuingDistributionPoint, certificate: CertificateFacts) -> str:
    if scope.indirect_crl:
        return "it is an indirect list, with certificates of several CAs, which is not used"
    if scope.only_contains_attribute_certs:
        return "it is for attribute certificates alone"
    if scope.only_contains_user_certs and certificate.is_ca:
        return "it is for certificates of servers and users alone"
    if scope.only_contains_ca_certs and not certificate.is_ca:
        return "it is for certificates of CAs alone"
    return ""


def _asked(
    names: frozenset[GeneralName], list_issuer: Name, points: tuple[x509.DistributionPoint, ...]
) -> frozenset[ReasonFlags]:
    """Return the reasons for which the certificate points to a list of one of these names."""
    if not points and DirectoryName(list_issuer) in names:
        return ALL
    asked: frozenset[ReasonFlags] = frozenset()
    for point in points:
        here = _names(point.full_name, point.relative_name, list_issuer) or point.crl_issuer or ()
        # A point of another list issuer is for an indirect list.
        is_ours = not point.crl_issuer or DirectoryName(list_issuer) in point.crl_issuer
        if is_ours and not names.isdisjoint(here):
            asked |= ALL if point.reasons is None else point.reasons
    return asked


def _names(
    full: Iterable[GeneralName] | None, relative: RelativeDistinguishedName | None, issuer: Name
) -> list[GeneralName]:
    # A relative name is what stands behind the name of the list's issuer (RFC 5280 4.2.1.13).
    names = list(full or ())
    if relative is not None:
        names.append(DirectoryName(Name([*issuer.rdns, relative])))
    return names
