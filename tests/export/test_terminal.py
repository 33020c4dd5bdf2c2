"""What an engineer reads on a terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from monitor.export.terminal import render
from monitor.model.facts import Role
from monitor.model.installed import FileOpinion, FileState
from monitor.model.judgement import Assessment, Finding, Hints, Severity
from monitor.model.outcome import Clock, Confidence, Done, Phase, PhaseReport
from monitor.model.report import ProbeReport
from monitor.model.revocation import Source, Status
from monitor.model.scan import ScanFacts
from tests.support.records import (
    REFUSALS,
    SCAN,
    a_break,
    a_certificate,
    a_chain,
    a_file,
    a_finding,
    a_profile,
    a_report,
    an_answer,
    an_assessment,
    expired,
    tls_facts,
)

HOSTILE = "[bold]CN=x[/bold] :skull: \x1b[31m\x07\r\n\u202e\ud800é"


HINTS = Hints(
    caption="Where to turn",
    by_broker=(
        (
            "EMQX",
            (
                "the knob of the listener whose certificate it was, in the file that is named after the broker, or "
                "in the dashboard."
            ),
        ),
        ("Mosquitto", "the other knob."),
    ),
)


def shown(
    report: ProbeReport, assessment: Assessment, *, width: int = 80, encoding: str = "utf-8", terminal: bool = False
) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="")
    render(report, assessment, Console(file=file, width=width, force_terminal=terminal, color_system="standard" if
        terminal else None))  # fmt: skip
    file.flush()
    return raw.getvalue().decode(encoding)


def of(report: ProbeReport, *findings: Finding, width: int = 80, encoding: str = "utf-8") -> str:
    return shown(report, an_assessment(report, *findings), width=width, encoding=encoding)


def test_verdict_broker_and_what_is_wrong_come_first() -> None:
    lines = shown(*expired()).splitlines()
    assert lines[0] == "CRITICAL  plant-7  mqtt.example.org:8883 (192.0.2.7)"
    assert lines[1] == "The server's certificate ended 3 days ago, on 2026-11-20 11:00:00 UTC."


def test_healthy_broker_says_so() -> None:
    lines = of(a_report()).splitlines()
    assert lines[:2] == [
        "OK  plant-7  mqtt.example.org:8883 (192.0.2.7)",
        "Connected, and got its own message back in 3.20 ms.",
    ]
    assert lines[-1] == "No findings."


def test_every_phase_is_there_with_its_time_and_the_clock_where_it_is_not_the_kernels() -> None:
    text = of(a_report())
    for phase in Phase:
        assert f"  {phase.value} " in text
    (handshake,) = [line for line in text.splitlines() if line.startswith("  handshake")]
    (resolve,) = [line for line in text.splitlines() if line.startswith("  resolve")]
    assert handshake.endswith("12.7 ms")
    assert resolve.endswith("0.90 ms  user clock")


def test_bars_are_proportional_and_begin_where_the_phase_before_ended() -> None:
    rows = {line.split()[0]: line for line in of(a_report()).splitlines() if "█" in line}
    assert rows["handshake"].count("█") > 3 * rows["roundtrip"].count("█")
    assert rows["handshake"].index("█") > rows["resolve"].index("█")
    assert rows["roundtrip"].index("█") >= rows["handshake"].rindex("█")


def test_own_work_has_a_time_and_no_bar_and_takes_no_place_among_the_bars() -> None:
    report = a_report()
    slow = [
        replace(entry, outcome=Done(elapsed_s=5.0, clock=Clock.USER)) if entry.phase is Phase.VERIFY else entry
        for entry in report.phases
    ]
    rows = {line.split()[0]: line for line in of(replace(report, phases=tuple(slow))).splitlines() if line}
    assert rows["verify"].split() == ["verify", "5.00", "s", "our", "own", "work"]
    assert rows["handshake"] in of(report)


def test_address_in_place_of_a_name_makes_resolving_our_own_work() -> None:
    report = replace(a_report(), host="192.0.2.7")
    (row,) = [line for line in of(report).splitlines() if line.startswith("  resolve")]
    assert row.split() == ["resolve", "0.90", "ms", "our", "own", "work"]


def test_upper_bound_is_marked() -> None:
    report = a_report()
    bounded = Done(elapsed_s=0.001, clock=Clock.KERNEL, is_upper_bound=True)
    phases = (*report.phases[:-1], PhaseReport(phase=Phase.ROUNDTRIP, outcome=bounded))
    assert "1.00 ms  at most\n" in of(replace(report, phases=phases))


def test_failed_phase_has_reason_and_detail_and_later_ones_what_blocks_them() -> None:
    text = of(a_report(reason="handshake_reset", detail="connection reset by peer", confidence=Confidence.INFERRED))
    assert "FAILED  inferred\n                handshake_reset\n                connection reset by peer\n" in text
    assert "  roundtrip     not tried, as handshake failed\n" in text


def test_detail_that_the_sentence_says_already_is_not_repeated_under_the_phase() -> None:
    finding = a_finding("connect_refused", Severity.CRITICAL, message="Nothing listens: errno 111")
    text = of(a_report(reason="connect_refused", detail="errno 111"), finding)
    assert "                connect_refused\n  handshake " in text


def test_failure_whose_finding_is_missing_still_has_a_sentence() -> None:
    assert "The probe failed: connect_refused." in of(a_report(reason="connect_refused"))


def test_findings_come_gravest_first_with_their_fixes() -> None:
    text = of(
        a_report(), a_finding(), a_finding("name_mismatch", Severity.CRITICAL, message="Wrong name.", fix="Do it.")
    )
    assert text.index("name_mismatch") < text.index("certificate_expires_soon")
    assert "    Fix: Do it.\n" in text


def test_fix_with_several_lines_keeps_them() -> None:
    text = of(a_report(), a_finding(fix="Allow it:\n  topic readwrite a/#"))
    assert "    Fix: Allow it:\n      topic readwrite a/#\n" in text


def test_hints_follow_their_fix_as_an_indented_list() -> None:
    text = of(a_report(), a_finding(fix="Do it.", hints=(HINTS,)))
    assert text.split("    Fix: Do it.\n")[1].splitlines()[:4] == [
        "    Where to turn:",
        "      EMQX       the knob of the listener whose certificate it was, in the file",
        "                 that is named after the broker, or in the dashboard.",
        "      Mosquitto  the other knob.",
    ]


def test_what_to_type_for_more_is_said_where_there_are_findings() -> None:
    assert of(a_report(), a_finding()).endswith("  What a finding means to clients: mqtt-tls-monitor explain CODE\n")


def test_chain_shows_issuer_of_the_top_where_it_is_not_served() -> None:
    text = of(a_report())
    assert "0 leaf  CN=mqtt.example.org" in text
    assert "└── 1 intermediate  CN=Example Issuing CA" in text
    assert "└── issuer, not served: CN=Example Root" in text
    assert "ends 2027-01-23 12:00:00 UTC, in 60 days" in text


def test_chain_that_ends_in_its_root_misses_no_issuer() -> None:
    root = a_certificate(1, role=Role.ROOT, subject="CN=Example Issuing CA", issuer="CN=Example Issuing CA", names=())
    text = of(a_report(tls=tls_facts((a_certificate(), root))))
    assert "not served" not in text


def test_certificate_out_of_order_is_not_shown_as_an_issuer() -> None:
    leaf, intermediate = a_chain()
    stranger = a_certificate(1, role=Role.INTERMEDIATE, subject="CN=Stranger", issuer="CN=Strange Root")
    text = of(a_report(tls=tls_facts((leaf, stranger, replace(intermediate, position=2)))))
    assert "├── 1 intermediate  CN=Stranger" in text
    assert "not the issuer of the certificate before it" in text


def test_many_names_are_cut_and_counted() -> None:
    leaf = a_certificate(names=tuple(f"n{number}.example" for number in range(5000)))
    text = of(a_report(tls=tls_facts((leaf,))))
    assert "DNS:n7.example and 4992 more" in " ".join(text.split())
    assert "n8.example" not in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal_or_ends_in_blanks(width: int) -> None:
    wordy = a_finding(message="word " * 90, hints=(HINTS,))
    for report, assessment in (expired(), (a_report(), an_assessment(a_report(), wordy))):
        for line in shown(report, assessment, width=width).splitlines():
            assert len(line) <= width
            assert line == line.rstrip()


def test_no_colour_outside_a_terminal_and_colour_on_one() -> None:
    assert "\x1b" not in shown(*expired())
    assert "\x1b[1;31mCRITICAL" in shown(*expired(), terminal=True)


def test_brokers_text_cannot_steer_the_terminal_or_be_read_as_markup() -> None:
    leaf = a_certificate(subject=HOSTILE, issuer=HOSTILE, names=(HOSTILE,))
    report = a_report(HOSTILE, reason="publish_refused", detail=HOSTILE, tls=tls_facts((leaf,)))
    hints = (Hints(caption=HOSTILE, by_broker=((HOSTILE, HOSTILE),)),)
    finding = a_finding("publish_refused", Severity.CRITICAL, message=HOSTILE, fix=HOSTILE, hints=hints)
    text = of(report, finding, width=200)
    assert not set("\x1b\x07\r\u202e\ud800") & set(text)
    assert text.count("[bold]CN=x[/bold] :skull:") >= 5


def test_ascii_terminal_gets_ascii() -> None:
    leaf = a_certificate(subject="CN=Zürich", names=tuple(f"ü{number}" for number in range(9)))
    text = of(a_report(HOSTILE, tls=tls_facts((leaf,))), encoding="ascii")
    assert text.isascii()
    assert "#" in text
    assert "CN=Z?rich" in text
    assert "`-- issuer, not served" in text


def test_profiles_and_what_breaks_next_have_a_line_each() -> None:
    report = a_report()
    profiles = (a_profile(), a_profile("gateway", error="OpenSSL says: no \x1b[31m"))
    lines = shown(report, an_assessment(report, profiles=profiles, next_break=a_break()), width=120).splitlines()
    assert "  accepted  devices-2022  ends 2027-01-23 12:00:00 UTC, in 60 days" in lines
    assert "  refused   gateway  OpenSSL says: no \ufffd[31m" in lines
    assert (
        "Next to break: the broker's certificate (CN=mqtt.example.org), in 12 days (2026-12-05 13:00:00 UTC)" in lines
    )


def test_attempts_at_what_must_be_refused_have_a_line_each() -> None:
    report = a_report()
    lines = shown(report, an_assessment(report, refusals=REFUSALS), width=120).splitlines()
    assert "What must be refused" in lines
    assert "  refused   anonymous  CONNACK with code 5, 10 minutes ago" in lines
    assert "  accepted  no_client_certificate  a client was let in, 10 minutes ago" in lines
    assert "  unknown   wrong_password  connect_refused: <no> \ufffd[31m, 10 minutes ago" in lines


def test_revocation_has_a_line_where_there_is_something_to_tell() -> None:
    report = a_report()
    answers = (an_answer(), an_answer(Source.CRL_FILE, Status.STALE))
    lines = shown(report, an_assessment(report, revocation=answers), width=120).splitlines()
    assert [line for line in lines if line.startswith("Revocation")] == [
        "Revocation: staple good until 2026-11-25 12:00:00 UTC, in 1 day; list out of date"
    ]
    assert "Revocation" not in shown(report, an_assessment(report, revocation=(an_answer(status=Status.NOT_OFFERED),)))


def test_broker_without_profiles_or_anything_left_to_break_has_no_lines_about_them() -> None:
    text = of(a_report())
    assert "Trust profiles" not in text
    assert "Next to break" not in text
    assert "must be refused" not in text
    assert "Scan" not in text


@pytest.mark.parametrize(
    ("file", "line"),
    [
        (a_file(), "/etc/mosquitto/server.pem: served, replaced 3 hours ago"),
        (a_file(is_served=False), "/etc/mosquitto/server.pem: not served, replaced 3 hours ago"),
        (
            a_file(is_served=None),
            "/etc/mosquitto/server.pem: nothing served yet to compare it with, replaced 3 hours ago",
        ),
        (
            a_file(FileState.MISSING, detail="no such file", is_served=None),
            "/etc/mosquitto/server.pem: found no such file",
        ),
    ],
)
def test_certificate_file_has_a_line(file: FileOpinion, line: str) -> None:
    report = a_report()
    assert f"  {line}" in shown(report, an_assessment(report, certificate_file=file), width=120).splitlines()
    assert "certificate file" not in of(report)


def test_scan_has_a_line_for_each_answer() -> None:
    report = a_report()
    lines = shown(report, an_assessment(report, scan=SCAN), width=120).splitlines()
    at = lines.index("Scan of what TLS accepts")
    assert lines[at + 1 : at + 5] == [
        "  asked 192.0.2.7, 3 hours ago",
        "  old versions accepted: TLS 1.0, TLS 1.1",
        "  weak cipher suites accepted: TLS_RSA_WITH_RC4_128_SHA",
        "  not told: renegotiation: the answer began with \ufffd[31m",
    ]
    unanswered = ScanFacts(at=SCAN.at, untold=("TLS 1.0: Connection refused",))
    assert "  no answer, 3 hours ago" in shown(report, an_assessment(report, scan=unanswered)).splitlines()


@pytest.mark.parametrize(
    ("broker", "headline"),
    [
        ("mqtt.example.org:8883", "OK  mqtt.example.org:8883  (192.0.2.7)"),
        ("mqtt", "OK  mqtt  mqtt.example.org:8883 (192.0.2.7)"),
    ],
)
def test_target_that_is_the_brokers_name_stands_once(broker: str, headline: str) -> None:
    report = a_report(broker)
    assert shown(report, an_assessment(report)).splitlines()[0] == headline
