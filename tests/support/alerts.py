"""The alert rules and their promtool tests, as records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
RULES: Final = tuple(sorted((ROOT / "config/prometheus/rules").glob("*.yml")))
RULE_TESTS: Final = tuple(sorted((ROOT / "config/prometheus/tests").glob("*.yml")))
ALERTMANAGER: Final = ROOT / "config/alertmanager/alertmanager.yml"

_SAMPLES = re.compile(r"(?P<first>-?[\d.]+)(?P<step>[+-][\d.]+)?x(?P<more>\d+)")
_MATCHER = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A recording or an alerting rule."""

    alert: str | None
    record: str | None
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    keeps_firing_m: int
    """For how many minutes after its cause has gone."""

    @property
    def texts(self) -> tuple[str, ...]:
        """Return everything that may name a metric."""
        return (self.expr, *(text.replace('\\"', '"') for text in self.annotations.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """An input series of a promtool test."""

    name: str
    labels: Mapping[str, str]
    values: str

    def samples(self) -> tuple[str | float, ...]:
        """Return the samples one by one: numbers, and `stale` as it is."""
        return tuple(_expanded(self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One promtool test: what is scraped, and which alerts of one name fire at which minutes."""

    name: str
    rule_files: tuple[Path, ...]
    alert: str
    series: tuple[Series, ...]
    fires: Mapping[int, tuple[Mapping[str, Any], ...]]
    """By minute, in order: the alerts expected then, none where it must be silent."""


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule, in the files' order."""
    return tuple(
        Rule(
            alert=rule.get("alert"),
            record=rule.get("record"),
            expr=rule["expr"],
            labels=rule.get("labels", {}),
            annotations=rule.get("annotations", {}),
            keeps_firing_m=int(rule.get("keep_firing_for", "0m").removesuffix("m")),
        )
        for file in RULES
        for group in _read(file)["groups"]
        for rule in group["rules"]
    )


def alerts() -> tuple[Rule, ...]:
    """Return the alerting rules; several may share a name."""
    return tuple(rule for rule in rules() if rule.alert is not None)


@cache
def alert_names() -> tuple[str, ...]:
    """Return the names of the alerts, sorted."""
    return tuple(sorted({rule.alert for rule in alerts() if rule.alert is not None}))


@cache
def timelines() -> tuple[Timeline, ...]:
    """Return every promtool test, in the files' order."""
    return tuple(_timeline(file, test) for file in RULE_TESTS for test in _read(file)["tests"])


@cache
def _read(file: Path) -> Any:
    # Text alone, as promtool takes it: `0x40` is 41 samples, and no hexadecimal number. In C, ten times as fast.
    return yaml.load(file.read_text(), yaml.CBaseLoader)


def _timeline(file: Path, test: Mapping[str, Any]) -> Timeline:
    checks = test["alert_rule_test"]
    (alert,) = {check["alertname"] for check in checks}
    return Timeline(
        name=test["name"],
        rule_files=tuple((file.parent / name).resolve() for name in _read(file)["rule_files"]),
        alert=alert,
        series=tuple(_series(each) for each in test["input_series"]),
        fires={int(check["eval_time"].removesuffix("m")): tuple(check.get("exp_alerts", ())) for check in checks},
    )


def _series(described: Mapping[str, str]) -> Series:
    name, _, matchers = described["series"].partition("{")
    return Series(name=name, labels=dict(_MATCHER.findall(matchers)), values=described["values"])


def _expanded(values: str) -> Iterator[str | float]:
    for word in values.split():
        match = _SAMPLES.fullmatch(word)
        if match is None:
            yield word if word == "stale" else float(word)
            continue
        first, step = float(match["first"]), float(match["step"] or 0)
        yield from (first + step * each for each in range(int(match["more"]) + 1))
