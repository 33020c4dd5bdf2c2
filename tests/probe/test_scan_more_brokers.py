"""Scans of RabbitMQ (Erlang's TLS, which EMQX uses too), as it is delivered and with the settings of the fixes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.model.broker import TlsVersion
from monitor.model.scan import ScanFacts, Weakness
from monitor.probe.resolve import Resolver
from monitor.probe.scan import scan
from tests.support.pki import TestPki
from tests.support.probing import broker_at
from tests.support.rabbitmq import RabbitMq

pytestmark = [pytest.mark.brokers, pytest.mark.timeout(180)]  # it starts slowly

OLD = ("ssl_options.versions.2 = tlsv1.1", "ssl_options.versions.3 = tlsv1.2")
TRIPLE_DES = (
    "ssl_options.ciphers.1 = ECDHE-ECDSA-DES-CBC3-SHA",
    "ssl_options.ciphers.2 = ECDHE-ECDSA-AES128-GCM-SHA256",
)
SAFE = ("ssl_options.client_renegotiation = false", "ssl_options.secure_renegotiate = true")


async def scanned(directory: Path, pki: TestPki, *extra: str, tls_version: str = "1.2") -> ScanFacts:
    resolver = Resolver()
    with RabbitMq(directory, certificate=pki.server_files, tls_version=tls_version, extra=extra) as server:
        facts = await scan(broker_at(server.port), now=lambda: datetime.now(UTC), resolver=resolver)
    resolver.close()
    assert facts.untold == ()
    assert facts.has_secure_renegotiation
    assert facts.served == facts.without_name == facts.for_ecdsa
    return facts


async def test_rabbitmq_lets_clients_renegotiate_unless_it_is_told_not_to(pki: TestPki, tmp_path: Path) -> None:
    as_delivered = await scanned(tmp_path / "delivered", pki)
    assert (as_delivered.lets_clients_renegotiate, as_delivered.old_versions) == (True, ())
    assert as_delivered.weak_suites == ()
    assert (await scanned(tmp_path / "safe", pki, *SAFE)).lets_clients_renegotiate is False


async def test_rabbitmq_with_old_versions_and_3des_is_caught(pki: TestPki, tmp_path: Path) -> None:
    facts = await scanned(tmp_path / "old", pki, *OLD, *TRIPLE_DES, tls_version="1")
    assert facts.old_versions == (TlsVersion.V1_0, TlsVersion.V1_1)
    assert [suite.weakness for suite in facts.weak_suites] == [Weakness.TRIPLE_DES]
