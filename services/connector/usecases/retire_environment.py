"""An admin takes an EHR environment out of use: no launches until a revision is approved again."""

from dataclasses import dataclass

from connector.domain.audit import Event, Outcome
from connector.domain.configuration import Revision, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.organization import MicrosoftIdentity, require_admin
from connector.ports.storage import AuditEntry, Store
from connector.ports.system import Clock
from connector.usecases.roll_back import shown_revision


@dataclass(frozen=True, slots=True)
class RetireEnvironment:
    store: Store
    clock: Clock

    def __call__(
        self,
        admin: MicrosoftIdentity,
        environment_id: str,
        active_revision_id: str,
        reference: str,
    ) -> Revision:
        """Retire `active_revision_id`, the one the admin saw in use; its FHIR base URL is free then.

        Repeatable: a second click finds it retired. Meetings that are open go on; what the EHR has
        not been told of them yet waits for another revision, as long as visit secrets are kept.

        Raises:
            Refused: `ROLE_MISSING`, `CONFIGURATION_UNKNOWN`, `CHANGED_SINCE_SHOWN`; nothing has
                changed then.
        """
        require_admin(admin)
        with self.store.write() as tx:
            shown = shown_revision(tx, admin, environment_id, active_revision_id)
            door = tx.configurations.door_of_environment(environment_id)
            if door is None and shown.state is RevisionState.RETIRED:
                return shown
            if shown.state is not RevisionState.ACTIVE:
                raise Refused(Reason.CHANGED_SINCE_SHOWN)
            tx.configurations.retire(shown)
            tx.audit(
                AuditEntry(
                    at=self.clock.now(),
                    event=Event.ENVIRONMENT_RETIRED,
                    outcome=Outcome.SUCCESS,
                    reference=reference,
                    tenant_id=shown.tenant_id,
                    environment_id=environment_id,
                    actor=admin.object_id,
                    facts={"revision": shown.id},
                )
            )
        return shown.retired()
