"""Open dynamic client registration (RFC 7591): any SMART client can be pointed at this EHR."""

import secrets
from typing import Any

from flask import Blueprint, jsonify, request

from mock_fhir import addresses
from mock_fhir.clients import Client, client_from_metadata
from mock_fhir.environment import current_environment
from mock_fhir.errors import InvalidClientMetadata
from mock_fhir.smart.token import NO_STORE

blueprint = Blueprint("registration", __name__)


@blueprint.post(addresses.REGISTER)
def register() -> Any:
    metadata = request.get_json(force=True, silent=True)
    if not isinstance(metadata, dict):
        raise InvalidClientMetadata("the body must be one JSON object of client metadata")
    environment = current_environment()
    client = client_from_metadata(metadata, secrets.token_urlsafe(12), secrets.token_urlsafe(24))
    environment.clients.add(client)
    issued = int(environment.clock.now().timestamp())
    return jsonify({**_registered(client), "client_id_issued_at": issued}), 201, NO_STORE


def _registered(client: Client) -> dict[str, Any]:
    """All metadata as registered (RFC 7591 3.2.1); members without a value are left out."""
    metadata: dict[str, Any] = {
        "client_id": client.client_id,
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "launch_uris": list(client.launch_uris),
        "grant_types": list(client.grant_types),
        "response_types": ["code"] if "authorization_code" in client.grant_types else [],
        "token_endpoint_auth_method": client.auth_method,
        "scope": " ".join(client.scopes),
        "jwks_uri": client.jwks_uri,
        "jwks": client.jwks,
        "client_secret": client.secret,
        "client_secret_expires_at": 0 if client.secret else None,
    }
    return {name: value for name, value in metadata.items() if value is not None}
