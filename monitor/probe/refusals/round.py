"""One round: every attempt that a broker's settings name, one connection after the other, and what each came to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from monitor.model.broker import LONGEST_V3_1_PREFIX_BYTES, Addresses, Broker, MqttVersion
from monitor.model.outcome import Phase
from monitor.model.refusal import Refusal, RefusalCheck, RefusalOutcome
from monitor.model.report import ProbeReport
from monitor.probe.connect import PACE_S
from monitor.probe.refusals import credentials, offers, plain, topics
from monitor.probe.refusals.evidence import Attempt, Evidence, Means, said, unknown
from monitor.probe.resolve import Resolver
from monitor.probe.tls import Verify

_MARK = "-refusal"

_ATTEMPTS: MappingProxyType[RefusalCheck, Attempt] = MappingProxyType(
    {
        RefusalCheck.NO_CLIENT_CERTIFICATE: credentials.no_client_certificate,
        RefusalCheck.EXPIRED_CLIENT_CERTIFICATE: credentials.expired_client_certificate,
        RefusalCheck.FOREIGN_CLIENT_CERTIFICATE: credentials.foreign_client_certificate,
        RefusalCheck.ANONYMOUS: credentials.anonymous,
        RefusalCheck.WRONG_PASSWORD: credentials.wrong_password,
        RefusalCheck.FORBIDDEN_SUBSCRIBE: topics.forbidden_subscribe,
        RefusalCheck.FORBIDDEN_PUBLISH: topics.forbidden_publish,
        RefusalCheck.TLS_1_0: offers.tls_1_0,
        RefusalCheck.TLS_1_1: offers.tls_1_1,
        RefusalCheck.WEAK_CIPHER: offers.weak_cipher,
        RefusalCheck.PLAIN_MQTT_ON_TLS_PORT: plain.plain_mqtt_on_tls_port,
        RefusalCheck.PLAIN_PORT_OPEN: plain.plain_port_open,
    }
)


async def refusal_round(
    broker: Broker, *, verify: Verify, now: Callable[[], datetime], resolver: Resolver
) -> tuple[Refusal, ...]:
    """Try everything that `broker.refusals` names; return what came of it, in that order.

    A broker that is down refuses everything. So the round begins with an ordinary connection, which must be let in,
    and each refusal that a broker going down would look like is followed by another one, and tried again. Where each
    address of the name is watched for itself, the whole round keeps to the one that the first connection went to.
    """
    marked, means = _marked(broker), Means(verify=verify, now=now, resolver=resolver)
    ordinary = await means.probe(marked, Phase.MQTT_CONNECT)
    hindrance = _hindrance(ordinary)
    address = ordinary.address if broker.addresses is Addresses.ALL else None
    if address is not None:
        marked = replace(marked, host=address)
    refusals = []
    for check in broker.refusals.checks:
        at = now()
        evidence = unknown(f"an ordinary connection fails as well ({hindrance})") if hindrance else None
        evidence = evidence or await _tried(check, marked, means)
        refusals.append(Refusal(check=check, outcome=evidence.outcome, detail=evidence.detail, at=at, address=address))
    return tuple(refusals)


def round_limit_s(broker: Broker) -> float:
    """Return how long a round may take at most: each attempt, control and repetition has the probe's time."""
    return (3 * len(broker.refusals.checks) + 1) * (broker.timeout_s + PACE_S)


async def _tried(check: RefusalCheck, broker: Broker, means: Means) -> Evidence:
    await asyncio.sleep(PACE_S)
    evidence = await _ATTEMPTS[check](broker, means)
    if not evidence.needs_control:
        return evidence
    await asyncio.sleep(PACE_S)
    hindrance = _hindrance(await means.probe(broker, Phase.MQTT_CONNECT))
    if hindrance is not None:
        return unknown(f"{evidence.detail}; right afterwards an ordinary connection failed as well ({hindrance})")
    # A broker that drops a connection now and then drops one of ours as well: a refusal happens again.
    await asyncio.sleep(PACE_S)
    again = await _ATTEMPTS[check](broker, means)
    if again.outcome is RefusalOutcome.UNKNOWN:
        return unknown(f"{evidence.detail}; tried again, it ended in another way ({again.detail})")
    return again


def _hindrance(ordinary: ProbeReport) -> str | None:
    """Return why a client was not let in that connected as an ordinary probe does; None if it was."""
    ended = ordinary.failed
    return None if ended is None else said(ended)


def _marked(broker: Broker) -> Broker:
    """Give the attempts' client ids a mark, by which the broker's operator knows them."""
    prefix = broker.mqtt.client_id_prefix
    if broker.mqtt.version is MqttVersion.V3_1:
        prefix = prefix[: LONGEST_V3_1_PREFIX_BYTES - len(_MARK)]
    return replace(broker, mqtt=replace(broker.mqtt, client_id_prefix=prefix + _MARK))
