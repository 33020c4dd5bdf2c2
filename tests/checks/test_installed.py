"""What a broker serves against its own files: what is said of each difference, how gravely, and from when on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.checks.assess import Assessor
from monitor.checks.installed import PATIENCE, SETTLING
from monitor.demo.pki import Issued, issue
from monitor.model.facts import TlsFacts
from monitor.model.installed import FileState, InstalledFiles
from monitor.model.judgement import Assessment, Finding, Severity
from monitor.model.known import Known
from tests.checks.served import DAY, INTERMEDIATE, LEAF, NOW, ROOT, SECOND, broker, handshake, on_disk, report

SERVED = handshake(LEAF, INTERMEDIATE)
RENEWED = issue(now=NOW, issuer=INTERMEDIATE, subject="renewed", not_after=NOW + 200 * DAY)
OLDER = issue(now=NOW, issuer=INTERMEDIATE, not_before=NOW - 30 * DAY)
EXPIRED = issue(now=NOW, issuer=INTERMEDIATE, not_before=NOW - 30 * DAY, not_after=NOW - DAY)
REISSUED = issue(now=NOW, issuer=ROOT, is_ca=True, key=INTERMEDIATE.key)


def assessed(files: InstalledFiles | None, tls: TlsFacts | None = SERVED) -> Assessment:
    seen = report(tls) if tls is not None else report(None, reason="connect_refused")
    return Assessor().assess(seen, broker(), NOW, Known(files=files))


def found(files: InstalledFiles, tls: TlsFacts | None = SERVED) -> dict[str, Finding]:
    return {each.code: each for each in assessed(files, tls).findings if each.code != "connect_refused"}


@pytest.mark.parametrize(
    "held",
    [
        (LEAF, INTERMEDIATE),
        (LEAF,),
        (LEAF, INTERMEDIATE, ROOT),
    ],
)
def test_file_that_is_served_is_nothing_to_speak_of(held: tuple[Issued, ...]) -> None:
    assessment = assessed(on_disk(*held))
    assert assessment.findings == ()
    assert assessment.certificate_file is not None
    assert assessment.certificate_file.is_served is True


def test_root_that_the_broker_adds_from_its_file_of_cas_is_no_difference() -> None:
    assert found(on_disk(LEAF), handshake(LEAF, INTERMEDIATE, ROOT)) == {}


def test_renewed_file_names_both_certificates_and_how_long_it_lies_there() -> None:
    finding = found(on_disk(RENEWED, INTERMEDIATE, since=NOW - timedelta(hours=3)))["certificate_not_reloaded"]
    assert finding.message == (
        "The file /etc/server.pem was replaced 3 hours ago, but the broker serves another certificate than the one in "
        "it. In the file: CN=renewed, issued by CN=Test intermediate CA, until 2027-06-11 12:00:00 UTC. Served: "
        "CN=broker.test, issued by CN=Test intermediate CA, until 2027-02-21 12:00:00 UTC."
    )
    assert any("systemctl reload mosquitto" in said for block in finding.hints for _, said in block.by_broker)
    opinion = assessed(on_disk(RENEWED, INTERMEDIATE)).certificate_file
    assert opinion is not None
    assert opinion.is_served is False


@pytest.mark.parametrize(
    ("code", "grace", "severity"),
    [
        ("certificate_not_reloaded", PATIENCE, Severity.WARNING),
        ("certificate_file_chain_differs", PATIENCE, Severity.WARNING),
        ("certificate_file_key_mismatch", SETTLING, Severity.CRITICAL),
        ("certificate_file_missing", SETTLING, Severity.WARNING),
        ("certificate_file_damaged", SETTLING, Severity.WARNING),
        ("certificate_file_unreadable", SETTLING, Severity.WARNING),
    ],
)
def test_what_mends_itself_is_only_information_at_first(code: str, grace: timedelta, severity: Severity) -> None:
    for age, expected in ((-SECOND, Severity.INFO), (grace - SECOND, Severity.INFO), (grace, severity)):
        since = NOW - age
        files = {
            "certificate_not_reloaded": on_disk(RENEWED, INTERMEDIATE, since=since),
            "certificate_file_chain_differs": on_disk(LEAF, REISSUED, since=since),
            "certificate_file_key_mismatch": on_disk(LEAF, INTERMEDIATE, since=since, key_matches=False),
            "certificate_file_missing": on_disk(LEAF, since=since, state=FileState.MISSING),
            "certificate_file_damaged": on_disk(LEAF, since=since, state=FileState.DAMAGED),
            "certificate_file_unreadable": on_disk(LEAF, since=since, state=FileState.UNREADABLE),
        }[code]
        assert found(files)[code].severity is expected


def test_new_certificate_with_the_old_key_is_not_advised_to_be_reloaded() -> None:
    findings = found(on_disk(RENEWED, INTERMEDIATE, key_matches=False))
    assert set(findings) == {"certificate_file_key_mismatch"}
    assert "CN=renewed" in findings["certificate_file_key_mismatch"].message
    assert "Do not reload" in findings["certificate_file_key_mismatch"].fix
    opinion = assessed(on_disk(RENEWED, INTERMEDIATE, key_matches=False)).certificate_file
    assert opinion is not None
    assert opinion.is_served is False


def test_file_put_back_to_an_older_certificate_is_not_called_renewed() -> None:
    assert set(found(on_disk(OLDER, INTERMEDIATE))) == {"certificate_file_older"}
    assert set(found(on_disk(EXPIRED, INTERMEDIATE))) == {"certificate_file_expired"}


def test_expired_certificate_that_is_served_is_said_once() -> None:
    assert set(found(on_disk(EXPIRED, INTERMEDIATE), handshake(EXPIRED, INTERMEDIATE))) == {"certificate_expired"}


def test_expired_certificate_with_its_successor_on_disk_is_told_as_both() -> None:
    findings = found(on_disk(RENEWED, INTERMEDIATE), handshake(EXPIRED, INTERMEDIATE))
    assert set(findings) == {"certificate_expired", "certificate_not_reloaded"}


def test_other_intermediate_in_the_file_is_named() -> None:
    (finding,) = found(on_disk(LEAF, REISSUED)).values()
    assert finding.code == "certificate_file_chain_differs"
    assert "CN=Test intermediate CA" in finding.message


@pytest.mark.parametrize("state", [FileState.MISSING, FileState.UNREADABLE, FileState.DAMAGED])
def test_file_that_cannot_be_read_is_compared_with_nothing(state: FileState) -> None:
    assessment = assessed(on_disk(RENEWED, state=state))
    assert [each.code for each in assessment.findings] == [f"certificate_file_{state.value}"]
    assert assessment.findings[0].message == (
        f"Expected the broker's certificate in /etc/server.pem, found the like of {state.value}."
    )
    assert assessment.certificate_file is not None
    assert assessment.certificate_file.is_served is None


def test_key_that_cannot_be_read_does_not_hide_what_is_not_served() -> None:
    findings = found(on_disk(RENEWED, INTERMEDIATE, key_state=FileState.UNREADABLE))
    assert set(findings) == {"certificate_file_unreadable", "certificate_not_reloaded"}
    assert "private key in /etc/server.key" in findings["certificate_file_unreadable"].message


def test_broker_that_is_down_is_still_told_of_a_key_that_keeps_it_from_starting() -> None:
    files = on_disk(LEAF, INTERMEDIATE, key_matches=False)
    assert set(found(files, None)) == {"certificate_file_key_mismatch"}
    opinion = assessed(files, None).certificate_file
    assert opinion is not None
    assert opinion.is_served is None


def test_without_files_there_is_no_opinion_of_them() -> None:
    assert assessed(None).certificate_file is None
