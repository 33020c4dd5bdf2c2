"""What RabbitMQ (Erlang's TLS, which EMQX uses too) and aedes (Node's) must refuse. They start slowly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.demo.pki import issue
from monitor.model.broker import Broker, MqttSettings, RefusalSettings, Secret
from monitor.model.refusal import RefusalCheck
from tests.support.aedes import Aedes
from tests.support.pki import TestPki, identity_of
from tests.support.probing import broker_at
from tests.support.rabbitmq import PASSWORD, USER, RabbitMq
from tests.support.refusing import ACCEPTED, REFUSED, outcomes, tried

pytestmark = [pytest.mark.brokers, pytest.mark.timeout(180)]  # the first test of each broker waits for its start

Server = RabbitMq | Aedes
CERTIFICATES = (
    RefusalCheck.NO_CLIENT_CERTIFICATE,
    RefusalCheck.EXPIRED_CLIENT_CERTIFICATE,
    RefusalCheck.FOREIGN_CLIENT_CERTIFICATE,
)
OTHERS = (
    RefusalCheck.WRONG_PASSWORD,
    RefusalCheck.TLS_1_0,
    RefusalCheck.TLS_1_1,
    RefusalCheck.WEAK_CIPHER,
    RefusalCheck.PLAIN_MQTT_ON_TLS_PORT,
)
EACH = [
    (kind, version, demands) for kind in (RabbitMq, Aedes) for version in ("1.2", "1.3") for demands in (True, False)
]


@pytest.fixture(
    params=EACH, ids=[f"{kind.__name__}-{version}-{'two' if two else 'one'}-way" for kind, version, two in EACH]
)
def server(
    request: pytest.FixtureRequest, pki: TestPki, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, bool]]:
    """A broker, and whether it demands client certificates."""
    kind, version, demands = request.param
    directory = tmp_path_factory.mktemp("server")
    client_ca = pki.client_ca_file if demands else None
    server: Server
    if kind is RabbitMq:
        server = RabbitMq(
            directory,
            certificate=pki.server_files,
            ca_file=client_ca,
            demands_client_certificate=demands,
            tls_version=version,
        )
    else:
        server = Aedes(
            directory,
            certificate=pki.server_files,
            client_ca=client_ca,
            tls_version=version,
            users={USER: PASSWORD},
        )
    with server:
        yield server, demands


def known(pki: TestPki, port: int) -> Broker:
    day = timedelta(days=1)
    leaf = issue(
        now=pki.now,
        issuer=pki.intermediate,
        names=None,
        extended_key_usage=("clientAuth",),
        not_before=pki.now - 9 * day,
        not_after=pki.now - day,
    )
    broker = broker_at(
        port, identity=pki.client_identity, mqtt=MqttSettings(username=USER, password=Secret(PASSWORD.encode()))
    )
    return replace(broker, refusals=RefusalSettings(expired_identity=identity_of(leaf, pki.intermediate)))


async def test_certificates_are_refused_where_they_are_demanded_and_all_else_always(
    server: tuple[Server, bool], pki: TestPki
) -> None:
    broker, demands = server
    found = await tried(known(pki, broker.port), *CERTIFICATES, *OTHERS)
    assert outcomes(found) == {
        **dict.fromkeys(CERTIFICATES, REFUSED if demands else ACCEPTED), **dict.fromkeys(OTHERS, REFUSED)
    }, found  # fmt: skip
