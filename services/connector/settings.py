"""Every setting, read once from the environment, checked together; a wrong value refuses to start.

`docs/settings.md` lists them; a test compares.
"""

import json
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from connector.domain.configuration import EhrClients
from connector.domain.geography import Geography, azure_regions
from connector.domain.organization import EnvironmentKind

MICROSOFT_LOGIN = "https://login.microsoftonline.com"
MICROSOFT_GRAPH = "https://graph.microsoft.com"
TEAMS_HOSTS = ("teams.microsoft.com", "visit.teams.microsoft.com")


class SettingsInvalid(Exception):
    """Startup is refused; `problems` names every wrong setting at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("settings are invalid")
        self.problems = problems


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("must be an https origin such as https://visits.example.org")
    return value.rstrip("/")


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""


Origin = Annotated[str, AfterValidator(_origin)]


class DatabaseLogin(StrEnum):
    """How PostgreSQL is signed in to: by what its URL says, or by tokens of our managed identity."""

    URL = "url"
    ENTRA = "entra"


class ClientIds(BaseModel):
    """The connector's client ids at one EHR environment, one per audience."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    provider: str = ""
    patient: str = ""
    backend: str = ""

    def as_clients(self) -> EhrClients:
        return EhrClients(self.provider, self.patient, self.backend)


class Settings(BaseSettings):
    """The connector's environment variables, prefix `CONNECTOR_`."""

    model_config = SettingsConfigDict(env_prefix="CONNECTOR_", frozen=True, extra="ignore")

    public_url: Origin = Field(description="Where browsers and Graph reach the connector.")
    feed_url: str = Field(
        default="", description="Origin of the live feed; empty: the same as the public URL."
    )
    bind: str = Field(default="127.0.0.1:8440", description="Address web listens on.")
    feed_bind: str = Field(default="127.0.0.1:8444", description="Address feed listens on.")
    tls_cert_file: Path | None = Field(
        default=None, description="Serving certificate; empty behind an ingress that ends TLS."
    )
    tls_key_file: Path | None = Field(default=None, description="Its private key.")
    ca_file: Path | None = Field(
        default=None, description="Extra certificate authority trusted for outbound calls."
    )
    database_url: str = Field(description="sqlite:////path or postgresql+psycopg://…")
    database_login: DatabaseLogin = Field(
        default=DatabaseLogin.URL,
        description="url: as the URL says; entra: an access token of the managed identity for each connection.",
    )
    database_app_role: str = Field(
        default="",
        description="`connector db upgrade` sees to it that this PostgreSQL role may do what the processes do.",
    )
    data_geography: Geography = Field(description="americas, emea or apac; fixed per deployment.")
    azure_region: str = Field(
        default="",
        description="Azure region it runs in; must be one of the data geography. Empty: elsewhere.",
    )
    portals: dict[Geography, Origin] = Field(
        default_factory=dict,
        description="JSON: public URL of the portal of each data geography, shown to who came to the wrong one.",
    )
    keys_directory: Path | None = Field(
        default=None, description="Where `connector keys init` put the keys; or they lie in"
    )
    key_vault_url: str = Field(
        default="", description="a Key Vault: its origin, https://….vault.azure.net."
    )
    managed_identity_client_id: str = Field(
        default="",
        description="Client id of the user-assigned identity; empty: the system-assigned one.",
    )
    trusted_private_hosts: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        description="Hosts that may resolve to private addresses; laptops only.",
    )
    vouched_hosts: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        description="EHR hosts an operator checked although they read like another tenant's.",
    )
    microsoft_login_url: Origin = Field(default=MICROSOFT_LOGIN, description="Entra's origin.")
    graph_url: Origin = Field(default=MICROSOFT_GRAPH, description="Graph's origin.")
    microsoft_client_id: str = Field(description="The Entra app registration's client id.")
    ehr_client_ids: dict[EnvironmentKind, ClientIds] = Field(
        default_factory=dict,
        description="JSON: client ids offered when a test or production environment is entered.",
    )
    web_workers: PositiveInt = Field(default=2, description="gunicorn worker processes.")
    web_threads: PositiveInt = Field(default=16, description="Threads of each of them.")
    visits_kept_days: PositiveInt = Field(
        default=30, description="Days a visit's row is kept after its end."
    )
    attendance_after_seconds: float = Field(
        default=300,
        ge=1,
        le=1800,
        description="How long after a call's end Graph's attendance report is looked for first.",
    )
    audit_anchor_file: Path | None = Field(
        default=None,
        description="Append-only file, outside the database, that remembers the audit trail's head.",
    )
    metrics_directory: Path | None = Field(
        default=None, description="Where the processes of one host share their metrics."
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @field_validator("trusted_private_hosts", "vouched_hosts", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return (
            [h.strip() for h in value.split(",") if h.strip()] if isinstance(value, str) else value
        )

    @field_validator("keys_directory", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        return value or None

    @field_validator("key_vault_url")
    @classmethod
    def _vault_origin(cls, value: str) -> str:
        return _origin(value) if value else value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if not value.startswith(("sqlite:////", "postgresql+psycopg://")):
            raise ValueError("must begin with sqlite://// or postgresql+psycopg://")
        return value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
        return value

    @model_validator(mode="after")
    def _goes_together(self) -> "Settings":
        """TLS needs both files; the feed must be reached by the host whose cookies admit to it.

        And nothing starts in a region whose data geography is another one (microsoft.md 6.3).
        """
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("CONNECTOR_TLS_CERT_FILE and CONNECTOR_TLS_KEY_FILE go together")
        if self.azure_region and not self._region_is_ours():
            raise ValueError("CONNECTOR_AZURE_REGION is no region of CONNECTOR_DATA_GEOGRAPHY")
        if self.feed_url and _host(_origin(self.feed_url)) != _host(self.public_url):
            raise ValueError("CONNECTOR_FEED_URL must have the host name of CONNECTOR_PUBLIC_URL")
        return self

    @model_validator(mode="after")
    def _keys_lie_in_one_place(self) -> "Settings":
        if (self.keys_directory is None) == (not self.key_vault_url):
            raise ValueError(
                "set exactly one of CONNECTOR_KEYS_DIRECTORY and CONNECTOR_KEY_VAULT_URL"
            )
        return self

    @model_validator(mode="after")
    def _signs_in_to_postgresql(self) -> "Settings":
        """A token is no use to SQLite, and a password beside it would be one too many."""
        entra = self.database_login is DatabaseLogin.ENTRA
        if (entra or self.database_app_role) and self.database_url.startswith("sqlite:"):
            name = "CONNECTOR_DATABASE_LOGIN=entra" if entra else "CONNECTOR_DATABASE_APP_ROLE"
            raise ValueError(f"{name} needs PostgreSQL in CONNECTOR_DATABASE_URL")
        if entra and _carries_password(self.database_url):
            raise ValueError(
                "CONNECTOR_DATABASE_URL carries a password, and CONNECTOR_DATABASE_LOGIN is entra: "
                "take the password out"
            )
        return self

    def _region_is_ours(self) -> bool:
        region = azure_regions().get(self.azure_region)
        return region is not None and region.geography is self.data_geography

    @property
    def needs_managed_identity(self) -> bool:
        return bool(self.key_vault_url) or self.database_login is DatabaseLogin.ENTRA

    @property
    def live_feed_url(self) -> str:
        return self.feed_url or self.public_url

    @property
    def teams_hosts(self) -> frozenset[str]:
        """Hosts a launch may redirect to: Teams', or the simulator's when Graph is one."""
        if self.graph_url == MICROSOFT_GRAPH:
            return frozenset(TEAMS_HOSTS)
        return frozenset({urlsplit(self.graph_url).netloc})

    @property
    def visits_kept(self) -> timedelta:
        return timedelta(days=self.visits_kept_days)

    @property
    def attendance_after(self) -> timedelta:
        return timedelta(seconds=self.attendance_after_seconds)

    def clients_offered(self, kind: EnvironmentKind) -> EhrClients:
        return self.ehr_client_ids.get(kind, ClientIds()).as_clients()


def _carries_password(url: str) -> bool:
    parts = urlsplit(url)
    named = parse_qs(parts.query, keep_blank_values=True).keys()
    return parts.password is not None or bool(named & {"password", "passfile", "service"})


def load_settings() -> Settings:
    """Read and check the environment.

    Raises:
        SettingsInvalid: with one line per wrong or missing variable, values not repeated.
    """
    try:
        return Settings()  # type: ignore[call-arg] # the values come from the environment
    except ValidationError as err:
        raise SettingsInvalid([_line(e) for e in json.loads(err.json())]) from err


def _line(error: dict[str, Any]) -> str:
    if not error["loc"]:  # of several settings together: the message names them
        return str(error["msg"]).removeprefix("Value error, ")
    name = "_".join(str(part) for part in error["loc"]).upper()
    return f"CONNECTOR_{name}: {error['msg'].removeprefix('Value error, ')}"
