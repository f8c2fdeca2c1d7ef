"""What is no longer needed is destroyed: sealed EHR ids, spent states, old visits (design.md 6)."""

from dataclasses import dataclass
from datetime import timedelta

from connector.domain.launch import LAUNCH_LIFETIME
from connector.ports.storage import Store
from connector.ports.system import Clock

# People drop out and come back within minutes; then the visit's data key has no more use.
SECRETS_KEPT_AFTER_THE_END = timedelta(minutes=30)
SECRETS_KEPT_AT_MOST = timedelta(hours=24)
STATES_KEPT = 6 * LAUNCH_LIFETIME


@dataclass(frozen=True, slots=True)
class TidyUp:
    store: Store
    clock: Clock
    visits_kept: timedelta

    def __call__(self) -> None:
        now = self.clock.now()
        with self.store.write() as tx:
            tx.visits.destroy_secrets(now - SECRETS_KEPT_AFTER_THE_END, now - SECRETS_KEPT_AT_MOST)
            tx.visits.purge(now - self.visits_kept)
            tx.redemptions.purge(now - STATES_KEPT)
