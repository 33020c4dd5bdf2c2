"""How a phase ends badly, and the table from what the wire saw to the word for it."""

from __future__ import annotations

from monitor.model.outcome import Confidence
from monitor.model.reasons import INTERNAL
from monitor.wire.ending import End, Ending
from monitor.wire.records import ClientFlight


class PhaseFault(Exception):  # noqa: N818 - a failing broker is data; this carries it to the pipeline
    """Ends the phase that is under way.

    `word` is the failure reason without its phase; see `monitor.model.reasons`.
    """

    def __init__(self, word: str, detail: str, confidence: Confidence = Confidence.OBSERVED) -> None:
        super().__init__(detail)
        self.word = word
        self.detail = detail
        self.confidence = confidence


_CONNECT = {
    End.REFUSED_CONNECTION: "refused",
    End.TIMED_OUT: "timeout",
    End.HOST_UNREACHABLE: "host_unreachable",
    End.NETWORK_UNREACHABLE: "network_unreachable",
    End.RESET: "reset",
}
_CLOSING = {
    End.EOF: "closed",
    End.CLOSE_NOTIFY: "closed",
    End.RESET: "reset",
    End.TIMED_OUT: "timeout",
    End.TOO_MUCH_DATA: "too_much_data",
}
_HANDSHAKE = {
    **_CLOSING,
    End.NOT_TLS: "not_tls",
    End.VERSION_UNSUPPORTED: "protocol_version_unsupported",
    End.BAD_SIGNATURE: "bad_signature",
    End.RENEGOTIATION_INSECURE: "renegotiation_insecure",
    End.CERTIFICATE_UNREADABLE: "certificate_unreadable",
}


def connect_fault(ending: Ending) -> PhaseFault:
    """Return the fault of a connection that could not be made."""
    return PhaseFault(_CONNECT.get(ending.end, "failed"), ending.detail)


def handshake_fault(ending: Ending) -> PhaseFault:
    """Return the fault of a handshake that ended early, client certificates aside."""
    if ending.end is End.OUR_FAULT:
        return PhaseFault(INTERNAL, ending.detail)
    if ending.end is End.ALERT:
        return PhaseFault(f"alert_{ending.alert}", ending.detail)
    return PhaseFault(_HANDSHAKE.get(ending.end, "protocol_error"), ending.detail)


def exchange_fault(ending: Ending, *, names_alerts: bool) -> PhaseFault:
    """Return the fault of an exchange after the handshake, client certificates aside."""
    if ending.end is End.OUR_FAULT:
        return PhaseFault(INTERNAL, ending.detail)
    if ending.end is End.ALERT:
        return PhaseFault(f"alert_{ending.alert}" if names_alerts else "alert", ending.detail)
    return PhaseFault(_CLOSING.get(ending.end, "tls_error"), ending.detail)


# Alerts by which stacks in the field refuse a client's certificate, or its absence. handshake_failure is what
# TLS 1.2 stacks say when none was sent (RFC 5246 7.4.6).
_CERTIFICATE_ALERTS = frozenset(
    (
        "handshake_failure",
        "bad_certificate",
        "unsupported_certificate",
        "certificate_revoked",
        "certificate_expired",
        "certificate_unknown",
        "unknown_ca",
        "access_denied",
        "decrypt_error",
        "certificate_required",
    )
)


def client_certificate_fault(ending: Ending, flight: ClientFlight | None) -> PhaseFault | None:
    """Return the fault if this ending is the broker's verdict on our client certificate, else None.

    To be asked only while the broker has not yet accepted the certificate step. RFC 8446 4.4.2.4: certificate_required
    is the alert for an empty Certificate; stacks that send another one, or only hang up, are recognised by the moment.

    Args:
        ending: how the connection ended.
        flight: our answer to the server's flight; None if the connection ended before it.
    """
    if flight is None or not flight.has_certificate_message:
        return None
    is_certificate_alert = ending.end is End.ALERT and ending.alert in _CERTIFICATE_ALERTS
    if not is_certificate_alert and ending.end not in {End.EOF, End.CLOSE_NOTIFY, End.RESET}:
        return None
    word = "client_certificate_rejected" if flight.has_certificate else "client_certificate_required"
    if is_certificate_alert and (flight.has_certificate or ending.alert == "certificate_required"):
        return PhaseFault(word, ending.detail)
    what = "received it" if flight.has_certificate else "asked for one, got none"
    return PhaseFault(word, f"it {what} and ended the connection ({ending.detail})", Confidence.INFERRED)
