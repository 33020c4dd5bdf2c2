"""Why nothing could be had from where a certificate points."""

from __future__ import annotations

from enum import StrEnum


class Unavailable(StrEnum):
    """Why nothing usable was had from where a certificate points. Closed: it may be a label."""

    NOT_ASKED_YET = "not_asked_yet"
    """The first answer is still to come."""
    SCHEME = "scheme"
    """The certificate names no http URI; ldap and https are not followed."""
    URI = "uri"
    """Its URI has user information, odd characters, or is none."""
    PORT = "port"
    """Another port than 80, and not in the configuration's list. Likewise the next."""
    ADDRESS = "address"
    """An address of the host is not public."""
    RESOLVE = "resolve"
    CONNECT = "connect"
    TIMEOUT = "timeout"
    REDIRECT = "redirect"
    """The server points elsewhere, which is not followed."""
    STATUS = "status"
    """Another HTTP status than 200."""
    CONTENT_TYPE = "content_type"
    ENCODING = "encoding"
    """The content is compressed, which was not asked for."""
    TOO_LARGE = "too_large"
    PROTOCOL = "protocol"
    """What came is no whole HTTP response."""
    UNUSABLE = "unusable"
    """What came is not what was asked for, not by the issuer or in its name, out of date, or a refusal to answer."""
    NO_ROOM = "no_room"
    """The monitor keeps as much as it may already."""
    INTERNAL = "internal"
    """A fault of the monitor."""
