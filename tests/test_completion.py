"""What Tab does in real shells, with the files that the package installs for them."""

import os
import pty
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.cli.completion import VARIABLE
from tests.support.daemon import COMMAND
from tests.support.ports import wait_until
from tests.support.processes import tool

PACKAGING = Path(__file__).parent.parent / "packaging"
PROMPT = b"what now? "
# It answers a shell that asks, and takes down what a person has it do.
PROGRAM = f"""#!/bin/sh
if [ -n "${VARIABLE}" ]; then
    exec {shlex.join(COMMAND)}
fi
echo "$*" >called.new
mv called.new called
"""
SHELLS = {
    "bash": (
        ["bash", "--noprofile", "--rcfile", "begin", "-i"],
        {"begin": f"PS1='{PROMPT.decode()}'\nsource completion\n"},
        "completion",
    ),
    "zsh": (
        ["zsh", "-d", "-i"],
        {".zshrc": f"PS1='{PROMPT.decode()}'\nfpath=($PWD $fpath)\nautoload -Uz compinit\ncompinit -u\n"},
        "_mqtt-tls-monitor",
    ),
    "fish": (
        ["fish", "--interactive", "--no-config", "--init-command", "source begin"],
        {"begin": f"function fish_prompt\n    echo -n '{PROMPT.decode()}'\nend\nsource completion\n"},
        "completion",
    ),
}
"""How each is started, with which files, and what the one of the package is called among them."""


@contextmanager
def terminal(shell: str, directory: Path) -> Iterator[int]:
    """Run a shell in a directory with `monitor.yml` and the program; gives its terminal once it waits for keys."""
    command, files, completion = SHELLS[shell]
    own = {completion: (PACKAGING / f"completion.{shell}").read_text(), "mqtt-tls-monitor": PROGRAM, "monitor.yml": ""}
    for name, text in {**files, **own}.items():
        (directory / name).write_text(text)
    (directory / "mqtt-tls-monitor").chmod(0o755)
    here = str(directory)
    environ = {"HOME": here, "PATH": f"{here}:{os.environ['PATH']}", "TERM": "dumb"}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [tool("setsid"), "--ctty", *command],
        cwd=directory,
        env=environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        seen = b""
        while PROMPT not in seen:
            seen += os.read(ours, 4096)
        yield ours
    finally:
        os.close(ours)
        process.kill()
        process.wait()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("typed", "called"),
    [
        ("insp", "inspect"),
        ("explain certificate_expire", "explain certificate_expired"),
        ("check-config mon", "check-config monitor.yml"),
        ("run --config mon", "run --config monitor.yml"),
    ],
)
def test_tab_completes_commands_codes_and_files(shell: str, typed: str, called: str, tmp_path: Path) -> None:
    with terminal(shell, tmp_path) as keys:
        os.write(keys, f"mqtt-tls-monitor {typed}\t\n".encode())
        taken_down = tmp_path / "called"
        wait_until(taken_down.exists, f"{shell} runs the line")
    assert taken_down.read_text().split() == called.split()
