"""An admin has an environment launch with its previous approved revision again (flow 5, case 42).

Nothing new comes into effect by it, so nobody has to approve it again: somebody did, word for word.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.audit import Event, Outcome
from connector.domain.configuration import Revision, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.organization import MicrosoftIdentity, require_admin
from connector.ports.storage import AuditEntry, Store, Transaction
from connector.ports.system import Clock, Ids
from connector.usecases.go_live import go_live


@dataclass(frozen=True, slots=True)
class RollBack:
    store: Store
    clock: Clock
    ids: Ids
    vouched_hosts: frozenset[str] = frozenset()

    def __call__(
        self,
        admin: MicrosoftIdentity,
        environment_id: str,
        active_revision_id: str,
        reference: str,
    ) -> Revision:
        """Restore the approved revision before `active_revision_id`, the one the admin saw in use.

        Immediate and repeatable: a second click finds it restored. The revision rolled back from is
        retired, so that rolling back again goes further back and a later one never returns to it.

        Raises:
            Refused: `ROLE_MISSING`, `CONFIGURATION_UNKNOWN`, `CHANGED_SINCE_SHOWN`,
                `NOTHING_TO_ROLL_BACK`, `URL_TAKEN`, `URL_LOOKS_LIKE_ANOTHER`; nothing has changed
                then.
        """
        require_admin(admin)
        with self.store.write() as tx:
            shown = shown_revision(tx, admin, environment_id, active_revision_id)
            previous = previous_approved(tx.configurations.revisions(environment_id), shown)
            done = shown.state is RevisionState.RETIRED
            if done and previous and previous.state is RevisionState.ACTIVE:
                return previous
            if shown.state is not RevisionState.ACTIVE:
                raise Refused(Reason.CHANGED_SINCE_SHOWN)
            if previous is None:
                raise Refused(Reason.NOTHING_TO_ROLL_BACK)
            restored = previous.restored()
            go_live(tx, restored, self.ids, self.vouched_hosts)
            tx.configurations.save_revision(shown.retired(), RevisionState.SUPERSEDED.value)
            self._audit(tx, restored, shown, admin, reference)
        return restored

    def _audit(
        self,
        tx: Transaction,
        restored: Revision,
        left: Revision,
        admin: MicrosoftIdentity,
        reference: str,
    ) -> None:
        tx.audit(
            AuditEntry(
                at=self.clock.now(),
                event=Event.CONFIGURATION_ROLLED_BACK,
                outcome=Outcome.SUCCESS,
                reference=reference,
                tenant_id=restored.tenant_id,
                environment_id=restored.environment_id,
                actor=admin.object_id,
                facts={"from": left.id, "to": restored.id, "digest": restored.digest()},
            )
        )


def shown_revision(
    tx: Transaction, admin: MicrosoftIdentity, environment_id: str, revision_id: str
) -> Revision:
    """The revision the admin saw, of an environment of theirs, held until the transaction ends.

    Raises:
        Refused: `CONFIGURATION_UNKNOWN`: another tenant's, or of another environment.
    """
    shown = tx.configurations.revision(revision_id)
    theirs = shown and (shown.tenant_id, shown.environment_id) == (admin.tenant_id, environment_id)
    if shown is None or not theirs:
        raise Refused(Reason.CONFIGURATION_UNKNOWN)
    return shown


def previous_approved(newest_first: Sequence[Revision], shown: Revision) -> Revision | None:
    """The last one before it that its approver approved and nobody rolled back from."""
    candidates = {RevisionState.SUPERSEDED, RevisionState.ACTIVE}
    return next(
        (
            revision
            for revision in newest_first
            if revision.number < shown.number
            and revision.approved_at
            and revision.state in candidates
        ),
        None,
    )
