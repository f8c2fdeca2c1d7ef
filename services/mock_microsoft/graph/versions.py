"""What every Graph route shares: `/v1.0` and `/beta`, request ids, throttling, the error envelope."""

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from mock_microsoft.graph.errors import (
    GraphError,
    TooManyRequests,
    client_request_id,
    error_answer,
    request_id,
)
from mock_microsoft.world import current_world

BETA = "beta"
JSON_ODATA = "application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; charset=utf-8"


def graph_blueprint(name: str, import_name: str) -> Blueprint:
    """The version in the path is kept in `g.graph_version` and hidden from the routes."""
    blueprint = Blueprint(name, import_name, url_prefix='/<any("v1.0", "beta"):graph_version>')
    blueprint.url_value_preprocessor(_keep_version)
    blueprint.before_request(_throttle)
    blueprint.after_request(_identify)
    blueprint.register_error_handler(GraphError, error_answer)
    blueprint.register_error_handler(HTTPException, _unusable)
    return blueprint


def graph_version() -> str:
    return str(g.graph_version)


def context_of(fragment: str) -> str:
    """`@odata.context` for an answer; the real service's host, as clients must not parse it."""
    return f"https://graph.microsoft.com/{graph_version()}/$metadata#{fragment}"


def _keep_version(_endpoint: str | None, values: dict[str, str] | None) -> None:
    g.graph_version = (values or {}).pop("graph_version", "")


def _throttle() -> None:
    refused = current_world().throttles.refusal(request.path)
    if refused is not None:
        raise TooManyRequests(refused)


def _identify(response: Response) -> Response:
    response.headers["request-id"] = request_id()
    response.headers["client-request-id"] = client_request_id()
    if response.mimetype == "application/json":
        response.headers["Content-Type"] = JSON_ODATA
    return response


def _unusable(error: HTTPException) -> Response:
    """A body that cannot be read, in Graph's envelope."""
    return error_answer(GraphError(error.description or error.name))
