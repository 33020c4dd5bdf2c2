"""What the image is made of; that it builds and works is shown by `make test-image`."""

import re
import shlex
import tomllib
from pathlib import Path

from monitor.model.config import Settings

ROOT = Path(__file__).parent.parent


def instructions(name: str) -> list[str]:
    """Return the arguments of each such line of the Dockerfile, in their order."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return re.findall(rf"^{name} (.+)$", text, re.MULTILINE)


def test_base_is_named_in_one_place() -> None:
    stages = [line.split() for line in instructions("FROM")]
    names = {words[2] for words in stages if words[1:2] == ["AS"]}
    assert [words[0] for words in stages if words[0] not in names] == ["debian:bookworm-slim"]


def test_what_is_copied_exists_and_is_all_that_a_build_is_given() -> None:
    copied = {path for line in instructions("COPY") if "--from" not in line for path in line.split()[:-1]}
    assert [path for path in copied if not (ROOT / path).exists()] == []
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    assert rules[1] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied


def test_labels_say_what_the_project_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    labels = dict(word.split("=", 1) for word in shlex.split(instructions("LABEL")[0]))
    assert labels == {
        f"org.opencontainers.image.{key}": project[source]
        for key, source in (("title", "name"), ("description", "description"), ("licenses", "license"))
    }


def test_health_is_asked_where_the_daemon_listens_by_itself() -> None:
    port = str(Settings().listen_port)
    assert instructions("EXPOSE") == [port]
    assert f"'127.0.0.1', {port}," in instructions("HEALTHCHECK")[0]


def test_user_is_a_number_other_than_roots() -> None:
    # Kubernetes' runAsNonRoot cannot tell of a name whether it is root's.
    assert instructions("USER") == ["9883:9883"]
