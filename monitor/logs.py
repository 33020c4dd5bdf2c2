"""How the daemon's log lines are written: one line each to standard error, JSON or for a terminal."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor

from monitor.model.config import LogFormat


def configure(level: str, log_format: LogFormat) -> None:
    """Write this project's and every library's log lines from `level` up to standard error, in one format.

    Raises:
        ValueError: no such level.
    """
    is_console = log_format is LogFormat.CONSOLE or (log_format is LogFormat.AUTO and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(is_console)],
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


def _renderers(is_console: bool) -> list[Processor]:
    if is_console:
        # Not the default traceback formatter: with rich installed, it prints local variables, secrets among them.
        colors = sys.stderr.isatty()
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain, pad_event_to=0)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
