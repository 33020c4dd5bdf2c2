"""`docs/configuration.md` and the example say what the schema says."""

from __future__ import annotations

import re
import shlex
import typing
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from monitor.config.load import load
from monitor.config.schema import BrokerOptions, DefaultOptions, FileOptions, Section
from monitor.model.config import ConfigError

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text()
EXAMPLE = ROOT / "config" / "monitor.example.yml"
REQUIRED = {"brokers", "brokers[].name", "brokers[].host"}
ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \| (.*?) \| .*\|$", re.MULTILINE)
DOCUMENTED = {match[1]: match[3] for match in ROW.finditer(PAGE)}


Field = tuple[type[BaseModel], str, FieldInfo]


def fields(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Field]]:
    """Yield every key that can be written: its dotted path, section, name and field."""
    for name, info in section.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section) and name != "defaults":
            yield from fields(info.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", (section, name, info)


FIELDS = dict((*fields(FileOptions), *fields(BrokerOptions, "brokers[].")))


def test_every_key_is_documented_and_none_is_stale() -> None:
    assert sorted(DOCUMENTED) == sorted(FIELDS)


@pytest.mark.parametrize("key", sorted(FIELDS))
def test_default_is_as_documented(key: str) -> None:
    section, name, info = FIELDS[key]
    default: Any = info.get_default(call_default_factory=True, validated_data={})
    said = DOCUMENTED[key]
    if code := re.fullmatch(r"`([^`]+)`", said):
        assert getattr(section.model_validate({name: code[1]}), name) == default
    else:
        assert (said == "required") == (key in REQUIRED)
        assert default in (None, (), {}, DefaultOptions())


def test_every_choice_is_documented() -> None:
    rows = {match[1]: match[2] for match in ROW.finditer(PAGE)}
    for key, (_, _, info) in FIELDS.items():
        kinds = [kind for kind in (info.annotation, *typing.get_args(info.annotation)) if isinstance(kind, type)]
        for choices in kinds:
            if issubclass(choices, StrEnum):
                assert rows[key] == ", ".join(f"`{choice.value}`" for choice in choices), key


def test_every_variable_is_documented() -> None:
    from monitor.config.environment import Environment  # noqa: PLC0415  beside its use: nothing else here needs it

    names = {str(info.validation_alias) for info in Environment.model_fields.values()}
    assert set(re.findall(r"MQTT_TLS_MONITOR_[A-Z_]+", PAGE)) == names


def test_example_can_be_used_as_it_is(system_store: dict[str, str]) -> None:
    config = load(EXAMPLE, system_store)
    assert [(broker.name, broker.host, broker.port) for broker in config.brokers] == [("local", "localhost", 8883)]
    assert config.warnings == ()


def test_every_line_that_the_example_comments_out_is_a_known_key(tmp_path: Path, system_store: dict[str, str]) -> None:
    """With all of them in force, only the files that they name are missing."""
    lines = [
        re.sub(r"^( *)# ( *[a-z_]+: .*|[a-z_]+:|  [a-z_]+: .*|- name: .*)$", r"\1\2", line) for line in text_lines()
    ]
    path = tmp_path / "all.yml"
    path.write_text("\n".join(lines))
    written = yaml.safe_load(path.read_text())
    assert {"username", "password_file", "topic", "qos"} <= set(written["brokers"][0]["mqtt"])
    for name in re.findall(r"/etc/mqtt-tls-monitor/[a-z.]+", path.read_text()):
        path.write_text(path.read_text().replace(name, shlex.quote(str(Path(__file__).parent / "bad/files/ca.pem"))))
    with pytest.raises(ConfigError, match="client_key: expected a private key in PEM") as refused:
        load(path, system_store)
    assert len(refused.value.problems) == 1


def text_lines() -> list[str]:
    return EXAMPLE.read_text().splitlines()
