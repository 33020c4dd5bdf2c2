"""What a certificate's URI comes to: a host, a port and a request target; or why it is not followed. Opens nothing.

There is one parser, and it takes no more than what an issuer's URI needs: where two parsers read a URI differently, one
of them looks at another host than the other one connects to.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from monitor.fetch.fault import FetchFault
from monitor.model.unavailable import Unavailable

HTTP_PORT: Final = 80

Allowed = frozenset[tuple[str, int]]
"""Hosts and ports that the configuration names: lower-case names without trailing dot, canonical IP literals."""

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.ASCII | re.IGNORECASE)
# No user information, no scope id, and nothing that is not visible ASCII. No backslash: some parsers take it for a
# slash, and with it `monitor.x509` shows the characters that are not visible.
_HTTP: Final = re.compile(
    r"http://(?P<host>[a-z0-9_.-]{1,254}|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?(?P<target>[/?][!-\[\]-~]*)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Location:
    """Where to ask, and what for."""

    host: str
    """Lower-case name without trailing dot, or canonical IP literal."""
    port: int
    target: str
    """Path and query, as the URI has them."""
    is_configured: bool
    """The configuration names this host and port: its address may be one that is not public."""

    @property
    def authority(self) -> str:
        """What stands in the Host field (RFC 9110 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == HTTP_PORT else f"{host}:{self.port}"


def locate(uri: str, allowed: Allowed) -> Location:
    """Read a URI of a certificate (RFC 5280 4.2.1.13, 4.2.2.1).

    Args:
        uri: as the certificate has it.
        allowed: which hosts and ports may be asked beside port 80 of public addresses.

    Raises:
        FetchFault: it is none that is followed.
    """
    # A fragment is the client's own business, and never sent (RFC 9110 7.1).
    if (match := _HTTP.fullmatch(uri.partition("#")[0])) is None:
        scheme = _SCHEME.match(uri)
        if scheme is not None and scheme[1].lower() != "http":
            raise FetchFault(Unavailable.SCHEME, f"{scheme[1].lower()[:32]} is not followed, only http")
        raise FetchFault(Unavailable.URI, "not a URI of host, port and path alone")
    host, port = _host(match["host"].lower()), int(match["port"] or HTTP_PORT)
    is_configured = (host, port) in allowed
    if not is_configured and port != HTTP_PORT:
        raise FetchFault(Unavailable.PORT, f"port {port} of {host} is not allowed")
    target = match["target"] or "/"
    return Location(host, port, target if target.startswith("/") else f"/{target}", is_configured)


def _host(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        if text.startswith("["):
            raise FetchFault(Unavailable.URI, "not an IPv6 address in brackets") from None
        return text.removesuffix(".")
