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
    if not _can_be_waited_for(file):
        yield False
        return

    async def work() -> None:
        async for order in _lines(file):
            if order.strip():
                tell(await obey(order, demo))

    worker = asyncio.create_task(work(), name="orders")
    try:
        yield True
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def _lines(file: int) -> AsyncIterator[str]:
    """Yield lines as they come, until there are no more; what is not asked for yet stays where it is."""
    rest = b""
    while data := await _typed(file):
        *whole, rest = (rest + data).split(b"\n")
        rest = rest[-_LONGEST:]
        for line in whole:
            yield line.decode("utf-8", "replace")


async def _typed(file: int) -> bytes:
    while True:
        await _readable(file)
        if _is_ours(file):
            try:
                return os.read(file, _LONGEST)
            except OSError:  # the terminal is gone
                return b""
        # Typed for the shell that this runs in the background of: whoever reads it is stopped (SIGTTIN).
        await asyncio.sleep(_LOOK_AGAIN_S)


async def _readable(file: int) -> None:
    loop = asyncio.get_running_loop()
    arrival = asyncio.Event()
    loop.add_reader(file, arrival.set)
    try:
        await arrival.wait()
    finally:
        loop.remove_reader(file)


def _can_be_waited_for(file: int) -> bool:
    loop = asyncio.get_running_loop()
    try:
        loop.add_reader(file, int)
    except OSError:  # epoll takes neither files nor /dev/null
        return False
    loop.remove_reader(file)
    return True


def _is_ours(file: int) -> bool:
    """Tell whether what is typed there is for this process."""
    try:
        return not os.isatty(file) or os.tcgetpgrp(file) == os.getpgrp()
    except OSError:  # a terminal that controls nobody here
        return True
