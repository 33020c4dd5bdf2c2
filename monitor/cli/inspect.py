"""`inspect`: what a probe would say of a certificate file, before a broker has it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from monitor.checks.assess import Assessor
from monitor.cli.exit_status import Complaint, Status, of_verdict
from monitor.config.bundle import Bundle, read_bundle, read_public_key
from monitor.config.files import Content, Files, Unreadable, secret_value
from monitor.config.hosts import server_name
from monitor.config.private_key import PassphraseNeeded, PassphraseWrong, certified_key
from monitor.config.text import quoted
from monitor.config.trust import TrustStore, described
from monitor.model.broker import Policy, Trust
from monitor.model.chain_file import ChainFile, KeyFile
from monitor.model.judgement import Assessment
from monitor.x509.certificate import read_chain

# RFC 3339 5.6; fromisoformat takes many other forms, and dates without a zone.
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


def inspect_file(
    chain: Path,
    *,
    key: Path | None,
    passphrase_file: Path | None,
    ca_file: Path | None,
    names: Sequence[str],
    at: str | None,
    as_json: bool,
) -> Status:
    """Judge a certificate file, print what is to be said of it, and return the exit status.

    Args:
        chain: the file: PEM, DER or PKCS#12.
        key: the private key's file; None: the one in `chain`, if there is one.
        passphrase_file: for an encrypted key, or PKCS#12.
        ca_file: whom clients trust; None: the system's certificates.
        names: by which the broker is to be reached, as the user wrote them.
        at: the moment to judge at, as the user wrote it; None: now.
        as_json: one document on one line instead of the picture.

    Raises:
        Complaint: before anything was judged.
    """
    reader = _Reader()
    moment = datetime.now(UTC) if at is None else reader.moment(at)
    identities = tuple(dict.fromkeys(filter(None, map(reader.name, names))))
    trust = reader.trust(ca_file)
    passphrase = None if passphrase_file is None else reader.passphrase(passphrase_file)
    # Without its passphrase, a file would only be complained about a second time.
    file = reader.file(chain, key, passphrase) if passphrase_file is None or passphrase is not None else None
    if reader.complaints or moment is None or trust is None or file is None:
        raise Complaint("\n".join(reader.complaints))
    assessment = Assessor().inspect(file, trust=trust, names=identities, policy=Policy(), now=moment)
    if as_json:
        _print_document(file, assessment)
    else:
        _print_picture(file, assessment)
    return of_verdict(assessment.verdict)


class _Reader:
    """Reads what was named, and gathers every complaint; what it returns after one is None."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._files = Files(base=Path())

    def moment(self, text: str) -> datetime | None:
        try:
            if _RFC3339.fullmatch(text):
                return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):  # the 31st of February; the year 0
            pass
        self.complaints.append(f"--at: expected a time such as 2027-01-31T12:00:00Z, found {quoted(text)}")
        return None

    def name(self, text: str) -> str | None:
        try:
            return server_name(text)
        except ValueError as error:
            self.complaints.append(f"--name: {error}")
            return None

    def trust(self, ca_file: Path | None) -> Trust | None:
        expected = "the system's certificates" if ca_file is None else described(ca_file)
        try:
            return TrustStore(self._files, os.environ).trust(system=ca_file is None, ca_file=ca_file)
        except ValueError as error:
            self.complaints.append(f"--ca-file: expected {expected}, found {error}")
            return None

    def passphrase(self, path: Path) -> bytes | None:
        try:
            return secret_value(self._files.read(path).data)
        except Unreadable as error:
            # The path is not repeated: it may be the passphrase itself.
            self.complaints.append(f"--passphrase-file: expected a file with a passphrase in it, found {error}")
            return None

    def file(self, chain: Path, key: Path | None, passphrase: bytes | None) -> ChainFile | None:
        bundle = self._bundle(chain, passphrase, with_key=key is None)
        public_key = self._public_key(key, passphrase) if key is not None else None
        if bundle is None or (key is not None and public_key is None):
            return None
        return ChainFile(
            source=str(chain),
            certificates=read_chain(bundle.certificates),
            damaged=bundle.damaged,
            key=_key_file(str(key or chain), public_key or bundle.public_key, bundle.certificates),
        )

    def _bundle(self, path: Path, passphrase: bytes | None, *, with_key: bool) -> Bundle | None:
        expected = f"CHAIN: expected certificates in {quoted(str(path))}"
        try:
            content = self._content(path)
            return read_bundle(content.data, passphrase, with_key=with_key)
        except (PassphraseNeeded, PassphraseWrong) as error:
            self.complaints.append(f"{expected} that can be opened, found {error}{_hint(error)}")
        except ValueError as error:
            self.complaints.append(f"{expected}, found {error}")
        return None

    def _public_key(self, path: Path, passphrase: bytes | None) -> bytes | None:
        try:
            return read_public_key(self._content(path).data, passphrase)
        except ValueError as error:
            self.complaints.append(f"--key: expected a private key in {quoted(str(path))}, found {error}{_hint(error)}")
            return None

    def _content(self, path: Path) -> Content:
        content = self._files.read(path)
        if not content.data.strip():
            raise Unreadable("an empty file")
        return content


def _hint(error: ValueError) -> str:
    return "; name the file with its passphrase as --passphrase-file" if isinstance(error, PassphraseNeeded) else ""


def _key_file(source: str, public_key: bytes | None, certificates: tuple[bytes, ...]) -> KeyFile | None:
    if public_key is None:
        return None
    certified = map(certified_key, certificates)
    return KeyFile(source=source, belongs_to=tuple(None if each is None else each == public_key for each in certified))


def _print_document(file: ChainFile, assessment: Assessment) -> None:
    from monitor.export.document import file_document  # noqa: PLC0415  # one of the two is enough

    sys.stdout.write(json.dumps(file_document(file, assessment)) + "\n")
    sys.stdout.flush()


def _print_picture(file: ChainFile, assessment: Assessment) -> None:
    from rich.console import Console  # noqa: PLC0415  # JSON needs none of it

    from monitor.export.terminal import render_file  # noqa: PLC0415

    render_file(file, assessment, Console(highlight=False))
