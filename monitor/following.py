"""The brokers' own files on this host, looked at beside the event loop: a file system may take as long as it likes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Final

from monitor.config.installed import Look, look, unanswered
from monitor.model.broker import Broker, CertificateFiles
from monitor.model.installed import InstalledFiles
from monitor.threads import NoAnswerError, SharedCalls
from monitor.x509.certificate import read_chain

PATIENCE_S: Final = 2.0
"""How long results wait for the files. A local disk answers within a millisecond."""

LookAt = Callable[[CertificateFiles, Look | None, datetime], Look]
_look_at: Final[LookAt] = partial(look, read_chain=read_chain)


class Following:
    """Remembers the last look at each broker's files; brokers that share files share it. For one event loop."""

    def __init__(self, look_at: LookAt = _look_at, *, patience_s: float = PATIENCE_S) -> None:
        self._look_at = look_at
        self._calls = SharedCalls[CertificateFiles, Look](name="files", patience_s=patience_s)

    async def look(self, broker: Broker, now: datetime) -> InstalledFiles | None:
        """Return what is in the broker's files now; None if the configuration names none."""
        files = broker.files
        if files is None:
            return None
        calls = self._calls
        try:
            found = await calls.call(files, partial(self._look_at, files, calls.latest.get(files), now))
        except NoAnswerError:
            found = calls.latest[files] = unanswered(files, calls.latest.get(files), now)
        return found.facts

    def keep(self, brokers: Iterable[Broker]) -> None:
        """Forget the files that none of these brokers has."""
        self._calls.keep({broker.files for broker in brokers if broker.files is not None})
