"""`check-config`: everything that a run would load, and every error in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from monitor.cli.exit_status import UNUSABLE, Complaint, Status
from monitor.config.acl import FLAVOURS, acl_lines
from monitor.config.load import load
from monitor.model.config import ConfigError


def check(path: Path, acl_flavour: str | None) -> int:
    """Load the configuration and print what is wrong with it, or what its brokers must allow; return the exit status.

    Errors and warnings go to standard error, one per line, so that ACL lines can be redirected into a file.

    Raises:
        Complaint: the flavour is none that is known.
    """
    if acl_flavour not in (None, *FLAVOURS):
        raise Complaint(f"--acl: expected one of {', '.join(FLAVOURS)}, found {acl_flavour!r}", UNUSABLE)
    try:
        config = load(path, os.environ)
        lines = None if acl_flavour is None else acl_lines(config.brokers, acl_flavour)
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        return UNUSABLE
    for warning in config.warnings:
        sys.stderr.write(f"{warning} (warning)\n")
    if lines is None:
        count = len(config.brokers)
        lines = f"{path}: can be used, {count} {'broker' if count == 1 else 'brokers'}\n"
    sys.stdout.write(lines)
    return Status.OK
