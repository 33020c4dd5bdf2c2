"""`discover`: a configuration of the monitor, from the brokers' own on this host."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from monitor.cli.exit_status import Complaint, Status
from monitor.config.files import Files
from monitor.config.trust import TrustStore
from monitor.discover.files import Tree
from monitor.discover.host import CANDIDATES, UnknownBrokerError, discover
from monitor.discover.render import render
from monitor.model.broker import Trust


def discover_host(root: Path, files: Sequence[Path]) -> Status:
    """Print what the brokers' files say, and return the exit status.

    Args:
        root: where the host's file system is.
        files: brokers' main files, as they are named on that host; none: those in the usual places.

    Raises:
        Complaint: there is nothing to read.
    """
    tree = Tree(root)
    files = [Path.cwd() / path if root == Path("/") else Path("/") / path for path in files]
    missing = [path for path in files if not tree.exists(path)]
    directories = [path for path in missing if tree.at(path).is_dir()]
    if directories:
        raise Complaint(f"expected the broker's main file, found a directory: {', '.join(map(str, directories))}")
    if missing:
        raise Complaint(f"no such file: {', '.join(map(str, missing))}")
    try:
        found = discover(tree, files)
    except UnknownBrokerError as error:
        raise Complaint(
            f"{error}: expected a name that tells the broker (mosquitto.conf, emqx.conf, rabbitmq.conf, "
            "nats-server.conf, nanomq.conf)"
        ) from None
    if not found:
        raise Complaint(f"no broker's configuration found; looked for {', '.join(map(str, CANDIDATES))}")
    sys.stdout.write(render(found, tree, _system(), datetime.now(UTC)))
    return Status.OK if any(discovery.listeners for discovery in found.values()) else Status.WARNING


def _system() -> Trust | None:
    try:
        return TrustStore(Files(base=Path.cwd()), os.environ).trust(system=True, ca_file=None)
    except ValueError:
        return None
