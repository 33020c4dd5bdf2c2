"""One address of a broker's name against the others: nodes that a renewal, or an outage, did not reach alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from monitor.checks.finding import finding
from monitor.checks.order import leaf_first
from monitor.checks.phrases import end
from monitor.model.facts import CertificateFacts
from monitor.model.judgement import Finding
from monitor.model.outcome import Phase
from monitor.model.report import ProbeReport

_NAMED: Final = 3
"""Addresses in one sentence; of further ones, how many there are."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
"""Of a certificate whose begin cannot be read: it is no newer than any other."""


def siblings(report: ProbeReport, others: Sequence[ProbeReport]) -> Iterator[Finding]:
    """Yield what the reports of one turn say of this one's address.

    `addresses_differ` where an older certificate is served than elsewhere, for the same names: nodes that have
    certificates for different names are meant to differ.
    """
    if report.addresses_left_out:
        probed = len(others) + 1
        yield finding(
            "addresses_left_out",
            f"The name {report.host} has {probed + report.addresses_left_out} addresses, of which only {probed} are "
            "probed.",
        )
    own = _leaf(report)
    if own is None:
        return
    newer = {
        other.address or "": leaf
        for other in others
        if (leaf := _leaf(other)) is not None and _names(leaf) == _names(own) and _begin(leaf) > _begin(own)
    }
    if not newer:
        return
    newest = max(newer.values(), key=_begin)
    where = [address for address, leaf in newer.items() if leaf.fingerprint_sha256 == newest.fingerprint_sha256]
    yield finding(
        "addresses_differ",
        f"{report.address} still serves an older certificate, valid until {end(own)}: the one at {_listed(where)}, "
        f"behind the same name ({report.host}), is valid until {end(newest)}.",
        certificate=own.position,
    )


def share(report: ProbeReport, others: Sequence[ProbeReport]) -> str:
    """Say at how many of the name's addresses the probe failed, this one included; empty where it has no other.

    A name that cannot be looked up fails for all of them alike: nothing is said of it either.
    """
    if not others or report.failure is None or report.failure.phase is Phase.RESOLVE:
        return ""
    total = len(others) + 1
    failed = total - sum(other.success for other in others)
    if failed == total:
        return f"All {total} addresses of {report.host} fail."
    rest = "the other works" if total - failed == 1 else "the others work"
    return f"{failed} of the {total} addresses of {report.host} {'fails' if failed == 1 else 'fail'}, {rest}."


def _leaf(report: ProbeReport) -> CertificateFacts | None:
    served = () if report.tls is None else report.tls.certificates
    return leaf_first(served)[0] if served else None


def _names(leaf: CertificateFacts) -> frozenset[str]:
    return frozenset(each.lower() for each in leaf.names) or frozenset({f"CN:{leaf.common_name}"})


def _begin(leaf: CertificateFacts) -> datetime:
    return _NEVER if leaf.not_before is None else leaf.not_before


def _listed(addresses: Sequence[str]) -> str:
    named = list(addresses[:_NAMED])
    if more := len(addresses) - len(named):
        named.append(f"{more} more")
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
