"""`/{tenant}/oauth2/v2.0/token`: authorization code, device code and client credentials.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from mock_microsoft.config import AppRegistration
from mock_microsoft.entra.assertions import authenticate_client, credential_of
from mock_microsoft.entra.authority import Authority, resolve_authority
from mock_microsoft.entra.discovery import refuse
from mock_microsoft.entra.errors import Aadsts, EntraError
from mock_microsoft.entra.issue import AppSignIn, SignIn, app_tokens, sign_in_tokens
from mock_microsoft.identifiers import base64url
from mock_microsoft.world import current_world

FORM = "application/x-www-form-urlencoded"
DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

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
    return sign_in_tokens(
        world,
        SignIn(
            app=app,
            credential=credential_of(app, form),
            person=grant.person,
            scope=grant.scope,
            nonce=grant.nonce,
        ),
    )


def _redeem_device_code(authority: Authority, app: AppRegistration) -> dict[str, Any]:
    """Only for an application that allows public client flows; a confidential one never gets here without credential."""
    world, form = current_world(), request.form
    device_code = form.get("device_code", "")
    asked, person = world.device_codes.redeem(device_code, app, world.clock.now())
    if not authority.admits(person):
        raise EntraError(Aadsts.ACCOUNT_OF_OTHER_TENANT)
    credential = credential_of(app, form)
    return sign_in_tokens(
        world, SignIn(app=app, credential=credential, person=person, scope=asked.scope)
    )


def _issue_app_token(authority: Authority, app: AppRegistration) -> dict[str, Any]:
    world, form = current_world(), request.form
    if authority.tenant is None:
        raise EntraError(Aadsts.NO_TENANT)
    if app.is_public_client:
        raise EntraError(Aadsts.CREDENTIAL_MISSING)
    resource = world.resources.of_application(form.get("scope", ""))
    credential = credential_of(app, form)
    sign_in = AppSignIn(app=app, credential=credential, tenant=authority.tenant)
    return app_tokens(world, sign_in, resource)


_GRANTS: dict[str, Callable[[Authority, AppRegistration], dict[str, Any]]] = {
    "authorization_code": _redeem_code,
    "client_credentials": _issue_app_token,
    DEVICE_CODE_GRANT: _redeem_device_code,
}
