"""What each check of `refusals` needs of a broker's other settings, so that it can tell anything."""

from __future__ import annotations

from typing import Final

from monitor.config.problems import Problems
from monitor.config.schema import BrokerOptions
from monitor.config.scope import Scope
from monitor.model.broker import Protocol
from monitor.model.refusal import RefusalCheck

# The setting without which a check is either impossible or the same as an ordinary probe.
_NEEDED: Final = {
    RefusalCheck.NO_CLIENT_CERTIFICATE: ("tls", "client_certificate"),
    RefusalCheck.EXPIRED_CLIENT_CERTIFICATE: ("refusals", "expired_client_certificate"),
    RefusalCheck.ANONYMOUS: ("mqtt", "username"),
    RefusalCheck.WRONG_PASSWORD: ("mqtt", "username"),
    RefusalCheck.FORBIDDEN_SUBSCRIBE: ("refusals", "forbidden_subscribe"),
    RefusalCheck.FORBIDDEN_PUBLISH: ("refusals", "forbidden_publish"),
}
_WITHOUT_MQTT: Final = {
    RefusalCheck.TLS_1_0,
    RefusalCheck.TLS_1_1,
    RefusalCheck.WEAK_CIPHER,
    RefusalCheck.PLAIN_PORT_OPEN,
}


def complain(options: BrokerOptions, scope: Scope, problems: Problems) -> None:
    """Note each check that cannot be made with this broker."""
    if not scope.is_sound("refusals", "checks"):
        return
    place = scope.place("refusals", "checks")
    for check in dict.fromkeys(options.refusals.checks):
        if options.protocol is not Protocol.MQTT and check not in _WITHOUT_MQTT and scope.is_sound("protocol"):
            problems.add(place, f"expected protocol: mqtt beside the check {check.value}, found protocol: tls")
        elif (needed := _NEEDED.get(check)) and scope.is_sound(*needed):
            section, key = needed
            if getattr(getattr(options, section), key) is None:
                problems.add(place, f"expected {section}.{key} beside the check {check.value}, found none")
        elif check is RefusalCheck.PLAIN_PORT_OPEN and options.refusals.plain_port == options.port:
            expected = "expected another port than the broker's own"
            problems.add(scope.place("refusals", "plain_port"), f"{expected}, found {options.port}")
