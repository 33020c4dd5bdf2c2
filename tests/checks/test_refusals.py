"""What is said of attempts at what must be refused."""

from __future__ import annotations

import pytest

from monitor.checks.assess import Assessor
from monitor.checks.words.refusals import WORDS
from monitor.model.judgement import Assessment, Severity, Verdict
from monitor.model.known import Known
from monitor.model.refusal import Refusal, RefusalCheck, RefusalOutcome
from tests.checks.causes import attempt
from tests.checks.served import INTERMEDIATE, LEAF, NOW, broker, handshake, report


def assessed(*refusals: Refusal, reason: str | None = None) -> Assessment:
    tls = handshake(LEAF, INTERMEDIATE)
    return Assessor().assess(report(tls, reason=reason), broker(), NOW, Known(refusals=refusals))


def test_every_check_has_its_words() -> None:
    assert list(WORDS) == list(RefusalCheck)


@pytest.mark.parametrize("check", RefusalCheck)
def test_what_is_let_in_is_told_with_its_own_fix(check: RefusalCheck) -> None:
    assessment = assessed(attempt(check, RefusalOutcome.ACCEPTED))
    (finding,) = assessment.findings
    assert finding.code == "refusal_not_enforced"
    assert finding.message == (
        f"A stranger was let in; the broker must refuse that ({check.value}, tried on 2026-11-23 12:00:00 UTC)."
    )
    assert finding.severity is WORDS[check].severity
    assert finding.fix == WORDS[check].advice.text
    assert finding.hints
    assert assessment.success, "the broker itself can be used"


def test_each_gap_is_told_and_the_gravest_gives_the_verdict() -> None:
    first, second = (
        attempt(check, RefusalOutcome.ACCEPTED)
        for check in (RefusalCheck.ANONYMOUS, RefusalCheck.NO_CLIENT_CERTIFICATE)
    )
    assessment = assessed(first, second)
    assert [finding.code for finding in assessment.findings] == ["refusal_not_enforced"] * 2
    assert assessment.verdict is Verdict.CRITICAL
    assert assessment.refusals == (first, second)


def test_nothing_is_said_of_what_was_refused() -> None:
    assert assessed(attempt(RefusalCheck.ANONYMOUS, RefusalOutcome.REFUSED)).findings == ()


def test_what_could_not_be_told_is_news_only_of_a_broker_that_is_well() -> None:
    unknown = attempt(RefusalCheck.ANONYMOUS, RefusalOutcome.UNKNOWN, "connect_timeout: no answer")
    (finding,) = assessed(unknown).findings
    assert finding.severity is Severity.INFO
    assert finding.message == (
        "Whether the broker refuses clients without user name and password could not be told on "
        "2026-11-23 12:00:00 UTC (anonymous): connect_timeout: no answer."
    )
    codes = [finding.code for finding in assessed(unknown, reason="connect_refused").findings]
    assert codes == ["connect_refused"]
