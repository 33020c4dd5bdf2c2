"""A resolver whose answers a test writes: the system call is substituted, here or in a process that a test starts."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SITE = """import socket
from pathlib import Path
from tests.support.names import Names
socket.getaddrinfo = Names(Path({file!r})).getaddrinfo
"""
_ROOT = Path(__file__).parents[2]
_system = socket.getaddrinfo


class Names:
    """Answers for some names, kept in a file; every other name is the system's affair."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def answer(self, name: str, *addresses: str) -> None:
        """Give these addresses from now on, in this order; none: no such name."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps({**self._answers(), name: addresses}))
        fresh.replace(self._file)

    def environment(self) -> Mapping[str, str]:
        """Return what makes a Python process ask these names: it imports `sitecustomize` before anything else."""
        (self._file.parent / "sitecustomize.py").write_text(_SITE.format(file=str(self._file)))
        return {"PYTHONPATH": os.pathsep.join((str(self._file.parent), str(_ROOT)))}

    def getaddrinfo(  # noqa: PLR0917  # positional as the system's
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002  # named as in the system's
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        """Answer as `socket.getaddrinfo` does."""
        answers = self._answers().get(host.decode("ascii") if isinstance(host, bytes) else host or "")
        if answers is None or flags & socket.AI_NUMERICHOST:
            return _system(host, port, family, type, proto, flags)
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        literal = flags | socket.AI_NUMERICHOST
        return [entry for each in answers for entry in _system(each, port, family, type, proto, literal)]

    def _answers(self) -> dict[str, list[str]]:
        answers: dict[str, list[str]] = json.loads(self._file.read_text()) if self._file.exists() else {}
        return answers
