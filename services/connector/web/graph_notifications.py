"""Graph's webhooks: answer within 3 s, believe nothing yet, lose nothing (microsoft.md 3)."""

import re

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest

from connector.web.context import web

blueprint = Blueprint("graph", __name__, url_prefix="/graph")

_BODY_BYTES = 4 * 1024 * 1024
# Graph's tokens are opaque; what we echo is limited to printable text and never becomes HTML.
_TOKEN = re.compile(r"[\x20-\x7e]{1,1024}")


@blueprint.post("/notifications")
def notifications() -> Response:
    """202 once the raw post is stored, or is not worth it (nobody is told which); 5xx only when it
    should have been stored and was not, so that Graph sends it again.
    """
    if (handshake := _handshake()) is not None:
        return handshake
    request.max_content_length = _BODY_BYTES
    received = web().receive_notification(request.get_data())
    web().telemetry.notification(received.value)
    return Response(status=202)


@blueprint.post("/lifecycle")
def lifecycle() -> Response:
    if (handshake := _handshake()) is not None:
        return handshake
    request.max_content_length = _BODY_BYTES
    web().renew_on_request(request.get_data())
    return Response(status=202)


def _handshake() -> Response | None:
    token = request.args.get("validationToken")
    if token is None:
        return None
    if not _TOKEN.fullmatch(token):
        raise BadRequest
    response = Response(token, mimetype="text/plain")
    return response
