"""Looking at a broker's files: what is in them, what they last held, and what is read again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from monitor.config import installed
from monitor.config.installed import Look, unanswered
from monitor.demo.pki import Issued, issue
from monitor.model.broker import CertificateFiles
from monitor.model.installed import FileState, InstalledFiles
from monitor.x509.certificate import read_chain
from tests.support.ports import wait_until

NOBODY = 65534

look = partial(installed.look, read_chain=read_chain)


def now() -> datetime:
    """The file system's times are the wall clock's."""
    return datetime.now(UTC)


CA = issue(now=now(), is_ca=True)
LEAF = issue(now=now(), issuer=CA)
OTHER = issue(now=now(), issuer=CA)


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    """A certificate and its key."""
    (tmp_path / "server.pem").write_bytes(LEAF.pem + CA.pem)
    (tmp_path / "server.key").write_bytes(LEAF.key_pem)
    return CertificateFiles(certificate=str(tmp_path / "server.pem"), key=str(tmp_path / "server.key"))


def held(facts: InstalledFiles) -> list[bytes]:
    return [each.der for each in facts.certificates]


def replace(path: str, data: bytes) -> None:
    """Put another file in the place, as those do who know how."""
    fresh = Path(f"{path}.new")
    fresh.write_bytes(data)
    fresh.replace(path)


def test_both_files_are_read_and_nothing_of_the_key_is_kept(files: CertificateFiles) -> None:
    seen = look(files, None, now())
    assert held(seen.facts) == [LEAF.der, CA.der]
    assert seen.facts.key_matches is True
    assert seen.facts.certificate.state is FileState.READ
    assert timedelta(0) <= now() - seen.facts.certificate.since < timedelta(minutes=1)
    key = LEAF.key.private_numbers().private_value.to_bytes(32)  # type: ignore[union-attr]
    assert b"PRIVATE" not in repr(seen).encode()
    assert key.hex() not in repr(seen)
    assert seen.key is not None
    assert seen.key.content is not None
    assert len(seen.key.content) == 64, "a digest"


def test_key_of_another_certificate_is_told(files: CertificateFiles) -> None:
    assert files.key is not None
    before = look(files, None, now())
    replace(files.certificate, OTHER.pem)
    assert look(files, before, now()).facts.key_matches is False
    replace(files.key, OTHER.key_pem)
    assert look(files, before, now()).facts.key_matches is True


def test_without_a_key_file_nothing_is_said_of_keys(files: CertificateFiles) -> None:
    facts = look(CertificateFiles(certificate=files.certificate), None, now()).facts
    assert (facts.key, facts.key_matches) == (None, None)


def test_unchanged_files_are_not_read_again(files: CertificateFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    later = now() + timedelta(seconds=3)
    before = look(files, None, later)
    monkeypatch.setattr(installed, "read_file", lambda path: pytest.fail(f"read {path}"))
    again = look(files, before, later)
    assert again.certificate is before.certificate
    assert again.key is before.key


def test_change_within_the_same_tick_and_of_the_same_size_is_not_missed(files: CertificateFiles) -> None:
    path = Path(files.certificate)
    path.write_bytes(LEAF.pem)
    before = look(files, None, now())
    status = path.stat()
    twin = next(each for each in iter(_another, None) if len(each.pem) == len(LEAF.pem))
    with path.open("r+b") as file:
        file.write(twin.pem)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert held(look(files, before, now()).facts) == [twin.der]


def _another() -> Issued:
    return issue(now=now(), issuer=CA)


def test_half_written_file_keeps_what_it_held_and_is_read_again(files: CertificateFiles) -> None:
    before = look(files, None, now())
    path = Path(files.certificate)
    for part in (b"", OTHER.pem[: len(OTHER.pem) // 2], OTHER.pem + CA.pem[:200]):
        path.write_bytes(part)
        half = look(files, before, now())
        assert half.facts.certificate.state is FileState.DAMAGED
        assert half.facts.certificate.detail in {
            "an empty file", "a damaged one (certificate 1)", "a damaged one (certificate 2)"
        }  # fmt: skip
        assert held(half.facts) == [LEAF.der, CA.der]
        assert half.facts.key_matches is None
        again = look(files, half, now() + timedelta(minutes=5))
        assert again.facts.certificate.since == half.facts.certificate.since, "it is still the same trouble"
        before = half
    path.write_bytes(OTHER.pem + CA.pem)
    whole = look(files, before, now()).facts
    assert whole.certificate.state is FileState.READ
    assert held(whole) == [OTHER.der, CA.der]


def test_half_written_der_is_damaged_too(files: CertificateFiles) -> None:
    replace(files.certificate, LEAF.der)
    before = look(files, None, now())
    assert held(before.facts) == [LEAF.der]
    replace(files.certificate, LEAF.der[:-9])
    half = look(files, before, now()).facts
    assert half.certificate.detail == "a damaged one (certificate 1)"
    assert held(half) == [LEAF.der]


def test_missing_file_is_a_state_of_its_own_until_it_appears(files: CertificateFiles) -> None:
    before = look(files, None, now())
    Path(files.certificate).unlink()
    gone = look(files, before, now())
    assert (gone.facts.certificate.state, gone.facts.certificate.detail) == (FileState.MISSING, "no such file")
    assert held(gone.facts) == [LEAF.der, CA.der]
    replace(files.certificate, LEAF.pem + CA.pem)
    back = look(files, gone, now()).facts
    assert back.certificate.state is FileState.READ
    assert back.certificate.since == before.facts.certificate.since, "it holds what it held"


def test_file_that_never_was_holds_nothing(tmp_path: Path) -> None:
    facts = look(CertificateFiles(certificate=str(tmp_path / "none")), None, now()).facts
    assert facts.certificates == ()
    assert facts.certificate.state is FileState.MISSING


def _directory(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "detail"),
    [
        (_directory, "a directory"),
        (_loop, "one that cannot be read (Too many levels of symbolic links)"),
        (_pipe, "a pipe or device"),
    ],
)
def test_unreadable_file_is_not_a_mismatch(files: CertificateFiles, make: Callable[[Path], None], detail: str) -> None:
    before = look(files, None, now())
    Path(files.certificate).unlink()
    make(Path(files.certificate))
    facts = look(files, before, now()).facts
    assert (facts.certificate.state, facts.certificate.detail) == (FileState.UNREADABLE, detail)
    assert facts.key_matches is None


def test_file_below_a_file_is_unreadable(files: CertificateFiles) -> None:
    facts = look(CertificateFiles(certificate=f"{files.certificate}/server.pem"), None, now()).facts
    assert facts.certificate.detail == "one that cannot be read (Not a directory)"


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be nobody in the block, where the tests are run by root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_file_without_rights_is_unreadable_until_they_are_given(files: CertificateFiles) -> None:
    path = Path(files.certificate)
    path.chmod(0)
    with unprivileged():
        refused = look(files, None, now())
    assert refused.facts.certificate.state is FileState.UNREADABLE
    assert refused.facts.certificate.detail == "one that cannot be read (Permission denied)"
    path.chmod(0o644)
    assert held(look(files, refused, now()).facts) == [LEAF.der, CA.der]


def test_encrypted_key_is_unreadable_and_no_mismatch(files: CertificateFiles) -> None:
    assert files.key is not None
    encrypted = LEAF.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hunter2"))
    replace(files.key, encrypted)
    facts = look(files, None, now()).facts
    assert facts.key is not None
    assert (facts.key.state, facts.key.detail) == (FileState.UNREADABLE, "an encrypted one")
    assert facts.key_matches is None


def test_change_of_rights_is_no_replacement(files: CertificateFiles) -> None:
    before = look(files, None, now() + timedelta(seconds=3))
    path = Path(files.certificate)
    changed_at = path.stat().st_ctime_ns

    def is_changed_later() -> bool:
        path.chmod(0o600)
        return path.stat().st_ctime_ns != changed_at

    wait_until(is_changed_later, "a tick of the file system's clock")
    after = look(files, before, now() + timedelta(seconds=3))
    assert after.certificate is not before.certificate
    assert after.facts.certificate.since == before.facts.certificate.since


def test_preserved_time_of_writing_does_not_make_a_replacement_older(files: CertificateFiles) -> None:
    before = look(files, None, now())
    fresh = Path(f"{files.certificate}.new")
    fresh.write_bytes(OTHER.pem)
    os.utime(fresh, (0, 0))
    fresh.replace(files.certificate)
    since = look(files, before, now()).facts.certificate.since
    assert now() - since < timedelta(minutes=1)


def test_link_to_another_file_is_followed(files: CertificateFiles, tmp_path: Path) -> None:
    (tmp_path / "1.pem").write_bytes(LEAF.pem)
    (tmp_path / "2.pem").write_bytes(OTHER.pem)
    live = tmp_path / "live.pem"
    live.symlink_to("1.pem")
    linked = CertificateFiles(certificate=str(live))
    later = now() + timedelta(seconds=3)
    before = look(linked, None, later)
    (tmp_path / "new").symlink_to("2.pem")
    (tmp_path / "new").replace(live)
    assert held(look(linked, before, later).facts) == [OTHER.der]


def test_no_more_certificates_are_read_than_of_a_broker(files: CertificateFiles) -> None:
    replace(files.certificate, LEAF.pem + CA.pem * 40)
    assert len(look(files, None, now()).facts.certificates) == 16


def test_file_system_that_does_not_answer_is_unreadable_and_keeps_what_was_known(files: CertificateFiles) -> None:
    before = look(files, None, now())
    late = unanswered(files, before, now())
    assert late.facts.certificate.state is FileState.UNREADABLE
    assert late.facts.certificate.detail == "no answer from the file system"
    assert held(late.facts) == [LEAF.der, CA.der]
    assert late.facts.key_matches is None
    never: Look = unanswered(files, None, now())
    assert (never.facts.certificates, never.facts.key) == ((), None)
