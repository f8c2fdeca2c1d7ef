"""What is no longer needed ends and is destroyed (design.md 6).

Forgotten visits and watches end; sealed EHR ids, spent states, dead letters, kept answers, old visits go.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.domain.launch import LAUNCH_LIFETIME
from connector.ports.microsoft import CallEvent, CallEventType
from connector.ports.storage import Store
from connector.ports.system import Clock
from connector.usecases.apply_call_event import ApplyCallEvent

# People drop out and come back within minutes; then the visit's data key and the subscription of
# its meeting have no more use. A provider who launches again has the meeting watched again.
SECRETS_KEPT_AFTER_THE_END = timedelta(minutes=30)
SECRETS_KEPT_AT_MOST = timedelta(hours=24)
FORGOTTEN_AFTER = timedelta(hours=24)
DEAD_LETTERS_KEPT = timedelta(hours=24)
ANSWERS_KEPT = timedelta(hours=24)
STATES_KEPT = 6 * LAUNCH_LIFETIME
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class TidyUp:
    store: Store
    apply: ApplyCallEvent
    clock: Clock
    visits_kept: timedelta

    def __call__(self) -> None:
        now = self.clock.now()
        with self.store.write() as tx:
            tx.watches.unwant_ended(now - SECRETS_KEPT_AFTER_THE_END, now)
            tx.visits.destroy_secrets(now - SECRETS_KEPT_AFTER_THE_END, now - SECRETS_KEPT_AT_MOST)
            tx.visits.purge(now - self.visits_kept)
            tx.redemptions.purge(now - STATES_KEPT)
            tx.inbox.purge(now - DEAD_LETTERS_KEPT)
            tx.idempotency.purge(now - ANSWERS_KEPT)
        self._end_forgotten(now)

    def _end_forgotten(self, now: datetime) -> None:
        """A visit of which nothing was heard for a day is over, as if its call had ended now."""
        with self.store.read() as tx:
            forgotten = tx.visits.forgotten(now - FORGOTTEN_AFTER, _AT_ONCE)
        for visit_id in forgotten:
            with self.store.write() as tx:
                visit = tx.visits.get(visit_id)
                if visit and not visit.final:  # pragma: no branch - somebody may be faster
                    self.apply(tx, visit, CallEvent("", CallEventType.ENDED, now, ()))
                    tx.watches.unwant(visit_id, now)
