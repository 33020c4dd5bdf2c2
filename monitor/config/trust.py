"""Whom to trust: the system's certificates, a CA file's, or both. Each set is read once and shared by its brokers."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

from monitor.config import pem
from monitor.config.files import Files, Unreadable, read_file
from monitor.config.text import quoted
from monitor.model.broker import Trust

# Where distributions keep the bundle: Debian and Alpine, Fedora and RHEL, FreeBSD and the BSDs' relatives.
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
SYSTEM = "system"


class TrustStore:
    """Makes `Trust` records for one load; equal choices share one object."""

    def __init__(self, files: Files, environ: Mapping[str, str]) -> None:
        self._files = files
        self._environ = environ
        self._made: dict[tuple[bool, Path | None], Trust] = {}

    def trust(self, *, system: bool, ca_file: Path | None) -> Trust:
        """Return the anchors of the chosen sources together.

        Raises:
            ValueError: the CA file or the system's store cannot be used, as the end of a sentence.
        """
        choice = (system, ca_file)
        if choice not in self._made:
            anchors: list[bytes] = []
            sources: list[str] = []
            if system:
                sources.append(SYSTEM)
                anchors += self._system() if ca_file is None else self.trust(system=True, ca_file=None).anchors
            if ca_file is not None:
                sources.append(str(ca_file))
                anchors += pem.certificates(self._files.read(ca_file).data)
            self._made[choice] = Trust(
                source=" + ".join(sources), anchors=tuple(dict.fromkeys(anchors)), includes_system=system
            )
        return self._made[choice]

    def _system(self) -> list[bytes]:
        anchors = [der for path in _system_files(self._environ) for der in _lenient(path)]
        if not anchors:
            named = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if self._environ.get(name)]
            where = f" where {' and '.join(named)} say" if named else "; install ca-certificates or name a ca_file"
            raise ValueError(f"none{where}")
        return anchors


def _system_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the files of the system's store.

    As OpenSSL and Go do: SSL_CERT_FILE replaces the platform's bundle, SSL_CERT_DIR its directories.
    """
    # The compiled-in paths: the others that this call returns were read from the process' own environment.
    platform = ssl.get_default_verify_paths()
    if named := environ.get("SSL_CERT_FILE"):
        yield Path(named)
    else:
        bundles = (Path(path) for path in (platform.openssl_cafile, *_BUNDLES))
        yield from (path for path in list(bundles) if path.is_file())
    directories = environ.get("SSL_CERT_DIR") or platform.openssl_capath
    seen: set[tuple[int, int]] = set()
    for directory in directories.split(os.pathsep):
        yield from _files_in(Path(directory), seen)


def _files_in(directory: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """Yield the directory's files by name; one that is linked under several names (its hash) once."""
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        try:
            status = entry.stat()
        except OSError:  # a dangling link
            continue
        if entry.is_file() and (identity := (status.st_dev, status.st_ino)) not in seen:
            seen.add(identity)
            yield Path(entry.path)


def _lenient(path: Path) -> tuple[bytes, ...]:
    try:
        return pem.readable_certificates(read_file(path).data)
    except Unreadable:
        return ()


def described(path: Path) -> str:
    """Return the words for a CA file in messages."""
    return f"PEM certificates in {quoted(str(path))}"
