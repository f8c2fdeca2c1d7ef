"""Configuration of the simulator, checked at start: a wrong value is refused with its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mock_fhir.clients import Client, client_from_metadata
from mock_fhir.errors import OAuthError


class ConfigError(ValueError):
    """A configuration value cannot be used; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentKind:
    """What tells the two environments apart, beside their data.

    Attributes:
        prefix: first path segment of everything in the environment.
        id_prefix: put before every FHIR id, so that an id of one environment is never valid in the other.
        employee_base: EHR user ids are `EMP-` and this number plus the user's; MyChart accounts the same with `WPR-`.
        csn_base: contact serial numbers start here.
    """

    name: str
    title: str
    prefix: str
    id_prefix: str
    employee_base: int
    csn_base: int

    @property
    def has_group(self) -> bool:
        """Group visits are tried out in test; production begins without."""
        return self.name == "test"


KINDS = (
    EnvironmentKind(
        name="test",
        title="Test EHR (TST)",
        prefix="/interconnect-tst-oauth",
        id_prefix="",
        employee_base=1000,
        csn_base=200_000_000,
    ),
    EnvironmentKind(
        name="production",
        title="Production EHR (PRD)",
        prefix="/interconnect-prd-oauth",
        id_prefix="prd-",
        employee_base=7000,
        csn_base=700_000_000,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`clients` maps the environment's name to the clients registered there at start."""

    public_url: str
    ca_file: str | None
    mychart_key: str
    zone: ZoneInfo
    clients: Mapping[str, tuple[Client, ...]]


def parse_config(document: Mapping[str, Any]) -> Config:
    """The configuration file (docs: `docs/settings.md`). Raises ConfigError."""
    public_url = document.get("public_url")
    mychart_key = document.get("mychart_key")
    if not isinstance(public_url, str) or not public_url.startswith(("https://", "http://")):
        raise ConfigError(
            "public_url must be the address people and programs use, e.g. https://localhost:8441"
        )
    if not isinstance(mychart_key, str) or not mychart_key:
        raise ConfigError("mychart_key must be the secret shared with the patient portal")
    return Config(
        public_url=public_url.rstrip("/"),
        ca_file=document.get("ca_file"),
        mychart_key=mychart_key,
        zone=_zone(document.get("time_zone", "America/Chicago")),
        clients=_clients(document.get("clients", [])),
    )


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"time_zone {name} is not in the tz database") from error


def _clients(listed: list[dict[str, Any]]) -> dict[str, tuple[Client, ...]]:
    found: dict[str, tuple[Client, ...]] = {kind.name: () for kind in KINDS}
    for number, metadata in enumerate(listed):
        environment = metadata.get("environment")
        client_id = metadata.get("client_id")
        if environment not in found:
            raise ConfigError(f"clients[{number}].environment must be one of {', '.join(found)}")
        if not isinstance(client_id, str) or not client_id:
            raise ConfigError(f"clients[{number}].client_id is missing")
        try:
            client = client_from_metadata(metadata, client_id, metadata.get("client_secret"))
        except OAuthError as error:
            raise ConfigError(f"clients[{number}]: {error.description}") from error
        found[environment] += (client,)
    return found
