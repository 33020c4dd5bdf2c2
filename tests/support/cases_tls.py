"""Failures of TLS: `handshake_*`, and the refusals of clients that TLS 1.3 puts behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from monitor.demo.pki import Issued, issue
from monitor.model.reasons import ALERTS
from tests.support.case import (
    SHORT_S,
    Case,
    good_tls,
    no_tls,
    scripted,
    tls12,
    two_way,
    two_way_tls12,
)
from tests.support.faults import Peer, Script
from tests.support.mqtt_bytes import connack
from tests.support.mqtt_script import broker
from tests.support.pki import TestPki
from tests.support.tls_engine import (
    Rewrite,
    ServerTls,
    up_to,
    with_broken_signature,
    with_certificates,
    with_version,
    without_secure_renegotiation,
)
from tests.support.tls_records import ContentType, HandshakeType, message

UNKNOWN_ALERT_NUMBER = 200
USER_CANCELED = 90
NOT_A_CERTIFICATE = b"\x30\x03\x02\x01\x01"
"""A SEQUENCE of one INTEGER."""


def alert_on_hello(number: int) -> Script:
    def script(peer: Peer) -> None:
        peer.read_hello()
        peer.alert(number)
        peer.close()

    return script


def rewritten(rewrite: Rewrite) -> Script:
    return lambda peer: peer.handshake(rewrite)


def after_hello(act: Callable[[Peer], object]) -> Script:
    def script(peer: Peer) -> None:
        peer.read_hello()
        act(peer)

    return script


def within_flight(share: float, act: Callable[[Peer], object]) -> Script:
    """Send that share of the server's flight, then act."""

    def script(peer: Peer) -> None:
        flight = peer.flight()
        peer.send_raw(flight[: int(len(flight) * share)])
        act(peer)

    return script


def after_client_flight(act: Callable[[Peer], object]) -> Script:
    """Keep TLS 1.2's Finished, or TLS 1.3's tickets, and act instead."""

    def script(peer: Peer) -> None:
        peer.handshake(sends_last=False)
        act(peer)

    return script


def alert_and_close(number: int) -> Callable[[Peer], None]:
    def act(peer: Peer) -> None:
        peer.alert(number)
        peer.close()

    return act


def raw_and_close(data: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.send_raw(data)
        peer.close()

    return script


def endless_certificate(peer: Peer) -> None:
    """The largest chain that the length field can announce (16 MiB), and bytes until the client leaves."""
    peer.send_flight(up_to(HandshakeType.ENCRYPTED_EXTENSIONS))
    peer.send_record(ContentType.HANDSHAKE, bytes((HandshakeType.CERTIFICATE,)) + b"\xff\xff\xff")
    while True:
        peer.send_record(ContentType.HANDSHAKE, bytes(16384))


def _closings() -> Iterator[Case]:
    """Every phase of the handshake, ended in every way that needs no alert."""
    moments: dict[str, Callable[[Callable[[Peer], object]], Script]] = {
        "after-hello": after_hello,
        "within-server-hello": lambda act: within_flight(0.02, act),
        "within-flight": lambda act: within_flight(0.6, act),
    }
    endings: dict[str, tuple[Callable[[Peer], object], str]] = {
        "stall": (lambda peer: peer.stall(), "timeout"),
        "close": (lambda peer: peer.close(), "closed"),
        "reset": (lambda peer: peer.reset(), "reset"),
    }
    for moment, build in moments.items():
        for ending, (act, word) in endings.items():
            yield Case(
                id=f"{ending}-{moment}",
                reason=f"handshake_{word}",
                server=scripted(build(act)),
                timeout_s=SHORT_S if word == "timeout" else 10.0,
            )
    for ending, (act, word) in endings.items():
        yield Case(
            id=f"{ending}-before-finished-tls12",
            reason=f"handshake_{word}",
            server=scripted(after_client_flight(act), tls12),
            timeout_s=SHORT_S if word == "timeout" else 10.0,
        )


def _alerts() -> Iterator[Case]:
    for number, name in (*ALERTS.items(), (UNKNOWN_ALERT_NUMBER, "unknown")):
        yield Case(
            id=f"alert-{name}-on-hello",
            reason=f"handshake_alert_{name}",
            server=scripted(alert_on_hello(number), tls12 if number == USER_CANCELED else good_tls),
        )


_HANDSHAKE = (
    Case(
        id="accepted-and-silent",
        reason="handshake_timeout",
        server=scripted(lambda peer: peer.stall(), no_tls),
        timeout_s=SHORT_S,
    ),
    Case(id="accepted-and-closed", reason="handshake_closed", server=scripted(lambda peer: peer.close(), no_tls)),
    Case(
        id="tls-dripping",
        reason="handshake_timeout",
        server=scripted(lambda peer: peer.drip(peer.flight(), 0.05)),
        timeout_s=SHORT_S,
    ),
    Case(
        id="http-on-the-port",
        reason="handshake_not_tls",
        server=scripted(raw_and_close(b"HTTP/1.1 400 Bad Request\r\n\r\n"), no_tls),
    ),
    Case(
        id="plain-mqtt-on-the-port", reason="handshake_not_tls", server=scripted(raw_and_close(connack(4, 1)), no_tls)
    ),
    Case(
        id="garbage-without-end",
        reason="handshake_not_tls",
        server=scripted(lambda peer: peer.flood(b"\xff\xfe"), no_tls),
    ),
    Case(
        id="version-that-we-refuse",
        reason="handshake_protocol_version_unsupported",
        server=scripted(rewritten(with_version(0x0302)), tls12),
    ),
    Case(
        id="secure-renegotiation-missing",
        reason="handshake_renegotiation_insecure",
        server=scripted(rewritten(without_secure_renegotiation), tls12),
    ),
    *(
        Case(id=f"signature-broken-{name}", reason="handshake_bad_signature", server=scripted(script, tls))
        for name, tls in (("tls12", tls12), ("tls13", good_tls))
        for script in (rewritten(with_broken_signature),)
    ),
    *(
        Case(
            id=f"certificate-unreadable-{name}",
            reason="handshake_certificate_unreadable",
            server=scripted(rewritten(with_certificates((NOT_A_CERTIFICATE,))), tls),
        )
        for name, tls in (("tls12", tls12), ("tls13", good_tls))
    ),
    Case(id="certificate-without-end", reason="handshake_too_much_data", server=scripted(endless_certificate)),
    Case(
        id="server-hello-missing",
        reason="handshake_protocol_error",
        server=scripted(
            after_hello(
                lambda peer: peer.send_record(ContentType.HANDSHAKE, message(HandshakeType.FINISHED, bytes(12)))
            )
        ),
    ),
    *(
        Case(
            id=f"client-certificate-missing-tls12-{name}",
            reason="handshake_client_certificate_required",
            server=scripted(after_client_flight(act), two_way_tls12),
        )
        for name, act in (
            ("alert-40", alert_and_close(40)),
            ("alert-42", alert_and_close(42)),
            ("close", lambda peer: peer.close()),
            ("reset", lambda peer: peer.reset()),
        )
    ),
    *(
        Case(
            id=f"client-certificate-rejected-tls12-{name}",
            reason="handshake_client_certificate_rejected",
            server=scripted(after_client_flight(act), two_way_tls12),
            identity=lambda pki: pki.foreign_client_identity,
        )
        for name, act in (("alert-48", alert_and_close(48)), ("close", lambda peer: peer.close()))
    ),
    *(
        Case(
            id=f"client-certificate-missing-tls13-{name}",
            reason="mqtt_connect_client_certificate_required",
            server=scripted(after_client_flight(act), two_way),
        )
        for name, act in (
            ("alert-116", alert_and_close(116)),
            ("alert-42", alert_and_close(42)),
            ("close", lambda peer: peer.close()),
            ("reset", lambda peer: peer.reset()),
        )
    ),
    *(
        Case(
            id=f"client-certificate-rejected-tls13-{name}",
            reason="mqtt_connect_client_certificate_rejected",
            server=scripted(after_client_flight(act), two_way),
            identity=lambda pki: pki.foreign_client_identity,
        )
        for name, act in (
            ("alert-48", alert_and_close(48)),
            ("close", lambda peer: peer.close()),
            ("reset", lambda peer: peer.reset()),
        )
    ),
    # A ticket says that the certificate step was passed: what comes then is no verdict on it.
    Case(
        id="closed-after-a-ticket-tls13",
        reason="mqtt_connect_closed",
        server=scripted(broker(connect=lambda peer, _: peer.close()), two_way),
    ),
)


def _other_key(pki: TestPki) -> Issued:
    return issue(now=pki.now, issuer=pki.intermediate)


def _mismatched(name: str, tls: Callable[[TestPki], ServerTls]) -> Case:
    """The served certificate is good, and the server has another key."""

    def start(pki: TestPki) -> AbstractContextManager[int]:
        served = (_other_key(pki).der, pki.intermediate.der)
        return scripted(rewritten(with_certificates(served)), tls)(pki)

    return Case(id=f"key-of-another-certificate-{name}", reason="handshake_bad_signature", server=start)


CASES = (
    *_closings(),
    *_alerts(),
    *_HANDSHAKE,
    _mismatched("tls12", tls12),
    _mismatched("tls13", good_tls),
)
