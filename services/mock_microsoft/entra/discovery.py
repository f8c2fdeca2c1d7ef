"""OpenID Connect discovery and the signing keys.

https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
"""

from typing import Any

from flask import Blueprint, Response, jsonify

from mock_microsoft.entra.authority import Authority, resolve_authority
from mock_microsoft.entra.claims import v2_issuer
from mock_microsoft.entra.errors import EntraError, error_document
from mock_microsoft.world import current_world

blueprint = Blueprint("entra_discovery", __name__)


@blueprint.errorhandler(EntraError)
def refuse(error: EntraError) -> tuple[Response, int]:
    document = error_document(error, f"{current_world().clock.now():%Y-%m-%d %H:%M:%SZ}")
    return jsonify(document), error.aadsts.status


@blueprint.get("/<segment>/v2.0/.well-known/openid-configuration")
def openid_configuration(segment: str) -> Response:
    world = current_world()
    authority = resolve_authority(world.directory, segment)
    return jsonify(discovery_document(authority, world.config.public_url))


@blueprint.get("/<segment>/discovery/v2.0/keys")
def keys(segment: str) -> Response:
    world = current_world()
    resolve_authority(world.directory, segment)
    return jsonify({"keys": [world.key.public_jwk()]})


def discovery_document(authority: Authority, public_url: str) -> dict[str, Any]:
    """The tenant's name is spelled as asked: msal takes it from the first path segment of `token_endpoint`."""
    base = f"{public_url}/{authority.segment}"
    document: dict[str, Any] = {
        "issuer": v2_issuer(public_url, authority.issuer_segment),
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": [
            "authorization_code",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": [
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "nonce",
            "name",
            "oid",
            "tid",
            "preferred_username",
            "email",
            "acct",
            "wids",
            "ver",
        ],
        "tenant_region_scope": authority.tenant.region_scope if authority.tenant else None,
        "cloud_instance_name": "microsoftonline.com",
        "msgraph_host": public_url.removeprefix("https://"),
    }
    return document
