"""`discover` where files are closed: to whom it runs as, and to the monitor's own user later."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from monitor.discover.access import wanting
from monitor.discover.files import Tree
from tests.support.broker_host import Host
from tests.support.daemon import COMMAND
from tests.support.ports import PATIENCE_S
from tests.support.processes import tool


def discovered_without_privilege(*arguments: str) -> subprocess.CompletedProcess[str]:
    # Root's files would be open to root in spite of their modes.
    give_up = (tool("setpriv"), "--bounding-set=-dac_override,-dac_read_search", "--") if os.geteuid() == 0 else ()
    return subprocess.run(
        [*give_up, *COMMAND, "discover", *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )


@pytest.mark.parametrize(
    ("closed", "note"),
    [
        (
            "etc/mosquitto/conf.d",
            "/etc/mosquitto/mosquitto.conf:1: cannot use /etc/mosquitto/conf.d: a directory that cannot be read",
        ),
        (
            "etc/mosquitto",
            "/etc/mosquitto/mosquitto.conf:1: cannot use /etc/mosquitto/mosquitto.conf: one that cannot be read",
        ),
        ("a.pem", "# cannot use /a.pem: one that cannot be read"),
        (
            "etc/rabbitmq/conf.d",
            "/etc/rabbitmq/conf.d:1: cannot use it: a directory that cannot be read",
        ),
        (
            "var/lib/emqx/configs",
            "/var/lib/emqx/configs:1: cannot use what was changed in the dashboard: a directory that cannot be read",
        ),
    ],
)
def test_what_is_closed_is_said_and_who_sees_more(host: Host, closed: str, note: str) -> None:
    host.write("/etc/mosquitto/mosquitto.conf", "include_dir /etc/mosquitto/conf.d\nlistener 8883\ncertfile /a.pem\n")
    host.write("/etc/mosquitto/conf.d/b.conf", "listener 8884\ncertfile /b.pem\n")
    host.write("/etc/rabbitmq/rabbitmq.conf", "")
    host.write("/etc/rabbitmq/conf.d/a.conf", "")
    host.write("/etc/emqx/emqx.conf", "")
    host.write("/var/lib/emqx/configs/cluster.hocon", "")
    host.write("/a.pem", "")
    path = host.root / closed
    path.chmod(0)
    try:
        ended = discovered_without_privilege("--root", str(host.root))
    finally:
        path.chmod(0o755)
    assert ended.returncode == 0, ended.stderr
    assert f"{note} (Permission denied)" in ended.stdout
    assert "# Some files could not be read: run it again as root, who sees them all.\n" in ended.stdout


@pytest.mark.parametrize(
    ("mode", "directory_mode", "sentence"),
    [
        (0o644, 0o755, None),
        (0o640, 0o755, "not readable by all: give the monitor SupplementaryGroups=certs (systemctl edit"),
        (0o644, 0o750, "not readable by all: give the monitor SupplementaryGroups=certs (systemctl edit"),
        (0o600, 0o755, "readable by its owner alone: let a group read it, and name that in SupplementaryGroups="),
        (0o644, 0o700, "readable by its owner alone: let a group read it, and name that in SupplementaryGroups="),
    ],
)
def test_what_the_monitor_needs_for_reading_a_file(
    host: Host, mode: int, directory_mode: int, sentence: str | None
) -> None:
    path = host.write("/certs/a.pem", "")
    real = host.root / "certs/a.pem"
    group = 4321 if os.geteuid() == 0 else os.getegid()
    for each in (real, real.parent):
        os.chown(each, -1, group)
    real.chmod(mode)
    real.parent.chmod(directory_mode)
    host.write("/etc/group", f"root:x:0:\ncerts:x:{group}:\nbroken\n")
    found = wanting(Tree(host.root), path)
    assert found is None if sentence is None else found is not None and found.startswith(sentence)


def test_group_root_is_none_to_join(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    path = host.write("/a.pem", "")
    status = os.stat_result((stat.S_IFREG | 0o640, 0, 0, 1, 0, 0, 0, 0, 0, 0))
    monkeypatch.setattr(Tree, "status", lambda _tree, _path: [status])
    found = wanting(Tree(host.root), path)
    assert found is not None
    assert found.startswith("readable by its owner alone")


@pytest.mark.parametrize("directory", ["/home", "/root", "/run/user"])
def test_what_the_unit_hides_is_said_whatever_its_modes(host: Host, directory: str) -> None:
    unit = (Path(__file__).parents[2] / "systemd" / "mqtt-tls-monitor.service").read_text()
    assert "\nProtectHome=yes\n" in unit
    path = host.write(f"{directory}/certs/a.pem", "")
    link = host.root / "etc" / "a.pem"
    link.parent.mkdir()
    link.symlink_to(host.root / directory.removeprefix("/") / "certs" / "a.pem")
    for each in (path, Path("/etc/a.pem")):
        assert str(wanting(Tree(host.root), each)).startswith(f"the service sees nothing of {directory}: move the file")


def test_file_that_is_not_there_wants_nothing(host: Host) -> None:
    assert wanting(Tree(host.root), Path("/gone.pem")) is None
