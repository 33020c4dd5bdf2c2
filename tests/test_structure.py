"""The direction of imports, and what may be imported only when it is needed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

DAEMON_ONLY = {"aiohttp", "apscheduler", "jinja2", "prometheus_client", "structlog", "uvloop"}
"""What only the daemon needs: half a second that a probe from a terminal must not cost."""

PROBING = {"OpenSSL", "aiomqtt", "asyncio", "cryptography", "paho", "pydantic", "pydantic_settings", "rich", "yaml"}
"""What a probe needs, and help does not."""


def test_imports_go_one_way() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("monitor.cli", DAEMON_ONLY | PROBING),
        ("monitor.cli.probe", DAEMON_ONLY | {"rich"}),
        ("monitor.cli.inspect", DAEMON_ONLY | {"aiomqtt", "asyncio", "paho", "pydantic", "rich", "yaml"}),
        ("monitor.cli.check", DAEMON_ONLY | {"OpenSSL", "aiomqtt", "paho", "rich"}),
        ("monitor.cli.status", DAEMON_ONLY | PROBING),
        ("monitor.cli.explain", DAEMON_ONLY | PROBING),
        ("monitor.model.broker", DAEMON_ONLY | PROBING),
    ],
)
def test_what_is_not_needed_is_not_imported(module: str, forbidden: set[str]) -> None:
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert forbidden & set(result.stdout.split()) == set()


@pytest.mark.parametrize("module", ["monitor.checks.assess", "monitor.x509.judge", "monitor.store", "monitor.export"])
def test_judging_and_showing_need_no_event_loop(module: str) -> None:
    code = f"import sys, {module}; print('asyncio' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_each_package_has_a_row_in_the_architecture() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE)
    parts = {path.stem for path in (ROOT / "monitor").iterdir() if path.suffix in {"", ".py"} and path.name[0] != "_"}
    assert set(rows) == parts
