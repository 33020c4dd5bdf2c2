"""Values by their dotted keys, and what is below one of them read as files and flags."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from monitor.discover.listener import Discovery, Place

_FLAGS: Final = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False, "": False}


class Setting(NamedTuple):
    """One value, and where it stands."""

    value: str
    place: Place


class Options:
    """The settings of one listener, or of its TLS.

    Args:
        found: every setting of the broker.
        prefix: what their keys begin with, and the dot behind it.
        discovery: takes down what is neither yes nor no.
    """

    def __init__(self, found: Mapping[str, Setting], prefix: str, discovery: Discovery) -> None:
        self._found = found
        self._prefix = prefix
        self._discovery = discovery

    def get(self, key: str) -> Setting | None:
        """Return a setting."""
        return self._found.get(self._prefix + key)

    def file(self, key: str) -> Path | None:
        """Return the file that is named by a setting."""
        setting = self.get(key)
        return None if setting is None or not setting.value else Path(setting.value)

    def is_on(self, *keys: str, default: bool = False) -> bool:
        """Tell whether the first of these settings that there is says yes."""
        for key in keys:
            if (setting := self.get(key)) is not None:
                flag = _FLAGS.get(setting.value.lower())
                if flag is None:
                    self._discovery.note(setting.place, f"neither yes nor no: {self._prefix}{key}")
                    return default
                return flag
        return default
