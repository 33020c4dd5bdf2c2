"""ClientHellos that offer only what no broker should agree to. Nothing of the monitor's own is sent with them.

They are not OpenSSL's: what it no longer carries, a broker may still agree to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

from monitor.model.broker import Broker, TlsVersion
from monitor.model.scan import Weakness
from monitor.probe.fault import PhaseFault
from monitor.probe.hello import HungUp, say_hello
from monitor.probe.refusals.evidence import Evidence, Means, accepted, refused, unknown
from monitor.probe.tls import sni
from monitor.wire.ending import ConnectionEnded, End
from monitor.wire.hello import VERSIONS, Alert, ServerHello
from monitor.wire.suites import ALL_SUITES, WEAK_SUITES, weakness

# "The server did not agree": RFC 8446 6.2.
_NO_SUCH_VERSION: Final = ("protocol_version",)
_NO_SUCH_SUITE: Final = ("handshake_failure", "insufficient_security")
# OpenSSL's servers say internal_error where their security level, not their lowest version, forbids an old version.
_ENDED: Final = (*_NO_SUCH_SUITE, "internal_error", "close_notify")
_LACKS: Final = {
    Weakness.ANONYMOUS: "proves to nobody who the broker is",
    Weakness.NULL: "enciphers nothing",
}


async def tls_1_0(broker: Broker, means: Means) -> Evidence:
    """Offer TLS 1.0 and nothing newer."""
    return await _with_version(broker, means, TlsVersion.V1_0)


async def tls_1_1(broker: Broker, means: Means) -> Evidence:
    """Offer TLS 1.1; a broker may choose an older one."""
    return await _with_version(broker, means, TlsVersion.V1_1)


async def weak_cipher(broker: Broker, means: Means) -> Evidence:
    """Offer cipher suites without encryption, without proof of who the broker is, and with broken encryption."""
    answer = await _answer(broker, means, TlsVersion.V1_2, WEAK_SUITES)
    if isinstance(answer, ServerHello):
        suite = WEAK_SUITES[answer.suite]
        kind = weakness(suite)
        lack = None if kind is None else _LACKS.get(kind)
        return accepted(f"the broker agreed to the cipher suite {suite}, which {lack or 'can be broken'}")
    return _by_ending(answer, certain=(*_NO_SUCH_VERSION, *_NO_SUCH_SUITE))


async def _with_version(broker: Broker, means: Means, version: TlsVersion) -> Evidence:
    answer = await _answer(broker, means, version, ALL_SUITES)
    if isinstance(answer, ServerHello):
        if answer.version == VERSIONS[version]:
            suite = ALL_SUITES[answer.suite]
            return accepted(f"the broker agreed to TLS {version.value}, with the cipher suite {suite}")
        return refused(f"the broker chose an older version than TLS {version.value}", needs_control=False)
    return _by_ending(answer, certain=_NO_SUCH_VERSION)


async def _answer(
    broker: Broker, means: Means, version: TlsVersion, suites: Collection[int]
) -> ServerHello | Alert | Evidence:
    """Return the broker's word; or, where it gave none, what that comes to."""
    try:
        tcp, _ = await means.connected(broker, broker.port)
    except PhaseFault as fault:
        return unknown(fault.detail)
    try:
        async with asyncio.timeout(broker.timeout_s):
            answer, _ = await say_hello(tcp, version, suites, server_name=sni(broker.tls.server_name))
    except TimeoutError:
        return unknown(f"no answer within {broker.timeout_s:g} s")
    except HungUp as hung_up:
        return refused(str(hung_up), needs_control=True)
    except ConnectionEnded as ended:
        seen = ended.ending.detail
        return refused(seen, needs_control=True) if ended.ending.end is End.RESET else unknown(seen)
    except ValueError as error:
        return unknown(str(error))
    finally:
        tcp.close()
    return answer


def _by_ending(answer: Alert | Evidence, *, certain: tuple[str, ...]) -> Evidence:
    if isinstance(answer, Evidence):
        return answer
    seen = f"the broker answered with the alert {answer.name}"
    if answer.name in certain:
        return refused(seen, needs_control=False)
    return refused(seen, needs_control=True) if answer.name in _ENDED else unknown(seen)
