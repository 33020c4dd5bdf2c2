"""A broker's certificate and key files, looked at again and again: read only when they changed.

Nothing of a private key is kept but the digest of its public half. Files are replaced while they are looked at: one
that is half-written or gone for a moment has a state of its own, beside what it last held.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final, Generic, TypeVar

from monitor.config.bundle import read_bundle, read_public_key
from monitor.config.files import Missing, Stamp, Unreadable, read_file, stamp_of
from monitor.config.pem import is_whole
from monitor.config.private_key import PassphraseNeeded, certified_key
from monitor.model.broker import CertificateFiles
from monitor.model.facts import CertificateFacts
from monitor.model.installed import FileReading, FileState, InstalledFiles

# As many as are looked at of what a broker serves.
_MOST_CERTIFICATES: Final = 16
# Within this time of a change, another one may leave the same times and size behind: kernels count in ticks, FAT in
# steps of two seconds.
_RACY: Final = timedelta(seconds=2)
_NO_ANSWER: Final = "no answer from the file system"

T = TypeVar("T")
ReadChain = Callable[[Sequence[bytes]], tuple[CertificateFacts, ...]]
"""DER to facts, without raising."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """What is in a certificate file."""

    facts: tuple[CertificateFacts, ...]
    """In the file's order; never empty."""
    key_sha256: str | None
    """Of the first one's public key; None if it is unreadable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Generic[T]):
    """One file, and what the next look needs to know."""

    reading: FileReading
    content: T | None
    """As it was last good; None if it never was."""
    content_since: datetime
    stamp: Stamp | None
    """Of the file that was read; None if it must be read again in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a broker's files."""

    certificate: Seen[Certificates]
    key: Seen[str] | None

    @property
    def facts(self) -> InstalledFiles:
        """What it showed."""
        certificates = self.certificate.content
        return InstalledFiles(
            certificate=self.certificate.reading,
            certificates=() if certificates is None else certificates.facts,
            key=None if self.key is None else self.key.reading,
            key_matches=_matches(self.certificate, self.key),
        )


def look(files: CertificateFiles, before: Look | None, now: datetime, *, read_chain: ReadChain) -> Look:
    """Look at the files. May take as long as the file system does.

    Args:
        files: where they lie.
        before: the look before at these files; None for the first.
        now: the wall clock; UTC, aware.
        read_chain: for what they hold.
    """
    read = partial(_certificates, read_chain=read_chain)
    return Look(
        certificate=_look(files.certificate, None if before is None else before.certificate, read, now),
        key=None if files.key is None else _look(files.key, None if before is None else before.key, read_key, now),
    )


def unanswered(files: CertificateFiles, before: Look | None, now: datetime) -> Look:
    """Return what there is to say while a look takes too long; as `look`."""
    seen = None if before is None else before.certificate
    certificate = _seen(files.certificate, seen, Attempt(state=FileState.UNREADABLE, detail=_NO_ANSWER), None, now)
    return Look(certificate=certificate, key=None if before is None else before.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Generic[T]):
    """What came of reading a file once."""

    state: FileState
    detail: str = ""
    """What was found instead, as the end of a sentence; empty for `READ`."""
    content: T | None = None
    """None but for `READ`."""


def attempt(path: Path, read: Callable[[bytes], T]) -> Attempt[T]:
    """Read a file; `read` makes of its bytes what is to be known, or raises ValueError with what was found instead."""
    try:
        return Attempt(state=FileState.READ, content=read(read_file(path).data))
    except Missing as error:
        return Attempt(state=FileState.MISSING, detail=str(error))
    except (Unreadable, PassphraseNeeded) as error:
        return Attempt(state=FileState.UNREADABLE, detail=str(error))
    except ValueError as error:
        return Attempt(state=FileState.DAMAGED, detail=str(error))


def read_certificates(data: bytes) -> tuple[bytes, ...]:
    """Return what a broker would serve, DER, in the file's order; never empty.

    Raises:
        PassphraseNeeded: as the end of a sentence, likewise the other.
        ValueError: what was found instead.
    """
    if not data.strip():
        raise ValueError("an empty file")
    bundle = read_bundle(data, None, with_key=False)
    for position, der in enumerate(bundle.certificates):
        if position in bundle.damaged or not is_whole(der):
            raise ValueError(f"a damaged one (certificate {position + 1})")
    return bundle.certificates[:_MOST_CERTIFICATES]


def read_key(data: bytes) -> str:
    """Return the SHA-256 of a private key's public half, in hex; raises as `read_certificates`."""
    return sha256(read_public_key(data, None)).hexdigest()


def _certificates(data: bytes, *, read_chain: ReadChain) -> Certificates:
    ders = read_certificates(data)
    spki = certified_key(ders[0])
    return Certificates(facts=read_chain(ders), key_sha256=None if spki is None else sha256(spki).hexdigest())


def _look(path: str, before: Seen[T] | None, read: Callable[[bytes], T], now: datetime) -> Seen[T]:
    # Before it is read: if it is replaced in between, the next look sees another stamp.
    stamp = stamp_of(Path(path))
    if before is not None and stamp is not None and stamp == before.stamp:
        return before
    return _seen(path, before, attempt(Path(path), read), stamp, now)


def _seen(path: str, before: Seen[T] | None, result: Attempt[T], stamp: Stamp | None, now: datetime) -> Seen[T]:
    if result.state is not FileState.READ:
        is_news = before is None or before.reading.state is not result.state
        since = now if before is None or is_news else before.reading.since
        reading = FileReading(path=path, state=result.state, detail=result.detail, since=since)
        if before is None:
            return Seen(reading=reading, content=None, content_since=now, stamp=None)
        return replace(before, reading=reading, stamp=None)
    # The time of the last change to the file itself, whatever time of writing a copying program gave it. Once its
    # content is known, a change of its owner or rights is none.
    changed_at = now if stamp is None else min(datetime.fromtimestamp(stamp[-1] / 1e9, UTC), now)
    since = before.content_since if before is not None and before.content == result.content else changed_at
    return Seen(
        reading=FileReading(path=path, state=FileState.READ, since=since),
        content=result.content,
        content_since=since,
        stamp=stamp if now - changed_at > _RACY else None,
    )


def _matches(certificate: Seen[Certificates], key: Seen[str] | None) -> bool | None:
    if key is None or {certificate.reading.state, key.reading.state} != {FileState.READ}:
        return None
    certified = None if certificate.content is None else certificate.content.key_sha256
    return None if certified is None else certified == key.content
