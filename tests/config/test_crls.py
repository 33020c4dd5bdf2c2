"""Files of revocation lists: read when they change, and what was good is kept while they are not."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from monitor.config import crls
from monitor.config.crls import CrlFiles
from monitor.demo.pki import issue
from monitor.model.revocation import CrlFile
from tests.support.revocation import revocation_list

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CA = issue(now=NOW, is_ca=True)
OTHER_CA = issue(now=NOW, is_ca=True, subject="Other")
DER = revocation_list(CA, now=NOW)
OTHER = revocation_list(OTHER_CA, now=NOW)
PEM = revocation_list(CA, now=NOW, encoding=Encoding.PEM)
OTHER_PEM = revocation_list(OTHER_CA, now=NOW, encoding=Encoding.PEM)


def replaced(path: Path, data: bytes) -> Path:
    """Put a whole file into another's place, as one should."""
    fresh = path.with_name(f".{path.name}")
    fresh.write_bytes(data)
    return fresh.rename(path)


def held(*files: CrlFile) -> list[list[bytes]]:
    return [[each.der for each in file.crls] for file in files]


def test_der_and_pem_with_several_lists_among_other_things_are_read(tmp_path: Path) -> None:
    one = replaced(tmp_path / "one.crl", DER)
    many = replaced(tmp_path / "many.pem", b"# lists\n" + CA.pem + PEM + OTHER_PEM)
    files = CrlFiles().look((str(one), str(many)))
    assert [(file.path, file.problem) for file in files] == [(str(one), None), (str(many), None)]
    (first,), (second, third) = held(*files)
    assert first == DER
    assert len({first, second, third}) == 3


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (DER[:-1], "a damaged one"),
        (DER + b"x", "a damaged one"),
        (PEM[:-30], "a damaged one (on line 1 of that file)"),
        (CA.pem, "only CERTIFICATE"),
        (b"", "an empty file"),
        (b"nonsense", "no PEM block"),
        (None, "no such file"),
    ],
)
def test_broken_file_tells_its_problem_and_keeps_what_it_held(tmp_path: Path, data: bytes | None, problem: str) -> None:
    path, files = replaced(tmp_path / "ca.crl", DER), CrlFiles()
    files.look((str(path),))
    if data is None:
        path.unlink()
    else:
        replaced(path, data)
    (broken,) = files.look((str(path),))
    assert (broken.problem, held(broken)) == (problem, [[DER]])
    (fresh,) = CrlFiles().look((str(path),))
    assert (fresh.problem, fresh.crls) == (problem, ())
    replaced(path, OTHER)
    (mended,) = files.look((str(path),))
    assert (mended.problem, held(mended)) == (None, [[OTHER]])


def test_change_within_the_same_file_is_seen_and_no_change_reads_nothing(tmp_path: Path) -> None:
    path, files = replaced(tmp_path / "ca.crl", DER), CrlFiles()
    before = files.look((str(path),))
    assert files.look((str(path),))[0] is before[0]
    status = path.stat()
    path.write_bytes(OTHER)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert held(*files.look((str(path),))) == [[OTHER]]


def test_directory_stands_for_the_lists_in_it(tmp_path: Path) -> None:
    replaced(tmp_path / "a.pem", PEM)
    replaced(tmp_path / "b.crl", b"broken")
    replaced(tmp_path / "ca.pem", CA.pem)
    (tmp_path / ".hidden.crl").write_bytes(b"broken")
    (tmp_path / "nested").mkdir()
    files = CrlFiles()
    assert [(Path(file.path).name, file.problem) for file in files.look((str(tmp_path),))] == [
        ("a.pem", None),
        ("b.crl", "no PEM block"),
    ]
    (tmp_path / "b.crl").unlink()
    replaced(tmp_path / "c.der", OTHER)
    assert [Path(file.path).name for file in files.look((str(tmp_path),))] == ["a.pem", "c.der"]


def test_list_that_left_its_directory_is_forgotten(tmp_path: Path) -> None:
    path, files = replaced(tmp_path / "of-today.crl", DER), CrlFiles()
    files.look((str(tmp_path),))
    path.unlink()
    assert files.look((str(tmp_path),)) == ()
    replaced(path, b"broken")
    (again,) = files.look((str(tmp_path),))
    assert (again.problem, again.crls) == ("no PEM block", ())


def test_directory_that_is_gone_keeps_what_it_held(tmp_path: Path) -> None:
    directory, files = tmp_path / "crls", CrlFiles()
    directory.mkdir()
    replaced(directory / "ca.crl", DER)
    files.look((str(directory),))
    directory.rename(tmp_path / "elsewhere")
    gone, file = files.look((str(directory),))
    assert (gone.problem, gone.crls) == ("the directory is gone", ())
    assert (file.problem, held(file)) == ("no such file", [[DER]])


def test_bounds_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(tmp_path / "a.crl", DER)
    replaced(tmp_path / "b.crl", DER)
    monkeypatch.setattr(crls, "_MOST_LIST_BYTES", len(DER) - 1)
    assert "more than" in (CrlFiles().look((str(tmp_path / "a.crl"),))[0].problem or "")
    monkeypatch.setattr(crls, "_MOST_FILES", 1)
    assert CrlFiles().look((str(tmp_path),))[0].problem == "a directory of more than 1 files"
