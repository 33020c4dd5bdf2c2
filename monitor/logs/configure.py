"""Where log lines go, and in which form: to standard error, for a terminal, for systemd's journal, or as JSON."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Protocol, TextIO

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import EventDict, Processor, WrappedLogger

from monitor.logs.outlet import Outlet
from monitor.logs.rate import Rate
from monitor.logs.text import escaped, sentence
from monitor.model.config import LogFormat

_PRIORITIES = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}
"""Of syslog(3)."""
_LEFT_OUT = "log lines came too often; of each kind the latest follows when there is room"
_LOST = "log lines were lost, as nobody took them"


def configure(level: str, log_format: LogFormat, environ: Mapping[str, str]) -> None:
    """Write this project's and every library's log lines from `level` up to standard error, in one format.

    Raises:
        ValueError: no such level.
    """
    stream = sys.stderr
    is_journal, is_terminal = _leads_to_journal(stream, environ), stream.isatty()
    is_text = log_format is LogFormat.CONSOLE or (log_format is LogFormat.AUTO and (is_terminal or is_journal))
    text = _text(is_journal=is_journal, colors=is_terminal)
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    outlet = Outlet(stream.fileno())
    atexit.register(outlet.close)
    handler = BoundedHandler(outlet, lost=outlet.lost)
    handler.addFilter(_is_worth_telling)
    handler.setFormatter(
        _Formatter(
            is_journal=is_journal,
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Not the default traceback of a console: with rich installed, that shows local variables.
                structlog.processors.format_exc_info,
                *(text if is_text else [structlog.processors.JSONRenderer()]),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # They tell each job and each socket at `info`, and missed turns twice: the schedule counts those.
    for chatty in ("apscheduler", "asyncio", "aiohttp", "amqtt", "transitions"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def catch_up() -> None:
    """Write the lines that had to wait and may be written now; to be called every few seconds."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, BoundedHandler):
            handler.catch_up()


def complain(lines: Iterable[object], environ: Mapping[str, str]) -> None:
    """Write errors to standard error while it is not known yet how to log: each as it is, on a line of its own."""
    stream = sys.stderr
    prefix = _prefix(logging.ERROR) if _leads_to_journal(stream, environ) else ""
    for line in lines:
        stream.write(f"{prefix}{line}\n")


class Writable(Protocol):
    """Where lines go."""

    def write(self, text: str, /) -> object:
        """Take a text, which ends its line."""


class BoundedHandler(logging.StreamHandler[Writable]):
    """Writes as many lines as `Rate` admits, and of each kind the latest when there is room again.

    Of one kind is what one place in the code says of one broker. Tracebacks tell the monitor's faults, and those of one
    place are of one kind whatever the broker. Not bounded are `debug`, and what the daemon says of itself: that it
    starts, reloads or stops.
    """

    def __init__(
        self,
        stream: Writable,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        lost: Callable[[], int] = lambda: 0,
    ) -> None:
        """Write to that stream; `lost` tells how many lines it did not take since that was last asked."""
        super().__init__(stream)
        self._monotonic = monotonic
        self._lost = lost
        self._rate = Rate()

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, or keep it for later."""
        kind = _kind(record)
        if kind is None or self._rate.admits(kind, record.levelno, self._monotonic()):
            super().emit(record)
        else:
            # As text: a record holds a traceback, and with it whatever the broken call was working on.
            self._rate.wait(kind, record.levelno, self.format(record))

    def catch_up(self) -> None:
        """Say how many lines came too often, and write those that waited and may be written now."""
        self.acquire()
        try:
            due = self._rate.due(self._monotonic())
            if count := self._rate.left_out():
                super().emit(_notice(_LEFT_OUT, left_out=count))
            if count := self._lost():
                super().emit(_notice(_LOST, lost=count))
            for line in due:
                self.stream.write(line + self.terminator)
            self.flush()
        finally:
            self.release()


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """For the journal, begins each line with its priority (sd-daemon(3)): one line is one entry there."""

    def __init__(self, *, is_journal: bool, **options: Any) -> None:
        super().__init__(**options)
        self._is_journal = is_journal

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if not self._is_journal:
            return text
        prefix = _prefix(record.levelno)
        return "\n".join(f"{prefix}{line}" for line in text.split("\n"))


def _text(*, is_journal: bool, colors: bool) -> list[Processor]:
    plain = structlog.dev.ConsoleRenderer(colors=False, sort_keys=False, pad_event_to=0)
    if is_journal:
        return [_without_time_and_level, sentence, escaped, plain]
    return [sentence, escaped, structlog.dev.ConsoleRenderer(colors=colors, sort_keys=False, pad_event_to=0)]


def _without_time_and_level(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    # The journal has its own.
    return {key: value for key, value in line.items() if key not in {"timestamp", "level"}}


def _leads_to_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether systemd has connected this very stream to its journal (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        status = os.fstat(stream.fileno())
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _prefix(level: int) -> str:
    return f"<{_PRIORITIES.get(level, _PRIORITIES[logging.INFO])}>"


def _kind(record: logging.LogRecord) -> Hashable | None:
    """Return what the line is one of; None if it is always written."""
    fields = record.msg if isinstance(record.msg, dict) else record.__dict__
    broker = fields.get("broker")
    has_traceback = bool(fields.get("exc_info"))
    if record.levelno <= logging.DEBUG:
        return None
    if record.name.startswith("monitor.app.") and broker is None and not has_traceback:
        return None
    place = (record.pathname, record.lineno)
    return place if has_traceback else (*place, broker, fields.get("address"))


def _notice(event: str, **fields: int) -> logging.LogRecord:
    values = {"levelno": logging.WARNING, "levelname": "WARNING", "name": __name__, "msg": event, **fields}
    return logging.makeLogRecord(values)


def _is_worth_telling(record: logging.LogRecord) -> bool:
    """Let a request that is no HTTP be no error with a traceback: anybody can send one."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.exc_info = None
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return logging.getLogger().isEnabledFor(record.levelno)
