"""A subscription to the call events of one meeting, and all of them."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from mock_microsoft.notifications.crypto import EncryptionCertificate

# After `reauthorizationRequired`, how long notifications still flow without the subscriber's answer.
REAUTHORIZATION_GRACE = timedelta(minutes=30)


@dataclass(slots=True, kw_only=True)
class Subscription:
    id: str
    app_id: str
    tenant_id: str
    creator_id: str
    resource: str
    join_web_url: str
    notification_url: str
    lifecycle_notification_url: str | None
    client_state: str | None
    certificate: EncryptionCertificate
    expires: datetime
    is_silent: bool = False
    reauthorize_by: datetime | None = None

    def is_expired(self, now: datetime) -> bool:
        return self.expires <= now

    def delivers(self, now: datetime) -> bool:
        """Whether what happens now is published; if not, it is lost and nobody is told."""
        unanswered = self.reauthorize_by is not None and self.reauthorize_by <= now
        return not (self.is_silent or unanswered or self.is_expired(now))

    def reauthorized(self) -> None:
        self.reauthorize_by = None


def call_events_resource(join_web_url: str) -> str:
    return f"communications/onlineMeetings(joinWebUrl='{quote(join_web_url, safe='')}')/meetingCallEvents"


class Subscriptions:
    """At most one per application and meeting, counting those whose handshake is still going on. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_id: dict[str, Subscription] = {}
        self._places: dict[str, dict[str, str]] = {}  # join URL -> application -> subscription

    def clear(self) -> None:
        with self._lock:
            self._by_id.clear()
            self._places.clear()

    def reserve(self, app_id: str, join_web_url: str, subscription_id: str, now: datetime) -> bool:
        """Take the place of (application, meeting) before the handshake; False when it is taken."""
        with self._lock:
            places = self._places.setdefault(join_web_url, {})
            holder = self._by_id.get(places.get(app_id, ""))
            if app_id in places and not (holder and holder.is_expired(now)):
                return False
            if holder:
                del self._by_id[holder.id]
            places[app_id] = subscription_id
            return True

    def release(self, app_id: str, join_web_url: str) -> None:
        with self._lock:
            self._places.get(join_web_url, {}).pop(app_id, None)

    def add(self, subscription: Subscription) -> None:
        with self._lock:
            self._by_id[subscription.id] = subscription

    def remove(self, subscription: Subscription) -> None:
        with self._lock:
            self._by_id.pop(subscription.id, None)
        self.release(subscription.app_id, subscription.join_web_url)

    def find(self, subscription_id: str, now: datetime) -> Subscription | None:
        with self._lock:
            subscription = self._by_id.get(subscription_id)
        return None if subscription is None or subscription.is_expired(now) else subscription

    def of_app(self, app_id: str, tenant_id: str, now: datetime) -> list[Subscription]:
        return [s for s in self.live(now) if s.app_id == app_id and s.tenant_id == tenant_id]

    def to_meeting(self, join_web_url: str) -> list[Subscription]:
        with self._lock:
            holders = self._places.get(join_web_url, {}).values()
            return [self._by_id[i] for i in holders if i in self._by_id]

    def live(self, now: datetime) -> list[Subscription]:
        with self._lock:
            everything = list(self._by_id.values())
        return [s for s in everything if not s.is_expired(now)]
