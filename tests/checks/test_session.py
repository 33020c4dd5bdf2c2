"""What a real broker settles on in the handshake, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from monitor.checks.assess import Assessor
from monitor.demo.pki import issue
from monitor.model.broker import Policy, TlsVersion
from tests.support.brokers import Mosquitto
from tests.support.pki import TestPki, write_chain
from tests.support.probing import broker_at, run_probe


@pytest.mark.parametrize(
    ("newest", "ciphers", "expected"),
    [
        ("1.1", "DEFAULT:@SECLEVEL=0", {"tls_version_old", "key_exchange_not_post_quantum"}),
        ("1.2", "AES128-GCM-SHA256", {"tls_1_3_missing", "key_exchange_static"}),
        ("1.2", "ECDHE-RSA-AES128-GCM-SHA256", {"tls_1_3_missing", "key_exchange_not_post_quantum"}),
    ],
)
async def test_mosquitto_is_told_what_it_settles_on(
    newest: str, ciphers: str, expected: set[str], pki: TestPki, tmp_path: Path
) -> None:
    leaf = issue(now=pki.now, issuer=pki.intermediate, key=rsa.generate_private_key(65537, 2048))
    files = write_chain(tmp_path, "rsa", (leaf, pki.intermediate))
    with Mosquitto(
        tmp_path / "mosquitto",
        certificate=files,
        minimum_version="1.1" if newest == "1.1" else "1.2",
        maximum_version=newest,
        extra=(f"ciphers {ciphers}",),
    ) as mosquitto:
        broker = broker_at(mosquitto.port, trust=pki.trust, minimum_version=TlsVersion.V1_0)
        report = await run_probe(broker)
    broker = replace(broker, policy=Policy(remarks=True))
    found = {each.code for each in Assessor().assess(report, broker, datetime.now(UTC)).findings}
    assert report.success
    assert found == expected
