"""What a broker serves now against what it served before: devices that pin the old CA are about to drop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.order import leaf_first
from monitor.checks.path import whole_way
from monitor.checks.phrases import moment, name
from monitor.model.facts import CertificateFacts
from monitor.model.judgement import CertificateChange, Changed, Finding, Served
from monitor.x509.anchors import Anchors

# A day is long enough for every shift to see it, and devices that reconnect daily have shown by then.
REPORTED_FOR: Final = timedelta(days=1)


def change(
    before: tuple[CertificateFacts, ...],
    after: tuple[CertificateFacts, ...],
    anchors: Anchors,
    at: datetime,
    *,
    last_seen_at: datetime | None = None,
) -> CertificateChange | None:
    """Compare two served chains; both are followed to the same trust, so its own changes do not count.

    Args:
        before: as served by an earlier probe; not empty, likewise `after`.
        after: as served now.
        anchors: the configured trust.
        at: the moment of the comparison.
        last_seen_at: when `before` was last seen.

    Returns:
        None if the same certificates were served in the same order. What cannot be told, as the issuer that was not
        served, counts as unchanged.
    """
    if [facts.fingerprint_sha256 for facts in before] == [facts.fingerprint_sha256 for facts in after]:
        return None
    old, new = leaf_first(before), leaf_first(after)
    old_path, new_path = whole_way(old, anchors), whole_way(new, anchors)
    old_root, new_root = _root(old_path, anchors), _root(new_path, anchors)
    differs = {
        Changed.LEAF: old[0].fingerprint_sha256 != new[0].fingerprint_sha256,
        Changed.KEY: _differ(old[0].spki_sha256, new[0].spki_sha256),
        Changed.ISSUER: old[0].issuer_der != new[0].issuer_der or _are_different(_second(old_path), _second(new_path)),
        Changed.ROOT: _are_different(old_root, new_root),
    }
    return CertificateChange(
        at=at,
        last_seen_at=last_seen_at,
        what=tuple(what for what in Changed if differs[what]),
        before=_served(before, old[0], old_root),
        after=_served(after, new[0], new_root),
    )


def issuer_changed(case: Case, latest: CertificateChange | None) -> Iterator[Finding]:
    """Yield `issuer_changed` for a day after the CA changed, while the chain is accepted."""
    if latest is None or not latest.concerns_pins or not case.accepted:
        return
    if not timedelta(0) <= case.now - latest.at < REPORTED_FOR:
        return
    yield finding(
        "issuer_changed",
        f"{_sentence(latest)} The chain is valid, but devices that hold on to the old CA will refuse the broker when "
        "they next connect.",
        certificate=case.leaf.position,
    )


def _served(
    certificates: tuple[CertificateFacts, ...], leaf: CertificateFacts, root: CertificateFacts | None
) -> Served:
    return Served(
        fingerprint_sha256=leaf.fingerprint_sha256,
        spki_sha256=leaf.spki_sha256,
        chain=tuple(facts.fingerprint_sha256 for facts in certificates),
        issuer=leaf.issuer,
        root=None if root is None else root.subject,
    )


def _sentence(latest: CertificateChange) -> str:
    before, after = latest.before, latest.after
    since = f"Since {moment(latest.at)}"
    said = []
    if Changed.ISSUER in latest.what:
        if before.issuer == after.issuer:
            said.append(f"another certificate of the issuing CA {name(after.issuer)} is in use")
        else:
            said.append(
                f"the broker's certificate is one issued by {name(after.issuer)}, before by {name(before.issuer)}"
            )
    if Changed.ROOT in latest.what:
        if before.root == after.root:
            said.append(f"the chain ends at another certificate of {name(after.root)}")
        else:
            said.append(f"the chain ends at {name(after.root)}, before at {name(before.root)}")
    return f"{since} {', and '.join(said)}."


def _root(path: tuple[CertificateFacts, ...], anchors: Anchors) -> CertificateFacts | None:
    last = path[-1]
    return last if last.is_self_issued or anchors.holds(last.der) else None


def _second(path: tuple[CertificateFacts, ...]) -> CertificateFacts | None:
    return path[1] if len(path) > 1 else None


def _are_different(before: CertificateFacts | None, after: CertificateFacts | None) -> bool:
    return before is not None and after is not None and before.fingerprint_sha256 != after.fingerprint_sha256


def _differ(before: str | None, after: str | None) -> bool:
    return before is not None and after is not None and before != after
