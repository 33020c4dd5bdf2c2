"""Where the state file lies: as named, else in systemd's state directory, else nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from monitor.config.load import load

BROKERS = "brokers: [{name: a, host: a.example}]\n"
SYSTEMD = {"STATE_DIRECTORY": "/var/lib/mqtt-tls-monitor"}


@pytest.mark.parametrize(
    ("text", "environ", "state_file"),
    [
        ("", {}, None),
        ("", {"STATE_DIRECTORY": ""}, None),
        ("", SYSTEMD, "/var/lib/mqtt-tls-monitor/state.json"),
        ("", {"STATE_DIRECTORY": "/var/lib/first:/var/lib/second"}, "/var/lib/first/state.json"),
        ("state_file: /srv/known.json\n", SYSTEMD, "/srv/known.json"),
        ("state_file: known.json\n", {}, "HERE/known.json"),
    ],
)
def test_state_file_is_found(
    tmp_path: Path, system_store: dict[str, str], text: str, environ: Mapping[str, str], state_file: str | None
) -> None:
    path = tmp_path / "monitor.yml"
    path.write_text(text + BROKERS)
    found = load(path, {**system_store, **environ}).settings.state_file
    assert found == (None if state_file is None else state_file.replace("HERE", str(tmp_path)))
