"""What outlives the process, as one JSON document: made from states, and read again field by field. No files, no clock.

Nothing that was read can raise later: every field is checked and bounded, times are aware, and whatever can be had from
the certificates themselves (fingerprints, names, dates) is read from them anew. Secrets are no part of a state.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
)
from pydantic_core import from_json

from monitor.model.broker import Addresses, Broker
from monitor.model.facts import CertificateFacts, TlsFacts
from monitor.model.judgement import CertificateChange, Changed, Served, Verdict
from monitor.store.records import BrokerState, Standing
from monitor.x509.certificate import read_chain

VERSION: Final = 1
LARGEST_BYTES: Final = 64 * 1024 * 1024
"""Of the document: a thousand brokers have 64 KiB each, ten times what they usually need."""

_LONGEST_TEXT: Final = 1024
_MOST_CERTIFICATES: Final = 64  # as many as a probe reads
_LARGEST_CERTIFICATE: Final = 1024 * 1024
_MOST_NAMES: Final = 32
_MOST_CHANGES: Final = 100
_MOST: Final = 2**53 - 1
"""What every reader of JSON takes for a whole number."""


class DamagedError(ValueError):
    """The document cannot be read; says why, as the end of a sentence: `is no JSON`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A document, read."""

    saved_at: datetime | None
    """None where the document does not say."""
    states: tuple[BrokerState, ...]
    """Of brokers that are watched, at the host and port where they were; without report and assessment."""
    faults: tuple[str, ...]
    """What could not be read of it, one line for each state that was left out."""


def write(states: Sequence[BrokerState], saved_at: datetime) -> bytes:
    """Return the document: one line for each state of which anything is known.

    No state takes more than its share of `LARGEST_BYTES`: one with more, as of a broker that serves a pile of
    certificates, is left without its changes, and then without its certificates.
    """
    share = LARGEST_BYTES // max(len(states), 1) - 1024
    lines = [_line(state, share) for state in states if state.standing is not None or state.tls is not None]
    brokers = ",\n".join(lines)
    at = saved_at.astimezone(UTC).isoformat()
    return f'{{"version": {VERSION}, "saved_at": "{at}", "brokers": [\n{brokers}\n]}}\n'.encode()


def read(data: bytes, brokers: Sequence[Broker]) -> Saved:
    """Read a document; a state that makes no sense is left out, and costs no other.

    Args:
        data: the document.
        brokers: the ones that are watched; what is said of others is passed over.

    Raises:
        DamagedError: nothing of it can be made sense of.
    """
    try:
        document = from_json(data)
    except ValueError:
        raise DamagedError("is no JSON, or only the beginning of it" if data else "is empty") from None
    if not isinstance(document, dict) or not isinstance(document.get("brokers"), list):
        raise DamagedError("is not the state of a monitor")
    if document.get("version") != VERSION:
        raise DamagedError(f"is not of version {VERSION}, the one that this monitor reads and writes")
    watched = {broker.name: broker for broker in brokers}
    states, faults = [], []
    for index, item in enumerate(document["brokers"]):
        try:
            saved = _State.model_validate(item)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(str(step) for step in ("brokers", index, *fault["loc"]))
            faults.append(f"{place[:_LONGEST_TEXT]}: {fault['msg'][:_LONGEST_TEXT]}")
        else:
            broker = watched.get(saved.broker)
            if broker is not None and saved.is_of(broker):
                states.append(saved.record(broker))
    try:
        saved_at = _Head.model_validate(document).saved_at
    except ValidationError:
        saved_at = None
    return Saved(saved_at=saved_at, states=tuple(states), faults=tuple(faults))


def _text(value: object) -> object:
    # Names may hold halves of surrogate pairs, which no encoding can write.
    return value.encode("utf-8", "replace").decode()[:_LONGEST_TEXT] if isinstance(value, str) else value


def _der(value: object) -> object:
    if isinstance(value, CertificateFacts):
        return value.der
    return base64.b64decode(value, validate=True) if isinstance(value, str) else value


def _moment(value: datetime) -> datetime:
    # Far from the ends of the calendar, where a time zone would lead beyond them.
    if not 1970 <= value.year < 9000:
        raise ValueError("expected a time between the years 1970 and 9000")
    return value.astimezone(UTC)


def _address(value: str) -> str:
    ipaddress.ip_address(value)
    return value


_Text = Annotated[str, BeforeValidator(_text)]
_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Moment = Annotated[AwareDatetime, AfterValidator(_moment)]
_Count = Annotated[int, Field(ge=0, le=_MOST)]
_Der = Annotated[
    bytes,
    BeforeValidator(_der),
    Field(max_length=_LARGEST_CERTIFICATE),
    PlainSerializer(lambda der: base64.b64encode(der).decode(), return_type=str),
]


class _Part(BaseModel):
    """A part of the document. Unknown members are passed over: a later monitor may write more."""

    model_config = ConfigDict(frozen=True, extra="ignore", from_attributes=True, hide_input_in_errors=True)


class _Head(_Part):
    saved_at: _Moment | None = None


class _Served(_Part):
    fingerprint_sha256: _Digest
    spki_sha256: _Digest | None
    chain: Annotated[tuple[_Digest, ...], Field(min_length=1, max_length=_MOST_CERTIFICATES)]
    issuer: _Text | None
    root: _Text | None

    def record(self) -> Served:
        return Served(**dict(self))


class _Change(_Part):
    at: _Moment
    last_seen_at: _Moment | None
    what: Annotated[tuple[Changed, ...], Field(max_length=len(Changed))]
    before: _Served
    after: _Served

    def record(self) -> CertificateChange:
        return CertificateChange(
            at=self.at,
            last_seen_at=self.last_seen_at,
            what=tuple(what for what in Changed if what in self.what),
            before=self.before.record(),
            after=self.after.record(),
        )


class _Handshake(_Part):
    version: _Text | None
    cipher: _Text | None
    group: _Text | None
    alpn: _Text | None
    certificates: Annotated[tuple[_Der, ...], Field(min_length=1, max_length=_MOST_CERTIFICATES)]
    certificates_left_out: _Count
    is_complete: bool
    ocsp_response: _Der | None
    client_certificate_requested: bool | None
    client_certificate_sent: bool
    accepted_cas: Annotated[tuple[_Text, ...], Field(max_length=_MOST_NAMES)]
    alert: _Text | None

    def record(self) -> TlsFacts:
        return TlsFacts(**{**dict(self), "certificates": read_chain(self.certificates)})


class _Standing(_Part):
    verdict: Verdict
    reason: _Text | None


class _State(_Part):
    broker: str
    host: str
    port: int
    address: Annotated[str, AfterValidator(_address)] | None
    standing: _Standing | None
    standing_since: _Moment | None
    failing_since: _Moment | None
    last_success_at: _Moment | None
    tls_seen_at: _Moment | None
    tls: _Handshake | None
    certificate_changes: dict[Changed, _Count]
    last_change: _Change | None
    changes: Annotated[tuple[_Change, ...], Field(max_length=_MOST_CHANGES)]

    @classmethod
    def of(cls, state: BrokerState) -> _State:
        broker = state.broker
        fields = {name: getattr(state, name) for name in cls.model_fields if hasattr(state, name)}
        return cls.model_validate({**fields, "broker": broker.name, "host": broker.host, "port": broker.port})

    def is_of(self, broker: Broker) -> bool:
        is_same_place = (self.host, self.port) == (broker.host, broker.port)
        return is_same_place and (self.address is None or broker.addresses is Addresses.ALL)

    def record(self, broker: Broker) -> BrokerState:
        standing = self.standing
        return BrokerState(
            broker=broker,
            address=self.address,
            standing=None if standing is None else Standing(verdict=standing.verdict, reason=standing.reason),
            standing_since=self.standing_since,
            failing_since=self.failing_since,
            last_success_at=self.last_success_at,
            tls=None if self.tls is None else self.tls.record(),
            tls_seen_at=self.tls_seen_at,
            certificate_changes=MappingProxyType({what: self.certificate_changes.get(what, 0) for what in Changed}),
            last_change=None if self.last_change is None else self.last_change.record(),
            changes=tuple(change.record() for change in self.changes),
        )


def _line(state: BrokerState, share: int) -> str:
    whole = _State.of(state)
    lesser: tuple[dict[str, Any], ...] = ({}, {"changes": ()}, {"changes": (), "tls": None, "tls_seen_at": None})
    lines = (whole.model_copy(update=update).model_dump_json() for update in lesser)
    line = ""
    for line in lines:
        if len(line) <= share:
            break
    return line
