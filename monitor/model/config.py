"""A loaded configuration, and what can be wrong with one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.model.broker import Broker


class LogFormat(StrEnum):
    """How log lines are written."""

    AUTO = "auto"
    """`console` on a terminal and in systemd's journal, else `json`."""
    CONSOLE = "console"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What concerns the daemon and no single broker."""

    listen_host: str = ""
    """Empty: every interface, IPv4 and IPv6."""
    listen_port: int = 9883
    max_in_flight: int = 64
    """Probes under way at once, over all brokers."""
    state_file: str | None = None
    """Where what is known is kept over a restart; None: nowhere."""
    log_level: str = "info"
    log_format: LogFormat = LogFormat.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One of several processes that share a configuration, and its brokers among them."""

    number: int
    """From 0 on, below `total`."""
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a configuration, and where."""

    file: str
    line: int | None
    """1-based; None if it belongs to no line (the file cannot be read, an environment variable)."""
    key: str | None
    """Dotted, with list indices: `brokers[2].tls.ca_file`."""
    message: str
    """What was expected and what was found; never a secret's value."""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}" if self.key is None else f"{place}: {self.key}: {self.message}"


class ConfigError(Exception):
    """The configuration cannot be used. Carries every problem found, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything a run needs; every file it names was read and checked."""

    file: str
    shard: Shard | None = None
    """Whose part this is; None: it is the whole."""
    brokers: tuple[Broker, ...]
    """Never empty but for a shard."""
    settings: Settings
    warnings: tuple[Problem, ...] = ()
