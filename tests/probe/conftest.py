"""Servers that several tests share: started once, left as they were found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.brokers import Mosquitto
from tests.support.pki import TestPki


@pytest.fixture(scope="module")
def mosquitto(pki: TestPki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A mosquitto as an operator has it: TLS 1.2 and 1.3, one-way, anonymous."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto"), certificate=pki.server_files) as server:
        yield server
