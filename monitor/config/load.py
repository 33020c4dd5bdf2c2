"""Loading a configuration: the one way from a file, or from a command line's options, to records."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monitor.config.build import Builder, check_unique_names
from monitor.config.credentials import Credentials
from monitor.config.crls import CrlFiles
from monitor.config.document import parse_document
from monitor.config.environment import Environment, read_environment
from monitor.config.files import Files, Unreadable, read_file
from monitor.config.hosts import endpoint
from monitor.config.problems import Place, Problems, Source, validated
from monitor.config.schema import BrokerOptions, DefaultOptions, FileOptions
from monitor.config.scope import Scope
from monitor.config.shards import part
from monitor.config.trust import TrustStore
from monitor.model.broker import Broker
from monitor.model.config import Config, Settings, Shard

STATE_FILE = "state.json"
"""What the state file is called in systemd's state directory."""


def load(path: Path, environ: Mapping[str, str], shard: Shard | None = None) -> Config:
    """Return the configuration with everything it names read and checked; for a shard, its part of that.

    Raises:
        ConfigError: with every problem of the file, the files it names and the environment.
    """
    problems = Problems()
    overrides = read_environment(environ, problems)
    source, data = _read(path, problems)
    options, wrong = validated(FileOptions, data, source, problems)
    builder = _builder(environ, problems, path.parent)
    scopes = [Scope(source=source, path=("brokers", index), wrong=wrong) for index in range(len(options.brokers))]
    check_unique_names(zip(options.brokers, scopes, strict=True), problems)
    brokers = [
        broker
        for own, scope in zip(options.brokers, scopes, strict=True)
        if (broker := builder.broker(own, options.defaults, scope)) is not None
    ]
    problems.raise_if_any()
    assert overrides is not None
    state_file = _state_file(options, builder.files, environ)
    whole = Config(
        file=str(path),
        brokers=tuple(brokers),
        settings=_settings(options, overrides, state_file),
        warnings=problems.warnings,
    )
    return whole if shard is None else part(whole, shard)


def broker_from_options(options: Mapping[str, object], environ: Mapping[str, str], *, source: str) -> Broker:
    """Return one broker from options nested as an item of `brokers` in the file; paths are relative to the process.

    None counts as not given. Without a name, the broker is called by its host and port.

    Raises:
        ConfigError: with every problem, `source` in the place of a file, without lines.
    """
    problems = Problems()
    origin = Source(file=source)
    data = _given(options)
    own, wrong = validated(BrokerOptions, data, origin, problems)
    if own.name is None:
        own = own.model_copy(update={"name": source if own.host is None else endpoint(own.host, own.port)})
    scope = Scope(source=origin, path=(), wrong=wrong)
    broker = _builder(environ, problems, Path()).broker(own, DefaultOptions(), scope)
    problems.raise_if_any()
    assert broker is not None
    return broker


def _given(options: Mapping[str, object]) -> dict[str, Any]:
    return {
        key: _given(value) if isinstance(value, Mapping) else value
        for key, value in options.items()
        if value is not None
    }


def _builder(environ: Mapping[str, str], problems: Problems, base: Path) -> Builder:
    files = Files(base)
    credentials = Credentials(environ=environ, problems=problems, files=files)
    return Builder(
        problems=problems,
        files=files,
        trusts=TrustStore(files, environ),
        crls=CrlFiles(),
        credentials=credentials,
    )


def _read(path: Path, problems: Problems) -> tuple[Source, dict[str, Any]]:
    """Return the file's text for finding lines, and its values.

    Raises:
        ConfigError: nothing in the file can be made sense of.
    """
    whole = Place(file=str(path))
    try:
        text = read_file(path, regular_only=False).data.decode("utf-8-sig")
    except Unreadable as error:
        problems.add(whole, f"expected a configuration file, found {error}")
        problems.raise_if_any()
        raise AssertionError from error
    except UnicodeDecodeError as error:
        place = Place(file=str(path), line=error.object.count(b"\n", 0, error.start) + 1)
        problems.add(place, f"expected UTF-8 text, found the byte 0x{error.object[error.start]:02x}")
        problems.raise_if_any()
        raise AssertionError from error
    document = parse_document(text)
    source = Source(file=str(path), root=document.root)
    for fault in document.faults:
        key = source.place(fault.path).key
        problems.add(Place(file=str(path), line=fault.line, key=key), fault.message)
    if document.root is None:
        if not document.faults:
            problems.add(whole, "expected a list of brokers under 'brokers:', found an empty file")
        problems.raise_if_any()
    assert document.root is not None
    data = document.root.plain()
    if not isinstance(data, dict):
        problems.add(source.place(()), "expected keys and values, 'brokers:' among them, found something else")
        data = {"brokers": None}
        problems.raise_if_any()
    if "brokers" not in data:
        problems.add(whole, "expected a list of brokers under 'brokers:', found none")
    return source, data


def _state_file(options: FileOptions, files: Files, environ: Mapping[str, str]) -> str | None:
    """Return where what is known outlives the process: as named, else in what systemd's StateDirectory= made."""
    if options.state_file is not None:
        return str(files.path(options.state_file))
    # Several directories stand with colons between (systemd.exec, StateDirectory=).
    directory = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return str(Path(directory) / STATE_FILE) if directory else None


def _settings(options: FileOptions, overrides: Environment, state_file: str | None) -> Settings:
    host, port = overrides.listen or options.listen
    return Settings(
        listen_host=host,
        listen_port=port,
        max_in_flight=overrides.max_in_flight or options.max_in_flight,
        state_file=state_file,
        log_level=(overrides.log_level or options.log.level).value,
        log_format=overrides.log_format or options.log.format,
    )
