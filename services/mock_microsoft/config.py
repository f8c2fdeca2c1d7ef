"""Configuration file of `python -m mock_microsoft`: what is registered in Entra before anyone signs in.

{"public_url": "https://localhost:8443", "ca_file": "…", "device_code_interval_seconds": 5, "apps": [
  {"client_id": "A", "name": "Teams EHR connector", "redirect_uris": ["https://…"], "certificate_pem": "-----BEGIN …",
   "app_roles_granted": ["User.Read.All"],
   "exposed_api": {"identifier_uri": "api://A", "scopes": ["Configuration.ReadWrite"], "app_roles": ["Connector.Admin"]}},
  {"client_id": "B", "name": "Connector command line", "is_public_client": true,
   "api_permissions": [{"api": "A", "scopes": ["Configuration.ReadWrite"]}]},
  {"client_id": "C", "name": "Connector pipeline", "client_secret": "…",
   "api_permissions": [{"api": "A", "app_roles": ["Connector.Admin"]}]}]}
"""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

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
_STRICT = ConfigDict(frozen=True, extra="forbid")


class ExposedApi(BaseModel):
    """What a registration's "Expose an API" and "App roles" say; its manifest asks for version 2 access tokens.

    `scopes` are delegated permissions; `app_roles` may be assigned to people and to applications.
    https://learn.microsoft.com/entra/identity-platform/quickstart-configure-app-expose-web-apis
    """

    model_config = _STRICT

    identifier_uri: str
    scopes: tuple[str, ...] = ()
    app_roles: tuple[str, ...] = ()


class ApiPermission(BaseModel):
    """What one application may do at the API of the application `api`, once a tenant consents."""

    model_config = _STRICT

    api: Guid
    scopes: tuple[str, ...] = ()
    app_roles: tuple[str, ...] = ()


class AppRegistration(BaseModel):
    """One multi-tenant application.

    `app_roles_granted` are the application permissions for Graph, `api_permissions` those for APIs registered here; an
    administrator's consent grants both. `is_public_client` is the manifest's "allow public client flows": device code,
    no credential. `certificate_pem` may hold several certificates; each of them proves the application.
    """

    model_config = _STRICT

    client_id: Guid
    name: str
    redirect_uris: tuple[str, ...] = ()
    certificate_pem: str | None = None
    client_secret: str | None = Field(default=None, repr=False)
    app_roles_granted: tuple[str, ...] = ()
    is_public_client: bool = False
    exposed_api: ExposedApi | None = None
    api_permissions: tuple[ApiPermission, ...] = ()

    def permission_for(self, api: "AppRegistration") -> ApiPermission:
        """Nothing, when none was asked for."""
        asked = (one for one in self.api_permissions if one.api == api.client_id)
        return next(asked, ApiPermission(api=api.client_id))


class Configuration(BaseModel):
    """`public_url` is where browsers and the connector reach this simulator; `ca_file` is trusted for its own calls."""

    model_config = _STRICT

    public_url: Annotated[str, AfterValidator(_base_url)]
    ca_file: str | None = None
    apps: tuple[AppRegistration, ...] = ()
    device_code_interval_seconds: Annotated[int, Field(ge=1)] = 5

    @model_validator(mode="after")
    def _permissions_exist(self) -> Self:
        """A permission nobody exposes would silently be missing from every token."""
        exposed = {app.client_id: app.exposed_api for app in self.apps if app.exposed_api}
        for app in self.apps:
            for permission in app.api_permissions:
                _check_permission(app.name, permission, exposed.get(permission.api))
        return self


def _check_permission(name: str, permission: ApiPermission, api: ExposedApi | None) -> None:
    if api is None:
        raise ValueError(f"{name}: no application {permission.api} exposes an API")
    unknown = {*permission.scopes, *permission.app_roles} - {*api.scopes, *api.app_roles}
    if unknown:
        raise ValueError(f"{name}: {api.identifier_uri} exposes no {', '.join(sorted(unknown))}")
