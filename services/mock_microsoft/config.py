"""Configuration file of `python -m mock_microsoft`: what is registered in Entra before anyone signs in."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mock_microsoft.identifiers import is_guid


def _guid(text: str) -> str:
    if not is_guid(text):
        raise ValueError("must be a GUID, for example 3f0d5d2c-7c1e-4a55-9a52-6f1d3f4a0a11")
    return text.lower()


def _base_url(text: str) -> str:
    if not text.startswith("https://"):
        raise ValueError("must be https: msal and Graph speak to nothing else")
    return text.rstrip("/")


Guid = Annotated[str, AfterValidator(_guid)]


class AppRegistration(BaseModel):
    """One multi-tenant confidential client.

    `app_roles_granted` are the application permissions an administrator's consent grants.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: Guid
    name: str
    redirect_uris: tuple[str, ...]
    certificate_pem: str | None = None
    client_secret: str | None = Field(default=None, repr=False)
    app_roles_granted: tuple[str, ...] = ()


class Configuration(BaseModel):
    """`public_url` is where browsers and the connector reach this simulator; `ca_file` is trusted for its own calls."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_url: Annotated[str, AfterValidator(_base_url)]
    ca_file: str | None = None
    apps: tuple[AppRegistration, ...] = ()
