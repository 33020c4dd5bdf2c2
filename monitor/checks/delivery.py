"""What the broker granted in MQTT, beside what was asked for."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.checks.finding import finding
from monitor.model.broker import Broker, Protocol
from monitor.model.facts import MqttFacts
from monitor.model.judgement import Finding

# MQTT 3.1.1, 3.9.3 and MQTT 5.0, 3.9.3: from here on a SUBACK's code is a refusal.
_FIRST_REFUSAL = 0x80


def delivery(broker: Broker, mqtt: MqttFacts | None) -> Iterator[Finding]:
    """Yield `qos_downgraded` if the subscription was granted with less than was asked for."""
    if broker.protocol is not Protocol.MQTT or mqtt is None or mqtt.suback_code is None:
        return
    if mqtt.suback_code < min(broker.mqtt.qos, _FIRST_REFUSAL):
        yield finding(
            "qos_downgraded",
            f"The broker granted QoS {mqtt.suback_code} where QoS {broker.mqtt.qos} was asked for.",
        )
