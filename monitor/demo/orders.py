"""What can be done to the demo's brokers while it runs: orders that are typed in, one on a line."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from monitor.demo.brokers import Demo, DemoBroker

ALL = "all"
_LONGEST = 4096
_LOOK_AGAIN_S = 1.0


async def obey(order: str, demo: Demo) -> str:
    """Do what the line says, and return what came of it in words."""
    match order.split():
        case ["stop" | "start" | "mend" as verb, name]:
            concerned = [broker for broker in demo.brokers if name in {ALL, broker.lesson.name}]
            if not concerned:
                names = ", ".join(broker.lesson.name for broker in demo.brokers)
                return f"There is no broker {name!r}, but {names}; or {ALL}."
            return "\n".join([await _do(verb, broker, demo) for broker in concerned])
        case _:
            return f"stop NAME, start NAME or mend NAME; {ALL} is every broker."


async def _do(verb: str, broker: DemoBroker, demo: Demo) -> str:
    name, door = broker.lesson.name, broker.door
    if verb == "stop":
        await door.close()
        return f"{name} is stopped: whoever connects is refused."
    if verb == "mend":
        door.behind = demo.well
    try:
        door.open()
    except OSError as error:
        return f"{name} cannot be started: port {door.port}: {os.strerror(error.errno or 0)}"
    return f"{name} runs, {'and nothing is wrong with it' if door.behind is demo.well else 'as it was'}."


@asynccontextmanager
async def taking_orders(file: int, demo: Demo, tell: Callable[[str], None]) -> AsyncIterator[bool]:
    """Obey the lines that come through a file descriptor, inside the block.

    Yields:
        Whether any can come: none do from /dev/null, from a file, and where the descriptor is closed.
    """
    lines: asyncio.Queue[str] = asyncio.Queue()

    async def work() -> None:
        while True:
            order = await lines.get()
            if order.strip():
                tell(await obey(order, demo))

    reader = _Reader(file, lines)
    can_come = reader.begin()
    worker = asyncio.create_task(work(), name="orders")
    try:
        yield can_come
    finally:
        reader.end()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


class _Reader:
    """Puts lines into a queue as they come through a descriptor."""

    def __init__(self, file: int, lines: asyncio.Queue[str]) -> None:
        self._file = file
        self._lines = lines
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        self._again: asyncio.TimerHandle | None = None

    def begin(self) -> bool:
        try:
            self._loop.add_reader(self._file, self._read)
        except OSError:  # epoll takes neither files nor /dev/null
            return False
        return True

    def end(self) -> None:
        self._loop.remove_reader(self._file)
        if self._again is not None:
            self._again.cancel()

    def _read(self) -> None:
        if not _is_ours(self._file):
            # Typed for the shell that this runs in the background of: whoever reads it is stopped (SIGTTIN).
            self.end()
            self._again = self._loop.call_later(_LOOK_AGAIN_S, self.begin)
            return
        try:
            data = os.read(self._file, _LONGEST)
        except OSError:  # the terminal is gone
            data = b""
        if not data:
            self.end()
        *whole, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_LONGEST:]
        for line in whole:
            self._lines.put_nowait(line.decode("utf-8", "replace"))


def _is_ours(file: int) -> bool:
    """Tell whether what is typed there is for this process."""
    try:
        return not os.isatty(file) or os.tcgetpgrp(file) == os.getpgrp()
    except OSError:  # a terminal that controls nobody here
        return True
