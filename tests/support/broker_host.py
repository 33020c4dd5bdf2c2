"""A broker's host in a directory: its files, and what `discover` understands of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monitor.discover.files import Tree
from monitor.discover.host import discover
from monitor.discover.listener import Discovery


class Host:
    """A host's file system in a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> Path:
        """Write a file of the host, and return its path there."""
        real = self.root / path.removeprefix("/")
        real.parent.mkdir(parents=True, exist_ok=True)
        real.write_text(text)
        return Path(path)

    def discover(self, *files: Path) -> Discovery:
        """Return what the only broker's configuration says."""
        (found,) = discover(Tree(self.root), files).values()
        return found


def facts(found: Discovery) -> list[dict[str, Any]]:
    """Return what differs from a listener without anything."""
    keys = ("port", "address", "certificate", "key", "ca_file", "demands_client_certificate", "is_websocket")
    shown = [{key: getattr(listener, key) for key in keys} for listener in found.listeners]
    return [
        {key: str(value) if isinstance(value, Path) else value for key, value in each.items() if value}
        for each in shown
    ]


def notes(found: Discovery) -> list[str]:
    """Return the notes as they are printed."""
    return [f"{note.place}: {note.text}" for note in found.notes]
