"""One FHIR base URL for several tenants: offered by its owner, accepted by the guest (F30, E12, case 41).

A guest that accepted may enter the address like any other: its own approver signs in to the EHR
there, and it gets integration records of its own, by which launches find it. Either side ends it.
Whether a tenant is known here is told to nobody: an offer to a stranger simply stays open.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from connector.domain.audit import Event, Outcome
from connector.domain.configuration import Revision, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.organization import MicrosoftIdentity, require_admin
from connector.domain.sharing import OPEN, Grant, GrantState, guest_of
from connector.ports.storage import AuditEntry, Store, Transaction
from connector.ports.system import Clock, Ids


@dataclass(frozen=True, slots=True)
class OfferShare:
    store: Store
    clock: Clock
    ids: Ids

    def __call__(
        self, admin: MicrosoftIdentity, environment_id: str, guest_tenant_id: str, reference: str
    ) -> Grant:
        """Offer the address this environment launches from; an open offer is not made twice.

        Args:
            admin: of the owner.
            environment_id: whose active revision holds the address.
            guest_tenant_id: Entra tenant id (GUID) as typed.
            reference: of the request.

        Raises:
            Refused: `ROLE_MISSING`, `CONFIGURATION_UNKNOWN`, `SHARE_GUEST_INVALID`,
                `NOTHING_TO_SHARE`; nothing is stored then.
        """
        require_admin(admin)
        guest = guest_of(admin.tenant_id, guest_tenant_id)
        with self.store.write() as tx:
            environment = tx.configurations.environment(environment_id)
            if environment is None or environment.tenant_id != admin.tenant_id:
                raise Refused(Reason.CONFIGURATION_UNKNOWN)
            fhir_base_url = _owned(tx, environment_id).fhir_base_url
            if made := _open_offer(tx, environment_id, fhir_base_url, guest):
                return made
            grant = Grant(
                id=self.ids.identifier(),
                fhir_base_url=fhir_base_url,
                owner_environment_id=environment_id,
                owner_tenant_id=admin.tenant_id,
                guest_tenant_id=guest,
                state=GrantState.OFFERED,
                offered_at=self.clock.now(),
                offered_by=admin.object_id,
            )
            tx.grants.add(grant)
            _Trail(tx, grant, admin, reference).owner(Event.SHARE_OFFERED)
        return grant


@dataclass(frozen=True, slots=True)
class AnswerShare:
    store: Store
    clock: Clock

    def __call__(
        self,
        admin: MicrosoftIdentity,
        grant_id: str,
        accept: bool,  # noqa: FBT001 - the one thing that is asked
        reference: str,
    ) -> Grant:
        """The guest's admin accepts or declines; the same answer again changes nothing.

        Raises:
            Refused: `ROLE_MISSING`, `SHARE_UNKNOWN` (also to the owner), `GEOGRAPHY_UNCONFIRMED`,
                `STATE_CONFLICT`.
        """
        require_admin(admin)
        state = GrantState.ACCEPTED if accept else GrantState.DECLINED
        with self.store.write() as tx:
            grant = _grant_of(tx, grant_id, admin)
            if grant.guest_tenant_id != admin.tenant_id:
                raise Refused(Reason.SHARE_UNKNOWN)
            if tx.configurations.tenant(admin.tenant_id) is None:
                raise Refused(Reason.GEOGRAPHY_UNCONFIRMED)
            if grant.state is state:
                return grant
            answered = grant.answered(state, admin.object_id, self.clock.now())
            _save(tx, answered, grant.state)
            event = Event.SHARE_ACCEPTED if accept else Event.SHARE_DECLINED
            _Trail(tx, answered, admin, reference).both(event)
        return answered


@dataclass(frozen=True, slots=True)
class WithdrawShare:
    store: Store
    clock: Clock

    def __call__(self, admin: MicrosoftIdentity, grant_id: str, reference: str) -> Grant:
        """Owner or guest ends it: the guest's environments launch no more, at once and in one piece.

        Withdrawing again changes nothing.

        Raises:
            Refused: `ROLE_MISSING`, `SHARE_UNKNOWN`, `STATE_CONFLICT`: it was declined.
        """
        require_admin(admin)
        with self.store.write() as tx:
            _hold_guests(tx, grant_id)
            grant = _grant_of(tx, grant_id, admin)
            if grant.state is GrantState.WITHDRAWN:
                return grant
            withdrawn = grant.withdrawn(admin.object_id, self.clock.now())
            _save(tx, withdrawn, grant.state)
            retired = _retire_guests(tx, grant.id)
            _Trail(tx, withdrawn, admin, reference).both(
                Event.SHARE_WITHDRAWN, {"retired": str(len(retired))}
            )
        return withdrawn


@dataclass(frozen=True, slots=True)
class _Trail:
    """Lines of the audit trail; the other tenant's line names a side instead of a person."""

    tx: Transaction
    grant: Grant
    admin: MicrosoftIdentity
    reference: str

    def owner(self, event: Event) -> None:
        self._line(event, self.grant.owner_tenant_id, self.grant.owner_environment_id, {})

    def both(self, event: Event, facts: Mapping[str, str] | None = None) -> None:
        """A guest that never came here, and may belong to another geography, gets no line."""
        grant = self.grant
        self._line(event, grant.owner_tenant_id, grant.owner_environment_id, facts or {})
        if self.tx.configurations.tenant(grant.guest_tenant_id) is not None:
            self._line(event, grant.guest_tenant_id, None, facts or {})

    def _line(
        self, event: Event, tenant_id: str, environment_id: str | None, facts: Mapping[str, str]
    ) -> None:
        side = "owner" if self.admin.tenant_id == self.grant.owner_tenant_id else "guest"
        self.tx.audit(
            AuditEntry(
                at=self.grant.answered_at or self.grant.offered_at,
                event=event,
                outcome=Outcome.SUCCESS,
                reference=self.reference,
                tenant_id=tenant_id,
                environment_id=environment_id,
                actor=self.admin.object_id if tenant_id == self.admin.tenant_id else side,
                facts={"grant": self.grant.id, "by": side, **facts},
            )
        )


def _owned(tx: Transaction, environment_id: str) -> Revision:
    """The active revision that holds the address itself: a guest shares nothing on."""
    door = tx.configurations.door_of_environment(environment_id)
    if door is None or tx.configurations.owner_of(door.revision.fhir_base_url) != environment_id:
        raise Refused(Reason.NOTHING_TO_SHARE)
    # Read to hold it: two admins who offer the same at once make one grant.
    tx.configurations.revision(door.revision.id)
    return door.revision


def _open_offer(
    tx: Transaction, environment_id: str, fhir_base_url: str, guest: str
) -> Grant | None:
    wanted = (environment_id, fhir_base_url, guest)
    for grant in tx.grants.of_tenant(guest):
        is_it = (grant.owner_environment_id, grant.fhir_base_url, grant.guest_tenant_id) == wanted
        if is_it and grant.state in OPEN:
            return grant
    return None


def _grant_of(tx: Transaction, grant_id: str, admin: MicrosoftIdentity) -> Grant:
    """Of the admin's tenant, on either side; a third tenant's does not exist for them (case 74)."""
    grant = tx.grants.find(grant_id)
    if grant is None or admin.tenant_id not in grant.tenants:
        raise Refused(Reason.SHARE_UNKNOWN)
    return grant


def _save(tx: Transaction, grant: Grant, expected: GrantState) -> None:
    if not tx.grants.save(grant, expected):
        raise Refused(Reason.STATE_CONFLICT)


def _hold_guests(tx: Transaction, grant_id: str) -> None:
    """Before the grant, in the order in which a guest's approval takes them: neither blocks the other."""
    for revision_id in tx.grants.claims(grant_id):
        tx.configurations.revision(revision_id)


def _retire_guests(tx: Transaction, grant_id: str) -> list[Revision]:
    """Everything that launched under the grant; shared again, a new revision is approved."""
    revisions = (tx.configurations.revision(each) for each in tx.grants.drop_claims(grant_id))
    active = [r for r in revisions if r is not None and r.state is RevisionState.ACTIVE]
    for revision in active:
        tx.configurations.save_revision(revision.retired(), RevisionState.ACTIVE.value)
    return active
