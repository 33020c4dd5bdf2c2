import asyncio
import json
import signal
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import gettempdir
from typing import Any

import pytest

from monitor.config.load import load
from monitor.demo.brokers import LESSONS, demo_brokers, write_config
from monitor.demo.run import guide
from monitor.judging import Judging
from monitor.model.outcome import Failed
from monitor.probe.pipeline import probe
from monitor.probe.resolve import Resolver
from tests.support.ports import PATIENCE_S

RUN = "import asyncio, sys; from monitor.demo.run import run_demo; sys.exit(asyncio.run(run_demo('127.0.0.1', 0)))"


def utc_now() -> datetime:
    return datetime.now(UTC)


async def test_each_broker_gets_the_verdict_and_reason_of_its_lesson(tmp_path: Path) -> None:
    judging = Judging()
    resolver = Resolver()
    async with demo_brokers(tmp_path, utc_now()) as demo:
        config = load(write_config(demo, listen_host="127.0.0.1", listen_port=0), {})
        reports = await asyncio.gather(
            *(probe(broker, verify=judging.verify, now=utc_now, resolver=resolver) for broker in config.brokers)
        )
    resolver.close()
    judging.close()
    found = {}
    for broker, report in zip(config.brokers, reports, strict=True):
        failure = None if report.failure is None else report.failure.outcome
        reason = failure.reason if isinstance(failure, Failed) else None
        found[broker.name] = ((await judging.assess(report, broker, utc_now())).verdict, reason)
    assert found == {lesson.name: (lesson.verdict, lesson.reason) for lesson in LESSONS}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", ""])
async def test_config_listens_where_it_was_told(tmp_path: Path, host: str) -> None:
    async with demo_brokers(tmp_path, utc_now()) as demo:
        settings = load(write_config(demo, listen_host=host, listen_port=9883), {}).settings
    assert (settings.listen_host, settings.listen_port) == (host, 9883)


async def test_guide_names_the_page_and_a_probe_for_each_broker(tmp_path: Path) -> None:
    async with demo_brokers(tmp_path, utc_now()) as demo:
        text = guide(
            demo, tmp_path / "monitor.yml", "http://localhost:9883/", command="mqtt-tls-monitor", takes_orders=False
        )
    assert "Open     http://localhost:9883/\n" in text
    for lesson in LESSONS:
        assert f"mqtt-tls-monitor probe {lesson.name} --config {tmp_path}/monitor.yml\n" in text


def test_demo_shows_every_verdict_and_leaves_nothing_behind() -> None:
    with Popen([sys.executable, "-W", "error", "-c", RUN], stdout=PIPE, stderr=PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            printed = read_guide(process.stdout)
            url = next(line.split()[1] for line in printed if line.startswith("Open"))
            directory = next(Path(line.split()[-1]).parent for line in printed if " probe expired " in line)
            assert directory.is_relative_to(gettempdir())
            verdicts = verdicts_when_ready(url)
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert verdicts == {lesson.name: lesson.verdict.value for lesson in LESSONS}
    assert not directory.exists()
    for word in ("Traceback", "Warning", "never retrieved", "was destroyed"):
        assert word not in errors


def read_guide(stdout: Any) -> list[str]:
    lines: list[str] = []
    for line in stdout:
        lines.append(line)
        if line.startswith("Ctrl-C"):
            return lines
    pytest.fail("the demo ended early: " + "".join(lines))


def verdicts_when_ready(url: str) -> dict[str, str]:
    deadline = time.monotonic() + PATIENCE_S
    while not is_ready(url):
        assert time.monotonic() < deadline, "the demo never became ready"
        time.sleep(0.05)
    with urllib.request.urlopen(f"{url}api/v1/brokers", timeout=PATIENCE_S) as response:
        return {document["broker"]: document["verdict"] for document in json.load(response)}


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}-/ready", timeout=PATIENCE_S):
            return True
    except urllib.error.HTTPError as error:
        with error:
            return False
