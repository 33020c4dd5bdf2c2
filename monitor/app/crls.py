"""Following the files of revocation lists beside the event loop: before each probe they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from monitor.config.crls import CrlFiles
from monitor.model.broker import Broker
from monitor.model.revocation import CrlFile
from monitor.threads import NoAnswerError, SharedCalls

_PATIENCE_S: Final = 1.0
"""A disk that takes longer, as one over a network may, holds up no probe: what was read before is used."""

_Paths = tuple[str, ...]
Look = Callable[[_Paths], tuple[CrlFile, ...]]


def _new_look() -> Look:
    return CrlFiles().look


class CrlFollower:
    """Knows what files of revocation lists hold; brokers that name the same share them. For one event loop."""

    def __init__(self, new_look: Callable[[], Look] = _new_look, *, patience_s: float = _PATIENCE_S) -> None:
        self._new_look = new_look
        self._looks: dict[_Paths, Look] = {}
        self._calls = SharedCalls[_Paths, tuple[CrlFile, ...]](name="crls", patience_s=patience_s)

    async def current(self, paths: tuple[str, ...]) -> tuple[CrlFile, ...]:
        """Return what the files hold; nothing before they could be read for the first time."""
        if not paths:
            return ()
        look = self._looks.setdefault(paths, self._new_look())
        try:
            return await self._calls.call(paths, partial(look, paths))
        except NoAnswerError:
            return self._calls.latest.get(paths, ())

    def keep(self, brokers: Iterable[Broker]) -> None:
        """Forget the files that none of these brokers names."""
        named = {broker.tls.crl_files for broker in brokers}
        self._looks = {paths: look for paths, look in self._looks.items() if paths in named}
        self._calls.keep(named)
