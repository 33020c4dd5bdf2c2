"""Ports behave as they say."""

from __future__ import annotations

import socket

import pytest

from tests.support.ports import closed_port, free_port, is_listening, silent_port, wait_until


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_closed_port_refuses(host: str) -> None:
    with closed_port(host) as port, pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port), timeout=5)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_silent_port_answers_no_syn(host: str) -> None:
    with silent_port(host) as port, pytest.raises(TimeoutError):
        socket.create_connection((host, port), timeout=0.3)


def test_free_port_is_not_listening_until_somebody_does() -> None:
    port = free_port()
    assert not is_listening(port)
    with socket.create_server(("127.0.0.1", port)):
        assert is_listening(port)


def test_waiting_in_vain_names_what_was_awaited() -> None:
    with pytest.raises(TimeoutError, match="the moon"):
        wait_until(lambda: False, "the moon", timeout_s=0.01)
