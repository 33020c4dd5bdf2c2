"""The commands and their options. What they need is imported when they run: help and bad usage answer at once."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli import completion
from monitor.cli.exit_status import UNUSABLE, Complaint, Status
from monitor.cli.usage import Command
from monitor.config.text import without_pem

PROGRAM = "mqtt-tls-monitor"
DEBUG_VARIABLE = "MQTT_TLS_MONITOR_DEBUG"

READER_LEFT = 128 + signal.SIGPIPE
"""Nobody reads on, as in `probe ... | head -1`: what the shell makes of a program that SIGPIPE ended."""

app = typer.Typer(
    help="Watches MQTT brokers over TLS, and says what is wrong and what to do.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_ABOUT_CONFIGURATION = {"run", "check-config"}
"""Commands that know two statuses: it can be used, or not."""
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Why standard output, led into a file, cannot be written to."""

# Files are opened by who reads them, and refused in the configuration's own words: typer must not look first.
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", readable=False, help="The configuration, YAML.")
]


def run_command() -> int:
    """Run the command that the arguments name, and return the exit status. No fault ends in a traceback."""
    is_completing = completion.is_asked(os.environ)
    try:
        status = app(prog_name=PROGRAM, standalone_mode=False)
        # Not left to the end of the process: what goes wrong there has words and a status of Python's own.
        sys.stdout.flush()
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = PROGRAM if context is None else context.command_path
        _complain(f"{_without_arguments(error.format_message())}\nTry '{command} --help'.")
        return UNUSABLE if command.removeprefix(f"{PROGRAM} ") in _ABOUT_CONFIGURATION else Status.UNKNOWN
    except Complaint as complaint:
        for line in str(complaint).splitlines():
            _complain(line)
        return complaint.status
    except SystemExit:
        # An answered shell, or what typer makes of a closed pipe; its 1 would mean warnings.
        return Status.OK if is_completing else READER_LEFT
    except BrokenPipeError:
        _drop_output()
        return READER_LEFT
    except Exception as error:  # noqa: BLE001  # the last border: what comes out here is a bug of ours
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            _drop_output()
            _complain(f"cannot write the answer: {error.strerror}")
            return Status.UNKNOWN
        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exc()
        _complain(f"internal error: {_one_line(error)}; set {DEBUG_VARIABLE}=1 to see where")
        return Status.UNKNOWN
    return status if isinstance(status, int) else Status.OK


def _codes(begin: str) -> list[str]:
    from monitor.cli.explain import codes  # noqa: PLC0415

    return [code for code in codes() if code.startswith(begin)]


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"{PROGRAM} {version(PROGRAM)}")
        raise typer.Exit


@app.callback()
def program(
    *,
    version: Annotated[  # answered by its callback, before a command is asked for
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Hold the options that belong to no command."""


@app.command(cls=Command)
def run(
    *,
    config: ConfigOption = None,
    shard: Annotated[
        int | None, typer.Option(metavar="I", min=0, help="Which of the shards this is, from 0 on.")
    ] = None,
    total_shards: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=1024, help="How many shards share the brokers."),
    ] = None,
) -> int:
    """Watch the configured brokers all day.

    Probes each in its turn; metrics, JSON and pages are served over HTTP. SIGHUP reads the configuration again.
    With --shard and --total-shards, only the shard's part of the brokers, on the configured port plus its number.
    """
    if config is None:
        raise Complaint("no configuration: name one with --config FILE", UNUSABLE)
    if (shard is None) != (total_shards is None):
        raise Complaint("--shard and --total-shards go together: expected both or neither", UNUSABLE)
    if shard is not None and total_shards is not None and shard >= total_shards:
        expected = f"expected 0 to {total_shards - 1}, as there are {total_shards} in all"
        raise Complaint(f"--shard: {expected}, found {shard}", UNUSABLE)
    from monitor.app import run as run_daemon  # noqa: PLC0415
    from monitor.model.config import Shard  # noqa: PLC0415

    part = None if shard is None or total_shards is None else Shard(number=shard, total=total_shards)
    return run_daemon(config, os.environ, part)


@app.command(cls=Command)
def probe(
    *,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGET",
            help="host[:port] or mqtts://host[:port]; with --config, brokers' names from there (none: all of them).",
        ),
    ] = None,
    config: ConfigOption = None,
    ca_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Trust these CA certificates instead of the system's.")
    ] = None,
    server_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Expect this name or IP address in the certificate.")
    ] = None,
    client_cert: Annotated[str | None, typer.Option(metavar="FILE", help="Client certificate, PEM.")] = None,
    client_key: Annotated[str | None, typer.Option(metavar="FILE", help="Its private key, PEM.")] = None,
    username: Annotated[str | None, typer.Option(metavar="NAME", help="MQTT user name.")] = None,
    password_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="The password is in this file; a newline at its end is dropped.")
    ] = None,
    mqtt_version: Annotated[str | None, typer.Option(metavar="VERSION", help="3.1, 3.1.1 or 5.")] = None,
    qos: Annotated[str | None, typer.Option(metavar="0|1|2", help="Quality of service of the message.")] = None,
    topic: Annotated[
        str | None, typer.Option(metavar="TEMPLATE", help="Where the message goes; {id} and {nonce} are filled in.")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option(metavar="DURATION", help="For the whole probe of one target, such as 5s.")
    ] = None,
    addresses: Annotated[
        str | None, typer.Option(metavar="first|all", help="Probe the first address that answers, or each of them.")
    ] = None,
    tls_only: Annotated[bool, typer.Option("--tls-only", help="Do not speak MQTT.")] = False,
    refusals: Annotated[
        bool, typer.Option("--refusals", help="With --config: try as well what the broker must refuse.")
    ] = False,
    scan: Annotated[
        bool, typer.Option("--scan", help="Scan as well what TLS accepts; leaves lines in the broker's log.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document per target and address, one per line.")
    ] = False,
) -> int:
    """Probe once, from here, and tell.

    Exit status: 0 nothing wrong, 1 warnings, 2 critical or failed, 3 it could not be found out. Of several targets
    the worst counts: 2, then 3, then 1.
    """
    from monitor.cli.probe import probe_targets  # noqa: PLC0415

    tls = {
        "ca_file": ca_file,
        "server_name": server_name,
        "client_certificate": client_cert,
        "client_key": client_key,
    }
    mqtt = {"username": username, "password_file": password_file, "version": mqtt_version, "qos": qos, "topic": topic}
    options = {
        "timeout": timeout,
        "addresses": addresses,
        "protocol": "tls" if tls_only else None,
        "tls": tls,
        "mqtt": mqtt,
    }
    return probe_targets(
        targets or [],
        config,
        options,
        with_refusals=refusals,
        with_scan=scan,
        as_json=as_json,
        is_debugging=bool(os.environ.get(DEBUG_VARIABLE)),
    )


@app.command(cls=Command)
def inspect(
    *,
    chain: Annotated[
        Path, typer.Argument(metavar="CHAIN", readable=False, help="The broker's certificate file: PEM, DER, PKCS#12.")
    ],
    key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", readable=False, help="Its private key; else the one in CHAIN, if there is one."),
    ] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", readable=False, help="The passphrase of key or PKCS#12 is in this file."),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", readable=False, help="Clients trust these CA certificates, not the system's."),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Clients reach the broker by this name or IP address. Repeatable."),
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Judge as at this moment, such as 2027-01-31T12:00:00Z.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on one line.")] = False,
) -> int:
    """Judge a certificate file before it is installed.

    Says what a probe would say if a broker served it, without a network. Exit status: 0 nothing wrong, 1 warnings,
    2 critical, 3 it could not be found out.
    """
    from monitor.cli.inspect import inspect_file  # noqa: PLC0415

    return inspect_file(
        chain,
        key=key,
        passphrase_file=passphrase_file,
        ca_file=ca_file,
        names=name or [],
        at=at,
        as_json=as_json,
    )


@app.command("check-config", cls=Command)
def check_config(
    config: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The configuration, YAML.")],
    acl: Annotated[
        str | None,
        typer.Option(metavar="FLAVOUR", help="Print what each broker must allow: mosquitto, emqx, rabbitmq or nats."),
    ] = None,
) -> int:
    """Find every error of a configuration.

    Loads all that a run would load, and prints each error with its file, line and key. Exit status: 0 or 1.
    """
    from monitor.cli.check import check  # noqa: PLC0415

    return check(config, acl)


@app.command("status", cls=Command)
def show_status(
    *,
    broker: Annotated[str | None, typer.Argument(metavar="BROKER", help="Its name; none: all of them.")] = None,
    url: Annotated[str, typer.Option(metavar="URL", help="Where the daemon's page is.")] = "http://localhost:9883/",
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document per broker and address, a line each.")
    ] = False,
) -> int:
    """Tell what a running daemon knows.

    Verdict, reason, since when, last success, findings, and what breaks next. Exit status: 0 nothing wrong,
    1 warnings, 2 critical or failed, 3 it could not be found out.
    """
    from monitor.cli.status import show_status as show  # noqa: PLC0415

    return show(broker, url, as_json=as_json)


@app.command(cls=Command)
def discover(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Brokers' main files; else those in the usual places.", readable=False),
    ] = None,
    root: Annotated[
        Path, typer.Option(metavar="DIR", help="Look at the host whose file system is mounted there.", readable=False)
    ] = Path("/"),
) -> int:
    """Write a configuration from the brokers' own on this host.

    Reads mosquitto.conf, emqx.conf, rabbitmq.conf, nats-server.conf and nanomq.conf, and prints what watches their TLS
    ports. Changes nothing. Exit status: 0 ports were found, 1 none, 3 nothing to read.
    """
    from monitor.cli.discover import discover_host  # noqa: PLC0415

    return discover_host(root, files or [])


@app.command(cls=Command)
def explain(
    code: Annotated[
        str,
        typer.Argument(
            metavar="CODE", help="A finding's code, a failure's reason, or an alert's name.", autocompletion=_codes
        ),
    ],
) -> int:
    """Say what a code means and what to do."""
    from monitor.cli.explain import explain as explain_code  # noqa: PLC0415

    return explain_code(code)


@app.command(cls=Command)
def demo(
    *,
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="Where the pages and metrics are.")
    ] = 9883,
    all_interfaces: Annotated[
        bool, typer.Option("--all-interfaces", help="Show them on every interface, not on loopback alone.")
    ] = False,
) -> int:
    """Watch brokers that are broken on purpose.

    Runs the daemon against brokers that it starts itself: one healthy, others broken in instructive ways.
    """
    import asyncio  # noqa: PLC0415

    from monitor.demo.run import run_demo  # noqa: PLC0415

    return asyncio.run(run_demo("" if all_interfaces else "127.0.0.1", port))


def _drop_output() -> None:
    """Let what could not be written be nobody's concern any more: the end of the process would try again."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _complain(message: str) -> None:
    print(f"{PROGRAM}: {message}", file=sys.stderr)  # noqa: T201


def _without_arguments(message: str) -> str:
    """Leave out what was typed and has no place: a password or a key, perhaps, in that of its file."""
    complaint, begin, _ = message.partition(" (")
    if begin and complaint.startswith("Got unexpected extra argument"):
        return complaint
    # A key begins with dashes, and so is taken for an option.
    return without_pem(message)


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
