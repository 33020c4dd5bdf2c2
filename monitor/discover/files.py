"""Reading the files of a broker's configuration below a root, with the places at which things stand."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

from monitor.config.files import Denied, Missing, Unreadable, read_file
from monitor.discover.listener import Discovery, Place


class Tree:
    """The file system of the host, or of one that is mounted somewhere.

    Args:
        root: `/`, or what is to be taken for it. Paths are named as they are on that host.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self.is_complete = True
        """Nothing was closed to this user so far."""

    def at(self, path: Path) -> Path:
        """Return where a path of the host is found from here."""
        return self._root / path.relative_to("/") if path.is_absolute() else path

    def exists(self, path: Path) -> bool:
        """Tell whether there is such a file; true where this user may not look, so that reading it says so."""
        try:
            return self.at(path).is_file()
        except OSError:
            return True

    def lines(self, path: Path, discovery: Discovery, *, because: Place | None = None) -> list[str]:
        """Return a file's lines; of one that cannot be read none, and a note where it is asked for."""
        try:
            # Not `splitlines`, which also splits where no broker does, and would end a comment there.
            text = self.content(path).decode("utf-8-sig", "replace")
            return [line.removesuffix("\r") for line in text.split("\n")]
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
        except Denied:
            self.is_complete = False
            raise
        except Unreadable:
            raise
        except ValueError:
            raise ValueError("one whose name holds a NUL") from None

    def real(self, path: Path) -> Path:
        """Return the path of a file on the host to which all links have been followed.

        Raises:
            OSError: there is none, or this user may not look.
        """
        file, root = self.at(path).resolve(strict=True), self._root.resolve()
        return Path("/") / file.relative_to(root) if file.is_relative_to(root) else file

    def status(self, path: Path) -> list[os.stat_result]:
        """Return the status of a file, and of each directory above it on the host; links are followed.

        Raises:
            OSError: there is none, or this user may not look.
        """
        file = self.at(path).resolve(strict=True)
        root = self._root.resolve()
        return [file.stat(), *(each.stat() for each in file.parents if root in each.parents)]

    def inside(self, directory: Path, pattern: str) -> list[Path]:
        """Return the files of a directory whose names match, sorted by name.

        Raises:
            Missing: there is no such directory.
            ValueError: it cannot be read, as the end of a sentence.
        """
        try:
            names = sorted(entry.name for entry in self.at(directory).iterdir())
        except FileNotFoundError:
            raise Missing("no such directory") from None
        except PermissionError:
            self.is_complete = False
            raise Denied("a directory that cannot be read (Permission denied)") from None
        except OSError as error:
            raise Unreadable(f"no directory that can be read ({error.strerror or error})") from None
        except ValueError:
            raise ValueError("one whose name holds a NUL") from None
        return [directory / name for name in names if fnmatchcase(name, pattern)]
