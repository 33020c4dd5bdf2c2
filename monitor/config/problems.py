"""Collecting everything that is wrong, each with its file, line and key."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from monitor.config.document import Node, Path
from monitor.config.schema import ELSEWHERE, Section
from monitor.config.text import quoted, without_value
from monitor.model.config import ConfigError, Problem

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a problem lies."""

    file: str
    line: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One configuration text, for finding the line of a key."""

    file: str
    root: Node | None = None
    """None for options that were never in a file: their problems have no line."""

    def is_written(self, path: Path) -> bool:
        """Say whether the key stands in the text."""
        return self._nearest(path)[1]

    def place(self, path: Path) -> Place:
        """Return the place of a key; of the innermost section around it, if it is not written."""
        return Place(file=self.file, line=self._nearest(path)[0], key=dotted(path) or None)

    def _nearest(self, path: Path) -> tuple[int | None, bool]:
        node = self.root
        if node is None:
            return None, False
        for step in path:
            if (below := node.child(step)) is None:
                return node.line, False
            node = below
        return node.line, True


@dataclass(slots=True)
class Problems:
    """Errors and warnings, without duplicates: what `defaults` gets wrong is said once, not once per broker."""

    _errors: dict[Problem, None] = field(default_factory=dict)
    _warnings: dict[Problem, None] = field(default_factory=dict)

    def add(self, place: Place, message: str) -> None:
        """Note an error."""
        self._errors[Problem(file=place.file, line=place.line, key=place.key, message=message)] = None

    def warn(self, place: Place, message: str) -> None:
        """Note something that a run can live with."""
        self._warnings[Problem(file=place.file, line=place.line, key=place.key, message=message)] = None

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The warnings, in file order."""
        return _in_file_order(self._warnings)

    def raise_if_any(self) -> None:
        """Return if there are no errors.

        Raises:
            ConfigError: with every error, in file order.
        """
        if self._errors:
            raise ConfigError(_in_file_order(self._errors))


def dotted(path: Path) -> str:
    """Return a path as messages write it: `brokers[2].tls.ca_file`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            key = without_value(step)
            plain = key if key.isprintable() and 0 < len(key) <= 64 else quoted(key)
            text += f".{plain}" if text else plain
    return text


def validated(model: type[M], data: dict[str, Any], source: Source, problems: Problems) -> tuple[M, frozenset[Path]]:
    """Return the model of everything that is valid in `data`, and the paths of what was not and became a problem.

    Invalid values are taken out of `data` and validation is tried again, so that later checks still see the rest.
    """
    wrong: set[Path] = set()
    while True:
        try:
            return model.model_validate(data), frozenset(wrong)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False)
        for fault in faults:
            # pydantic names the key of a mapping entry by a further step.
            path = tuple(step for step in fault["loc"] if step != "[key]")
            problems.add(source.place(path), _message(model, fault, path))
            if path not in wrong:
                wrong.add(path)
                _take_out(data, path)


def _message(model: type[BaseModel], fault: Any, path: Path) -> str:
    if fault["type"] == "extra_forbidden":
        return _unknown_key(model, path)
    cause = fault.get("ctx", {}).get("error")
    return str(cause) if cause is not None else f"expected another value ({fault['msg']})"


def _take_out(data: Any, path: Path) -> None:
    for step in path[:-1]:
        data = data[step]
    if isinstance(data, dict):
        data.pop(path[-1], None)
    else:
        data[path[-1]] = {}  # the other items keep their index


def _unknown_key(model: type[BaseModel], path: Path) -> str:
    section = _section_at(model, path[:-1])
    key = without_value(str(path[-1]))
    word = key.removesuffix("...")
    if (answer := ELSEWHERE.get((section.__name__, word)) or ELSEWHERE.get(("", word))) is not None:
        return answer
    known = list(section.model_fields)
    nested = {
        below: f"{name}.{below}"
        for name, info in section.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section)
        for below in info.annotation.model_fields
    }
    near = difflib.get_close_matches(word.lower().replace("-", "_"), [*known, *nested], n=1, cutoff=0.7)
    if near:
        nearest = near[0] if near[0] in known else nested[near[0]]
        return f"expected a known key, found {quoted(key)}; did you mean '{nearest}'?"
    return f"expected a known key ({', '.join(known)}), found {quoted(key)}"


def _section_at(model: type[BaseModel], path: Path) -> type[BaseModel]:
    """Return the section that holds the keys at `path`."""
    section: Any = model  # as deep in annotations as typing goes: no type describes it
    for step in path:
        if isinstance(step, str):
            section = section.model_fields[step].annotation
        elif typing.get_origin(section) is tuple:
            section = typing.get_args(section)[0]
        if typing.get_origin(section) is typing.Annotated:
            section = typing.get_args(section)[0]
    assert isinstance(section, type)
    assert issubclass(section, BaseModel)
    return section


def _in_file_order(problems: Mapping[Problem, None]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: problem.line or 0))
