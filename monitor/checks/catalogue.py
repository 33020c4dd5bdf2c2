"""The one table of words: every finding's code and every failure's reason, explained."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from monitor.checks.words.alerts import alerts
from monitor.checks.words.certificates import FINDINGS, verify_reasons
from monitor.checks.words.connection import CONNECTION
from monitor.checks.words.entry import Entry
from monitor.checks.words.mqtt import mqtt

CATALOGUE: Final[Mapping[str, Entry]] = MappingProxyType(
    {each.code: each for each in (*FINDINGS, *verify_reasons(), *CONNECTION, *alerts(), *mqtt())}
)
"""By code; findings first, gravest causes foremost, then reasons in the order of the phases."""


def entry(code: str) -> Entry:
    """Return the words for a code.

    Raises:
        KeyError: there is no such code.
    """
    return CATALOGUE[code]
