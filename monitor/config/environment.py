"""Environment variables that overrule the daemon's own settings; nothing of a single broker can be set so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from monitor.config.problems import Place, Problems
from monitor.config.schema import Listen, LogLevel, MaxInFlight
from monitor.config.text import one_of
from monitor.model.config import LogFormat

PLACE = "environment"


class Environment(BaseSettings):
    """What the environment sets; None for what it does not. An empty variable counts as not set."""

    model_config = SettingsConfigDict(
        case_sensitive=True, env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    listen: Listen | None = Field(None, validation_alias="MQTT_TLS_MONITOR_LISTEN")
    max_in_flight: MaxInFlight | None = Field(None, validation_alias="MQTT_TLS_MONITOR_MAX_IN_FLIGHT")
    log_level: Annotated[LogLevel, BeforeValidator(one_of(LogLevel, "a log level"))] | None = Field(
        None, validation_alias="MQTT_TLS_MONITOR_LOG_LEVEL"
    )
    log_format: Annotated[LogFormat, BeforeValidator(one_of(LogFormat, "a log format"))] | None = Field(
        None, validation_alias="MQTT_TLS_MONITOR_LOG_FORMAT"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `read_environment` passes and nothing else: the process' own environment is not looked at."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


class _Given(EnvSettingsSource):
    """The variables of a mapping that is passed in."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(Environment)
        self.env_vars = {name: value for name, value in environ.items() if value}


def read_environment(environ: Mapping[str, str], problems: Problems) -> Environment | None:
    """Return the overrides, or None after noting what is wrong with them."""
    try:
        return Environment(**_Given(environ)())
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            place = Place(file=PLACE, key=str(fault["loc"][0]))
            problems.add(place, str(fault.get("ctx", {}).get("error", fault["msg"])))
        return None
