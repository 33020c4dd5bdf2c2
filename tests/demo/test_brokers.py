import asyncio
import gc
import logging
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import pytest
from cryptography import x509

from monitor.demo.brokers import LESSONS, Demo, demo_brokers
from tests.support.ports import PATIENCE_S

# OpenSSL's client, the stranger that checks these brokers, knows no other time.
NOW = datetime.now(UTC)


def port_of(demo: Demo, name: str) -> int:
    return next(broker.port for broker in demo.brokers if broker.lesson.name == name)


def strict_context(demo: Demo) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=demo.ca_file)


def blind_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def served_leaf(demo: Demo, name: str, context: ssl.SSLContext) -> x509.Certificate:
    async with asyncio.timeout(PATIENCE_S):
        _, writer = await asyncio.open_connection("127.0.0.1", port_of(demo, name), ssl=context)
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        await writer.wait_closed()
    return x509.load_der_x509_certificate(der)


async def refusal(demo: Demo, name: str) -> str:
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        await served_leaf(demo, name, strict_context(demo))
    return str(caught.value.verify_message)


async def round_trip(demo: Demo, name: str, client_id: str = "test") -> bytes:
    async with (
        asyncio.timeout(PATIENCE_S),
        aiomqtt.Client(
            "127.0.0.1", port_of(demo, name), tls_context=strict_context(demo), identifier=client_id
        ) as client,
    ):
        await client.subscribe("test/topic", qos=1)
        await client.publish("test/topic", b"there and back", qos=1)
        message = await anext(client.messages)
        assert isinstance(message.payload, bytes)
        return message.payload


def test_lessons_have_different_names() -> None:
    assert len({lesson.name for lesson in LESSONS}) == len(LESSONS)


async def test_every_lesson_has_its_broker(demo: Demo) -> None:
    assert tuple(broker.lesson for broker in demo.brokers) == LESSONS
    assert len({broker.port for broker in demo.brokers}) == len(LESSONS)


@pytest.mark.parametrize("name", ["healthy", "expiring-soon"])
async def test_strict_client_makes_a_round_trip_at(demo: Demo, name: str) -> None:
    assert await round_trip(demo, name) == b"there and back"


async def test_expiring_soon_ends_within_the_warning_and_not_the_critical_time(demo: Demo) -> None:
    leaf = await served_leaf(demo, "expiring-soon", strict_context(demo))
    assert timedelta(days=7) < leaf.not_valid_after_utc - NOW < timedelta(days=21)


async def test_expired_is_refused_for_its_dates(demo: Demo) -> None:
    assert await refusal(demo, "expired") == "certificate has expired"
    leaf = await served_leaf(demo, "expired", blind_context())
    assert leaf.not_valid_after_utc < NOW


async def test_wrong_name_is_refused_for_its_name_alone(demo: Demo) -> None:
    assert "IP address mismatch" in await refusal(demo, "wrong-name")
    nameless = strict_context(demo)
    nameless.check_hostname = False
    await served_leaf(demo, "wrong-name", nameless)


async def test_incomplete_chain_lacks_the_issuer_of_its_leaf(demo: Demo) -> None:
    assert await refusal(demo, "incomplete-chain") == "unable to get local issuer certificate"
    served = (demo.directory / "healthy.pem").read_bytes()
    intermediate = x509.load_pem_x509_certificates(served)[1]
    leaf = await served_leaf(demo, "incomplete-chain", blind_context())
    leaf.verify_directly_issued_by(intermediate)


async def test_client_without_certificate_is_refused_after_the_handshake(demo: Demo) -> None:
    async with asyncio.timeout(PATIENCE_S):
        port = port_of(demo, "client-certificate-required")
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=strict_context(demo))
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()


async def test_plain_tcp_hangs_up_on_tls_and_serves_plain_mqtt(demo: Demo) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await served_leaf(demo, "plain-tcp", blind_context())
    port = port_of(demo, "plain-tcp")
    async with asyncio.timeout(PATIENCE_S), aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("test/topic", qos=1)


async def test_black_hole_accepts_and_says_nothing(demo: Demo) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(demo, "black-hole"))
    writer.write(b"anything")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.3)
    writer.write_eof()
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read() == b""  # it lets go of a client that leaves
    writer.close()
    await writer.wait_closed()


async def test_afterwards_no_task_is_left_and_every_port_is_closed(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with demo_brokers(tmp_path, NOW) as demo:
        await round_trip(demo, "healthy")
        silent = [await asyncio.open_connection("127.0.0.1", broker.port) for broker in demo.brokers]
        context = strict_context(demo)
        half = await asyncio.open_connection("127.0.0.1", port_of(demo, "healthy"), ssl=context)
    assert asyncio.all_tasks() == before
    for broker in demo.brokers:
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", broker.port)):
            pass
    for _, writer in [*silent, half]:
        writer.close()
    gc.collect()


async def test_broker_is_silent_in_the_log(demo: Demo, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await round_trip(demo, "healthy")
    await served_leaf(demo, "healthy", strict_context(demo))
    assert [record.name for record in caplog.records if record.name.startswith(("amqtt", "transitions"))] == []
