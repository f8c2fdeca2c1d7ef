"""Graph asks on the lifecycle URL that a subscription be re-authorised (microsoft.md 3.7)."""

from dataclasses import dataclass

from connector.ports.errors import BadAnswer
from connector.ports.microsoft import NotificationReader
from connector.ports.storage import Store
from connector.ports.system import Clock
from connector.ports.vault import Sealer
from connector.usecases.prove_notification import proven_visit_id


@dataclass(frozen=True, slots=True)
class RenewOnRequest:
    store: Store
    reader: NotificationReader
    sealer: Sealer
    clock: Clock

    def __call__(self, body: bytes) -> None:
        """Mark the named meetings' watches due; what does not prove to be ours changes nothing."""
        try:
            items, _tokens = self.reader.split(body)
        except BadAnswer:
            return
        proven = {
            (visit_id, item.tenant_id)
            for item in items
            if (visit_id := proven_visit_id(self.sealer, item))
        }
        if not proven:
            return
        with self.store.write() as tx:
            for visit_id, tenant_id in sorted(proven):
                tx.watches.renew_now(visit_id, tenant_id, self.clock.now())
