"""`/{tenant}/oauth2/v2.0/token`: authorization code and client credentials.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from mock_microsoft.config import AppRegistration
from mock_microsoft.directory import Tenant
from mock_microsoft.entra.assertions import authenticate_client
from mock_microsoft.entra.authority import Authority, resolve_authority
from mock_microsoft.entra.claims import (
    APP_CREDENTIAL_CERTIFICATE,
    APP_CREDENTIAL_SECRET,
    TOKEN_SECONDS,
    app_token_claims,
    client_info,
    delegated_token_claims,
    id_token_claims,
    v2_issuer,
)
from mock_microsoft.entra.discovery import refuse
from mock_microsoft.entra.errors import Aadsts, EntraError
from mock_microsoft.entra.forgery import sign_id_token
from mock_microsoft.entra.sessions import CodeGrant
from mock_microsoft.grants import Consent
from mock_microsoft.identifiers import base64url
from mock_microsoft.world import current_world

GRAPH_AUDIENCE = "https://graph.microsoft.com"
DEFAULT_SCOPE = "/.default"
FORM = "application/x-www-form-urlencoded"

blueprint = Blueprint("entra_token", __name__)
blueprint.register_error_handler(EntraError, refuse)


@blueprint.post("/<segment>/oauth2/v2.0/token")
def token(segment: str) -> Response:
    if request.mimetype != FORM:
        raise EntraError(Aadsts.PARAMETER_INVALID, f"The body must be {FORM}.")
    world = current_world()
    authority = resolve_authority(world.directory, segment)
    issue = _GRANTS.get(request.form.get("grant_type", ""))
    if issue is None:
        raise EntraError(Aadsts.GRANT_UNSUPPORTED)
    audiences = _token_endpoints(authority)
    app = authenticate_client(world.apps, request.form, audiences, world.clock.now())
    response = jsonify(issue(authority, app))
    response.headers["Cache-Control"] = "no-store"
    return response


def _token_endpoints(authority: Authority) -> frozenset[str]:
    """The tenant may be spelled by GUID or by domain in the assertion, whatever the URL says."""
    tenant = authority.tenant
    segments = {authority.segment, *((tenant.id, tenant.domain) if tenant else ())}
    base = current_world().config.public_url
    return frozenset(f"{base}/{segment}/oauth2/v2.0/token" for segment in segments)


def _redeem_code(authority: Authority, app: AppRegistration) -> dict[str, Any]:
    world, form = current_world(), request.form
    grant = world.codes.redeem(form.get("code", ""), world.clock.now())
    if grant.app != app or grant.redirect_uri != form.get("redirect_uri"):
        raise EntraError(Aadsts.CODE_UNKNOWN)
    if not authority.admits(grant.person):
        raise EntraError(Aadsts.ACCOUNT_OF_OTHER_TENANT)
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    if not hmac.compare_digest(base64url(digest), grant.code_challenge):
        raise EntraError(Aadsts.VERIFIER_WRONG)
    return _sign_in_tokens(grant)


def _sign_in_tokens(grant: CodeGrant) -> dict[str, Any]:
    world = current_world()
    now, url = world.clock.now(), world.config.public_url
    id_token = id_token_claims(
        issuer=v2_issuer(url, grant.person.tenant.id),
        app=grant.app,
        person=grant.person,
        nonce=grant.nonce,
        now=now,
    )
    scope = " ".join(s for s in grant.scope.split() if s != "offline_access")
    access_token = delegated_token_claims(
        app=grant.app, person=grant.person, resource=GRAPH_AUDIENCE, scope=scope, now=now
    )
    return {
        "token_type": "Bearer",
        "scope": scope,
        "expires_in": TOKEN_SECONDS,
        "ext_expires_in": TOKEN_SECONDS,
        "access_token": world.key.sign(access_token),
        "id_token": sign_id_token(id_token, world.key, world.forgeries.take()),
        "client_info": client_info(grant.person),
    }


def _issue_app_token(authority: Authority, app: AppRegistration) -> dict[str, Any]:
    world = current_world()
    if authority.tenant is None:
        raise EntraError(Aadsts.NO_TENANT)
    by_certificate = "client_assertion" in request.form
    claims = app_token_claims(
        app=app,
        tenant=authority.tenant,
        resource=_resource(request.form.get("scope", "")),
        roles=_consented_roles(app, authority.tenant),
        credential=APP_CREDENTIAL_CERTIFICATE if by_certificate else APP_CREDENTIAL_SECRET,
        now=world.clock.now(),
    )
    return {
        "token_type": "Bearer",
        "expires_in": TOKEN_SECONDS,
        "ext_expires_in": TOKEN_SECONDS,
        "access_token": world.key.sign(claims),
    }


def _resource(scope: str) -> str:
    resource = scope.removesuffix(DEFAULT_SCOPE)
    if " " in scope or resource == scope:
        raise EntraError(
            Aadsts.SCOPE_INVALID, "Client credentials need one resource and /.default."
        )
    if resource not in (GRAPH_AUDIENCE, current_world().config.public_url):
        raise EntraError(Aadsts.RESOURCE_UNKNOWN)
    return resource


def _consented_roles(app: AppRegistration, tenant: Tenant) -> tuple[str, ...]:
    consent = current_world().grants.consent(app.client_id, tenant.id)
    if consent is Consent.ABSENT:
        raise EntraError(Aadsts.APP_UNKNOWN, f"Tenant '{tenant.name}'.")
    return app.app_roles_granted if consent is Consent.GRANTED else ()


_GRANTS: dict[str, Callable[[Authority, AppRegistration], dict[str, Any]]] = {
    "authorization_code": _redeem_code,
    "client_credentials": _issue_app_token,
}
