"""Every configuration that is refused or warned about, with the exact words: `bad/NAME.yml` and `bad/NAME.txt`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from monitor.config.load import load
from monitor.model.config import ConfigError

BAD = Path(__file__).parent / "bad"
CASES = sorted(path.stem for path in BAD.glob("*.txt"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `bad`, as version control does not keep who may read a file."""
    copy = tmp_path_factory.mktemp("config") / "bad"
    shutil.copytree(BAD, copy)
    for path in (copy / "files").iterdir():
        path.chmod(0o644 if "world-readable" in path.name else 0o600)
    return copy


@pytest.mark.parametrize("case", CASES)
def test_is_answered_word_for_word(case: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    path = Path(f"{case}.yml")
    environ = {"SSL_CERT_FILE": "files/ca.pem", "SSL_CERT_DIR": "nowhere"}
    if case.startswith("warning-"):
        problems = load(path, environ).warnings
    else:
        with pytest.raises(ConfigError) as refused:
            load(path, environ)
        problems = refused.value.problems
    assert [str(problem) for problem in problems] == (BAD / f"{case}.txt").read_text().splitlines()


def test_every_file_has_its_words() -> None:
    assert sorted(path.stem for path in BAD.glob("*.yml")) == [case for case in CASES if case != "no-such-file"]


@pytest.mark.parametrize("case", CASES)
def test_secrets_are_not_repeated(case: str) -> None:
    assert "hunter2" not in (BAD / f"{case}.txt").read_text()
