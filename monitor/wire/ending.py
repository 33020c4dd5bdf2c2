"""Why a connection ended, as a record: the border at which OS and OpenSSL errors are translated, once."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import StrEnum


class End(StrEnum):
    """The kinds of ending that the layers above tell apart."""

    EOF = "eof"
    CLOSE_NOTIFY = "close_notify"
    RESET = "reset"
    ALERT = "alert"
    NOT_TLS = "not_tls"
    TOO_MUCH_DATA = "too_much_data"
    VERSION_UNSUPPORTED = "version_unsupported"
    BAD_SIGNATURE = "bad_signature"
    CERTIFICATE_UNREADABLE = "certificate_unreadable"
    RENEGOTIATION_INSECURE = "renegotiation_insecure"
    TLS_ERROR = "tls_error"
    REFUSED_CONNECTION = "refused_connection"
    HOST_UNREACHABLE = "host_unreachable"
    NETWORK_UNREACHABLE = "network_unreachable"
    TIMED_OUT = "timed_out"
    """The kernel gave up (ETIMEDOUT), which is not our deadline."""
    OS_ERROR = "os_error"
    OUR_FAULT = "our_fault"
    """A bug of ours, met while reading what the peer sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """One ending: what happened, and for an alert which."""

    end: End
    detail: str
    """For people, one line, without a full stop."""
    alert: str | None = None
    """RFC 8446 6 name, or `alert_NN` for a number without one."""


def printable(text: str) -> str:
    """Return a peer's text fit for one line of a log or a terminal: no line breaks, no escape sequences."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


class ConnectionEnded(Exception):  # noqa: N818 - an ending is data for the layer above, not an error of ours
    """Raised towards whoever waits for a connection that has ended."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.detail)
        self.ending = ending


OUR_SHORTAGES = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS))
"""Errors that say nothing of the peer: this process, or this machine, has run out of something."""


def from_os_error(error: OSError) -> Ending:
    """Translate an OS error, most specific class first (`TimeoutError` and `ConnectionError` are `OSError`s).

    Raises:
        OSError: the one given, if it is a shortage of ours and no word about the peer.
    """
    if error.errno in OUR_SHORTAGES:
        raise error
    text = error.strerror or type(error).__name__
    match error:
        case ConnectionRefusedError():
            return Ending(end=End.REFUSED_CONNECTION, detail=text)
        case ConnectionResetError() | BrokenPipeError() | ConnectionAbortedError():
            return Ending(end=End.RESET, detail="connection reset by the peer")
        case TimeoutError():
            return Ending(end=End.TIMED_OUT, detail=text)
        case _:
            return Ending(end=_BY_ERRNO.get(error.errno or 0, End.OS_ERROR), detail=text)


_BY_ERRNO = {
    errno.ENETUNREACH: End.NETWORK_UNREACHABLE,
    errno.EHOSTUNREACH: End.HOST_UNREACHABLE,
    errno.EHOSTDOWN: End.HOST_UNREACHABLE,
}
