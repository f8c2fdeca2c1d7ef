"""Discovery: SMART configuration, OpenID configuration, JWK Set, style.

https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html and https://openid.net/specs/openid-connect-discovery-1_0.html
"""

from typing import Any

from flask import Blueprint, jsonify

from mock_fhir import addresses
from mock_fhir.clients import AUTH_METHODS, GRANT_TYPES
from mock_fhir.environment import Environment, current_environment
from mock_fhir.scopes import PLAIN_SCOPES
from mock_fhir.smart.assertions import ALGORITHMS

blueprint = Blueprint("discovery", __name__)
CAPABILITIES = (
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
)


@blueprint.get(addresses.SMART_CONFIGURATION)
def smart_configuration() -> Any:
    environment = current_environment()
    return jsonify({**_shared(environment), "capabilities": list(CAPABILITIES)})


def openid_configuration() -> Any:
    environment = current_environment()
    return jsonify(
        {
            **_shared(environment),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": [
                "iss",
                "sub",
                "aud",
                "exp",
                "iat",
                "nonce",
                "fhirUser",
                "preferred_username",
            ],
        }
    )


for _place in addresses.OPENID_CONFIGURATIONS:
    blueprint.add_url_rule(_place, _place.replace("/", "_").replace(".", "-"), openid_configuration)


@blueprint.get(addresses.JWKS)
def jwks() -> Any:
    # Short, so that a rotation by a tester is seen soon
    return jsonify(current_environment().key.public_jwks()), 200, {"Cache-Control": "max-age=60"}


@blueprint.get(addresses.STYLE)
def style() -> Any:
    """SMART style of the EHR: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#styling"""
    return jsonify(
        {
            "color_background": "#ffffff",
            "color_error": "#a4262c",
            "color_highlight": "#0b5394",
            "color_modal_backdrop": "",
            "color_success": "#107c10",
            "color_text": "#201f1e",
            "dim_border_radius": "4px",
            "dim_font_size": "16px",
            "dim_spacing_size": "16px",
            "font_family_body": "system-ui, sans-serif",
            "font_family_heading": "system-ui, sans-serif",
        }
    )


def _shared(environment: Environment) -> dict[str, Any]:
    base = environment.addresses.base
    return {
        "issuer": environment.addresses.issuer,
        "jwks_uri": base + addresses.JWKS,
        "authorization_endpoint": base + addresses.AUTHORIZE,
        "token_endpoint": environment.addresses.token,
        "registration_endpoint": base + addresses.REGISTER,
        "introspection_endpoint": base + addresses.INTROSPECT,
        "revocation_endpoint": base + addresses.REVOKE,
        "grant_types_supported": list(GRANT_TYPES),
        "response_types_supported": ["code"],
        "scopes_supported": [
            *sorted(PLAIN_SCOPES),
            "patient/*.rs",
            "user/*.cruds",
            "system/*.cruds",
        ],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
    }
