"""Who calls the token, introspection and revocation endpoints (RFC 6749 2.3, RFC 7523)."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from urllib.parse import unquote_plus

from flask import Request

from mock_fhir.clients import Client
from mock_fhir.environment import Environment
from mock_fhir.errors import InvalidClient, InvalidRequest


@dataclass(frozen=True, slots=True)
class _Credentials:
    client_id: str
    secret: str


def authenticate(environment: Environment, request: Request) -> Client:
    """The client, by the one method it is registered for.

    Raises:
        InvalidRequest: credentials were sent in two ways.
        InvalidClient: everything else, without saying whether the client exists.
    """
    form = request.form
    basic = _basic(request.headers.get("Authorization", ""))
    sent = {
        "client_secret_basic": basic is not None,
        "client_secret_post": "client_secret" in form,
        "private_key_jwt": "client_assertion" in form or "client_assertion_type" in form,
    }
    methods = [method for method, is_sent in sent.items() if is_sent] or ["none"]
    if len(methods) > 1:
        raise InvalidRequest("send client credentials in one way only")
    if methods == ["private_key_jwt"]:
        return environment.assertions.verify(form, environment.clients)
    credentials = basic or _Credentials(form.get("client_id", ""), form.get("client_secret", ""))
    return _by_secret(environment, credentials, methods[0])


def _by_secret(environment: Environment, credentials: _Credentials, method: str) -> Client:
    # Clients disagree whether Basic is form-encoded (RFC 6749 2.3.1): openid-client v6 sends %2D, fhirclient-js raw.
    spellings = [(credentials.client_id, credentials.secret)]
    if method == "client_secret_basic":
        spellings.append((unquote_plus(credentials.client_id), unquote_plus(credentials.secret)))
    for client_id, secret in spellings:
        client = environment.clients.find(client_id)
        if client is None or client.auth_method != method:
            continue
        if method == "none" or hmac.compare_digest(secret.encode(), (client.secret or "").encode()):
            return client
    raise InvalidClient("client authentication failed for the method sent")


def _basic(header: str) -> _Credentials | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidClient("the Basic header cannot be decoded") from error
    return _Credentials(user, password)
