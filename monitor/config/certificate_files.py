"""`files`: where a broker's own certificate and key lie on this host. They may appear later, so a lack is a warning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitor.config.files import Files
from monitor.config.installed import attempt, read_certificates, read_key
from monitor.config.problems import Place, Problems
from monitor.config.schema import BrokerOptions
from monitor.config.scope import Scope
from monitor.config.text import quoted
from monitor.model.broker import CertificateFiles
from monitor.model.installed import FileState


def certificate_files(
    options: BrokerOptions, scope: Scope, files: Files, problems: Problems
) -> CertificateFiles | None:
    """Return where the files lie, and warn about what cannot be read now; None if none is named."""
    certificate, key = options.files.certificate, options.files.key
    if certificate is None:
        if key is not None and scope.is_sound("files", "certificate"):
            problems.add(scope.place("files", "key"), "expected a certificate beside the key, found none")
        return None
    named = _Named(files=files, problems=problems)
    return CertificateFiles(
        certificate=named.path(certificate, scope.place("files", "certificate"), "certificate", read_certificates),
        key=None if key is None else named.path(key, scope.place("files", "key"), "private key", read_key),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    files: Files
    problems: Problems

    def path(self, written: str, place: Place, what: str, read: Callable[[bytes], object]) -> str:
        path = self.files.path(written)
        # Not through `files`, which would keep what a private key's file holds.
        found = attempt(path, read)
        if found.state is not FileState.READ:
            expected = f"expected the broker's {what} in {quoted(str(path))}, found {found.detail}"
            self.problems.warn(place, f"{expected}; it is looked at again after each probe")
        return str(path)
