"""Claims of the tokens Entra issues.

https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference and .../access-token-claims-reference.
The optional claims (`entra.optional_claims`) stand for a manifest that asks for them. Tokens for Graph have version 1,
tokens for an API registered here version 2.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mock_microsoft.apps import service_principal_id
from mock_microsoft.config import AppRegistration
from mock_microsoft.directory import EVERY_USER_WID, Person, Tenant
from mock_microsoft.identifiers import base64url, new_guid, stable_guid

TOKEN_SECONDS = 3599
# `wids` of an app-only token, which has no directory role.
APP_WID = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"

Claims = dict[str, Any]


def sts_issuer(tenant_id: str) -> str:
    """Issuer of version 1 tokens: Graph access tokens and change notification tokens."""
    return f"https://sts.windows.net/{tenant_id}/"


def v2_issuer(public_url: str, tenant_id: str) -> str:
    return f"{public_url}/{tenant_id}/v2.0"


def _lifetime(now: datetime) -> Claims:
    issued = int(now.timestamp())
    return {"iat": issued, "nbf": issued, "exp": issued + TOKEN_SECONDS}


def _pairwise_subject(app: AppRegistration, person: Person) -> str:
    return stable_guid("subject", app.client_id, person.id)


def _person_claims(person: Person, audience: AppRegistration, roles: tuple[str, ...]) -> Claims:
    """What every version 2 token says about a person; `roles` are those at the audience."""
    claims: Claims = {
        "acct": int(person.account_kind),
        "name": person.display_name,
        "oid": person.id,
        "preferred_username": person.user_principal_name,
        "sub": _pairwise_subject(audience, person),
        **_tenant_claims(person.tenant),
        "uti": new_guid(),
        "ver": "2.0",
        "wids": [*(role.value for role in person.roles), EVERY_USER_WID],
    }
    if roles:
        claims["roles"] = list(roles)
    if person.home_domain:
        claims["idp"] = sts_issuer(stable_guid("home-tenant", person.home_domain))
    return claims


def _tenant_claims(tenant: Tenant) -> Claims:
    return {
        "tid": tenant.id,
        "tenant_ctry": tenant.country,
        "tenant_region_scope": tenant.region_scope,
    }


def id_token_claims(
    *,
    issuer: str,
    app: AppRegistration,
    person: Person,
    roles: tuple[str, ...],
    nonce: str | None,
    now: datetime,
) -> Claims:
    """An ID token has the same `aud` and `roles` as an access token for the application's own API, but never `scp`."""
    claims: Claims = {
        "aud": app.client_id,
        "iss": issuer,
        **_lifetime(now),
        "email": person.mail,
        **_person_claims(person, app, roles),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return claims


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """Who may call which API from when: what both kinds of version 2 access token are made from.

    `credential` is the claim `azpacr`; `roles` are app roles at the API, of the person or of the client.
    """

    issuer: str
    api: AppRegistration
    client: AppRegistration
    credential: str
    roles: tuple[str, ...]
    now: datetime

    def claims(self) -> Claims:
        return {
            "aud": self.api.client_id,
            "iss": self.issuer,
            **_lifetime(self.now),
            "azp": self.client.client_id,
            "azpacr": self.credential,
        }


def api_person_claims(call: ApiCall, person: Person, scopes: tuple[str, ...]) -> Claims:
    return {
        **call.claims(),
        **_person_claims(person, call.api, call.roles),
        "scp": " ".join(scopes),
    }


def api_app_claims(call: ApiCall, tenant: Tenant) -> Claims:
    principal = service_principal_id(call.client.client_id, tenant.id)
    claims: Claims = {
        **call.claims(),
        "idtyp": "app",
        "oid": principal,
        "sub": principal,
        **_tenant_claims(tenant),
        "uti": new_guid(),
        "ver": "2.0",
    }
    if call.roles:  # Entra leaves the claim out rather than sending an empty list
        claims["roles"] = list(call.roles)
    return claims


def app_token_claims(
    *,
    app: AppRegistration,
    tenant: Tenant,
    resource: str,
    roles: tuple[str, ...],
    credential: str,
    now: datetime,
) -> Claims:
    principal = service_principal_id(app.client_id, tenant.id)
    claims: Claims = {
        "aud": resource,
        "iss": sts_issuer(tenant.id),
        **_lifetime(now),
        "app_displayname": app.name,
        "appid": app.client_id,
        "appidacr": credential,
        "idp": sts_issuer(tenant.id),
        "idtyp": "app",
        "oid": principal,
        "sub": principal,
        "tenant_region_scope": tenant.region_scope,
        "tid": tenant.id,
        "uti": new_guid(),
        "ver": "1.0",
        "wids": [APP_WID],
    }
    if roles:  # Entra leaves the claim out rather than sending an empty list
        claims["roles"] = list(roles)
    return claims


def delegated_token_claims(
    *, app: AppRegistration, person: Person, resource: str, scope: str, now: datetime
) -> Claims:
    return {
        "aud": resource,
        "iss": sts_issuer(person.tenant.id),
        **_lifetime(now),
        "appid": app.client_id,
        "idtyp": "user",
        "name": person.display_name,
        "oid": person.id,
        "scp": scope,
        "sub": _pairwise_subject(app, person),
        "tid": person.tenant.id,
        "upn": person.user_principal_name,
        "uti": new_guid(),
        "ver": "1.0",
    }


def client_info(person: Person) -> str:
    """What msal makes its account identifier from."""
    document = {"uid": person.id, "utid": person.tenant.id}
    return base64url(json.dumps(document).encode())
