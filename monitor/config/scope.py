"""Where one broker's settings stand in the text: under its own path, or under `defaults`."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.config.document import Path
from monitor.config.problems import Place, Source

_SHARED: Path = ("defaults",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One broker's view of the text."""

    source: Source
    path: Path
    wrong: frozenset[Path]
    """Paths that a problem was already found at."""

    def place(self, *key: str) -> Place:
        """Return the place where the setting is written; the broker's own, if it is nowhere."""
        shared = (*_SHARED, *key)
        if self.path != () and not self.source.is_written((*self.path, *key)) and self.source.is_written(shared):
            return self.source.place(shared)
        return self.source.place((*self.path, *key))

    def is_own(self, *key: str) -> bool:
        """Say whether the broker itself sets the key, rather than `defaults`."""
        return self.source.is_written((*self.path, *key))

    def is_sound(self, *key: str) -> bool:
        """Say whether no problem was found at the key or around it, here or in `defaults`."""
        paths = ((*self.path, *key), (*_SHARED, *key))
        return not any(path[:length] in self.wrong for path in paths for length in range(len(path) + 1))
