"""Phase `connect`: the first address that accepts a TCP connection."""

from __future__ import annotations

import asyncio

from monitor.probe.fault import PhaseFault, connect_fault
from monitor.probe.resolve import Address
from monitor.wire.ending import ConnectionEnded
from monitor.wire.tcp import TcpConnection

PACE_S = 0.05
"""Between two connections of a slow round: a broker that counts them by the second sees no burst."""


async def connect(addresses: tuple[Address, ...], deadline: float) -> tuple[TcpConnection, Address]:
    """Try the addresses in order, as a careful client does; each gets an equal share of the time that is left.

    Args:
        addresses: at least one.
        deadline: of the whole probe, on the loop's clock. The last address may use all of it: the pipeline ends it.

    Raises:
        PhaseFault: none accepts. With several addresses the reason is the first one's, and the detail names each.
    """
    loop = asyncio.get_running_loop()
    failures: list[tuple[Address, PhaseFault]] = []
    for index, address in enumerate(addresses):
        others = len(addresses) - index - 1
        share = (deadline - loop.time()) / (others + 1) if others else None
        try:
            async with asyncio.timeout(share):
                return await TcpConnection.open(address.family, address.socket_address), address
        except TimeoutError:
            failures.append((address, PhaseFault("timeout", "no answer")))
        except ConnectionEnded as ended:
            failures.append((address, connect_fault(ended.ending)))
    _, first = failures[0]
    detail = "; ".join(f"{address.text}: {fault.detail}" for address, fault in failures)
    raise PhaseFault(first.word, detail)
