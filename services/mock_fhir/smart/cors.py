"""Cross-origin rules: discovery for everyone, tokens and FHIR for the origins of registered clients, on errors too."""

from flask import Response, request

from mock_fhir import addresses
from mock_fhir.environment import current_environment

PUBLIC_PATHS = (
    addresses.SMART_CONFIGURATION,
    *addresses.OPENID_CONFIGURATIONS,
    addresses.JWKS,
    addresses.STYLE,
    addresses.REGISTER,
    f"{addresses.FHIR}/metadata",
)
BROWSER_PATHS = (addresses.FHIR, addresses.TOKEN, addresses.INTROSPECT, addresses.REVOKE)
EXPOSED = "ETag, Location, Content-Location, Last-Modified, WWW-Authenticate"


def add_cors_headers(response: Response) -> Response:
    """To be run after every request of an environment."""
    environment = current_environment()
    path = request.path.removeprefix(environment.kind.prefix)
    origin = request.headers.get("Origin")
    if path in PUBLIC_PATHS:
        response.headers["Access-Control-Allow-Origin"] = "*"
    elif path.startswith(BROWSER_PATHS):
        response.vary.add("Origin")
        if origin is None or not environment.clients.has_origin(origin):
            return response
        response.headers["Access-Control-Allow-Origin"] = origin
    else:
        return response
    response.headers["Access-Control-Expose-Headers"] = EXPOSED
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, Accept, If-Match, If-None-Match, Prefer"
        )
        response.headers["Access-Control-Max-Age"] = "600"
    return response
