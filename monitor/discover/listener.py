"""What every reader of a broker's configuration returns: TLS listeners, and what could not be understood."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ALL_ADDRESSES = frozenset({"", "0.0.0.0", "::", "*", "any"})  # noqa: S104  # compared with, and not bound to
_NAME = re.compile(r"[a-z][a-z0-9_.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands."""

    file: Path
    line: int
    """From 1 on."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that a reader did not understand, or that a person must know."""

    place: Place
    text: str


@dataclass(slots=True, kw_only=True)
class Listener:
    """A port on which a broker speaks TLS; a reader fills it in as it goes."""

    software: str
    """`mosquitto`, `emqx`, `rabbitmq`, `nats-server`, `nanomq`."""
    place: Place
    port: int
    address: str | None = None
    """To which it is bound; None for all."""
    certificate: Path | None = None
    key: Path | None = None
    ca_file: Path | None = None
    """By which it checks clients; often the CA of its own certificate as well."""
    demands_client_certificate: bool = False
    is_websocket: bool = False
    expects_proxy_protocol: bool = False
    """A client that connects to it by itself is refused."""
    remark: str | None = None
    """What a person must know who watches it."""


@dataclass(slots=True, kw_only=True)
class Discovery:
    """What one broker's configuration says."""

    listeners: list[Listener] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def note(self, place: Place, text: str) -> None:
        """Take down something for the reader of the output."""
        self.notes.append(Note(place=place, text=text))

    def not_understood(self, place: Place, line: str) -> None:
        """Take down a line by the setting's name at its front alone: the rest may be secret."""
        name = _NAME.match(line)
        self.note(place, f"not understood: {name[0]}" if name else "not understood")


def endpoint(text: str) -> tuple[str | None, int]:
    """Split `8883`, `0.0.0.0:8883`, `[::]:8883` or `:::8883` into address and port; no address for all of them.

    Raises:
        ValueError: there is no port.
    """
    address, _, port = text.strip().rpartition(":")
    number = int(port)
    if not 0 < number < 65_536:
        raise ValueError(f"{number} is not a port")
    address = address.strip("[]")
    return (None if address in ALL_ADDRESSES else address), number
