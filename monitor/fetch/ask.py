"""One question, put to those who may answer it; and all questions about a chain at once, for who asks only once."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime

from monitor.fetch.fault import FetchFault
from monitor.fetch.fetcher import Fetcher
from monitor.fetch.question import Question, Reading
from monitor.fetch.wanted import Wanted
from monitor.model.fetched import Fetched
from monitor.model.unavailable import Unavailable

log = logging.getLogger(__name__)


async def ask(
    question: Question, fetcher: Fetcher, thread: Executor, now: Callable[[], datetime]
) -> tuple[bytes, Reading]:
    """Ask one server after the other until an answer is usable; else the first one's word counts.

    Args:
        question: what and whom.
        fetcher: whom to ask through.
        thread: where answers are read: lists are large.
        now: the wall clock; UTC, aware.

    Raises:
        FetchFault: there is no answer, not even a useless one.
    """
    fault: FetchFault | None = None
    useless: tuple[bytes, Reading] | None = None
    for uri in question.uris:
        try:
            content = await fetcher.fetch(uri, question.allowed, question.request)
        except FetchFault as found:
            fault = fault or found
            continue
        reading = await asyncio.get_running_loop().run_in_executor(thread, question.read, content, now())
        if reading.is_usable:
            return content, reading
        useless = useless or (content, reading)
    if useless is not None:
        return useless
    assert fault is not None
    raise fault


async def ask_once(wanted: Sequence[Wanted], *, most_s: float, now: Callable[[], datetime]) -> tuple[Fetched, ...]:
    """Ask everything at once, and return what came of it in the same order.

    Args:
        wanted: about one chain.
        most_s: how long that may take; what is missing then is a timeout.
        now: the wall clock; UTC, aware.
    """
    fetcher, thread = Fetcher(), ThreadPoolExecutor(1)

    async def answered(each: Wanted) -> Fetched:
        if each.question is None:
            return each.unanswered()
        try:
            async with asyncio.timeout(most_s):
                content, reading = await ask(each.question, fetcher, thread, now)
        except FetchFault as fault:
            return each.unanswered(fault.reason, fault.detail)
        except TimeoutError:
            return each.unanswered(Unavailable.TIMEOUT, f"no whole answer within {most_s:.3g} s")
        except Exception:
            log.exception("fetching failed by a fault of the monitor")
            return each.unanswered(Unavailable.INTERNAL, "a fault of the monitor")
        sha256 = hashlib.sha256(content).hexdigest()
        return each.answered(content, sha256, reading.problem, reading.detail, is_usable=reading.is_usable)

    try:
        return tuple(await asyncio.gather(*map(answered, wanted)))
    finally:
        fetcher.close()
        thread.shutdown(wait=False)
