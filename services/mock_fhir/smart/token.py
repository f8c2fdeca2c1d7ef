"""Token endpoint: one handler per grant type, and the token response.

https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#obtain-access-token
Flow: authorize -> sign_in (standalone only) -> **token**.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Blueprint, jsonify, request
from werkzeug.datastructures import MultiDict

from mock_fhir import addresses
from mock_fhir.clients import Client
from mock_fhir.environment import Environment, current_environment
from mock_fhir.errors import (
    InvalidRequest,
    InvalidScope,
    OAuthError,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from mock_fhir.grants import ACCESS_TOKEN_LIFE, BACKEND_TOKEN_LIFE, Authorization
from mock_fhir.scopes import REFRESH_SCOPES, granted
from mock_fhir.smart.authentication import authenticate

blueprint = Blueprint("token", __name__)
ID_TOKEN_LIFE = timedelta(minutes=5)
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}

Form = MultiDict[str, str]


@blueprint.post(addresses.TOKEN)
def token() -> Any:
    grant_type = request.form.get("grant_type")
    if grant_type is None:
        raise InvalidRequest("grant_type is missing; the body must be a form")
    handler = HANDLERS.get(grant_type)
    if handler is None:
        raise UnsupportedGrantType(f"grant_type must be one of {', '.join(HANDLERS)}")
    environment = current_environment()
    client = authenticate(environment, request)
    if grant_type not in client.grant_types:
        raise UnauthorizedClient(f"the client is not registered for {grant_type}")
    return jsonify(handler(environment, client, request.form)), 200, NO_STORE


def answer_oauth_error(error: OAuthError) -> Any:
    """RFC 6749 5.2: 401 with a challenge when a client failed to authenticate by Basic."""
    headers = dict(NO_STORE)
    if error.status == 401 and "Authorization" in request.headers:  # noqa: PLR2004 - the status that carries a challenge
        headers["WWW-Authenticate"] = 'Basic realm="token"'
    body = {"error": error.code, "error_description": error.description}
    return jsonify(body), error.status, headers


def _authorization_code(environment: Environment, client: Client, form: Form) -> dict[str, Any]:
    authorization = environment.grants.redeem_code(
        _required(form, "code"),
        client,
        redirect_uri=_required(form, "redirect_uri"),
        code_verifier=_required(form, "code_verifier"),
    )
    return _token_response(environment, client, authorization, authorization.scopes)


def _refresh_token(environment: Environment, client: Client, form: Form) -> dict[str, Any]:
    """Scope may only shrink (RFC 6749 6); refused before the refresh token is used up."""
    token = _required(form, "refresh_token")
    known = environment.grants.refresh_authorization(token, client)
    asked = form.get("scope")
    if known and asked and len(granted(asked, known.scopes)) < len(set(asked.split())):
        raise InvalidScope("a refresh cannot widen the scope")
    authorization = environment.grants.rotate_refresh_token(token, client)
    scopes = granted(asked, authorization.scopes) if asked else authorization.scopes
    return _token_response(environment, client, authorization, scopes)


def _client_credentials(environment: Environment, client: Client, form: Form) -> dict[str, Any]:
    """Backend services: https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html"""
    asked = form.get("scope", "")
    scopes = tuple(one for one in granted(asked, client.scopes) if one.startswith("system/"))
    if not scopes:
        raise InvalidScope(
            f"no system scope asked is registered for the client: {asked or '(none)'}"
        )
    authorization = Authorization(client_id=client.client_id, scopes=scopes)
    access_token = environment.grants.issue_access_token(authorization, scopes, BACKEND_TOKEN_LIFE)
    return {
        "access_token": access_token,
        "token_type": "bearer",
        "expires_in": BACKEND_TOKEN_LIFE.seconds,
        "scope": " ".join(scopes),
    }


HANDLERS: dict[str, Callable[[Environment, Client, Form], dict[str, Any]]] = {
    "authorization_code": _authorization_code,
    "refresh_token": _refresh_token,
    "client_credentials": _client_credentials,
}


def _required(form: Form, name: str) -> str:
    value = form.get(name)
    if not value:
        raise InvalidRequest(f"{name} is missing")
    return value


def _token_response(
    environment: Environment, client: Client, authorization: Authorization, scopes: tuple[str, ...]
) -> dict[str, Any]:
    """Context stays on refresh. `token_type` is lower case, as Epic sends it."""
    grants = environment.grants
    response: dict[str, Any] = {
        "access_token": grants.issue_access_token(authorization, scopes, ACCESS_TOKEN_LIFE),
        "token_type": "bearer",
        "expires_in": ACCESS_TOKEN_LIFE.seconds,
        "scope": " ".join(scopes),
        **authorization.context,
    }
    if "openid" in scopes:
        response["id_token"] = _id_token(environment, authorization)
    if REFRESH_SCOPES & set(authorization.scopes) and "refresh_token" in client.grant_types:
        response["refresh_token"] = grants.issue_refresh_token(authorization)
    return response


def _id_token(environment: Environment, authorization: Authorization) -> str:
    """https://openid.net/specs/openid-connect-core-1_0.html#IDToken; `iss` is Epic's, not the FHIR base URL."""
    account = authorization.account
    if account is None:
        raise InvalidScope("openid needs a person")
    issued = int(environment.clock.now().timestamp())
    claims: dict[str, Any] = {
        "iss": environment.addresses.issuer,
        "sub": account.user_id,
        "aud": authorization.client_id,
        "iat": issued,
        "exp": issued + ID_TOKEN_LIFE.seconds,
    }
    if authorization.nonce is not None:
        claims["nonce"] = authorization.nonce
    if {"fhirUser", "profile"} & set(authorization.scopes):
        claims["fhirUser"] = f"{environment.addresses.fhir}/{authorization.fhir_user}"
    if "profile" in authorization.scopes:
        claims["preferred_username"] = account.username
    return environment.key.sign(claims)
