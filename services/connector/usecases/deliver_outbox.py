"""The worker takes the due head of each visit's lane to the EHR; delivered means the EHR said so.

A crash between the EHR's yes and our note of it repeats the call with the same idempotency key,
so the EHR's audit trail still has it once (cases 67-69, 73).
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from connector.domain.audit import Event, Outcome
from connector.domain.outbox import OutboxMessage, pause_seconds
from connector.domain.participant import ConnectionStatus, Role
from connector.ports.ehr import ConnectionReport, EhrTarget, WriteBack
from connector.ports.errors import OutsideError, Rejected, TryLater, Untrusted
from connector.ports.storage import AuditEntry, Store
from connector.ports.system import Clock, Ids
from connector.ports.vault import VisitSealer


class Delivery(StrEnum):
    """What became of one attempt."""

    DELIVERED = "delivered"
    RETRIED = "retried"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class DeliverOutbox:
    store: Store
    write_back: WriteBack
    visit_sealer: VisitSealer
    clock: Clock
    ids: Ids

    def due(self, limit: int, but_not_of: Collection[str] = ()) -> list[OutboxMessage]:
        """Claim due messages, except those of the environments named."""
        with self.store.write() as tx:
            return list(tx.outbox.claim_due(self.clock.now(), limit, but_not_of))

    def __call__(self, message: OutboxMessage) -> Delivery:
        """Deliver one claimed message, or note when to try again, or park its lane.

        Only what can never succeed parks: a gateway under maintenance, keys that are not synced
        yet or a wrong setting end, and what was owed meanwhile is delivered then.
        """
        try:
            self.write_back.report(self._target(message), self._report(message))
        except Rejected as err:
            return self._park(message, err.code)
        except OutsideError as err:
            return self._later(message, err)
        with self.store.write() as tx:
            tx.outbox.delivered(message.id, self.clock.now())
        return Delivery.DELIVERED

    def _target(self, message: OutboxMessage) -> EhrTarget:
        with self.store.read() as tx:
            door = tx.configurations.door_of_environment(message.environment_id)
        if door is None:
            raise TryLater("configuration_inactive")
        revision = door.revision
        return EhrTarget(revision.fhir_base_url, revision.endpoints, revision.clients.backend)

    def _report(self, message: OutboxMessage) -> ConnectionReport:
        """Raises: Rejected: what was sealed cannot be opened any more, now or later."""
        with self.store.read() as tx:
            secrets = tx.visits.secrets(message.visit_id)
        if secrets is None:
            raise Rejected("data_key_destroyed")
        try:
            payload = json.loads(self.visit_sealer.open(secrets.wrapped_key, message.sealed))
        except Untrusted as err:
            raise Rejected(err.code) from err
        return ConnectionReport(
            conference_id=payload["conference_id"],
            person_id=payload["person_id"],
            role=Role(payload["role"]),
            status=ConnectionStatus(payload["status"]),
            key=message.key,
        )

    def _later(self, message: OutboxMessage, err: OutsideError) -> Delivery:
        # What the EHR asks for is the least to wait, our own back-off goes on beside it.
        asked = err.retry_after_seconds if isinstance(err, TryLater) else None
        pause = max(asked or 0.0, pause_seconds(message.attempts + 1, self.ids.jitter()))
        due_at = self.clock.now() + timedelta(seconds=pause)
        with self.store.write() as tx:
            tx.outbox.retry(message, due_at, err.code)
        return Delivery.RETRIED

    def _park(self, message: OutboxMessage, code: str) -> Delivery:
        with self.store.write() as tx:
            tx.outbox.park(message, code)
            tx.audit(
                AuditEntry.of_connector(
                    self.clock.now(),
                    Event.WRITE_BACK_PARKED,
                    Outcome.FAILURE,
                    message,
                    {"visit": message.visit_id, "code": code},
                )
            )
        return Delivery.PARKED
