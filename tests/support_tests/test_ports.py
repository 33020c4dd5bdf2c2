"""Ports behave as they say."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

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


def test_free_ports_are_none_that_the_kernel_gives_to_clients() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(free_port() < lowest for _ in range(300))


def test_each_process_has_ports_of_its_own() -> None:
    other = subprocess.run(
        [sys.executable, "-c", "from tests.support.ports import free_port; print(*{free_port() for _ in range(256)})"],
        capture_output=True,
        check=True,
    )
    assert not {free_port() for _ in range(256)} & {int(port) for port in other.stdout.split()}


def test_port_that_listens_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert server.getsockname()[1] not in {free_port() for _ in range(300)}


def test_waiting_in_vain_names_what_was_awaited() -> None:
    with pytest.raises(TimeoutError, match="the moon"):
        wait_until(lambda: False, "the moon", timeout_s=0.01)
