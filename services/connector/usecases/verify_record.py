"""The analyst pastes an integration record back from the EHR, and it is compared (E4, case 44).

A record that came back unchanged is stamped: promotion asks for that stamp before production.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connector.domain.audit import Event, Outcome
from connector.domain.configuration import RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.integration_record import Difference, IntegrationRecord, differences
from connector.domain.organization import Environment, MicrosoftIdentity, require_admin
from connector.ports.storage import AuditEntry, Door, Store, Transaction
from connector.ports.system import Clock

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of a comparison; `record` is stamped if nothing differs.

    `belongs_to` says whose record id was pasted instead: `test` or `production` for the other EHR
    environment's, `other` for another record of this one, empty for an id this tenant does not know.
    """

    record: IntegrationRecord
    differences: Sequence[Difference]
    belongs_to: str


@dataclass(frozen=True, slots=True)
class VerifyRecord:
    store: Store
    clock: Clock
    public_url: str

    def __call__(
        self, who: MicrosoftIdentity, record_id: str, pasted: str, reference: str
    ) -> Verification:
        """Compare, and stamp the record if it came back unchanged. Repeatable.

        Raises:
            Refused: `CONFIGURATION_UNKNOWN`; `STATE_CONFLICT`: its environment takes no launches now;
                `CHANGED_SINCE_SHOWN`: another revision went live at this moment;
                `ROLE_MISSING`: neither an administrator nor the approver of what is live.
        """
        with self.store.write() as tx:
            record, door = _found(tx, who, record_id)
            _require_analyst(who, door)
            verification = self._compared(tx, who, record, door, pasted)
            tx.audit(_line(self.clock.now(), who, verification, door.environment, reference))
        return verification

    def _compared(
        self,
        tx: Transaction,
        who: MicrosoftIdentity,
        record: IntegrationRecord,
        door: Door,
        pasted: str,
    ) -> Verification:
        issued = record.tokens(self.public_url, door.environment.kind.value, door.revision.settings)
        different = differences(issued, pasted)
        if different:
            return Verification(record, different, _owner(tx, door.environment, different))
        at = self.clock.now()
        tx.records.mark_verified(record.id, who.object_id, at)
        return Verification(replace(record, verified_at=at, verified_by=who.object_id), [], "")


def _found(
    tx: Transaction, who: MicrosoftIdentity, record_id: str
) -> tuple[IntegrationRecord, Door]:
    record = tx.records.find(record_id)
    environment = tx.configurations.environment(record.environment_id) if record else None
    if record is None or environment is None or environment.tenant_id != who.tenant_id:
        raise Refused(Reason.CONFIGURATION_UNKNOWN)
    door = tx.configurations.door_of_environment(record.environment_id)
    if door is None:
        raise Refused(Reason.STATE_CONFLICT, facts={"environment": environment.id})
    # Held until the stamp is written: what goes live next forgets it, instead of missing it.
    held = tx.configurations.revision(door.revision.id)
    if held is None or held.state is not RevisionState.ACTIVE:
        raise Refused(Reason.CHANGED_SINCE_SHOWN)
    return record, door


def _require_analyst(who: MicrosoftIdentity, door: Door) -> None:
    """The analyst who approved what is live holds no role, but built the records (F27)."""
    approver = who.object_id == door.revision.approver.object_id and not who.is_guest
    if not approver:
        require_admin(who)


def _owner(tx: Transaction, here: Environment, different: Sequence[Difference]) -> str:
    """Whose record id stands there; another tenant's is as unknown as an invented one (case 74)."""
    pasted_id = {d.token: d.pasted for d in different}.get("recordId", "")
    record = tx.records.find(pasted_id) if pasted_id else None
    owner = tx.configurations.environment(record.environment_id) if record else None
    if owner is None or owner.tenant_id != here.tenant_id:
        return ""
    return OTHER if owner.kind is here.kind else owner.kind.value


def _line(
    at: datetime,
    who: MicrosoftIdentity,
    verification: Verification,
    environment: Environment,
    reference: str,
) -> AuditEntry:
    """What was pasted is not kept: only how many tokens differ."""
    different = len(verification.differences)
    return AuditEntry(
        at=at,
        event=Event.RECORD_VERIFIED,
        outcome=Outcome.FAILURE if different else Outcome.SUCCESS,
        reference=reference,
        tenant_id=environment.tenant_id,
        environment_id=environment.id,
        actor=who.object_id,
        facts={"record": verification.record.id, "different_tokens": str(different)},
    )
