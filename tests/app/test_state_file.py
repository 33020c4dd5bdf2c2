"""The state file against what file systems and other processes do to it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.app.state_file import StateFile, StateFileError
from tests.support.ports import PATIENCE_S
from tests.support.processes import tool

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
MOST = 1000

WRITE = """
import resource, signal, sys
from pathlib import Path
from monitor.app.state_file import StateFile, StateFileError
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    StateFile(Path(sys.argv[1])).write(b"new" * 100)
except StateFileError as error:
    sys.exit(str(error))
"""


def written_by_another(path: Path, *arguments: str, through: tuple[str, ...] = ()) -> str:
    """Let another process write the file, and return what it says of it."""
    command = [*through, sys.executable, "-c", WRITE, str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S).stderr.strip()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def test_what_was_written_is_read_and_is_the_owners_alone(path: Path) -> None:
    file = StateFile(path)
    assert file.read(MOST) is None
    file.write(b"first")
    file.write(b"second")
    assert file.read(MOST) == b"second"
    assert {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {
        "state.json": 0o600, "state.json.lock": 0o600
    }  # fmt: skip
    file.close()


def test_another_process_is_refused_until_the_file_is_closed(path: Path) -> None:
    file = StateFile(path)
    file.write(b"mine")
    assert written_by_another(path) == "another running monitor keeps its state there"
    assert path.read_bytes() == b"mine"
    file.close()
    assert written_by_another(path) == ""
    assert path.read_bytes() == b"new" * 100


def test_full_disk_leaves_the_old_state_and_nothing_half_written(path: Path) -> None:
    path.write_bytes(b"old")
    assert written_by_another(path, "50") == "cannot be written: File too large"
    assert path.read_bytes() == b"old"
    assert not path.with_name("state.json.new").exists()


def test_directory_that_cannot_be_written_is_named(path: Path) -> None:
    path.write_bytes(b"old")
    path.parent.chmod(0o500)
    # For root, modes hold only without its right to pass over them.
    give_up = (tool("setpriv"), "--bounding-set=-dac_override,-dac_read_search", "--") if os.geteuid() == 0 else ()
    try:
        assert written_by_another(path, through=give_up) == f"{path}.lock: Permission denied"
        path.parent.chmod(0o700)
        path.with_name("state.json.lock").touch()
        path.parent.chmod(0o500)
        assert written_by_another(path, through=give_up) == "cannot be written: Permission denied"
    finally:
        path.parent.chmod(0o700)
    assert path.read_bytes() == b"old"


def test_missing_directory_is_named(path: Path) -> None:
    file = StateFile(path / "state.json")
    assert file.read(MOST) is None
    with pytest.raises(StateFileError, match=r"state\.json\.lock: No such file or directory"):
        file.write(b"")


def test_half_a_file_of_a_killed_process_is_no_matter(path: Path) -> None:
    path.with_name("state.json.new").write_bytes(b"half")
    file = StateFile(path)
    file.write(b"whole")
    assert path.read_bytes() == b"whole"
    assert not path.with_name("state.json.new").exists()
    file.close()


def test_symbolic_link_stays_one(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.json"
    path.symlink_to(target)
    file = StateFile(path)
    file.write(b"there")
    assert path.is_symlink()
    assert target.read_bytes() == b"there"
    file.close()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_neither_read_nor_replaced(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    before = path.lstat()
    file = StateFile(path)
    with pytest.raises(StateFileError, match=r"is no regular file|is a directory"):
        file.read(MOST)
    with pytest.raises(StateFileError, match="is no regular file"):
        file.write(b"data")
    assert file.set_aside(NOW) is None
    assert path.lstat().st_ino == before.st_ino
    file.close()


def test_file_that_is_too_large_is_not_read(path: Path) -> None:
    path.write_bytes(bytes(MOST))
    assert len(StateFile(path).read(MOST) or b"") == MOST
    path.write_bytes(bytes(MOST + 1))
    with pytest.raises(StateFileError, match="is larger than 1000 bytes"):
        StateFile(path).read(MOST)


def test_file_is_set_aside_by_its_owner_alone(path: Path) -> None:
    path.write_bytes(b"damaged")
    file = StateFile(path)
    assert file.set_aside(NOW) is None
    file.lock()
    aside = file.set_aside(NOW)
    assert aside == path.with_name("state.json.20261123T120000Z.corrupt")
    assert aside.read_bytes() == b"damaged"
    assert file.set_aside(NOW) is None
    file.close()
