"""The worker takes the due head of each visit's lane to the EHR; delivered means the EHR said so.

A crash between the EHR's yes and our note of it repeats the call with the same idempotency key,
so the EHR's audit trail still has it once (cases 67-69, 73).
"""

import json
from dataclasses import dataclass
from datetime import timedelta

from connector.domain.audit import Event, Outcome
from connector.domain.outbox import ATTEMPTS_BEFORE_PARKING, OutboxMessage, pause_seconds
from connector.domain.participant import ConnectionStatus, Role
from connector.ports.ehr import ConnectionReport, EhrTarget, WriteBack
from connector.ports.errors import OutsideError, TryLater, Untrusted
from connector.ports.storage import AuditEntry, Store
from connector.ports.system import Clock, Ids
from connector.ports.vault import VisitSealer


@dataclass(frozen=True, slots=True)
class DeliverOutbox:
    store: Store
    write_back: WriteBack
    visit_sealer: VisitSealer
    clock: Clock
    ids: Ids

    def due(self, limit: int) -> list[OutboxMessage]:
        with self.store.write() as tx:
            return list(tx.outbox.claim_due(self.clock.now(), limit))

    def __call__(self, message: OutboxMessage) -> None:
        """Deliver one claimed message, or note when to try again, or park its lane."""
        try:
            self.write_back.report(self._target(message), self._report(message))
        except TryLater as err:
            self._later(message, err)
        except OutsideError as err:
            self._park(message, err.code)
        else:
            with self.store.write() as tx:
                tx.outbox.delivered(message.id, self.clock.now())

    def _target(self, message: OutboxMessage) -> EhrTarget:
        with self.store.read() as tx:
            door = tx.configurations.door_of_environment(message.environment_id)
        if door is None:
            raise TryLater("configuration_inactive")
        revision = door.revision
        return EhrTarget(revision.fhir_base_url, revision.endpoints, revision.clients.backend)

    def _report(self, message: OutboxMessage) -> ConnectionReport:
        with self.store.read() as tx:
            secrets = tx.visits.secrets(message.visit_id)
        if secrets is None:
            raise Untrusted("data_key_destroyed")
        payload = json.loads(self.visit_sealer.open(secrets.wrapped_key, message.sealed))
        return ConnectionReport(
            conference_id=payload["conference_id"],
            person_id=payload["person_id"],
            role=Role(payload["role"]),
            status=ConnectionStatus(payload["status"]),
            key=message.key,
        )

    def _later(self, message: OutboxMessage, err: TryLater) -> None:
        attempts = message.attempts + 1
        if attempts >= ATTEMPTS_BEFORE_PARKING:
            self._park(message, err.code)
            return
        # What the EHR asks for is the least to wait: asked every second, we would soon park.
        pause = max(err.retry_after_seconds or 0.0, pause_seconds(attempts, self.ids.jitter()))
        due_at = self.clock.now() + timedelta(seconds=pause)
        with self.store.write() as tx:
            tx.outbox.retry(message.id, due_at, err.code)

    def _park(self, message: OutboxMessage, code: str) -> None:
        with self.store.write() as tx:
            tx.outbox.park(message.id, code)
            tx.audit(
                AuditEntry(
                    at=self.clock.now(),
                    event=Event.WRITE_BACK_PARKED,
                    outcome=Outcome.FAILURE,
                    reference="",
                    tenant_id=message.tenant_id,
                    environment_id=message.environment_id,
                    actor="connector",
                    facts={"visit": message.visit_id, "code": code},
                )
            )
