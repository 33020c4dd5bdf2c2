"""Every failure that the tests can cause for real, and the reasons that none of them covers.

@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_reason(case: Case, pki: TestPki) -> None:
    with case.broker(pki) as broker:
        report = await run_probe(broker, Assessor().verify)
    assert failure(report).reason == case.reason
"""

from __future__ import annotations

from monitor.model.reasons import REASONS
from tests.support import cases_mqtt, cases_tcp, cases_tls, cases_verify
from tests.support.case import Case

CASES: tuple[Case, ...] = (*cases_tcp.CASES, *cases_tls.CASES, *cases_verify.CASES, *cases_mqtt.CASES)


def reasons_without_case() -> frozenset[str]:
    """Return the reasons that no case causes: no server can."""
    return REASONS - {case.reason for case in CASES}
