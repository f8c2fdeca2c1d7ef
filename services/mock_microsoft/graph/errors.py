"""Error envelope of Graph.

https://learn.microsoft.com/graph/errors
"""

from collections.abc import Iterable
from typing import Any

from flask import Response, g, jsonify, request

from mock_microsoft.identifiers import new_guid
from mock_microsoft.world import current_world


class GraphError(Exception):
    """Status, code, message; `headers` go onto the answer."""

    status = 400
    code = "BadRequest"

    def __init__(self, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.headers = headers or {}


class BadRequest(GraphError):
    pass


class ValidationFailed(GraphError):
    """Refusal of a subscription request."""

    code = "ValidationError"


class UnsupportedQuery(GraphError):
    code = "Request_UnsupportedQuery"


class InvalidToken(GraphError):
    status = 401
    code = "InvalidAuthenticationToken"

    def __init__(self, message: str) -> None:
        super().__init__(message, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


class MissingRole(GraphError):
    """The directory's code and sentence, then the sentence of the Teams routes, which names the roles.

    Args:
        needed: any of these would do; none when no application may call.
        held: what the token carries.
    """

    status = 403
    code = "Authorization_RequestDenied"

    def __init__(self, needed: Iterable[str] = (), held: Iterable[str] = ()) -> None:
        names = ", ".join(sorted(needed)), ", ".join(sorted(held))
        super().__init__(
            "Insufficient privileges to complete the operation. Missing role permissions on the request. "
            f"API requires one of '{names[0]}'. Roles on the request '{names[1]}'."
        )


class NoAccessPolicy(GraphError):
    """Live tenants add the application's id to the documented sentence."""

    status = 403
    code = "Forbidden"

    def __init__(self, app_id: str) -> None:
        super().__init__(f"No application access policy found for this app {app_id} on the user")


class NotFound(GraphError):
    status = 404
    code = "NotFound"


class UserNotFound(GraphError):
    status = 404
    code = "Request_ResourceNotFound"


class Conflict(GraphError):
    status = 409
    code = "Conflict"


class TooManyRequests(GraphError):
    status = 429
    code = "TooManyRequests"

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__("Please retry again later.", headers)


def request_id() -> str:
    """One for each request, in the header of every answer and in the envelope of a refusal."""
    if "graph_request_id" not in g:
        g.graph_request_id = new_guid()
    return str(g.graph_request_id)


def client_request_id() -> str:
    """The caller's own, else that of the request."""
    return request.headers.get("client-request-id") or request_id()


def error_answer(error: GraphError) -> Response:
    inner: dict[str, Any] = {
        "date": f"{current_world().clock.now():%Y-%m-%dT%H:%M:%S}",
        "request-id": request_id(),
        "client-request-id": client_request_id(),
    }
    if isinstance(error, TooManyRequests):
        inner |= {"code": "429", "message": "Please retry after", "status": "429"}
    answer = jsonify({"error": {"code": error.code, "message": error.message, "innerError": inner}})
    answer.status_code = error.status
    answer.headers.update(error.headers)
    return answer
