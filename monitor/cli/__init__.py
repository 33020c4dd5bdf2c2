"""The command line: each command parses, asks one part of the monitor, prints, and returns an exit status."""


def main() -> int:
    """Run the command that the arguments name, and return the exit status."""
    try:
        # Here, not above: Ctrl-C while the commands are being imported is no reason for a traceback either.
        from monitor.cli.commands import run_command  # noqa: PLC0415

        return run_command()
    except KeyboardInterrupt:
        return 130
