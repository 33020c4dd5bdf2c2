"""The file in which what is known outlives the process: locked, read whole, replaced as a whole. Blocking."""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path

_MODE = 0o600
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_LOCK = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class StateFileError(Exception):
    """What cannot be done with the file, and why, in words."""


class StateFile:
    """One file of one process: whoever else asks for it is refused until this one is closed.

    The lock is a file beside it, which stays: the state file itself is another one after each writing.
    """

    def __init__(self, path: Path) -> None:
        # Whatever symbolic links lead to it, they stay.
        self.path = Path(os.path.realpath(path))
        self._fresh = self.path.with_name(f"{self.path.name}.new")
        self._lock_path = self.path.with_name(f"{self.path.name}.lock")
        self._lock: int | None = None

    def lock(self) -> None:
        """Make the file this process's own, unless it is already.

        Raises:
            StateFileError: another process has it, or that cannot be told.
        """
        if self._lock is not None:
            return
        try:
            descriptor = os.open(self._lock_path, _LOCK, _MODE)
        except OSError as error:
            raise StateFileError(f"{self._lock_path}: {_reason(error)}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StateFileError("another running monitor keeps its state there") from None
        except OSError as error:
            os.close(descriptor)
            raise StateFileError(f"{self._lock_path}: {_reason(error)}") from error
        self._lock = descriptor

    def read(self, most_bytes: int) -> bytes | None:
        """Return what the file holds, None if there is none.

        Raises:
            StateFileError: it cannot be read, or holds more than that.
        """
        try:
            # Without O_NONBLOCK, opening a pipe that nobody writes to would hang.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                self._check(os.fstat(file.fileno()))
                data = file.read(most_bytes + 1)
        except FileNotFoundError:
            return None
        except IsADirectoryError:
            raise StateFileError("is a directory, no file") from None
        except OSError as error:
            raise StateFileError(f"cannot be read: {_reason(error)}") from error
        if len(data) > most_bytes:
            raise StateFileError(f"is larger than {most_bytes} bytes")
        return data

    def write(self, data: bytes) -> None:
        """Put this in the place of whatever the file holds, at once and for good: a crash leaves the one or the other.

        Raises:
            StateFileError: it could not be done; the file is what it was.
        """
        self.lock()
        try:
            with suppress(FileNotFoundError):
                self._check(self.path.lstat())
            with suppress(FileNotFoundError):
                self._fresh.unlink()  # left by a process that was killed while writing
            try:
                with os.fdopen(os.open(self._fresh, _NEW, _MODE), "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                self._fresh.replace(self.path)
            except OSError:
                with suppress(OSError):
                    self._fresh.unlink()
                raise
            self._sync_directory()
        except OSError as error:
            raise StateFileError(f"cannot be written: {_reason(error)}") from error

    def set_aside(self, at: datetime) -> Path | None:
        """Give the file another name, so that nothing in it is lost when the next one is written.

        Returns:
            That name; None where it stays: there is no file, it is not ours, or the directory cannot be changed.
        """
        if self._lock is None:
            return None
        aside = self.path.with_name(f"{self.path.name}.{at:%Y%m%dT%H%M%SZ}.corrupt")
        try:
            self._check(self.path.lstat())
            self.path.rename(aside)
        except (OSError, StateFileError):
            return None
        return aside

    def close(self) -> None:
        """Leave the file to others."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _sync_directory(self) -> None:
        descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @staticmethod
    def _check(status: os.stat_result) -> None:
        """Refuse what must not be replaced by a file: a device such as /dev/null, a pipe, a directory."""
        if not stat.S_ISREG(status.st_mode):
            raise StateFileError("is no regular file")


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
