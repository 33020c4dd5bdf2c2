"""A broker beside the others of the configuration: its other listeners, and who has its key."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.checks.assess import Assessor
from monitor.checks.installed import PATIENCE
from monitor.demo.pki import issue
from monitor.model.judgement import Finding, Severity
from monitor.model.known import Known
from tests.checks.served import DAY, INTERMEDIATE, LEAF, NOW, SECOND, broker, handshake, neighbour, report

OLD = issue(now=NOW, issuer=INTERMEDIATE, not_before=NOW - 60 * DAY)
NEWEST = issue(now=NOW, issuer=INTERMEDIATE, not_before=NOW - timedelta(hours=1))


def found(known: Known) -> list[Finding]:
    return list(Assessor().assess(report(handshake(OLD, INTERMEDIATE)), broker(), NOW, known).findings)


def test_listener_that_was_left_behind_names_both_ports_and_both_certificates() -> None:
    (finding,) = found(Known(listeners=(neighbour(LEAF, before=OLD, rotated_at=NOW - timedelta(hours=3)),)))
    assert finding.code == "listener_differs"
    assert finding.severity is Severity.WARNING
    assert finding.message == (
        "Port 8883 of 127.0.0.1 serves an older certificate (CN=broker.test, until 2027-02-21 12:00:00 UTC) than port "
        "8084, the broker websocket, does for the same names (CN=broker.test, until 2027-02-21 12:00:00 UTC). Both "
        "served the older one until 3 hours ago."
    )


@pytest.mark.parametrize(("age", "severity"), [(PATIENCE - SECOND, Severity.INFO), (PATIENCE, Severity.WARNING)])
def test_listener_has_time_to_follow(age: timedelta, severity: Severity) -> None:
    (finding,) = found(Known(listeners=(neighbour(LEAF, before=OLD, rotated_at=NOW - age),)))
    assert finding.severity is severity


def test_listeners_that_were_never_alike_may_be_two_programs() -> None:
    for other in (neighbour(LEAF), neighbour(LEAF, before=NEWEST, rotated_at=NOW - DAY)):
        (finding,) = found(Known(listeners=(other,)))
        assert finding.severity is Severity.INFO
        assert "Both served" not in finding.message


def test_only_the_older_one_is_told_and_of_the_newest() -> None:
    assert Assessor().assess(
        report(handshake(LEAF, INTERMEDIATE)), broker(), NOW, Known(listeners=(neighbour(OLD),))
    ).findings == ()  # fmt: skip
    (finding,) = found(Known(listeners=(neighbour(LEAF), neighbour(NEWEST, name="newest", port=443), neighbour(LEAF))))
    assert "the broker newest" in finding.message


def test_listener_without_readable_dates_is_compared_with_nothing() -> None:
    other = neighbour(LEAF)
    unreadable = replace(other, leaf=replace(other.leaf, not_before=None))
    assert found(Known(listeners=(unreadable,))) == []


def test_reused_key_names_three_holders_at_most() -> None:
    holders = tuple(neighbour(LEAF, name=f"b{number}", host=f"h{number}.example") for number in range(4))
    (finding,) = found(Known(key_holders=holders))
    assert (finding.code, finding.severity) == ("key_reused", Severity.WARNING)
    assert finding.message.endswith("b0 (CN=broker.test), b1 (CN=broker.test), b2 (CN=broker.test) and others.")
    assert found(Known(key_holders=holders[:3]))[0].message.endswith("b2 (CN=broker.test).")


def test_broker_that_never_showed_a_certificate_is_compared_with_nobody() -> None:
    known = Known(listeners=(neighbour(LEAF),), key_holders=(neighbour(LEAF),))
    down = report(None, reason="connect_refused")
    assert [each.code for each in Assessor().assess(down, broker(), NOW, known).findings] == ["connect_refused"]
