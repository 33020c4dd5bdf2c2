"""The command line: each command parses, asks one part of the monitor, prints, and returns an exit status."""

import os
import sys
from pathlib import Path


def main() -> int:
    """Run the command that the arguments name, and return the exit status."""
    _open_standard_streams()
    try:
        # Here, not above: Ctrl-C while the commands are being imported is no reason for a traceback either.
        from monitor.cli.commands import run_command  # noqa: PLC0415

        return run_command()
    except KeyboardInterrupt:
        return 130


def _open_standard_streams() -> None:
    """Lead nowhere what whoever started this process closed, in the order of the numbers that this takes up again.

    Else the next socket would get the number, and what libraries write there; and uvloop aborts when that is closed.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115  # until the process ends
            setattr(sys, name, stream)
