"""Token introspection (RFC 7662) and revocation (RFC 7009).

https://hl7.org/fhir/smart-app-launch/STU2.2/token-introspection.html
"""

from typing import Any

from flask import Blueprint, jsonify, request

from mock_fhir import addresses
from mock_fhir.environment import Environment, current_environment
from mock_fhir.errors import InvalidRequest
from mock_fhir.grants import AccessToken
from mock_fhir.smart.authentication import authenticate
from mock_fhir.smart.token import NO_STORE

blueprint = Blueprint("introspection", __name__)


@blueprint.post(addresses.INTROSPECT)
def introspect() -> Any:
    environment = current_environment()
    _require_caller(environment)
    token = request.form.get("token")
    if not token:
        raise InvalidRequest("token is missing")
    found = environment.grants.access(token)
    body = _describe(environment, found) if found else {"active": False}
    return jsonify(body), 200, NO_STORE


@blueprint.post(addresses.REVOKE)
def revoke() -> Any:
    environment = current_environment()
    client = authenticate(environment, request)
    token = request.form.get("token")
    if not token:
        raise InvalidRequest("token is missing")
    environment.grants.revoke(token, client)
    return "", 200, NO_STORE


def _require_caller(environment: Environment) -> None:
    """A live access token of this server will do instead of client authentication (SMART 2.2)."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and environment.grants.access(bearer):
        return
    authenticate(environment, request)


def _describe(environment: Environment, token: AccessToken) -> dict[str, Any]:
    authorization = token.authorization
    described: dict[str, Any] = {
        "active": True,
        "scope": " ".join(token.scopes),
        "client_id": authorization.client_id,
        "exp": int(token.expires.timestamp()),
        "iat": int(token.issued.timestamp()),
        "token_type": "bearer",
        **authorization.context,
    }
    if authorization.account and "openid" in token.scopes:
        described["iss"] = environment.addresses.issuer
        described["sub"] = authorization.account.user_id
        if {"fhirUser", "profile"} & set(token.scopes):
            described["fhirUser"] = f"{environment.addresses.fhir}/{authorization.fhir_user}"
    return described
