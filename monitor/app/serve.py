"""The daemon's life: from the loaded configuration to the listening socket, through signals to the drained end."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog

from monitor import logs
from monitor.app.changes import log_problems
from monitor.app.daemon import Daemon
from monitor.app.service import ServiceManager
from monitor.config.hosts import endpoint
from monitor.config.load import load
from monitor.model.config import Config, ConfigError, Settings, Shard
from monitor.web.listener import listening
from monitor.web.server import create_app

EXIT_OK = 0
EXIT_UNUSABLE = 1
"""The configuration cannot be used, the port cannot be had, or a fault of the monitor ended it."""

CATCH_UP_S = 60.0
"""Between two times that the log is let write what had to wait."""

_TAKEN = (
    "Another process has this port: `ss -ltnp` names it. Another port is chosen by `listen` in the configuration, or "
    "by `--port` of the demo."
)

log = structlog.stdlib.get_logger()


def run(path: Path, environ: Mapping[str, str], shard: Shard | None = None) -> int:
    """Run the daemon until it is told to stop, and return the exit status. Blocks; owns the process's log and signals.

    A configuration that cannot be used is told on standard error, one line for each problem.
    """
    try:
        config = load(path, environ, shard)
    except ConfigError as error:
        logs.complain(error.problems, environ)
        return EXIT_UNUSABLE
    logs.configure(config.settings.log_level, config.settings.log_format, environ)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            return runner.run(serve(config, environ))
        except Exception:
            log.exception("ended by a fault of the monitor")
            return EXIT_UNUSABLE


async def serve(
    config: Config, environ: Mapping[str, str], *, listening: Callable[[str], None] = lambda _: None
) -> int:
    """Probe and answer until SIGTERM or SIGINT, then let the running probes end; return the exit status.

    Args:
        config: loaded; its file is read again on SIGHUP and on request over HTTP, for the same shard.
        environ: for reloading.
        listening: called with the URL, once there is one.
    """
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        daemon = Daemon(config, environ, tasks=tasks, manager=ServiceManager(environ), now=_utc_now)

        def reload_daemon() -> None:
            tasks.create_task(daemon.reload(), name="reload")

        # Before anybody can ask: the first scrape already has what was known before.
        await daemon.recall()
        try:
            async with _log_catching_up(tasks), _http(daemon, config.settings) as url:
                with _signals(stop=stopping.set, reload=reload_daemon):
                    log_problems(config.warnings, level=logging.WARNING)
                    daemon.start()
                    log.info("listening", url=url)
                    listening(url)
                    try:
                        await stopping.wait()
                        log.info("stopping; probes under way may end")
                    finally:
                        await daemon.stop()
        except _CannotListenError as error:
            hint = {"fix": _TAKEN} if error.is_taken else {}
            log.error("cannot listen", address=error.address, error=error.reason, **hint)  # noqa: TRY400  # no bug
            return EXIT_UNUSABLE
    log.info("stopped")
    return EXIT_OK


class _CannotListenError(Exception):
    """The address is taken, foreign, or not ours to use."""

    def __init__(self, address: str, reason: str, *, is_taken: bool) -> None:
        super().__init__(f"{address}: {reason}")
        self.address = address
        self.reason = reason
        self.is_taken = is_taken


@asynccontextmanager
async def _log_catching_up(tasks: asyncio.TaskGroup) -> AsyncIterator[None]:
    """Let the log write what had to wait inside the block, and what may be written at its end."""

    async def catch_up() -> None:
        while True:
            await asyncio.sleep(CATCH_UP_S)
            logs.catch_up()

    task = tasks.create_task(catch_up(), name="log")
    try:
        yield
    finally:
        task.cancel()
        logs.catch_up()


@asynccontextmanager
async def _http(daemon: Daemon, settings: Settings) -> AsyncIterator[str]:
    """Answer over HTTP inside the block; gives the URL to open."""
    host, port = settings.listen_host, settings.listen_port
    async with AsyncExitStack() as stack:
        try:
            port = await stack.enter_async_context(listening(create_app(daemon, _utc_now), host, port))
        except OSError as error:
            reason = str(error) if error.errno is None or error.errno < 0 else os.strerror(error.errno)
            is_taken = error.errno == errno.EADDRINUSE
            raise _CannotListenError(endpoint(host, port), reason, is_taken=is_taken) from None
        yield f"http://{endpoint(host or 'localhost', port)}/"


@contextmanager
def _signals(*, stop: Callable[[], None], reload: Callable[[], None]) -> Iterator[None]:
    """Handle SIGTERM, SIGINT and SIGHUP inside the block. A second order to stop ends the process at once."""
    loop = asyncio.get_running_loop()
    stop_signals = (signal.SIGTERM, signal.SIGINT)
    former = {number: signal.getsignal(number) for number in (*stop_signals, signal.SIGHUP)}

    def stop_once() -> None:
        for number in stop_signals:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        stop()

    for number in stop_signals:
        loop.add_signal_handler(number, stop_once)
    loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        yield
    finally:
        for number, handler in former.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's if that is installed; None means asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415  # an extra
    except ImportError:
        return None
    return uvloop.new_event_loop


def _utc_now() -> datetime:
    return datetime.now(UTC)
