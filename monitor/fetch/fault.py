"""How fetching fails: one exception that carries a word of a closed set."""

from __future__ import annotations

from monitor.model.unavailable import Unavailable


class FetchFault(Exception):  # noqa: N818 - a responder that fails is data; this carries it to who asked
    """Nothing usable was had."""

    def __init__(self, reason: Unavailable, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        """For people: bounded, without control characters."""
