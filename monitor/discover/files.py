"""Reading the files of a broker's configuration below a root, with the places at which things stand."""

from __future__ import annotations

import stat
from pathlib import Path

from monitor.config.files import Unreadable, read_file
from monitor.discover.listener import Discovery, Place


class Tree:
    """The file system of the host, or of one that is mounted somewhere.

    Args:
        root: `/`, or what is to be taken for it. Paths are named as they are on that host.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def at(self, path: Path) -> Path:
        """Return where a path of the host is found from here."""
        return self._root / path.relative_to("/") if path.is_absolute() else path

    def exists(self, path: Path) -> bool:
        """Tell whether there is such a file."""
        return self.at(path).is_file()

    def lines(self, path: Path, discovery: Discovery, *, because: Place | None = None) -> list[str]:
        """Return a file's lines; of one that cannot be read none, and a note where it is asked for."""
        try:
            return self.content(path).decode("utf-8", "replace").splitlines()
        except ValueError as error:
            discovery.note(because or Place(file=path, line=1), f"cannot use {path}: {error}")
        return []

    def content(self, path: Path) -> bytes:
        """Return what is in a file.

        Raises:
            ValueError: it cannot be read, as the end of a sentence: `a directory`.
        """
        try:
            return read_file(self.at(path)).data
        except Unreadable:
            raise
        except ValueError:
            raise ValueError("one whose name holds a NUL") from None

    def is_for_everybody(self, path: Path) -> bool:
        """Tell whether any user may read a file, as far as its own rights and those of the directories above say."""
        try:
            may_pass = all(self.at(above).stat().st_mode & stat.S_IXOTH for above in path.parents)
            return may_pass and bool(self.at(path).stat().st_mode & stat.S_IROTH)
        except (OSError, ValueError):
            return False

    def inside(self, directory: Path, suffix: str) -> list[Path]:
        """Return the files of a directory with that ending, by name as brokers read them."""
        try:
            names = sorted(entry.name for entry in self.at(directory).iterdir())
        except (OSError, ValueError):
            return []
        return [directory / name for name in names if name.endswith(suffix)]
