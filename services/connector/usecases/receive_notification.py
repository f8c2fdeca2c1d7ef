"""Graph posts; we keep the post before we believe it (202 within the 3 s budget)."""

from dataclasses import dataclass

from connector.ports.storage import Store
from connector.ports.system import Clock


@dataclass(frozen=True, slots=True)
class ReceiveNotification:
    store: Store
    clock: Clock

    def __call__(self, body: bytes) -> None:
        with self.store.write() as tx:
            tx.inbox.add(body, self.clock.now())
