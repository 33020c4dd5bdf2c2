"""Trying what a server under test must refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from monitor.model.broker import Broker
from monitor.model.refusal import Refusal, RefusalCheck, RefusalOutcome
from monitor.probe.refusals import refusal_round
from monitor.probe.resolve import Resolver
from monitor.probe.tls import Verify
from tests.support.probing import accept_all

REFUSED, ACCEPTED, UNKNOWN = RefusalOutcome.REFUSED, RefusalOutcome.ACCEPTED, RefusalOutcome.UNKNOWN


async def tried(broker: Broker, *checks: RefusalCheck, verify: Verify = accept_all) -> dict[RefusalCheck, Refusal]:
    """Make one round: of these checks, or of the broker's own."""
    if checks:
        broker = replace(broker, refusals=replace(broker.refusals, checks=checks))
    resolver = Resolver()
    try:
        refusals = await refusal_round(broker, verify=verify, now=lambda: datetime.now(UTC), resolver=resolver)
    finally:
        resolver.close()
    assert tuple(refusal.check for refusal in refusals) == broker.refusals.checks
    return {refusal.check: refusal for refusal in refusals}


async def tried_once(broker: Broker, check: RefusalCheck, verify: Verify = accept_all) -> Refusal:
    """Make one round of one check."""
    return (await tried(broker, check, verify=verify))[check]


def outcomes(found: dict[RefusalCheck, Refusal]) -> dict[RefusalCheck, RefusalOutcome]:
    """Return how each attempt ended."""
    return {check: refusal.outcome for check, refusal in found.items()}
