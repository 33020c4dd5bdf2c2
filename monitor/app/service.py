"""What the service manager is told of the daemon (sd_notify(3)): ready, reloading, how it stands, that it is alive."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from contextlib import suppress


class ServiceManager:
    """The one that started this process and wants to be told, or nobody.

    Args:
        environ: `NOTIFY_SOCKET` is where it listens; without it nothing is ever sent.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        path = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the NUL of an abstract socket (unix(7)).
        self._address = f"\0{path[1:]}" if path.startswith("@") else path

    @property
    def listens(self) -> bool:
        """Tell whether there is one."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        """Say that the configuration is loaded, the port is open and probes have begun; also at a reload's end."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Say that the configuration is being read again. `ready` follows, whatever comes of it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def alive(self, status: str) -> None:
        """Say that probing goes on. Without it for `WatchdogSec=` of the unit, the daemon is ended and started anew."""
        self._send("WATCHDOG=1", f"STATUS={status}")

    def stopping(self, longest_s: float) -> None:
        """Say that the end has begun, and how long it may take, should that be more than the unit's own limit."""
        self._send(
            "STOPPING=1",
            "STATUS=Stopping; probes under way may end.",
            f"EXTEND_TIMEOUT_USEC={int(longest_s * 1_000_000)}",
        )

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        # Nobody who watches may break what is watched: one that is gone or full is told nothing.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
            wire.setblocking(False)
            wire.sendto("\n".join(lines).encode(), self._address)
