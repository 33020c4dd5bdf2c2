"""Phases `handshake` and `verify`: what is served is read to the last field, and only then judged."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from monitor.model.broker import Broker
from monitor.model.facts import TlsFacts
from monitor.model.judgement import Finding
from monitor.model.outcome import Clock, Phase
from monitor.probe.fault import PhaseFault, client_certificate_fault, handshake_fault
from monitor.probe.recorder import Recorder
from monitor.wire.channel import Channel
from monitor.wire.ending import ConnectionEnded, Ending
from monitor.wire.engine import TlsEngine
from monitor.wire.tcp import TcpConnection
from monitor.x509.certificate import read_chain

Verify = Callable[[TlsFacts, Broker, datetime], Awaitable[Finding | None]]
"""Says why a served chain is not accepted, or None if it is. The gate in front of every secret.

Awaited, since a hostile chain may take a while to be judged; the probe's deadline holds meanwhile."""


def open_channel(tcp: TcpConnection, broker: Broker) -> Channel:
    """Return a channel over a connection that is up; the handshake has not begun."""
    tls = broker.tls
    engine = TlsEngine(
        server_name=sni(tls.server_name),
        minimum_version=tls.minimum_version,
        alpn=tls.alpn,
        identity=tls.client_identity,
    )
    return Channel(tcp, engine)


async def handshake(channel: Channel, broker: Broker, verify: Verify, now: datetime, recorder: Recorder) -> None:
    """Go through both phases. Our client certificate leaves only when `verify` has accepted the broker.

    Raises:
        PhaseFault: the handshake failed, or the broker was not accepted.
    """
    recorder.begin(Phase.HANDSHAKE)
    try:
        await channel.handshake(hold_certificate=broker.tls.client_identity is not None)
    except ConnectionEnded as ended:
        raise _handshake_fault(channel, ended.ending) from None
    if channel.engine.is_complete:
        recorder.done(channel.waits.elapsed_s, channel.waits.clock)
    recorder.begin(Phase.VERIFY)
    began = time.monotonic()
    recorder.tls = read_tls(channel)
    # TLS 1.2 with our certificate held back: it is we who do not let the handshake finish, unless we accept the broker.
    recorder.withhold(Phase.HANDSHAKE, blocked_by=Phase.VERIFY)
    refusal = await verify(recorder.tls, broker, now)
    if refusal is not None:
        raise PhaseFault(refusal.code, refusal.message)
    recorder.done(time.monotonic() - began, Clock.USER)
    if channel.is_held:
        try:
            await _release(channel, recorder)
        finally:
            recorder.tls = read_tls(channel)  # whatever came of it, our certificate may have left


async def _release(channel: Channel, recorder: Recorder) -> None:
    was_complete = channel.engine.is_complete
    if not was_complete:
        recorder.begin(Phase.HANDSHAKE)
    try:
        await channel.release()
    except ConnectionEnded as ended:
        if not was_complete:
            raise _handshake_fault(channel, ended.ending) from None
        # TLS 1.3 was done before: whoever uses the channel next finds out why it ended.
    else:
        if not was_complete:
            recorder.done(channel.waits.elapsed_s, channel.waits.clock)


def read_tls(channel: Channel) -> TlsFacts:
    """Return what the handshake has shown so far, at any time."""
    served = channel.engine.served()
    flight = channel.client_flight
    return TlsFacts(
        version=served.version,
        cipher=served.cipher,
        group=served.group,
        alpn=served.alpn,
        certificates=read_chain(served.chain),
        is_complete=channel.engine.is_complete and not channel.is_held,
        ocsp_response=served.ocsp_response,
        client_certificate_requested=flight.has_certificate_message if flight else None,
        client_certificate_sent=bool(channel.sent_flight and channel.sent_flight.has_certificate),
        accepted_cas=served.accepted_cas,
        alert=channel.ended.result().alert if channel.ended.done() else None,
        certificates_left_out=served.left_out,
    )


def _handshake_fault(channel: Channel, ending: Ending) -> PhaseFault:
    # From our answer to the server's flight on, an ending may be the verdict on our certificate.
    return client_certificate_fault(ending, channel.sent_flight) or handshake_fault(ending)


def sni(server_name: str) -> str | None:
    """Return what goes into server_name: DNS names only (RFC 6066 3)."""
    try:
        ipaddress.ip_address(server_name)
    except ValueError:
        return server_name
    return None
