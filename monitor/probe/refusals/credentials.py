"""Attempts with something missing or wrong in the credentials, everything else as in an ordinary probe.

What is right goes to an accepted broker alone, as ever: the attempts pass the same gate.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from monitor.model.broker import Broker, ClientIdentity, Secret
from monitor.model.outcome import Confidence, Failed, Phase
from monitor.model.report import ProbeReport
from monitor.probe.refusals.evidence import Evidence, Means, accepted, one_of, refused, said, unknown
from monitor.probe.refusals.stranger import stranger
from monitor.x509.certificate import read_chain

_JUDGING = (Phase.HANDSHAKE, Phase.MQTT_CONNECT)
_CONNECT = (Phase.MQTT_CONNECT,)
_NOT_LET_IN = ("not_authorized", "bad_user_name_or_password")
# A certificate of an old CA, for one, is refused whatever its dates.
_NOT_FOR_DATES = ("unknown_ca", "decrypt_error", "unsupported_certificate", "certificate_revoked")
_HUNG_UP = ("closed", "reset")


async def no_client_certificate(broker: Broker, means: Means) -> Evidence:
    """Connect as ever, but show no client certificate."""
    ended = (await means.probe(_showing(broker, None), Phase.MQTT_CONNECT)).failed
    if ended is None:
        return accepted("a client without a certificate was let in")
    return _by_certificate(ended, "client_certificate_required")


async def foreign_client_certificate(broker: Broker, means: Means) -> Evidence:
    """Show a client certificate of a CA that nobody knows."""
    report = await means.probe(_showing(broker, stranger()), Phase.MQTT_CONNECT)
    ended = report.failed
    if ended is None:
        return accepted(_let_in(report, "a certificate of a CA that nobody knows"))
    return _by_certificate(ended, "client_certificate_rejected")


async def expired_client_certificate(broker: Broker, means: Means) -> Evidence:
    """Show the expired client certificate of the configuration."""
    identity = broker.refusals.expired_identity
    assert identity is not None
    not_after = read_chain(identity.chain[:1])[0].not_after
    if not_after is None or not_after >= means.now():
        return unknown("the certificate that is configured as expired has not expired")
    report = await means.probe(_showing(broker, identity), Phase.MQTT_CONNECT)
    ended = report.failed
    if ended is None:
        return accepted(_let_in(report, "an expired certificate"))
    if report.tls is not None and report.tls.alert in _NOT_FOR_DATES:
        return unknown(f"{said(ended)}; that says nothing of its dates")
    return _by_certificate(ended, "client_certificate_rejected")


async def anonymous(broker: Broker, means: Means) -> Evidence:
    """Connect without user name and password."""
    nameless = replace(broker, mqtt=replace(broker.mqtt, username=None, password=None))
    ended = (await means.probe(nameless, Phase.MQTT_CONNECT)).failed
    if ended is None:
        return accepted("a client without user name and password was let in")
    return _by_password(ended)


async def wrong_password(broker: Broker, means: Means) -> Evidence:
    """Connect with the right user name and a password that is none."""
    guess = Secret(secrets.token_urlsafe(16).encode())
    ended = (await means.probe(replace(broker, mqtt=replace(broker.mqtt, password=guess)), Phase.MQTT_CONNECT)).failed
    if ended is None:
        return accepted("a client with a wrong password was let in")
    return _by_password(ended)


def _showing(broker: Broker, identity: ClientIdentity | None) -> Broker:
    return replace(broker, tls=replace(broker.tls, client_identity=identity))


def _let_in(report: ProbeReport, what: str) -> str:
    """Say how a client was let in that had this certificate to show."""
    if report.tls is None or report.tls.client_certificate_sent:
        return f"a client with {what} was let in"
    if report.tls.client_certificate_requested:
        return f"a client was let in without a certificate: {what} is of no kind that the broker asks for"
    return "the broker asks for no client certificate, and let a client in without"


def _by_certificate(ended: Failed, word: str) -> Evidence:
    if one_of(ended.reason, _JUDGING, (word,)):
        return refused(said(ended), needs_control=ended.confidence is Confidence.INFERRED)
    if one_of(ended.reason, _CONNECT, _NOT_LET_IN):
        # Where TLS does not demand a certificate, MQTT may: only that is different from the ordinary connection.
        return refused(said(ended), needs_control=True)
    return unknown(said(ended))


def _by_password(ended: Failed) -> Evidence:
    if one_of(ended.reason, _CONNECT, _NOT_LET_IN):
        return refused(said(ended), needs_control=False)
    if one_of(ended.reason, _CONNECT, _HUNG_UP):
        # A server may hang up without a CONNACK (MQTT 3.1.1 3.1.4).
        return refused(said(ended), needs_control=True)
    return unknown(said(ended))
