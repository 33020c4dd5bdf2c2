"""ClientHellos that offer only what no broker should agree to. Nothing of the monitor's own is sent with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from monitor.model.broker import Broker, TlsSettings, TlsVersion
from monitor.model.outcome import Phase
from monitor.model.report import ProbeReport
from monitor.probe.refusals.evidence import Evidence, Means, accepted, failed, one_of, refused, said, unknown

# What encrypts nothing, and what does without certificates. The latter by elliptic curves alone: with finite fields a
# server chooses the group, and a large one costs a second of the event loop's time.
_WEAK: Final = "eNULL:aNULL:!kDHE:!PSK:!SRP:@SECLEVEL=0"

# "The server did not agree": RFC 8446 6.2.
_NO_SUCH_VERSION: Final = ("alert_protocol_version",)
_NO_SUCH_SUITE: Final = ("alert_handshake_failure", "alert_insufficient_security")
# OpenSSL's servers say internal_error where their security level, not their lowest version, forbids an old version.
_ENDED: Final = (*_NO_SUCH_SUITE, "alert_internal_error", "closed", "reset")


async def tls_1_0(broker: Broker, means: Means) -> Evidence:
    """Offer TLS 1.0 and nothing newer."""
    return await _with_version(broker, means, TlsVersion.V1_0)


async def tls_1_1(broker: Broker, means: Means) -> Evidence:
    """Offer TLS 1.1 and nothing else."""
    return await _with_version(broker, means, TlsVersion.V1_1)


async def weak_cipher(broker: Broker, means: Means) -> Evidence:
    """Offer cipher suites without encryption, or without proof of who the broker is."""
    tls = replace(broker.tls, minimum_version=TlsVersion.V1_0, maximum_version=TlsVersion.V1_2, cipher_list=_WEAK)
    report = await _offered(broker, means, tls)
    if suite := _agreed(report):
        lack = "enciphers nothing" if "NULL" in suite else "proves to nobody who the broker is"
        return accepted(f"the broker agreed to the cipher suite {suite}, which {lack}")
    return _by_alert(report, certain=(*_NO_SUCH_VERSION, *_NO_SUCH_SUITE))


async def _with_version(broker: Broker, means: Means, version: TlsVersion) -> Evidence:
    report = await _offered(broker, means, replace(broker.tls, minimum_version=version, maximum_version=version))
    if suite := _agreed(report):
        return accepted(f"the broker agreed to TLS {version.value}, with the cipher suite {suite}")
    return _by_alert(report, certain=_NO_SUCH_VERSION)


async def _offered(broker: Broker, means: Means, tls: TlsSettings) -> ProbeReport:
    return await means.probe(replace(broker, tls=replace(tls, client_identity=None)))


def _agreed(report: ProbeReport) -> str | None:
    """Return the suite that the broker chose, whatever came of the handshake after that."""
    return None if report.tls is None else report.tls.cipher


def _by_alert(report: ProbeReport, *, certain: tuple[str, ...]) -> Evidence:
    ended = failed(report)
    if ended is None:
        return unknown("the handshake ended without a cipher suite")
    if one_of(ended.reason, (Phase.HANDSHAKE,), certain):
        return refused(said(ended), needs_control=False)
    if one_of(ended.reason, (Phase.HANDSHAKE,), _ENDED):
        return refused(said(ended), needs_control=True)
    return unknown(said(ended))
