"""Exit statuses: which of several is the worst, and the complaint that a command ends with."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from monitor.model.judgement import Verdict


class Status(IntEnum):
    """What the shell is told."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    """Critical, or the probe failed."""
    UNKNOWN = 3
    """It could not be found out: wrong usage, or a fault of the monitor."""


UNUSABLE = 1
"""`run` and `check-config`: the configuration cannot be used."""


class Complaint(Exception):  # noqa: N818  an answer, raised like one
    """A command cannot do what it was asked; each line of the message is told to the user, behind the program's name.

    Args:
        message: for the user; may have several lines.
        status: what the shell is told.
    """

    def __init__(self, message: str, status: int = Status.UNKNOWN) -> None:
        super().__init__(message)
        self.status = status


# What is known to be broken is never hidden by what is not known; but "not known" is graver than a warning.
_RANKING = (Status.OK, Status.WARNING, Status.UNKNOWN, Status.CRITICAL)

_OF_VERDICT = {Verdict.OK: Status.OK, Verdict.WARNING: Status.WARNING, Verdict.CRITICAL: Status.CRITICAL}


def of_verdict(verdict: Verdict) -> Status:
    """Return the status of one target that could be probed."""
    return _OF_VERDICT[verdict]


def worst(statuses: Iterable[Status]) -> Status:
    """Return the gravest: critical, then unknown, then warning."""
    return max(statuses, key=gravity, default=Status.OK)


def gravity(status: Status) -> int:
    """Return a number by which statuses are sorted, the gravest last."""
    return _RANKING.index(status)
