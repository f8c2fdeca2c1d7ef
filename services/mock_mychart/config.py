"""The portal's configuration file: where it is served, which EHR stands behind which environment."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class ConfigError(Exception):
    """The configuration file cannot be used; the message names the field."""


class EnvironmentConfig(BaseModel):
    """One EHR environment; ``ehr_url`` is the EHR's root, the internal API is below it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ehr_url: str = Field(pattern=r"^https?://[^/]+(/.*)?$")


class MyChartConfig(BaseModel):
    """What ``--config`` holds. ``ca_file`` is trusted for calls to the EHR, which ``ehr_key`` opens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_url: str = Field(pattern=r"^https?://[^/]+$")
    ca_file: Path | None = None
    ehr_key: str = Field(min_length=1, repr=False)
    environments: dict[str, EnvironmentConfig] = Field(min_length=1)


def read_config(document: dict[str, Any]) -> MyChartConfig:
    """The validated configuration.

    Raises:
        ConfigError: a field is missing, unknown or wrong.
    """
    try:
        return MyChartConfig.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{field}: {first['msg']}") from error
