"""Every open meeting is watched: subscribe, renew before it lapses, unsubscribe when it is over."""

from dataclasses import dataclass
from datetime import timedelta

from connector.domain.outbox import pause_seconds
from connector.ports.errors import Gone, OutsideError, TryLater
from connector.ports.microsoft import Subscriptions
from connector.ports.storage import Store, Transaction, WatchedMeeting
from connector.ports.system import Clock, Ids
from connector.ports.vault import Sealer
from connector.usecases.prove_notification import client_state_of

# Graph allows three days; a visit needs hours, and a renewal also re-authorises (microsoft.md 3.7).
LIFETIME = timedelta(hours=12)
RENEW_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class KeepSubscriptions:
    store: Store
    subscriptions: Subscriptions
    sealer: Sealer
    clock: Clock
    ids: Ids

    def due(self, limit: int) -> list[WatchedMeeting]:
        now = self.clock.now()
        with self.store.write() as tx:
            return list(tx.watches.claim_due(now, now + RENEW_WITHIN, limit))

    def __call__(self, watch: WatchedMeeting) -> None:
        """Bring one subscription to what is wanted; a failure is tried again with back-off."""
        try:
            self._settle(watch)
        except Gone:
            with self.store.write() as tx:
                tx.watches.lost(watch)
        except OutsideError as err:
            asked = err.retry_after_seconds if isinstance(err, TryLater) else None
            pause = max(asked or 0.0, pause_seconds(watch.attempts + 1, self.ids.jitter()))
            with self.store.write() as tx:
                tx.watches.retry(watch, self.clock.now() + timedelta(seconds=pause))

    def _settle(self, watch: WatchedMeeting) -> None:
        with self.store.read() as tx:
            over = _is_over(tx, watch)
        if over:
            self._stop(watch)
            return
        expires_at = self.clock.now() + LIFETIME
        if watch.graph_id:
            live = self.subscriptions.renew(watch.tenant_id, watch.graph_id, expires_at)
        else:
            live = self.subscriptions.create(
                tenant_id=watch.tenant_id,
                join_url=watch.join_url,
                client_state=client_state_of(self.sealer, watch.visit_id),
                expires_at=expires_at,
            )
        with self.store.write() as tx:
            tx.watches.confirmed(watch, live.graph_id, live.expires_at)

    def _stop(self, watch: WatchedMeeting) -> None:
        """Unsubscribe; a visit that was taken up meanwhile is subscribed to anew."""
        if watch.graph_id:
            self.subscriptions.delete(watch.tenant_id, watch.graph_id)
        with self.store.write() as tx:
            if _is_over(tx, watch):
                tx.watches.unwant(watch.visit_id, self.clock.now())
            tx.watches.removed(watch.visit_id)


def _is_over(tx: Transaction, watch: WatchedMeeting) -> bool:
    """Nobody wants it, or it is due for renewal after the visit's end."""
    visit = tx.visits.get(watch.visit_id)
    return not watch.wanted or visit is None or visit.final
