from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.demo.brokers import Demo, demo_brokers


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    # OpenSSL's client, the stranger that checks these brokers, knows no other time.
    async with demo_brokers(tmp_path, datetime.now(UTC)) as running:
        yield running
