"""Topics that the monitor's own account must not use, tried in sessions that are right in everything else."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from monitor.model.broker import Broker, MqttVersion
from monitor.model.outcome import MQTT_PHASES, Failed, Phase
from monitor.model.report import ProbeReport
from monitor.probe.refusals.evidence import Evidence, Means, accepted, one_of, refused, said, unknown

_FAILURE: Final = 0x80  # MQTT 5.0 2.4: codes from here on
_NOT_AUTHORIZED: Final = 0x87  # MQTT 5.0 2.4
_HUNG_UP: Final = ("closed", "reset", "disconnected")


async def forbidden_subscribe(broker: Broker, means: Means) -> Evidence:
    """Subscribe to the forbidden filter, and listen for the rest of the time.

    What was granted proves nothing: Mosquitto with an acl_file grants every subscription, and holds back messages. Nor
    does a message without it: brokers can have subscribed a client to topics of their own choice.
    """
    phases = (Phase.MQTT_CONNECT, Phase.SUBSCRIBE, Phase.ROUNDTRIP)
    topic = broker.refusals.forbidden_subscribe
    report = await means.probe(_on(broker, topic, qos=0), *phases)
    if report.mqtt is not None and _is_granted(report.mqtt.suback_code) and report.mqtt.foreign_on_topic:
        return accepted(f"the subscription to {topic!r} was granted, and messages came")
    ended = report.failed
    assert ended is not None, "nothing of our own can have come"
    if one_of(ended.reason, (Phase.SUBSCRIBE,), ("not_authorized", "refused")):
        return refused(said(ended), needs_control=False)
    if ended.reason == "roundtrip_timeout":
        return unknown(f"the subscription to {topic!r} was granted, but no message came that would prove it")
    return _by_hanging_up(report, ended, Phase.SUBSCRIBE)


async def forbidden_publish(broker: Broker, means: Means) -> Evidence:
    """Publish to the forbidden topic.

    MQTT 5 says what came of it. Before, a broker that refuses a message says nothing (MQTT 3.1.1 3.3.5): only a
    subscriber that gets the message proves that it was taken.
    """
    says_why = broker.mqtt.version is MqttVersion.V5
    phases = (Phase.MQTT_CONNECT, Phase.PUBLISH) if says_why else MQTT_PHASES
    topic = broker.refusals.forbidden_publish
    report = await means.probe(_on(broker, topic, qos=1), *phases)
    ended = report.failed
    # Whatever came afterwards: who gets the message back knows that it was taken.
    has_come_back = report.mqtt is not None and report.mqtt.has_own_message
    if ended is None or has_come_back:
        return accepted(
            f"a message to {topic!r} was taken" + (", and came back to a subscriber" if has_come_back else "")
        )
    if ended.reason == "publish_not_authorized":
        return refused(said(ended), needs_control=False)
    if one_of(ended.reason, (Phase.SUBSCRIBE,), ("not_authorized", "refused")):
        return unknown(
            f"MQTT {broker.mqtt.version.value} does not say it, and the monitor may not subscribe to {topic!r}"
        )
    if ended.reason == "roundtrip_timeout":
        return unknown(
            f"MQTT {broker.mqtt.version.value} does not say it, and a message to {topic!r} did not come back"
        )
    return _by_hanging_up(report, ended, Phase.PUBLISH)


def _is_granted(suback_code: int | None) -> bool:
    return suback_code is not None and suback_code < _FAILURE


def _on(broker: Broker, topic: str | None, *, qos: int) -> Broker:
    assert topic is not None
    return replace(broker, mqtt=replace(broker.mqtt, topic=topic, qos=qos))


def _by_hanging_up(report: ProbeReport, ended: Failed, phase: Phase) -> Evidence:
    """Judge a connection that was ended over what was asked for (MQTT 3.1.1 3.3.5, MQTT 5.0 4.13)."""
    if not one_of(ended.reason, (phase,), _HUNG_UP):
        return unknown(said(ended))
    code = None if report.mqtt is None else report.mqtt.disconnect_code
    if code is not None and code != _NOT_AUTHORIZED:
        return unknown(said(ended))
    return refused(said(ended), needs_control=code is None)
