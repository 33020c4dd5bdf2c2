"""Files of revocation lists (CRLs): read when they are first looked at, and again whenever they have changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from monitor.config import pem
from monitor.config.files import Stamp, Unreadable, read_file, stamp_of
from monitor.model.revocation import CrlFile, EncodedCrl

_MOST_LIST_BYTES: Final = 10 * 1024 * 1024
"""One of that size has some 300,000 entries, and is judged within a tenth of a second."""
_MOST_FILES: Final = 256
_NAMED_LIKE_A_LIST: Final = (".crl", *(f".r{number}" for number in range(10)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A file as it was when it was read."""

    stamp: Stamp | None
    """What changes with its content; None for one that was not there."""
    file: CrlFile


class CrlFiles:
    """Remembers what each file held, so that only what has changed is read. For one thread at a time."""

    def __init__(self) -> None:
        self._seen: dict[Path, _Seen] = {}
        self._listings: dict[Path, tuple[Path, ...]] = {}

    def look(self, paths: tuple[str, ...]) -> tuple[CrlFile, ...]:
        """Return what the files hold now; may wait for a disk.

        Args:
            paths: each a file, PEM or DER, or a directory of such files.

        Returns:
            One record for each file, in order. One that is broken or gone keeps the lists that it held before, beside
            its problem. In a directory, files without a list are passed over unless they are named like one.
        """
        return tuple(file for path in paths for file in self._in(Path(path)))

    def _in(self, path: Path) -> Iterator[CrlFile]:
        problem = None
        if os.path.isdir(path):  # noqa: PTH112 - Path's own raises where the directory above is closed to us
            try:
                self._list(path)
            except Unreadable as error:
                problem = str(error)
        elif path in self._listings:
            problem = "the directory is gone"
        if path not in self._listings:
            yield self._looked(path) if problem is None else CrlFile(path=str(path), problem=problem)
            return
        if problem is not None:
            yield CrlFile(path=str(path), problem=problem)
        for entry in self._listings[path]:
            file = self._looked(entry)
            if file.crls or entry.suffix in _NAMED_LIKE_A_LIST:
                yield file

    def _list(self, directory: Path) -> None:
        former, now = self._listings.get(directory, ()), _listed(directory)
        self._listings[directory] = now
        # Lists may have a new name each day, for years.
        for gone in {*former}.difference(now):
            self._seen.pop(gone, None)

    def _looked(self, path: Path) -> CrlFile:
        stamp, seen = stamp_of(path), self._seen.get(path)
        if seen is None or stamp is None or seen.stamp != stamp:
            file = _read(path)
            if file.problem is not None and seen is not None:
                file = replace(seen.file, problem=file.problem)
            self._seen[path] = seen = _Seen(stamp=stamp, file=file)
        return seen.file


def _listed(directory: Path) -> tuple[Path, ...]:
    try:
        paths = sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise Unreadable(f"one that cannot be read ({error.strerror or error})") from None
    if len(paths) > _MOST_FILES:
        raise Unreadable(f"a directory of more than {_MOST_FILES} files")
    return tuple(path for path in paths if os.path.isfile(path))  # noqa: PTH113 - as above


def _read(path: Path) -> CrlFile:
    try:
        lists = pem.revocation_lists(read_file(path).data)
    except ValueError as error:
        return CrlFile(path=str(path), problem=str(error))
    longest = max(map(len, lists))
    if longest > _MOST_LIST_BYTES:
        return CrlFile(path=str(path), problem=f"a list of {longest} bytes, more than {_MOST_LIST_BYTES}")
    return CrlFile(path=str(path), crls=tuple(map(EncodedCrl.of, lists)))
