"""One Graph request: token, headers every call carries, and what its answers come to.

https://learn.microsoft.com/graph/errors and https://learn.microsoft.com/graph/throttling
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from connector.ports.answers import failure_of, host_of, json_object, word
from connector.ports.errors import BadAnswer, OutsideError
from connector.ports.http import Answer, Http
from connector.ports.system import Clock, Ids

V1 = "/v1.0"
BETA = "/beta"
ACCESS_POLICY = "application_access_policy"
MOST_PAGES = 20
# Three wordings of the same refusal have been seen in live tenants (microsoft.md 1.6).
_NO_POLICY = re.compile(
    r"application access policy|not authorized to .{1,80} on behalf of", re.IGNORECASE
)


class GraphClient:
    """Sends app-only requests to Graph.

    Args:
        http, clock, ids: the outside.
        graph_url: `https://graph.microsoft.com`, or a simulator's.
        app_token: tenant id to access token.
        forget_app_token: told the tenant when Graph no longer takes its token.
    """

    def __init__(
        self,
        http: Http,
        clock: Clock,
        ids: Ids,
        *,
        graph_url: str,
        app_token: Callable[[str], str],
        forget_app_token: Callable[[str], None],
    ) -> None:
        self.clock = clock
        self.host = host_of(graph_url)
        self._http = http
        self._ids = ids
        self._graph_url = graph_url.rstrip("/")
        self._app_token = app_token
        self._forget_app_token = forget_app_token

    def ask(
        self,
        tenant_id: str,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        deadline_seconds: float = 8.0,
    ) -> dict[str, Any]:
        """The JSON of a success; {} if there is none to read (204).

        `path` is below the Graph URL, percent-encoded, beginning with `V1` or `BETA`.

        Raises:
            Denied, Gone: `code` is Graph's, or `ACCESS_POLICY`; TryLater; BadAnswer.
        """
        answer = self._send(tenant_id, method, path, body, deadline_seconds)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            # Nothing was done; a token may have been revoked before its time. Once more, anew.
            self._forget_app_token(tenant_id)
            answer = self._send(tenant_id, method, path, body, deadline_seconds)
        if answer.status == HTTPStatus.NO_CONTENT:
            return {}
        if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise self._failure(answer)
        return json_object(answer, host=self.host)

    def listed(self, tenant_id: str, path: str) -> Iterator[Any]:
        """What a listing holds, page by page, as it came.

        Raises:
            BadAnswer: a page holds no list, or the next one is elsewhere; others as `ask`.
        """
        following: str | None = path
        for _ in range(MOST_PAGES):
            if following is None:
                return
            page = self.ask(tenant_id, "GET", following)
            values = page.get("value")
            if not isinstance(values, list):
                raise BadAnswer("value", host=self.host)
            yield from values
            following = self._next_path(page)

    def _next_path(self, listing: Mapping[str, Any]) -> str | None:
        """Path of the next page of a listing; None on the last.

        Raises:
            BadAnswer: the link leads away from Graph, where our token must not go.
        """
        link = listing.get("@odata.nextLink")
        if link is None:
            return None
        if not isinstance(link, str) or not link.startswith(f"{self._graph_url}/"):
            raise BadAnswer("next_link", host=self.host)
        return link.removeprefix(self._graph_url)

    def _send(
        self,
        tenant_id: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        deadline_seconds: float,
    ) -> Answer:
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {self._app_token(tenant_id)}",
            # Without it newer enumeration members arrive as `unknownFutureValue`.
            "Prefer": "include-unknown-enum-members",
            "client-request-id": self._ids.identifier(),
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self._http.send(
            method,
            f"{self._graph_url}{path}",
            headers=headers,
            body=None if body is None else json.dumps(body).encode(),
            deadline_seconds=deadline_seconds,
        )

    def _failure(self, answer: Answer) -> OutsideError:
        code, message = _graph_error(answer)
        if answer.status == HTTPStatus.FORBIDDEN and _NO_POLICY.search(message):
            code = ACCESS_POLICY
        return failure_of(answer, self.clock.now(), host=self.host, code=code)


def _graph_error(answer: Answer) -> tuple[str, str]:
    """(code, message) of Graph's error envelope; the message may name people: it is only matched."""
    try:
        error = json_object(answer).get("error")
    except BadAnswer:
        return "", ""
    if not isinstance(error, dict):
        return "", ""
    message = error.get("message")
    return word(error.get("code"), ""), message if isinstance(message, str) else ""
