"""What Microsoft lets us do in a tenant, and whether Graph would find our webhook (microsoft.md 1.4 to 1.6, 3.2).

https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#payload-claims
"""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from connector.adapters.graph.client import V1, GraphClient
from connector.ports.answers import date_of, failure_of, host_of, strict_json
from connector.ports.errors import BadAnswer, Denied
from connector.ports.http import Http
from connector.ports.system import Clock

# A meeting nobody has: Graph looks at the policy first, then finds nothing.
_NO_MEETING = "https://teams.microsoft.com/l/meetup-join/none"
_NOTHING_FOUND = frozenset({"NotFound", "BadRequest", "http_400", "http_404"})
_JWT_PARTS = 3


class GraphExamination:
    """Implements `ports.examination.MicrosoftExamination`.

    Args:
        http, clock, graph: the outside.
        graph_url: `https://graph.microsoft.com`, or a simulator's.
        app_token: tenant id to access token.
        forget_app_token: told the tenant so that the next token is a new one.
    """

    def __init__(
        self,
        http: Http,
        clock: Clock,
        graph: GraphClient,
        *,
        graph_url: str,
        app_token: Callable[[str], str],
        forget_app_token: Callable[[str], None],
    ) -> None:
        self._http = http
        self._clock = clock
        self._graph = graph
        self._graph_url = graph_url.rstrip("/")
        self._app_token = app_token
        self._forget_app_token = forget_app_token

    def graph_date(self) -> datetime | None:
        # Graph refuses this for want of a token: what counts is when it says it did.
        return date_of(self._http.send("GET", f"{self._graph_url}{V1}/organization"))

    def permissions(self, tenant_id: str) -> frozenset[str]:
        # A token held from before a consent would still name the old permissions.
        self._forget_app_token(tenant_id)
        claims = _unverified_claims(self._app_token(tenant_id), self._graph.host)
        roles = claims.get("roles", [])
        listed = roles if isinstance(roles, list) else []
        return frozenset(role for role in listed if isinstance(role, str))

    def require_meeting_policy(self, tenant_id: str, user_id: str) -> None:
        query = urlencode({"$filter": f"JoinWebUrl eq '{_NO_MEETING}'"}, quote_via=quote)
        path = f"{V1}/users/{quote(user_id, safe='')}/onlineMeetings?{query}"
        try:
            self._graph.ask(tenant_id, "GET", path)
        except Denied as refused:
            if refused.code not in _NOTHING_FOUND:
                raise

    def require_webhook(self, notification_url: str, token: str) -> None:
        host = host_of(notification_url)
        answer = self._http.send(
            "POST",
            f"{notification_url}?{urlencode({'validationToken': token})}",
            headers={"Content-Type": "text/plain; charset=utf-8"},
            body=b"",
        )
        if answer.status != HTTPStatus.OK:
            raise failure_of(answer, self._clock.now(), host=host)
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
        if media_type != "text/plain" or answer.body != token.encode():
            raise BadAnswer("not_echoed", host=host)


def _unverified_claims(token: str, host: str) -> dict[str, Any]:
    """The claims of a token Entra has just handed us over TLS; nothing is decided by them but a report.

    Raises:
        BadAnswer: `token_opaque`.
    """
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        raise BadAnswer("token_opaque", host=host)
    try:
        return strict_json(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, BadAnswer) as unreadable:
        raise BadAnswer("token_opaque", host=host) from unreadable
