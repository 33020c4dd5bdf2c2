"""What the Debian package is made of; that it works is shown by `make test-systemd`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli.completion import VARIABLE
from tests.support.daemon import COMMAND, run_command

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "apt-get install ./mqtt-tls-monitor_0.1.0_amd64.deb": "apt-get install /test/package.deb",
    "apt-get install ./mqtt-tls-monitor_0.2.0_amd64.deb": "apt-get install /test/next.deb",
}
"""Commands that name files which are called otherwise in the test."""
COMMANDS = ("run", "probe", "inspect", "check-config", "status", "discover", "explain", "demo")


def answer(**environ: str) -> str:
    result = subprocess.run(COMMAND, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_shell_is_told_how_a_command_goes_on() -> None:
    words = {"COMP_WORDS": "mqtt-tls-monitor in", "COMP_CWORD": "1"}
    assert answer(**{VARIABLE: "complete_bash"}, **words).split() == ["inspect"]


@pytest.mark.parametrize(
    ("begin", "end"), [("certificate_expir", "certificate_expired"), ("MqttTlsBroker", "MqttTlsBrokerDown")]
)
def test_shell_is_told_what_can_be_explained(begin: str, end: str) -> None:
    words = {"COMP_WORDS": f"mqtt-tls-monitor explain {begin}", "COMP_CWORD": "2"}
    assert end in answer(**{VARIABLE: "complete_bash"}, **words).split()


def test_manual_page_names_every_command_and_option() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "man.py")]
    environ = {**os.environ, "SOURCE_DATE_EPOCH": "1793000000"}
    page = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout
    assert '.TH MQTT-TLS-MONITOR 1 2026-10-26 "mqtt-tls-monitor ' in page
    page = page.replace("\\-", "-")
    for name in COMMANDS:
        assert f"\n.SS {name}" in page
        for option in re.findall(r"^ +(--[a-z-]+)", run_command(name, "--help").stdout, re.MULTILINE):
            assert f"\n.B {option}" in page


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_maintainer_script_is_understood_by_a_plain_shell(script: str) -> None:
    subprocess.run(["sh", "-n", ROOT / "packaging" / script], check=True)


def test_shipped_configuration_can_be_used_as_it_is() -> None:
    result = run_command("check-config", str(ROOT / "config" / "monitor.example.yml"))
    assert result.returncode == 0, result.stdout + result.stderr


def test_installing_is_told_as_it_is_tested() -> None:
    """Under each heading, every command and every line for a file is one of that step in the booted tree, in order."""
    told = re.split(r"^## ", (ROOT / "docs" / "install.md").read_text(), flags=re.MULTILINE)
    tested = (ROOT / "packaging" / "test-in-tree").read_text()
    for section in reversed(told):
        heading = section.partition("\n")[0]
        blocks = re.findall(r"^```\w+\n((?:.*\n)*?)```|^((?:    .+\n)+)", section, re.MULTILINE)
        lines = [line.strip() for block in blocks for line in "".join(block).splitlines()]
        if not lines or heading == "Build":
            continue
        tested, _, step = tested.rpartition(f'step "{heading}')
        for line in lines:
            wanted = PACKAGES.get(line, line)
            assert wanted in step, f"{heading}: not tested, or not at this point: {wanted}"
            step = step.partition(wanted)[2]
