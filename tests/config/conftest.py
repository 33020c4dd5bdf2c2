"""A configuration from text, in a directory of its own, with a system trust store of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from monitor.config.load import load
from monitor.demo.pki import Issued
from monitor.model.config import Config
from tests.support.pki import TestPki

Load = Callable[..., Config]


@pytest.fixture
def system_store(pki: TestPki, tmp_path: Path) -> dict[str, str]:
    """An environment whose system trust is the foreign root alone."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "root.pem").write_bytes(pki.foreign_root.pem)
    return {"SSL_CERT_FILE": str(tmp_path / "none.pem"), "SSL_CERT_DIR": str(tmp_path / "store")}


@pytest.fixture
def load_text(tmp_path: Path, system_store: Mapping[str, str]) -> Load:
    """Return a function that loads a text as `monitor.yml`, with further environment variables."""

    def load_it(text: str, environ: Mapping[str, str] | None = None) -> Config:
        path = tmp_path / "monitor.yml"
        path.write_text(text)
        return load(path, {**system_store, **(environ or {})})

    return load_it


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a file beside the configuration, readable for its owner alone."""

    def write_it(name: str, content: bytes | str | Issued, mode: int = 0o600) -> Path:
        path = tmp_path / name
        data = content.pem if isinstance(content, Issued) else content.encode() if isinstance(content, str) else content
        path.write_bytes(data)
        path.chmod(mode)
        return path

    return write_it
