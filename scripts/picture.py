#!/usr/bin/env python3
"""Draw docs/probe.svg: what `probe` shows of the demo's expired broker. Run it from .venv."""

from __future__ import annotations

import asyncio
import io
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from monitor.config.load import load
from monitor.demo.brokers import demo_brokers, write_config
from monitor.export.terminal import render
from monitor.judging import Judging
from monitor.probe.pipeline import probe
from monitor.probe.resolve import Resolver

TARGET = Path(__file__).parent.parent / "docs" / "probe.svg"


def _now() -> datetime:
    return datetime.now(UTC)


async def main() -> None:
    """Probe twice, so that nothing in the picture is a first-time effect, and write the second."""
    console = Console(record=True, width=96, force_terminal=True, file=io.StringIO())
    with tempfile.TemporaryDirectory() as directory:
        async with demo_brokers(Path(directory), _now()) as demo:
            config = load(write_config(demo, listen_host="127.0.0.1", listen_port=0), {})
            broker = next(broker for broker in config.brokers if broker.name == "expired")
            judging = Judging()
            for _ in range(2):
                report = await probe(broker, verify=judging.verify, now=_now, resolver=Resolver())
            render(report, await judging.assess(report, broker, _now()), console)
    # Without the web fonts that rich would load from elsewhere: a picture in a repository asks nobody for anything.
    template = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    TARGET.write_text(console.export_svg(title="mqtt-tls-monitor probe expired", code_format=template))


asyncio.run(main())
