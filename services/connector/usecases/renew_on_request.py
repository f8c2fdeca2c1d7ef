"""Graph asks on the lifecycle URL that a subscription be re-authorised (microsoft.md 3.7)."""

from dataclasses import dataclass

from connector.ports.errors import BadAnswer
from connector.ports.microsoft import NotificationReader
from connector.ports.storage import Store
from connector.ports.system import Clock
from connector.ports.vault import Sealer
from connector.usecases.record_participants import client_state_of
from connector.usecases.redeem_code import same


@dataclass(frozen=True, slots=True)
class RenewOnRequest:
    store: Store
    reader: NotificationReader
    sealer: Sealer
    clock: Clock

    def __call__(self, body: bytes) -> None:
        """Mark the named subscriptions due; items that do not prove to be ours change nothing."""
        try:
            items, _tokens = self.reader.split(body)
        except BadAnswer:
            return
        with self.store.write() as tx:
            for item in items:
                visit_id = tx.watches.visit_of(item.subscription_id)
                if visit_id and same(item.client_state, client_state_of(self.sealer, visit_id)):
                    tx.watches.renew_now(item.subscription_id, self.clock.now())
