"""The command line: each command parses, asks one part of the monitor, prints, and returns an exit status."""

from monitor.cli.main import main

__all__ = ["main"]
