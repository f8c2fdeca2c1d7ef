"""Subscriptions to the call events of one meeting (flow 3; microsoft.md 3.1 and 3.7).

https://learn.microsoft.com/graph/changenotifications-for-onlinemeeting
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from connector.adapters.graph.client import BETA, GraphClient
from connector.adapters.graph.instants import graph_text, instant
from connector.ports.errors import BadAnswer, Denied, Gone
from connector.ports.microsoft import Subscription
from connector.ports.vault import NotificationKeys

SUBSCRIPTIONS = f"{BETA}/subscriptions"
# The documented maximum is 4,320 minutes, in one table 4,230; beyond it the call fails.
LONGEST_LIFE = timedelta(minutes=4_200)
# Graph calls both of our URLs, up to 10 s each, before it answers.
_CREATE_DEADLINE_SECONDS = 25.0
# 409 has been seen for a meeting that is watched already; the documentation says 403.
_PERHAPS_THERE_ALREADY = frozenset(
    {"conflict", "http_409", "forbidden", "http_403", "extensionerror"}
)


class GraphSubscriptions:
    """Implements `ports.microsoft.Subscriptions`.

    Args:
        graph: app-only Graph.
        keys: whose newest certificate Graph encrypts events for.
        notification_url, lifecycle_url: ours, public, https; they cannot be changed later.
    """

    def __init__(
        self,
        graph: GraphClient,
        keys: NotificationKeys,
        *,
        notification_url: str,
        lifecycle_url: str,
    ) -> None:
        self._graph = graph
        self._keys = keys
        self._notification_url = notification_url
        self._lifecycle_url = lifecycle_url

    def create(
        self, *, tenant_id: str, join_url: str, client_state: str, expires_at: datetime
    ) -> Subscription:
        asked = self._asked(join_url, client_state, expires_at)
        try:
            return self._create(tenant_id, asked)
        except Denied as refused:
            if refused.code.lower() not in _PERHAPS_THERE_ALREADY:
                raise
            if not self._delete_existing(tenant_id, asked["resource"]):
                raise
        return self._create(tenant_id, asked)

    def renew(self, tenant_id: str, graph_id: str, expires_at: datetime) -> Subscription:
        body = {"expirationDateTime": graph_text(self._within_limit(expires_at))}
        return _subscription(self._graph.ask(tenant_id, "PATCH", _path(graph_id), body=body))

    def delete(self, tenant_id: str, graph_id: str) -> None:
        try:
            self._graph.ask(tenant_id, "DELETE", _path(graph_id))
        except Gone:
            return

    def _asked(self, join_url: str, client_state: str, expires_at: datetime) -> dict[str, Any]:
        certificate_id, certificate = self._keys.certificate()
        return {
            "changeType": "updated",
            "notificationUrl": self._notification_url,
            "lifecycleNotificationUrl": self._lifecycle_url,
            "resource": _resource(join_url),
            "includeResourceData": True,
            "encryptionCertificate": certificate,
            "encryptionCertificateId": certificate_id,
            "expirationDateTime": graph_text(self._within_limit(expires_at)),
            "clientState": client_state,
        }

    def _create(self, tenant_id: str, asked: Mapping[str, Any]) -> Subscription:
        return _subscription(
            self._graph.ask(
                tenant_id,
                "POST",
                SUBSCRIPTIONS,
                body=asked,
                deadline_seconds=_CREATE_DEADLINE_SECONDS,
            )
        )

    def _delete_existing(self, tenant_id: str, resource: str) -> bool:
        """Delete our own subscriptions to a resource; False if there was none.

        Theirs is a certificate, clientState or expiry we may no longer hold, so adopting one as
        it is would be silent loss.
        """
        found = [
            each["id"]
            for each in self._listed(tenant_id)
            if isinstance(each.get("id"), str) and each.get("resource") == resource
        ]
        for graph_id in found:
            self.delete(tenant_id, graph_id)
        return bool(found)

    def _listed(self, tenant_id: str) -> Iterator[Mapping[str, Any]]:
        """Every subscription of this app in the tenant, page by page."""
        found = self._graph.listed(tenant_id, SUBSCRIPTIONS)
        return (each for each in found if isinstance(each, dict))

    def _within_limit(self, expires_at: datetime) -> datetime:
        return min(expires_at, self._graph.clock.now() + LONGEST_LIFE)


def _resource(join_url: str) -> str:
    """The join URL is an opaque text to be escaped whole, its own escapes included."""
    return (
        f"communications/onlineMeetings(joinWebUrl='{quote(join_url, safe='')}')/meetingCallEvents"
    )


def _path(graph_id: str) -> str:
    return f"{SUBSCRIPTIONS}/{quote(graph_id, safe='')}"


def _subscription(answer: Mapping[str, Any]) -> Subscription:
    graph_id = answer.get("id")
    if not isinstance(graph_id, str) or not graph_id:
        raise BadAnswer("id")
    return Subscription(graph_id, instant(answer.get("expirationDateTime"), "expirationDateTime"))
