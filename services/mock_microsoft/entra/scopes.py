"""The `scope` parameter: which resource a token is asked for, and what may be done there.

https://learn.microsoft.com/entra/identity-platform/scopes-oidc
"""

from dataclasses import dataclass

from mock_microsoft.apps import Apps
from mock_microsoft.config import AppRegistration
from mock_microsoft.directory import Tenant
from mock_microsoft.entra.errors import Aadsts, EntraError
from mock_microsoft.grants import Consent, Grants

GRAPH_AUDIENCE = "https://graph.microsoft.com"
DEFAULT = ".default"
OPENID_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})


@dataclass(frozen=True, slots=True)
class Resource:
    """Graph under the name the client gave it, or the API of a registered application."""

    name: str
    api: AppRegistration | None = None


@dataclass(frozen=True, slots=True)
class AskedScopes:
    """`permissions` are without the resource's name; `openid` is what was asked about the person."""

    resource: Resource
    permissions: tuple[str, ...]
    openid: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resources:
    """What tokens can be asked for: Graph (also by this simulator's URL), and every exposed API."""

    apps: Apps
    public_url: str

    def find(self, name: str) -> Resource:
        """Raises EntraError 500011."""
        if name in (GRAPH_AUDIENCE, self.public_url):
            return Resource(name)
        api = self.apps.api(name)
        if api is None:
            raise EntraError(Aadsts.RESOURCE_UNKNOWN, f"Resource '{name}'.")
        return Resource(name, api)

    def of_application(self, scope: str) -> Resource:
        """Client credentials name one resource and `/.default`. Raises EntraError 70011 or 500011."""
        name, _, permission = scope.rpartition("/")
        if " " in scope or permission != DEFAULT:
            raise EntraError(
                Aadsts.SCOPE_INVALID, "Client credentials need one resource and /.default."
            )
        return self.find(name)

    def of_person(self, scope: str) -> AskedScopes:
        """Delegated permissions of one resource; a name without resource is one of Graph's.

        Raises:
            EntraError: 28000 two resources, 70011 `.default` beside another permission, 500011, 650053.
        """
        given = scope.split()
        qualified = [self._split(one) for one in given if one not in OPENID_SCOPES]
        names = {name for name, _ in qualified}
        if len(names) > 1:
            raise EntraError(Aadsts.RESOURCES_MIXED)
        permissions = tuple(permission for _, permission in qualified)
        if DEFAULT in permissions and len(permissions) > 1:
            raise EntraError(Aadsts.SCOPE_INVALID, f"{DEFAULT} goes with no other permission.")
        resource = self.find(names.pop() if names else GRAPH_AUDIENCE)
        _check_exposed(resource, permissions)
        return AskedScopes(resource, permissions, tuple(s for s in given if s in OPENID_SCOPES))

    @staticmethod
    def _split(scope: str) -> tuple[str, str]:
        name, _, permission = scope.rpartition("/")
        return name or GRAPH_AUDIENCE, permission


def _check_exposed(resource: Resource, permissions: tuple[str, ...]) -> None:
    if resource.api is None or resource.api.exposed_api is None:
        return
    known = {*resource.api.exposed_api.scopes, DEFAULT}
    for permission in permissions:
        if permission not in known:
            raise EntraError(Aadsts.SCOPE_NOT_EXPOSED, f"Scope '{permission}'.")


def granted_scopes(
    app: AppRegistration, asked: AskedScopes, tenant: Tenant, grants: Grants
) -> tuple[str, ...]:
    """What of an API the tenant consented to; Graph's delegated permissions are not modelled and granted as asked.

    Raises:
        EntraError: 500011 the API is not in the tenant, 65001 no consent to what was asked.
    """
    api = asked.resource.api
    if api is None:
        return asked.permissions
    require_api_in_tenant(api, tenant, grants)
    consented = grants.consent(app.client_id, tenant.id) is Consent.GRANTED
    allowed = app.permission_for(api).scopes if consented else ()
    wanted = allowed if asked.permissions == (DEFAULT,) else asked.permissions
    if not wanted or not set(wanted) <= set(allowed):
        raise EntraError(Aadsts.NO_CONSENT, f"Application '{app.name}', tenant '{tenant.name}'.")
    return wanted


def require_api_in_tenant(api: AppRegistration, tenant: Tenant, grants: Grants) -> None:
    """Raises EntraError 500011: an API has a service principal where somebody consented to it."""
    if grants.consent(api.client_id, tenant.id) is Consent.ABSENT:
        raise EntraError(
            Aadsts.RESOURCE_UNKNOWN, f"Application '{api.name}', tenant '{tenant.name}'."
        )
