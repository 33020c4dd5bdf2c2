"""How long certificates are made for: longer than clients accept, or than their issuer lasts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.phrases import capitalised, described, moment, name
from monitor.model.judgement import Finding, Severity

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
# CA/Browser Forum Baseline Requirements 6.3.2 (ballots 193, SC31 and SC-081v3), by the first day of issue; for
# certificates of public CAs.
_PUBLIC_LIMITS: Final = (
    (datetime(2029, 3, 15, tzinfo=UTC), 47),
    (datetime(2027, 3, 15, tzinfo=UTC), 100),
    (datetime(2026, 3, 15, tzinfo=UTC), 200),
    (datetime(2020, 9, 1, tzinfo=UTC), 398),
    (datetime(2018, 3, 1, tzinfo=UTC), 825),
)
# Apple's systems refuse a longer one of any CA, private ones included, if it was issued from this day on.
_APPLE_LIMIT_DAYS: Final = 825
_APPLE_SINCE: Final = datetime(2019, 7, 1, tzinfo=UTC)
# CA and certificate made on one day, for equally long, are a habit that hurts nobody.
_TOLERANCE: Final = timedelta(days=30)


def lifetime(case: Case) -> Iterator[Finding]:
    """Yield `lifetime_too_long` if the leaf was made for longer than clients accept of such a CA.

    Of a private CA's it is a remark.
    """
    leaf = case.leaf
    if leaf.not_before is None or leaf.not_after is None:
        return
    # RFC 5280 4.1.2.5: both ends included.
    length = leaf.not_after - leaf.not_before + _SECOND
    days = length / _DAY
    if case.is_public:
        limit = next((days for since, days in _PUBLIC_LIMITS if leaf.not_before >= since), None)
        who, severity = "public CAs may issue it for, and as browsers and phones accept", Severity.WARNING
    elif case.broker.policy.remarks and leaf.not_before >= _APPLE_SINCE:
        limit = _APPLE_LIMIT_DAYS
        who, severity = "iPhones and Macs accept, of private CAs too", Severity.INFO
    else:
        return
    if limit is not None and length > limit * _DAY:
        yield finding(
            "lifetime_too_long",
            f"{capitalised(described(leaf))} is made for {days:.0f} days, longer than the {limit} days that {who}.",
            severity=severity,
            certificate=leaf.position,
        )


def outlives(case: Case) -> Iterator[Finding]:
    """Yield `leaf_outlives_issuer` if every path of a trusted leaf ends well before the leaf itself."""
    leaf, end = case.leaf, case.judgement.path_not_after
    if not case.judgement.is_trusted or end is None or leaf.not_after is None or leaf.not_after - end <= _TOLERANCE:
        return
    ending = next((facts for facts in (*case.chain[1:], *case.anchors.facts) if facts.not_after == end), None)
    who = "a CA above it" if ending is None else name(ending.subject)
    yield finding(
        "leaf_outlives_issuer",
        f"{capitalised(described(leaf))} is valid until {moment(leaf.not_after)}, but {who} only until {moment(end)}: "
        "that is when clients will refuse the broker.",
        certificate=leaf.position,
    )
