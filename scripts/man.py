#!/usr/bin/env python3
"""Print the manual page, made from the commands and their options. Run it where monitor can be imported."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from importlib.metadata import version

import typer

from monitor.cli.commands import PROGRAM, app

_ABOUT = r"""
.SH DESCRIPTION
Watches MQTT brokers over TLS the way a careful client would: each probe is one connection, taken apart into name, TCP,
TLS handshake, certificate chain and name, MQTT connect, subscribe, publish, and the own message back. Metrics, JSON and
pages are served over HTTP, on port 9883 unless the configuration says otherwise.
"""

_FILES = r"""
.SH FILES
.TP
.I /etc/mqtt-tls-monitor/monitor.yml
The service's configuration. SIGHUP, or
.BR "systemctl reload mqtt-tls-monitor" ,
has it read again; one with a mistake changes nothing.
.TP
.I /var/lib/mqtt-tls-monitor/state.json
What is remembered over a restart.
.TP
.I /usr/share/mqtt-tls-monitor/
Dashboards for Grafana, rules for Prometheus, and a configuration for Alertmanager.
.TP
.I /usr/share/doc/mqtt-tls-monitor/docs/
Every key of the configuration, every metric, finding and alert, and the alerts' runbooks.
.SH SEE ALSO
.BR systemctl (1),
.BR systemd.exec (5)
"""


def page() -> Iterator[str]:
    """Yield the page's lines, in the macros of man(7). The date is SOURCE_DATE_EPOCH's."""
    group = typer.main.get_command(app)
    named = group.context_settings
    date = time.strftime("%Y-%m-%d", time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"])))
    yield f'.TH {PROGRAM.upper()} 1 {date} "{PROGRAM} {version(PROGRAM)}"'
    yield ".SH NAME"
    yield f"{_text(PROGRAM)} \\- watches MQTT brokers over TLS"
    yield ".SH SYNOPSIS"
    yield f".B {_text(PROGRAM)}\n.I command\n[options] [arguments]"
    yield _ABOUT.strip()
    yield ".SH COMMANDS"
    for name, command in group.commands.items():  # type: ignore[attr-defined]  # a group: there are several commands
        with typer.Context(command, info_name=name, **named) as context:
            usage = " ".join(piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]")
            yield f".SS {_text(name)} {_text(usage)}".rstrip()
            yield _text(" ".join((command.help or "").split()))
            for parameter in command.get_params(context):
                if record := parameter.get_help_record(context):
                    yield f".TP\n.B {_text(record[0])}\n{_text(record[1])}"
    yield _FILES.strip()


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    print("\n".join(page()))  # noqa: T201
