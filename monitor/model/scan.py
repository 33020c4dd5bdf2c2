"""What a broker's TLS accepts beside what an ordinary handshake settles on: facts of one scan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.model.broker import TlsVersion
from monitor.model.facts import CertificateFacts


class Weakness(StrEnum):
    """Why a cipher suite is no protection."""

    ANONYMOUS = "anonymous"
    """The server shows no certificate: anybody can be it."""
    NULL = "null"
    """Nothing is encrypted."""
    EXPORT = "export"
    """Keys of 40 or 56 bits, as laws of the 1990s wanted them."""
    DES = "des"
    RC4 = "rc4"
    TRIPLE_DES = "3des"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakSuite:
    """A suite that was chosen when nothing better was offered."""

    name: str
    """IANA's, such as `TLS_RSA_WITH_RC4_128_SHA`."""
    weakness: Weakness
    """The worst, of several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFacts:
    """What a handful of connections told. None, and what is not in a list, was not accepted or could not be told."""

    at: datetime
    """UTC, aware."""
    address: str | None = None
    """The IP address that all of it is about; None if there was no connection, and so no answer."""
    old_versions: tuple[TlsVersion, ...] = ()
    """Of TLS 1.0 and 1.1, those that were chosen when nothing newer was offered."""
    weak_suites: tuple[WeakSuite, ...] = ()
    """One of each kind that is accepted, in the order of the server's preference."""
    has_secure_renegotiation: bool | None = None
    """RFC 5746 is known there; None if TLS 1.2 is not spoken, or it could not be told."""
    lets_clients_renegotiate: bool | None = None
    """A client of TLS 1.2 began a second handshake within the connection, and it was gone through with."""
    served: tuple[CertificateFacts, ...] | None = None
    """What is served to a client like the monitor, leaf first; None if that is not known."""
    without_name: tuple[CertificateFacts, ...] | None = None
    """What is served to a client that sends no server name; None as well where the monitor sends none either."""
    refusal_without_name: str | None = None
    """The alert that such a client gets instead."""
    for_rsa: tuple[CertificateFacts, ...] | None = None
    """What is served over TLS 1.2 to a client that takes RSA keys alone; None if nothing is."""
    for_ecdsa: tuple[CertificateFacts, ...] | None = None
    """Likewise, EC keys alone."""
    untold: tuple[str, ...] = ()
    """For people: the questions without a clear answer, each with what came instead."""
