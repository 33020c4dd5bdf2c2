"""The tables from what the wire saw to the word for it."""

from __future__ import annotations

import pytest

from monitor.model.outcome import Confidence
from monitor.model.reasons import ALERTS, INTERNAL, REASONS, UNKNOWN_ALERT
from monitor.probe.fault import PhaseFault, client_certificate_fault, connect_fault, exchange_fault, handshake_fault
from monitor.wire.ending import End, Ending
from monitor.wire.records import ClientFlight

ALERT_NAMES = (*ALERTS.values(), UNKNOWN_ALERT)
NOTHING_ASKED = ClientFlight(False, False)
NONE_SENT = ClientFlight(True, False)
ONE_SENT = ClientFlight(True, True)


def _ended(end: End, alert: str | None = None) -> Ending:
    return Ending(end=end, detail="seen", alert=alert)


@pytest.mark.parametrize("end", list(End))
def test_every_ending_has_a_known_reason_in_every_phase(end: End) -> None:
    ending = _ended(end, "handshake_failure" if end is End.ALERT else None)
    faults = {
        "connect": connect_fault(ending),
        "handshake": handshake_fault(ending),
        "mqtt_connect": exchange_fault(ending, names_alerts=True),
        "subscribe": exchange_fault(ending, names_alerts=False),
        "publish": exchange_fault(ending, names_alerts=False),
        "roundtrip": exchange_fault(ending, names_alerts=False),
    }
    for phase, fault in faults.items():
        assert fault.word == INTERNAL or f"{phase}_{fault.word}" in REASONS
        assert (fault.word == INTERNAL) is (end is End.OUR_FAULT and phase != "connect")  # nothing is read in `connect`
        assert fault.detail == "seen"
        assert fault.confidence is Confidence.OBSERVED


@pytest.mark.parametrize("alert", ALERT_NAMES)
def test_every_alert_has_its_own_reason_up_to_connack(alert: str) -> None:
    ending = _ended(End.ALERT, alert)
    assert handshake_fault(ending).word == f"alert_{alert}"
    assert exchange_fault(ending, names_alerts=True).word == f"alert_{alert}"
    assert exchange_fault(ending, names_alerts=False).word == "alert"
    assert {f"handshake_alert_{alert}", f"mqtt_connect_alert_{alert}"} <= REASONS


@pytest.mark.parametrize(
    ("end", "word"),
    [
        (End.EOF, "closed"),
        (End.CLOSE_NOTIFY, "closed"),
        (End.RESET, "reset"),
        (End.NOT_TLS, "not_tls"),
        (End.VERSION_UNSUPPORTED, "protocol_version_unsupported"),
        (End.BAD_SIGNATURE, "bad_signature"),
        (End.RENEGOTIATION_INSECURE, "renegotiation_insecure"),
        (End.CERTIFICATE_UNREADABLE, "certificate_unreadable"),
        (End.TOO_MUCH_DATA, "too_much_data"),
        (End.TLS_ERROR, "protocol_error"),
    ],
)
def test_a_handshakes_ending_has_its_word(end: End, word: str) -> None:
    assert handshake_fault(_ended(end)).word == word


@pytest.mark.parametrize("flight", [None, NOTHING_ASKED])
@pytest.mark.parametrize("end", list(End))
def test_who_did_not_ask_for_a_certificate_passes_no_verdict_on_it(end: End, flight: ClientFlight | None) -> None:
    assert client_certificate_fault(_ended(end, "certificate_required"), flight) is None


def _verdict(ending: Ending, flight: ClientFlight) -> tuple[str, Confidence]:
    fault = client_certificate_fault(ending, flight)
    assert isinstance(fault, PhaseFault)
    assert f"handshake_{fault.word}" in REASONS
    assert f"mqtt_connect_{fault.word}" in REASONS
    return fault.word, fault.confidence


@pytest.mark.parametrize("end", [End.EOF, End.CLOSE_NOTIFY, End.RESET])
def test_a_silent_ending_after_the_certificate_step_is_a_verdict_by_inference(end: End) -> None:
    required = ("client_certificate_required", Confidence.INFERRED)
    rejected = ("client_certificate_rejected", Confidence.INFERRED)
    assert _verdict(_ended(end), NONE_SENT) == required
    assert _verdict(_ended(end), ONE_SENT) == rejected


def test_certificate_required_needs_no_inference() -> None:
    ending = _ended(End.ALERT, "certificate_required")
    assert _verdict(ending, NONE_SENT) == ("client_certificate_required", Confidence.OBSERVED)


@pytest.mark.parametrize("alert", ["bad_certificate", "unknown_ca", "handshake_failure", "certificate_expired"])
def test_another_certificate_alert_is_inferred_without_and_observed_with_a_certificate(alert: str) -> None:
    ending = _ended(End.ALERT, alert)
    assert _verdict(ending, NONE_SENT) == ("client_certificate_required", Confidence.INFERRED)
    assert _verdict(ending, ONE_SENT) == ("client_certificate_rejected", Confidence.OBSERVED)


@pytest.mark.parametrize("flight", [NONE_SENT, ONE_SENT])
@pytest.mark.parametrize("alert", ["protocol_version", "no_application_protocol", "internal_error", UNKNOWN_ALERT])
def test_an_alert_about_something_else_is_no_verdict(alert: str, flight: ClientFlight) -> None:
    assert client_certificate_fault(_ended(End.ALERT, alert), flight) is None


@pytest.mark.parametrize("flight", [NONE_SENT, ONE_SENT])
@pytest.mark.parametrize("end", [End.TLS_ERROR, End.TOO_MUCH_DATA, End.TIMED_OUT, End.OS_ERROR])
def test_a_breach_is_no_verdict(end: End, flight: ClientFlight) -> None:
    assert client_certificate_fault(_ended(end), flight) is None
