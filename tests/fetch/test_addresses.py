"""Which addresses are everybody's, and which are somebody's inside."""

from __future__ import annotations

import pytest

from monitor.fetch.addresses import is_public


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.215.14", "223.255.255.254", "2606:4700::1111", "2a00:1450:4001::200e", "64:ff9b::101:101"],
)
def test_unicast_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        # this host
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0.1.2.3",
        "::1",
        "::",
        # networks of one's own
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "100.127.255.255",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        # this link, where clouds keep their metadata
        "169.254.169.254",
        "169.254.0.1",
        "fe80::1",
        "fe80::1%lo",
        "2606:4700::1111%lo",
        "fd00:ec2::254",
        # many hosts
        "224.0.0.1",
        "224.0.1.1",
        "239.255.255.250",
        "255.255.255.255",
        "ff02::1",
        "ff0e::1",
        # documents, measurements, the future
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "198.18.0.1",
        "192.0.0.8",
        "192.0.0.9",
        "192.88.99.1",
        "240.0.0.1",
        "2001:db8::1",
        "3fff::1",
        "100::1",
        "4000::1",
        "5f00::1",
        # other addresses inside
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:1.1.1.1",
        "::127.0.0.1",
        "::ffff:0:7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::a00:1",
        "64:ff9b::e000:1",
        "64:ff9b:1::101:101",
        "2002:7f00:1::1",
        "2002:101:101::1",
        "2001:0:4136:e378::1",
        # no address
        "localhost",
        "",
        "1.1.1",
    ],
)
def test_everything_else_is_not(address: str) -> None:
    assert not is_public(address)
