"""The tokens of one sign-in and of one application, once everything was checked."""

from dataclasses import dataclass
from typing import Any

from mock_microsoft.config import AppRegistration
from mock_microsoft.directory import Person, Tenant
from mock_microsoft.entra.claims import (
    TOKEN_SECONDS,
    ApiCall,
    Claims,
    api_app_claims,
    api_person_claims,
    app_token_claims,
    client_info,
    delegated_token_claims,
    id_token_claims,
    v2_issuer,
)
from mock_microsoft.entra.errors import Aadsts, EntraError
from mock_microsoft.entra.forgery import sign_token
from mock_microsoft.entra.scopes import (
    AskedScopes,
    Resource,
    granted_scopes,
    require_api_in_tenant,
)
from mock_microsoft.grants import Consent
from mock_microsoft.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A person signed in to `app` and allowed `scope`; `credential` is how the application proved itself."""

    app: AppRegistration
    credential: str
    person: Person
    scope: str
    nonce: str | None = None


def sign_in_tokens(world: World, sign_in: SignIn) -> dict[str, Any]:
    """Answer of the token endpoint for a person.

    Raises:
        EntraError: 50057 the account was disabled meanwhile; 500011, 65001 and others of the scope.
    """
    person = world.directory.person(sign_in.person.id)
    if person is None or not person.enabled:
        raise EntraError(Aadsts.ACCOUNT_DISABLED)
    asked = world.resources.of_person(sign_in.scope)
    permissions = granted_scopes(sign_in.app, asked, person.tenant, world.grants)
    answer = {
        "token_type": "Bearer",
        "scope": _scope_text(asked, permissions),
        "expires_in": TOKEN_SECONDS,
        "ext_expires_in": TOKEN_SECONDS,
        "access_token": _person_access_token(world, sign_in, person, asked, permissions),
        "client_info": client_info(person),
    }
    if "openid" in asked.openid:
        answer["id_token"] = _id_token(world, sign_in, person)
    return answer


def _scope_text(asked: AskedScopes, permissions: tuple[str, ...]) -> str:
    """Graph's permissions are answered without its name, those of an API with it."""
    prefix = f"{asked.resource.name}/" if asked.resource.api else ""
    kept = (scope for scope in asked.openid if scope != "offline_access")
    return " ".join([*kept, *(prefix + permission for permission in permissions)])


def _id_token(world: World, sign_in: SignIn, person: Person) -> str:
    claims = id_token_claims(
        issuer=v2_issuer(world.config.public_url, person.tenant.id),
        app=sign_in.app,
        person=person,
        roles=world.grants.app_roles(sign_in.app.client_id, person.id),
        nonce=sign_in.nonce,
        now=world.clock.now(),
    )
    return sign_token(world.withheld_claims.without(claims), world.key, world.forgeries.take())


def _person_access_token(
    world: World, sign_in: SignIn, person: Person, asked: AskedScopes, permissions: tuple[str, ...]
) -> str:
    api = asked.resource.api
    if api is None:
        scope = _scope_text(asked, permissions)
        return world.key.sign(
            delegated_token_claims(
                app=sign_in.app,
                person=person,
                resource=asked.resource.name,
                scope=scope,
                now=world.clock.now(),
            )
        )
    call = ApiCall(
        issuer=v2_issuer(world.config.public_url, person.tenant.id),
        api=api,
        client=sign_in.app,
        credential=sign_in.credential,
        roles=world.grants.app_roles(api.client_id, person.id),
        now=world.clock.now(),
    )
    return _signed_for_api(world, api_person_claims(call, person, permissions))


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSignIn:
    """An application proved itself to one tenant."""

    app: AppRegistration
    credential: str
    tenant: Tenant


def app_tokens(world: World, sign_in: AppSignIn, resource: Resource) -> dict[str, Any]:
    """Answer of the token endpoint for an application. Raises EntraError 700016 or 500011."""
    consent = world.grants.consent(sign_in.app.client_id, sign_in.tenant.id)
    if consent is Consent.ABSENT:
        raise EntraError(Aadsts.APP_UNKNOWN, f"Tenant '{sign_in.tenant.name}'.")
    if resource.api:
        permission = sign_in.app.permission_for(resource.api)
        roles = permission.app_roles if consent is Consent.GRANTED else ()
        access_token = _api_app_token(world, sign_in, resource.api, roles)
    else:
        roles = sign_in.app.app_roles_granted if consent is Consent.GRANTED else ()
        access_token = _graph_app_token(world, sign_in, resource.name, roles)
    return {
        "token_type": "Bearer",
        "expires_in": TOKEN_SECONDS,
        "ext_expires_in": TOKEN_SECONDS,
        "access_token": access_token,
    }


def _graph_app_token(world: World, sign_in: AppSignIn, name: str, roles: tuple[str, ...]) -> str:
    return world.key.sign(
        app_token_claims(
            app=sign_in.app,
            tenant=sign_in.tenant,
            resource=name,
            roles=roles,
            credential=sign_in.credential,
            now=world.clock.now(),
        )
    )


def _api_app_token(
    world: World, sign_in: AppSignIn, api: AppRegistration, roles: tuple[str, ...]
) -> str:
    require_api_in_tenant(api, sign_in.tenant, world.grants)
    call = ApiCall(
        issuer=v2_issuer(world.config.public_url, sign_in.tenant.id),
        api=api,
        client=sign_in.app,
        credential=sign_in.credential,
        roles=roles,
        now=world.clock.now(),
    )
    return _signed_for_api(world, api_app_claims(call, sign_in.tenant))


def _signed_for_api(world: World, claims: Claims) -> str:
    kept = world.withheld_claims.without(claims)
    return sign_token(kept, world.key, world.access_forgeries.take())
