"""An admin confirms that the organization holds what a production EHR environment needs (F2, F3)."""

from dataclasses import dataclass

from connector.domain.audit import Event, Outcome
from connector.domain.errors import Reason, Refused
from connector.domain.organization import MicrosoftIdentity, require_admin
from connector.ports.storage import AuditEntry, Store
from connector.ports.system import Clock


@dataclass(frozen=True, slots=True)
class ConfirmLicence:
    store: Store
    clock: Clock

    def __call__(self, admin: MicrosoftIdentity, reference: str) -> None:
        """Keep who said so and when; saying it again changes nothing.

        Raises:
            Refused: `ROLE_MISSING`, `GEOGRAPHY_UNCONFIRMED`.
        """
        require_admin(admin)
        with self.store.write() as tx:
            tenant = tx.configurations.tenant(admin.tenant_id)
            if tenant is None:
                raise Refused(Reason.GEOGRAPHY_UNCONFIRMED)
            if tenant.licence_confirmed_at is not None:
                return
            at = self.clock.now()
            tx.configurations.confirm_licence(admin.tenant_id, admin.object_id, at)
            tx.audit(
                AuditEntry(
                    at=at,
                    event=Event.LICENCE_CONFIRMED,
                    outcome=Outcome.SUCCESS,
                    reference=reference,
                    tenant_id=admin.tenant_id,
                    actor=admin.object_id,
                )
            )
