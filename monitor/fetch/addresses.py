"""Which addresses are the public Internet's. Everything else may be somebody's inside: this host's, the network's."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

# RFC 4291 2.4: all that is assigned to global unicast. So neither ::1 nor any form of IPv4 in ::/8.
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
# RFC 6052 2.1: what a resolver makes of an IPv4 address in a network without IPv4.
_NAT64: Final = IPv6Network("64:ff9b::/96")
# Within the global ranges, and leading to other addresses, or new to the standard library: 6to4 (RFC 3056) and its
# relays (RFC 7526), Teredo (RFC 4380), documentation (RFC 9637).
_ROUNDABOUT_V6: Final = (IPv6Network("2002::/16"), IPv6Network("2001::/32"), IPv6Network("3fff::/20"))
_ROUNDABOUT_V4: Final = (IPv4Network("192.88.99.0/24"), IPv4Network("192.0.0.0/24"))


def is_public(text: str) -> bool:
    """Tell whether an address, as `getaddrinfo` writes it, is a unicast address that is reachable for everybody."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return _is_public_v4(address) if isinstance(address, IPv4Address) else _is_public_v6(address)


def _is_public_v4(address: IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in network for network in _ROUNDABOUT_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return _is_public_v4(IPv4Address(address.packed[-4:]))
    return (
        address in _GLOBAL_UNICAST and address.is_global and not any(address in network for network in _ROUNDABOUT_V6)
    )
