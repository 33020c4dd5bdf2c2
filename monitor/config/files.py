"""The files that a configuration names: each read once, bounded, with its mode; relative to the configuration."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

_MOST_BYTES = 16 * 1024 * 1024
_LONGEST_SECRET_BYTES = 65535  # MQTT 3.1.1, 1.5.3: a two-byte length

Stamp = tuple[int, ...]
"""Of a file: where it lies, its size, and in nanoseconds when it was written and, at the end, when it last changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a file held when it was read."""

    data: bytes = field(repr=False)
    mode: int
    """Permission bits."""

    @property
    def is_world_readable(self) -> bool:
        """Any user of the machine may read the file."""
        return bool(self.mode & stat.S_IROTH)


class Unreadable(ValueError):  # noqa: N818  an answer, raised like one
    """What was found instead of a readable file, as the end of a sentence: `a directory`."""


class Missing(Unreadable):
    """There is no such file."""


class Denied(Unreadable):
    """This user may not read it; another may."""


def read_file(path: Path, *, regular_only: bool = True) -> Content:
    """Return a file's content.

    Args:
        path: the file.
        regular_only: refuse pipes and devices, at which reading may never end.

    Raises:
        Missing: there is none.
        Denied: there is, for others.
        Unreadable: it cannot be read, or is larger than 16 MiB.
    """
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would hang.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | (os.O_NONBLOCK if regular_only else 0))
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISDIR(mode):
                raise Unreadable("a directory")
            if regular_only and not stat.S_ISREG(mode):
                raise Unreadable("a pipe or device")
            data = file.read(_MOST_BYTES + 1)
            if data is None:  # some files of the kernel's call themselves regular, and wait like a pipe
                raise Unreadable("a pipe or device")
    except IsADirectoryError:
        raise Unreadable("a directory") from None
    except FileNotFoundError:
        raise Missing("no such file") from None
    except PermissionError as error:
        raise Denied(_cannot(error)) from None
    except OSError as error:
        raise Unreadable(_cannot(error)) from None
    if len(data) > _MOST_BYTES:
        raise Unreadable(f"more than {_MOST_BYTES} bytes")
    return Content(data=data, mode=stat.S_IMODE(mode))


def _cannot(error: OSError) -> str:
    return f"one that cannot be read ({error.strerror or error})"


def stamp_of(path: Path) -> Stamp | None:
    """Return what differs after a file was replaced or written to; None if it cannot be looked at.

    Whoever takes it before reading sees at the next look what was written meanwhile.
    """
    try:
        status = path.stat()
    except (OSError, ValueError):  # a NUL in the path
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@dataclass(slots=True)
class Files:
    """Reads files for one load, each path once, however many brokers name it."""

    base: Path
    """What relative paths are relative to."""
    _read: dict[Path, Content | Unreadable] = field(default_factory=dict)

    def path(self, text: str) -> Path:
        """Return where the file named by `text` lies."""
        return self.base / text

    def read(self, path: Path) -> Content:
        """Return a file's content.

        Raises:
            Unreadable: it cannot be read.
        """
        if path not in self._read:
            try:
                self._read[path] = read_file(path)
            except Unreadable as error:
                self._read[path] = error
        content = self._read[path]
        if isinstance(content, Unreadable):
            raise Unreadable(str(content))
        return content


def secret_value(data: bytes) -> bytes:
    """Return a secret without the newline that editors and `echo` put at its end.

    Raises:
        Unreadable: it is empty, too long for MQTT, or not UTF-8 (MQTT clients send passwords as text).
    """
    value = data.removesuffix(b"\n").removesuffix(b"\r")
    if not value:
        raise Unreadable("nothing in it")
    if len(value) > _LONGEST_SECRET_BYTES:
        raise Unreadable(f"more than {_LONGEST_SECRET_BYTES} bytes")
    try:
        value.decode()
    except UnicodeDecodeError:
        raise Unreadable("bytes that are not UTF-8") from None
    return value
