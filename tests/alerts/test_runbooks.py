"""The runbooks: one for each alert, whole, and with commands that work as they stand."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from monitor.checks.catalogue import CATALOGUE
from monitor.checks.words import hints
from monitor.cli.commands import PROGRAM, app
from monitor.model.judgement import Hints
from tests.support.alertmanager import Alertmanager
from tests.support.alerts import ALERTMANAGER, ROOT, alert_names, alerts, rules

RUNBOOKS = ROOT / "docs" / "runbooks"
SECTIONS = [
    "What it means",
    "What clients see",
    "Confirm",
    "Likely causes, in order",
    "Fix",
    "Silence",
]
ALERTMANAGER_URL = "http://localhost:9093"
CODE = re.compile(r"^```sh\n(.*?)^```$|`([^`\n]+)`", re.MULTILINE | re.DOTALL)


def text_of(alert: str) -> str:
    return (RUNBOOKS / f"{alert}.md").read_text()


def section(alert: str, title: str) -> str:
    return text_of(alert).split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def commands(text: str, program: str) -> Iterator[list[str]]:
    """Yield the arguments of that program wherever it is called, in blocks and within sentences."""
    for block, inline in CODE.findall(text):
        for line in (block or inline).replace("\\\n", " ").splitlines():
            for words in _simple_commands(line):
                if words[:1] == [program] and words[1:]:
                    yield words[1:]


def _simple_commands(line: str) -> Iterator[list[str]]:
    """Split a line as a shell does, at pipes and keywords; redirections, which come last, are left out."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    is_redirected = False
    for word in (*lexer, ";"):
        if word in {";", "|", "do", "time"}:
            yield words
            words, is_redirected = [], False
        elif word[0] in "<>":
            is_redirected = True
            words = words[:-1] if words[-1:] == ["2"] else words
        elif not is_redirected:
            words.append(word)


def test_every_alert_has_a_runbook_and_none_is_left_over() -> None:
    assert {file.stem for file in RUNBOOKS.glob("*.md")} == set(alert_names())


def test_every_alert_links_to_its_runbook() -> None:
    for rule in alerts():
        # The monitor serves it, unless it is the monitor that is gone.
        is_gone = rule.alert in {"MqttTlsMonitorAbsent", "MqttTlsMonitorNotScraped"}
        link = "docs/runbooks/{}.md" if is_gone else "http://{{{{ $labels.instance }}}}/runbooks/{}"
        assert rule.annotations["runbook_url"] == link.format(rule.alert)


@pytest.mark.parametrize("alert", alert_names())
def test_runbook_is_whole(alert: str) -> None:
    text = text_of(alert)
    assert text.startswith(f"# {alert}\n\nSeverity: ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    assert re.search(r"^2\. ", section(alert, "Likely causes, in order"), re.MULTILINE)
    severities = {rule.labels["severity"] for rule in alerts() if rule.alert == alert}
    said = text.split("Severity: ", 1)[1].split("\n\n", 1)[0]
    assert {word for word in ("critical", "warning") if word in said} == severities


@pytest.mark.parametrize("alert", alert_names())
def test_what_it_says_can_be_confirmed_with_the_monitor_and_with_openssl(alert: str) -> None:
    confirm = section(alert, "Confirm")
    assert any(words[0] in {"status", "probe"} for words in commands(confirm, PROGRAM))
    assert any(words[0] == "s_client" for words in commands(confirm, "openssl"))


@pytest.mark.parametrize("alert", alert_names())
def test_every_command_of_the_monitor_parses(alert: str) -> None:
    program = typer.main.get_command(app)
    assert isinstance(program, click.Group | typer.core.TyperGroup)
    found = list(commands(text_of(alert), PROGRAM))
    assert found
    for words in found:
        if words == ["--version"]:
            continue
        command = program.commands[words[0]]
        context = command.make_context(words[0], words[1:])
        if words[0] == "explain" and not words[1].isupper():
            assert context.params["code"] in CATALOGUE


def test_a_command_that_does_not_parse_is_noticed() -> None:
    (words,) = commands("See `mqtt-tls-monitor status north --urll http://localhost:9883/`.", PROGRAM)
    program = typer.main.get_command(app)
    with pytest.raises(Exception, match="urll"):
        program.commands[words[0]].make_context(words[0], words[1:])  # type: ignore[attr-defined]


def test_every_option_of_openssl_exists() -> None:
    known: dict[str, str] = {}
    for alert in alert_names():
        for tool, *words in commands(text_of(alert), "openssl"):
            if tool not in known:
                shown = subprocess.run(["openssl", tool, "-help"], capture_output=True, text=True, check=True)
                known[tool] = shown.stdout + shown.stderr
            for option in (word for word in words if word.startswith("-")):
                assert re.search(rf"^ {option}\s", known[tool], re.MULTILINE), f"{alert}: openssl {tool} {option}"


def test_every_silence_is_taken_and_matches_its_alert(tmp_path: Path) -> None:
    with Alertmanager(tmp_path, ALERTMANAGER) as running:
        url = f"http://{running.host}:{running.port}"
        for alert in alert_names():
            (words,) = commands(section(alert, "Silence"), "amtool")
            assert words[:3] == ["silence", "add", f"--alertmanager.url={ALERTMANAGER_URL}"]
            matchers = [word.partition("=")[0] for word in words[3:] if not word.startswith("--")]
            assert f"alertname={alert}" in words
            assert set(matchers) <= {"alertname", "broker", "instance", "trust"}
            words[2] = f"--alertmanager.url={url}"
            added = subprocess.run(["amtool", *words, "--author=test"], capture_output=True, text=True, check=False)
            assert added.returncode == 0, added.stderr


def test_what_brokers_need_is_said_as_everywhere_else() -> None:
    blocks = {block.caption: block for block in vars(hints).values() if isinstance(block, Hints)}
    used = set()
    for alert in alert_names():
        for caption, lines in re.findall(r"^([^\n]+):\n\n((?:- [^\n]+\n)+)", text_of(alert), re.MULTILINE):
            if caption in blocks:
                used.add(caption)
                said = tuple(tuple(line.removeprefix("- ").split(": ", 1)) for line in lines.splitlines())
                assert said == blocks[caption].by_broker, f"{alert}: {caption}"
    assert used


def test_alerts_that_are_named_exist() -> None:
    names = set(alert_names())
    recorded = {rule.record for rule in rules()}
    for alert in alert_names():
        assert set(re.findall(r"MqttTls[A-Z]\w+", text_of(alert))) <= names
        assert not set(re.findall(r"\w+:mqtt_tls_\w+:?\w*", text_of(alert))) - recorded
