"""An operator looks at what the EHR is still owed and sends parked write-backs again (case 68)."""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.audit import Event, Outcome
from connector.ports.storage import AuditEntry, OwedMessage, Store
from connector.ports.system import Clock


@dataclass(frozen=True, slots=True)
class ReplayOutbox:
    store: Store
    clock: Clock

    def owed(self) -> Sequence[OwedMessage]:
        """Every message that is not delivered, oldest first."""
        with self.store.read() as tx:
            return tx.outbox.owed()

    def __call__(self, message_id: int | None = None) -> Sequence[OwedMessage]:
        """Make one parked message, or all of them, due now; what was made due.

        A message whose visit's data key is destroyed (24 hours after it was made) holds nothing
        any more that could be sent: it stays parked, as a record that something was lost.
        """
        now = self.clock.now()
        with self.store.write() as tx:
            chosen = [m for m in tx.outbox.owed() if m.replayable and message_id in (None, m.id)]
            for message in chosen:
                tx.outbox.replay(message.id, now)
                tx.audit(
                    AuditEntry(
                        at=now,
                        event=Event.WRITE_BACK_REPLAYED,
                        outcome=Outcome.SUCCESS,
                        reference="",
                        tenant_id=message.tenant_id,
                        environment_id=message.environment_id,
                        actor="operator",
                        facts={"visit": message.visit_id, "code": message.code},
                    )
                )
        return chosen
