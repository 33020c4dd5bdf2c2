"""Reading the files of a broker's configuration below a root, with the places at which things stand."""

from __future__ import annotations

from pathlib import Path

from monitor.discover.listener import Discovery, Place

# Far more than any configuration; what lies there might be anything.
_MOST_BYTES = 1 << 20


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
            with self.at(path).open("rb") as file:
                return file.read(_MOST_BYTES).decode("utf-8", "replace").splitlines()
        except OSError as error:
            discovery.note(because or Place(file=path, line=1), f"{path} cannot be read: {error.strerror}")
        except ValueError:  # a NUL in the name
            discovery.note(because or Place(file=path, line=1), f"not understood: {str(path)!r}")
        return []

    def inside(self, directory: Path, suffix: str) -> list[Path]:
        """Return the files of a directory with that ending, by name as brokers read them."""
        try:
            names = sorted(entry.name for entry in self.at(directory).iterdir())
        except (OSError, ValueError):
            return []
        return [directory / name for name in names if name.endswith(suffix)]
