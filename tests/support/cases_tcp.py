"""Failures of TCP that loopback can show: `connect_*`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.case import SHORT_S, Case
from tests.support.pki import TestPki
from tests.support.ports import closed_port, silent_port


@contextmanager
def _nobody(_: TestPki) -> Iterator[int]:
    yield 8883


@contextmanager
def _closed(_: TestPki) -> Iterator[int]:
    with closed_port() as port:
        yield port


@contextmanager
def _silent(_: TestPki) -> Iterator[int]:
    with silent_port() as port:
        yield port


CASES = (
    # glibc answers for a scope id that names no interface, without asking anybody.
    Case(id="scope-without-interface", reason="resolve_nxdomain", server=_nobody, host="fe80::1%nosuch"),
    # A label longer than DNS allows (RFC 1035 2.3.4) never reaches the resolver.
    Case(id="label-too-long", reason="resolve_failed", server=_nobody, host="a" * 64),
    Case(id="port-closed", reason="connect_refused", server=_closed),
    Case(id="syn-unanswered", reason="connect_timeout", server=_silent, timeout_s=SHORT_S),
    # A broadcast address: Linux routes no TCP there, even on loopback.
    Case(id="broadcast-address", reason="connect_network_unreachable", server=_nobody, host="127.255.255.255"),
    # A link-local address needs a scope id (RFC 4007 6): EINVAL.
    Case(id="scope-id-missing", reason="connect_failed", server=_nobody, host="fe80::1"),
)
