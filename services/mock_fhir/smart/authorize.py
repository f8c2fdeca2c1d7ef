"""Authorization endpoint, first step: check the request, then a launch token or a sign-in page.

https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#obtain-authorization-code
Flow: **authorize** -> sign_in (standalone only) -> token.
"""

import re
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, request
from werkzeug.datastructures import MultiDict

from mock_fhir import addresses
from mock_fhir.clients import Client
from mock_fhir.environment import Environment, current_environment
from mock_fhir.errors import (
    InvalidRequest,
    InvalidScope,
    OAuthError,
    PageError,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from mock_fhir.grants import Authorization
from mock_fhir.people import Account
from mock_fhir.scopes import granted
from mock_fhir.smart.pending import AuthorizeRequest

blueprint = Blueprint("authorize", __name__)
_S256_CHALLENGE = re.compile(r"^[A-Za-z0-9_-]{43}$")

Parameters = MultiDict[str, str]


@blueprint.route(addresses.AUTHORIZE, methods=["GET", "POST"])
def authorize() -> Any:
    environment = current_environment()
    parameters = request.form if request.method == "POST" else request.args
    client, redirect_uri = _trusted_target(environment, parameters)
    try:
        asked = _checked(environment, parameters, client, redirect_uri)
        if "launch" in parameters:
            return redirect(_answer_launch(environment, asked, parameters["launch"]), 302)
    except OAuthError as error:
        state = parameters.get("state")
        return redirect(error_url(environment, redirect_uri, state, error), 302)
    identity = environment.pending.begin(asked)
    return redirect(f"{environment.addresses.base}{addresses.SIGN_IN}?request={identity}", 303)


def _trusted_target(environment: Environment, parameters: Parameters) -> tuple[Client, str]:
    """Client and redirect URI, before anything is ever sent there. Raises PageError."""
    client = environment.clients.find(parameters.get("client_id"))
    if client is None:
        raise PageError(
            "Something went wrong trying to authorize the client",
            f"The client_id is not registered in the {environment.kind.title}.",
            "Use the client id of this environment, or have the app registered here.",
        )
    redirect_uri = parameters.get("redirect_uri", "")
    if redirect_uri not in client.redirect_uris:
        raise PageError(
            "Something went wrong trying to authorize the client",
            f"The redirect_uri {redirect_uri or '(none)'} is not registered for {client.name}.",
            "It must equal a registered address character by character.",
        )
    return client, redirect_uri


def _checked(
    environment: Environment, parameters: Parameters, client: Client, redirect_uri: str
) -> AuthorizeRequest:
    """The request with every parameter checked. Raises the OAuthError to redirect with."""
    _check_shape(parameters, client)
    _check_pkce(parameters)
    audience = parameters.get("aud", parameters.get("resource", ""))
    if audience.rstrip("/") != environment.addresses.fhir:
        raise InvalidRequest(f"aud must be the FHIR base URL {environment.addresses.fhir}")
    return AuthorizeRequest(
        client=client,
        redirect_uri=redirect_uri,
        state=parameters["state"],
        scopes=_scopes(parameters, client),
        code_challenge=parameters["code_challenge"],
        nonce=parameters.get("nonce"),
    )


def _check_shape(parameters: Parameters, client: Client) -> None:
    repeated = [name for name in parameters if len(parameters.getlist(name)) > 1]
    if repeated:
        raise InvalidRequest(f"sent more than once: {', '.join(repeated)} (RFC 6749 3.1)")
    if "response_type" not in parameters:
        raise InvalidRequest("response_type is missing")
    if parameters["response_type"] != "code":
        raise UnsupportedResponseType("response_type must be code")
    if "authorization_code" not in client.grant_types:
        raise UnauthorizedClient("the client is not registered for authorization_code")
    if not parameters.get("state"):
        raise InvalidRequest("state is missing; SMART requires at least 122 bits of it")


def _check_pkce(parameters: Parameters) -> None:
    if parameters.get("code_challenge_method") != "S256":
        raise InvalidRequest("code_challenge_method must be S256")
    if not _S256_CHALLENGE.match(parameters.get("code_challenge", "")):
        raise InvalidRequest("code_challenge must be 43 characters of base64url")


def _scopes(parameters: Parameters, client: Client) -> tuple[str, ...]:
    asked = parameters.get("scope", "")
    scopes = tuple(
        scope
        for scope in granted(asked, client.scopes)
        # system scopes are for backends; an encounter is not picked here, so it is not promised either
        if not scope.startswith("system/") and scope != "launch/encounter"
    )
    if not scopes:
        raise InvalidScope(f"nothing asked is registered for the client: {asked or '(no scope)'}")
    if "launch" in parameters and "launch" not in scopes:
        raise InvalidScope("an EHR launch needs the scope launch")
    if "launch" not in parameters and "launch" in scopes:
        raise InvalidRequest("the scope launch needs the launch parameter of an EHR launch")
    return scopes


def _answer_launch(environment: Environment, asked: AuthorizeRequest, token: str) -> str:
    """The person signed in to the EHR already: straight to the code."""
    launch = environment.launches.redeem(token, asked.client.client_id)
    authorization = Authorization(
        client_id=asked.client.client_id,
        scopes=asked.scopes,
        account=launch.account,
        fhir_user=launch.fhir_user,
        context=launch.context,
        nonce=asked.nonce,
    )
    return code_url(environment, asked, authorization)


def complete_standalone(
    environment: Environment, asked: AuthorizeRequest, account: Account, patient_id: str | None
) -> str:
    """Where to send the browser after a person signed in (and picked a patient)."""
    authorization = Authorization(
        client_id=asked.client.client_id,
        scopes=asked.scopes,
        account=account,
        fhir_user=account.acts_as(patient_id),
        context={"patient": patient_id} if patient_id else {},
        nonce=asked.nonce,
    )
    return code_url(environment, asked, authorization)


def code_url(
    environment: Environment, asked: AuthorizeRequest, authorization: Authorization
) -> str:
    code = environment.grants.issue_code(authorization, asked.redirect_uri, asked.code_challenge)
    return _with_query(
        asked.redirect_uri,
        {"code": code, "state": asked.state, "iss": environment.addresses.issuer},
    )


def error_url(
    environment: Environment, redirect_uri: str, state: str | None, error: OAuthError
) -> str:
    """Error redirect with RFC 9207 `iss`; only for a redirect URI already matched to the registration."""
    answer = {"error": error.code, "error_description": error.description}
    if state is not None:
        answer["state"] = state
    return _with_query(redirect_uri, {**answer, "iss": environment.addresses.issuer})


def _with_query(uri: str, values: dict[str, str]) -> str:
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(values)}"
