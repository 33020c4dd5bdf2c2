"""Every guard in its order: URI, name, addresses, one exchange; all within one bound of time."""

from __future__ import annotations

import asyncio
from typing import Final

from monitor.fetch.addresses import is_public
from monitor.fetch.exchange import Request, exchange
from monitor.fetch.fault import FetchFault
from monitor.fetch.location import Allowed, Location, locate
from monitor.model.unavailable import Unavailable
from monitor.probe.fault import PhaseFault
from monitor.probe.resolve import Address, Resolver

MOST_S: Final = 5.0
"""From the look-up of the name to the last octet of the answer."""

# Of its own: a slow name in somebody's certificate holds up no broker's.
_THREADS: Final = 4


class Fetcher:
    """Fetches from where certificates point; to be closed."""

    def __init__(self, *, most_s: float = MOST_S) -> None:
        self._most_s = most_s
        self._resolver = Resolver(threads=_THREADS)

    async def fetch(self, uri: str, allowed: Allowed, request: Request) -> bytes:
        """Return the content.

        Args:
            uri: as a certificate has it.
            allowed: hosts and ports that may be asked beside port 80 of public addresses.
            request: what to ask there.

        Raises:
            FetchFault: a guard forbids it, or there is none.
        """
        location = locate(uri, allowed)
        try:
            async with asyncio.timeout(self._most_s):
                return await exchange(await self._addresses(location), location, request)
        except TimeoutError:
            raise FetchFault(Unavailable.TIMEOUT, f"no whole answer within {self._most_s:g} s") from None

    def close(self) -> None:
        """Fetch no more."""
        self._resolver.close()

    async def _addresses(self, location: Location) -> tuple[Address, ...]:
        # Asked once: what is looked at here is what is connected to, whatever the name means a moment later.
        try:
            addresses = (await self._resolver.resolve(location.host, location.port)).addresses
        except PhaseFault as fault:
            raise FetchFault(Unavailable.RESOLVE, fault.detail) from None
        inside = [address.text for address in addresses if not is_public(address.text)]
        # One is enough: a name of the public Internet has no such address, and who adds one hopes for a turn.
        if inside and not location.is_configured:
            raise FetchFault(Unavailable.ADDRESS, f"{location.host} is {inside[0]}, which is not a public address")
        return addresses
