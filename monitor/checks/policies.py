"""Certificate policies where a CA demands them: most TLS libraries look away, some do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.path import whole_way
from monitor.checks.phrases import capitalised, described
from monitor.model.facts import CertificateFacts
from monitor.model.judgement import Finding

_ANY: Final = "2.5.29.32.0"


def policies(case: Case) -> Iterator[Finding]:
    """Yield `chain_policies` if a CA demands policies and none holds along the whole way below it (RFC 5280 6.1).

    Nothing is said where a CA maps one policy to another (policyMappings): what then holds is not worked out here.
    """
    if not case.judgement.is_trusted_ignoring_time:
        return
    way = whole_way(case.chain, case.anchors)
    # The anchor itself stands outside of all that.
    below = way[:-1] if case.anchors.holds(way[-1].der) and len(way) > 1 else way
    if any(facts.maps_policies for facts in below):
        return
    broken = _first_without(tuple(reversed(below)))
    if broken is not None:
        demanding = next(facts for facts in below if facts.explicit_policy_after is not None)
        yield finding(
            "chain_policies",
            f"{capitalised(described(demanding))} demands a certificate policy of everything below it "
            f"(policyConstraints), and {described(broken)} has none that those above it have too.",
            certificate=broken.position,
        )


def _first_without(downwards: tuple[CertificateFacts, ...]) -> CertificateFacts | None:
    held: frozenset[str] | None = None  # any
    demanded_after = len(downwards) + 1
    for facts in downwards:
        stated = frozenset(facts.certificate_policies)
        if _ANY not in stated:
            held = stated if held is None else held & stated
        is_leaf = facts is downwards[-1]
        if is_leaf or not facts.is_self_issued:
            demanded_after = max(0, demanded_after - 1)
        if facts.explicit_policy_after is not None and (not is_leaf or facts.explicit_policy_after == 0):
            demanded_after = min(demanded_after, facts.explicit_policy_after)
        if demanded_after == 0 and held is not None and not held:
            return facts
    return None
