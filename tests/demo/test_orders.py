import asyncio
import os
import pty
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from monitor.demo.brokers import LESSONS, Demo
from monitor.demo.orders import obey, taking_orders
from tests.demo.test_brokers import port_of
from tests.support.ports import PATIENCE_S, is_listening

BROKEN = [lesson.name for lesson in LESSONS if lesson.name != "healthy"]


async def answer_to_connect(demo: Demo, name: str) -> bytes:
    """Return what a strict client without a certificate gets for an MQTT 3.1.1 CONNECT."""
    async with asyncio.timeout(PATIENCE_S):
        context = ssl.create_default_context(cafile=demo.ca_file)
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(demo, name), ssl=context)
        writer.write(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04test")
        answer = await reader.readexactly(4)
        writer.close()
        await writer.wait_closed()
    return answer


async def test_stopped_broker_refuses_and_drops_whoever_was_connected(demo: Demo) -> None:
    port = port_of(demo, "black-hole")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await obey("stop black-hole", demo) == "black-hole is stopped: whoever connects is refused."
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_started_broker_is_at_the_same_port_and_as_it_was(demo: Demo) -> None:
    port = port_of(demo, "expired")
    await obey("stop expired", demo)
    assert await obey("start expired", demo) == "expired runs, as it was."
    assert port_of(demo, "expired") == port
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        await answer_to_connect(demo, "expired")


@pytest.mark.parametrize("name", BROKEN)
async def test_mended_broker_accepts_a_strict_client(demo: Demo, name: str) -> None:
    await obey(f"stop {name}", demo)
    assert await obey(f"mend {name}", demo) == f"{name} runs, and nothing is wrong with it."
    assert await answer_to_connect(demo, name) == b"\x20\x02\x00\x00"  # CONNACK, accepted (MQTT 3.1.1, 3.2)


async def test_all_is_every_broker(demo: Demo) -> None:
    assert len((await obey("stop all", demo)).splitlines()) == len(LESSONS)
    assert not any(is_listening(broker.port) for broker in demo.brokers)
    await obey("start all", demo)
    assert all(is_listening(broker.port) for broker in demo.brokers)


async def test_twice_is_as_good_as_once(demo: Demo) -> None:
    for order in ("stop healthy", "stop healthy", "start healthy", "start healthy"):
        await obey(order, demo)
    assert await answer_to_connect(demo, "healthy") == b"\x20\x02\x00\x00"


async def test_port_that_was_taken_meanwhile_is_said(demo: Demo) -> None:
    await obey("stop healthy", demo)
    with socket.create_server(("127.0.0.1", port_of(demo, "healthy"))) as taken:
        told = await obey("start healthy", demo)
        assert told == f"healthy cannot be started: port {taken.getsockname()[1]}: Address already in use"


@pytest.mark.parametrize("order", ["stop", "halt healthy", "stop healthy now", "\x00", "stop healthy; stop all"])
async def test_what_is_no_order_is_answered_with_those_that_there_are(demo: Demo, order: str) -> None:
    assert await obey(order, demo) == "stop NAME, start NAME or mend NAME; all is every broker."


async def test_unknown_broker_is_answered_with_those_that_there_are(demo: Demo) -> None:
    assert "no broker 'helthy', but healthy, expiring-soon, " in await obey("stop helthy", demo)


async def test_orders_come_line_by_line_however_they_are_cut(demo: Demo) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    reading, writing = os.pipe()
    async with asyncio.timeout(PATIENCE_S), taking_orders(reading, demo, told.put_nowait) as can_come:
        assert can_come
        os.write(writing, b"stop hea")
        os.write(writing, b"lthy\n\nstart healthy\nstop")
        assert await told.get() == "healthy is stopped: whoever connects is refused."
        assert await told.get() == "healthy runs, and nothing is wrong with it."
        os.close(writing)
    assert told.empty()
    os.close(reading)


async def test_what_cannot_be_waited_for_brings_no_orders(demo: Demo) -> None:
    with tempfile.TemporaryFile() as file, Path(os.devnull).open() as nothing:
        for descriptor in (file.fileno(), nothing.fileno(), 4095):
            async with taking_orders(descriptor, demo, pytest.fail) as can_come:
                assert not can_come


BEHIND_A_SHELL = """
import asyncio, select, sys
from datetime import UTC, datetime
from pathlib import Path
from monitor.demo.brokers import demo_brokers
from monitor.demo.orders import taking_orders

async def main():
    async with demo_brokers(Path(sys.argv[1]), datetime.now(UTC)) as demo:
        async with taking_orders(0, demo, lambda text: print(text, flush=True)):
            print("begun", flush=True)
            while not select.select([0], [], [], 0)[0]:
                await asyncio.sleep(0)
            for _ in range(10):
                await asyncio.sleep(0)
            print("goes on", flush=True)

asyncio.run(main())
"""


def test_what_is_typed_for_the_shell_is_left_to_it(tmp_path: Path) -> None:
    """A background process that read the terminal would be stopped by SIGTTIN, and the demo would stand still."""
    shell, terminal = pty.openpty()
    # Opening it makes it the session's own; what a shell with job control runs in the background may not read it.
    script = 'exec <>"$0"; set -m; "$@" <&0 & wait'
    command = ["bash", "-c", script, os.ttyname(terminal), sys.executable, "-c", BEHIND_A_SHELL, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"begun\n"
            os.write(shell, b"stop healthy\n")
            assert process.stdout.read() == b"goes on\n"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    os.close(shell)
    os.close(terminal)
