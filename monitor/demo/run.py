"""The demo command: the daemon, watching brokers that this process runs itself."""

from __future__ import annotations

import os
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from monitor import logs
from monitor.app import serve
from monitor.config.load import load
from monitor.model.config import Settings

if TYPE_CHECKING:
    from monitor.demo.brokers import Demo

EXIT_NO_BROKER = 1
STANDARD_INPUT = 0


async def run_demo(listen_host: str, listen_port: int) -> int:
    """Run until told to stop, print what there is to look at, and return the exit status.

    Certificates, keys and the configuration live in a temporary directory that is gone afterwards.
    """
    try:
        # amqtt comes with an extra.
        from monitor.demo.brokers import demo_brokers, write_config  # noqa: PLC0415
        from monitor.demo.orders import taking_orders  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "amqtt":
            raise
        sys.stderr.write("The demo's brokers need amqtt: pip install 'mqtt-tls-monitor[demo]'\n")
        return EXIT_NO_BROKER
    logs.configure(Settings().log_level, Settings().log_format, os.environ)
    with TemporaryDirectory(prefix="mqtt-tls-monitor-demo-") as directory:
        async with (
            demo_brokers(Path(directory), datetime.now(UTC)) as demo,
            taking_orders(STANDARD_INPUT, demo, lambda answer: _say(f"{answer}\n")) as takes_orders,
        ):
            config_file = write_config(demo, listen_host=listen_host, listen_port=listen_port)
            program = _command(sys.argv[0])

            def show_guide(url: str) -> None:
                _say(guide(demo, config_file, url, command=program, takes_orders=takes_orders))

            # No environment: the demo is the same on every machine.
            return await serve(load(config_file, {}), {}, listening=show_guide)


def guide(demo: Demo, config_file: Path, url: str, *, command: str, takes_orders: bool) -> str:
    """Return what to open and what to try, with a probe for each broker."""
    lines = [
        "",
        f"Open     {url}",
        f"Metrics  curl -s {url}metrics | grep ^mqtt_",
        f"JSON     curl -s {url}api/v1/brokers/expired",
        "",
        "Brokers of this demo, and how to probe each from another terminal:",
    ]
    for broker in demo.brokers:
        lines += [
            "",
            f"  {broker.lesson.name}: {broker.lesson.summary}",
            f"    {command} probe {broker.lesson.name} --config {shlex.quote(str(config_file))}",
        ]
    if takes_orders:
        lines += [
            "",
            "Type here, and press Enter, to see what changes (`all` is every broker):",
            "",
            "  stop healthy     from now on, whoever connects is refused",
            "  start healthy    as it was",
            "  mend expired     nothing is wrong with it any more",
        ]
    return "\n".join([*lines, "", "Ctrl-C ends it.", "", ""])


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _command(program: str) -> str:
    """Return how this program was called, for a shell in the same directory."""
    path = Path(program)
    return shlex.quote(program) if path.name == "mqtt-tls-monitor" else "python -m monitor"
