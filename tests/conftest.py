"""Fixtures for every test: one public-key infrastructure per worker, and brokers that end with the test."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.brokers import Amqtt, Mosquitto, NatsServer, OpensslServer
from tests.support.pki import TestPki, build_pki
from tests.support.stamping import await_kernel_stamps

# The same examples each time; others are looked for with `--hypothesis-profile=default`.
settings.register_profile("tests", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


@pytest.fixture(scope="session", autouse=True)
def _signals() -> None:
    """What a shell runs in the background ignores these, and so would whatever a test starts and sends them to."""
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGQUIT, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.fixture(scope="session", autouse=True)
def _kernel_stamps() -> None:
    """So that no test depends on being the first to connect."""
    await_kernel_stamps()


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> TestPki:
    """Certificates valid by the real clock, which real servers use."""
    return build_pki(tmp_path_factory.mktemp("pki"), datetime.now(UTC))


@pytest.fixture
def mosquitto(pki: TestPki, tmp_path: Path) -> Iterator[Mosquitto]:
    """A mosquitto with one-way TLS on 127.0.0.1, TLS 1.2 and 1.3, anonymous clients allowed."""
    with Mosquitto(tmp_path / "mosquitto", certificate=pki.server_files) as broker:
        yield broker


@pytest.fixture
def nats_server(pki: TestPki, tmp_path: Path) -> Iterator[NatsServer]:
    """A nats-server (Go's TLS) whose MQTT listener has one-way TLS on 127.0.0.1."""
    with NatsServer(tmp_path / "nats", certificate=pki.server_files) as broker:
        yield broker


@pytest.fixture
def amqtt(pki: TestPki, tmp_path: Path) -> Iterator[Amqtt]:
    """An amqtt (Python's TLS) with one-way TLS on 127.0.0.1, anonymous clients allowed."""
    with Amqtt(tmp_path / "amqtt", certificate=pki.server_files) as broker:
        yield broker


@pytest.fixture
def openssl_server(pki: TestPki, tmp_path: Path) -> Iterator[OpensslServer]:
    """`openssl s_server` on 127.0.0.1: TLS with nothing behind it."""
    with OpensslServer(tmp_path / "s_server", certificate=pki.server_files) as server:
        yield server
