"""A server in its own process: started on a free port, awaited, signalled and ended by its process id."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.ports import free_port, is_listening, wait_until

_END_PATIENCE_S = 20.0


def tool(name: str) -> str:
    """Return the path of an installed program, Debian's /usr/sbin included.

    Raises:
        FileNotFoundError: it is not installed. A missing broker fails a test; it never skips one.
    """
    found = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin")))
    if found is None:
        raise FileNotFoundError(f"{name} is not installed")
    return found


class ServerProcess(ABC):
    """A server on one loopback port. A context manager: entered, it listens; left, it has ended.

    The port stays the same over `stop()` and `start()`, so that a client's settings stay right.
    """

    def __init__(self, directory: Path, *, host: str = "127.0.0.1") -> None:
        """Keep the server's files below `directory`, which is made if need be."""
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.host = host
        self.port = free_port(host)
        self.log_path = directory / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Write the configuration and return the command line."""

    def environment(self) -> Mapping[str, str]:
        """Return what the process gets beside this one's environment."""
        return {}

    def is_up(self) -> bool:
        """Tell whether the server answers: here, whether its port listens."""
        return is_listening(self.port)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id; RuntimeError if the server does not run."""
        if self._process is None:
            raise RuntimeError(f"{type(self).__name__} does not run")
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything written so far, over restarts."""
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def wait_for_log(self, text: str, *, after: int = 0) -> None:
        """Return once `text` stands in the log behind its first `after` characters; TimeoutError if it does not."""
        wait_until(lambda: text in self.log[after:], f"{text!r} in {self.log_path}")

    def start(self) -> None:
        """Start, and return when the port listens.

        Raises:
            RuntimeError: the process ended instead; the message holds its log.
        """
        before = len(self.log)
        with self.log_path.open("ab") as log:
            process = subprocess.Popen(
                list(self.command()),
                stdin=subprocess.PIPE,  # s_server ends when its input does
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment()},
                cwd=self.directory,
            )
        self._process = process
        try:
            wait_until(lambda: process.poll() is not None or self.is_up(), f"{type(self).__name__} listening")
        except TimeoutError:
            self.stop()
            raise
        if process.poll() is not None:
            self.stop()
            raise RuntimeError(f"{type(self).__name__} ended with {process.returncode}:\n{self.log[before:]}")

    def stop(self) -> None:
        """End the process, by force if it does not go, and reap it. Nothing happens if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        try:
            process.wait(_END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End the process without any goodbye: its connections are reset or closed by the kernel."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.stop()

    def restart(self) -> None:
        """Stop and start on the same port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Stop the process where it is (SIGSTOP): the kernel goes on accepting, nobody answers."""
        os.kill(self.pid, signal.SIGSTOP)
        wait_until(lambda: _state(self.pid) == "T", f"{type(self).__name__} stopped")

    def resume(self) -> None:
        """Let a paused process go on."""
        os.kill(self.pid, signal.SIGCONT)


def _state(pid: int) -> str:
    """Return the process's state letter of proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
