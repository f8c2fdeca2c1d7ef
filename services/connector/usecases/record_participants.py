"""The worker reads a stored post of Graph: proves it, decrypts it, applies it once, in event order.

What changed for somebody becomes, in the same transaction, the roster, the visit's state, a line
for the live page and a write-back in the visit's lane (flow 3; cases 51, 52, 54-56).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from connector.domain.audit import Event, Outcome
from connector.ports.errors import BadAnswer, OutsideError, TryLater, Untrusted
from connector.ports.microsoft import NotificationReader, UnverifiedItem
from connector.ports.storage import AuditEntry, Store, StoredNotification
from connector.ports.system import Clock
from connector.ports.vault import Sealer
from connector.usecases.apply_call_event import ApplyCallEvent
from connector.usecases.prove_notification import proven_visit_id

# Together almost an hour: longer than an outage of Microsoft's keys, shorter than the data keys last.
_TRIES = 60
_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Judged:
    """An item, and the visit it proved to be about or else why it is not believed."""

    item: UnverifiedItem
    visit_id: str | None
    refused: str


@dataclass(frozen=True, slots=True)
class RecordParticipants:
    store: Store
    reader: NotificationReader
    sealer: Sealer
    apply: ApplyCallEvent
    clock: Clock

    def __call__(self, stored: StoredNotification) -> None:
        """Apply one stored post; it leaves the inbox, or waits, or is kept as a dead letter."""
        if stored.attempts >= _TRIES:  # before anything is tried: it may be us who cannot bear it
            self._bury(stored, "tried_too_often")
            return
        try:
            broken = self._apply_post(stored.body)
        except TryLater:
            self._wait(stored)
        except (BadAnswer, Untrusted) as err:
            self._bury(stored, err.code)
        else:
            self._finish(stored, broken)

    def _apply_post(self, body: bytes) -> Sequence[OutsideError]:
        """Apply what is proven ours; what cannot be read of it is returned.

        Raises:
            BadAnswer, Untrusted: the post as a whole; TryLater.
        """
        items, tokens = self.reader.split(body)
        judged = [self._judge(item) for item in items]
        believed = [(j.item, j.visit_id) for j in judged if j.visit_id is not None]
        if believed:
            self.reader.verify_tokens(
                tokens,
                frozenset(item.tenant_id for item, _ in believed),
                also_named=frozenset(item.tenant_id for item in items),
            )
        broken = [err for pair in believed if (err := self._apply_item(*pair))]
        self._refuse(Counter(j.refused for j in judged if j.refused))
        return broken

    def _judge(self, item: UnverifiedItem) -> _Judged:
        visit_id = proven_visit_id(self.sealer, item)
        if visit_id is None:
            return _Judged(item, None, "client_state")
        with self.store.glance() as tx:
            visit = tx.visits.get(visit_id)
        if visit is None:
            return _Judged(item, None, "visit_unknown")
        if item.tenant_id != visit.tenant_id:
            return _Judged(item, None, "tenant")
        return _Judged(item, visit_id, "")

    def _apply_item(self, item: UnverifiedItem, visit_id: str) -> OutsideError | None:
        """What is wrong with the item, if it cannot be believed or read."""
        try:
            event = self.reader.open(item)
        except (BadAnswer, Untrusted) as err:
            return err
        if event is None:
            return None
        with self.store.write() as tx:
            visit = tx.visits.get(visit_id)
            if visit is not None and tx.visits.first_news(visit_id, event.key):
                self.apply(tx, visit, event)
        return None

    def _finish(self, stored: StoredNotification, broken: Sequence[OutsideError]) -> None:
        """A post with an item nobody can read is kept; its other items were applied."""
        if broken:
            self._bury(stored, broken[0].code)
            return
        with self.store.write() as tx:
            tx.inbox.done(stored.id)

    def _wait(self, stored: StoredNotification) -> None:
        pause = min(_PAUSE * (stored.attempts + 1), _LONGEST_PAUSE)
        with self.store.write() as tx:
            tx.inbox.retry(stored.id, self.clock.now() + pause)

    def _bury(self, stored: StoredNotification, code: str) -> None:
        with self.store.write() as tx:
            tx.inbox.bury(stored.id, code)
        self._refuse(Counter([code]))

    def _refuse(self, reasons: Counter[str]) -> None:
        """One line of the audit trail for a post, however many items it has."""
        if not reasons:
            return
        why, _ = reasons.most_common(1)[0]
        with self.store.write() as tx:
            tx.audit(
                AuditEntry(
                    at=self.clock.now(),
                    event=Event.NOTIFICATION_REFUSED,
                    outcome=Outcome.REFUSED,
                    reference="",
                    actor="graph",
                    facts={"why": why, "items": str(reasons.total())},
                )
            )
