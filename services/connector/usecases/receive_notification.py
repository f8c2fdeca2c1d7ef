"""Graph posts; we keep the post before we believe it (202 within the 3 s budget).

Anybody can post to us, so what shows no secret of ours is not even stored: the check needs neither
the database nor a call. It is counted, not audited, or strangers could fill the audit trail.
"""

from dataclasses import dataclass
from enum import StrEnum

from connector.ports.errors import BadAnswer
from connector.ports.microsoft import NotificationReader
from connector.ports.storage import Store
from connector.ports.system import Clock
from connector.ports.vault import Sealer
from connector.usecases.prove_notification import proven_visit_id


class Received(StrEnum):
    """What became of a post."""

    STORED = "stored"
    UNREADABLE = "unreadable"
    NOT_OURS = "not_ours"


@dataclass(frozen=True, slots=True)
class ReceiveNotification:
    store: Store
    reader: NotificationReader
    sealer: Sealer
    clock: Clock

    def __call__(self, body: bytes) -> Received:
        try:
            items, _tokens = self.reader.split(body)
        except BadAnswer:
            return Received.UNREADABLE
        if not any(proven_visit_id(self.sealer, item) for item in items):
            return Received.NOT_OURS
        with self.store.write() as tx:
            tx.inbox.add(body, self.clock.now())
        return Received.STORED
