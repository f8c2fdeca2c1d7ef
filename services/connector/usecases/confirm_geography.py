"""An admin confirms which data geography the tenant belongs to, before anything else of it is kept.

Entra's data wins over what the admin says (design.md section 7, docs/geographies.md, case 75).
"""

from dataclasses import dataclass

from connector.domain.audit import Event, Outcome
from connector.domain.errors import Reason, Refused
from connector.domain.geography import Geography, geography_of
from connector.domain.organization import MicrosoftIdentity, Tenant, require_admin
from connector.ports.storage import AuditEntry, Store
from connector.ports.system import Clock


@dataclass(frozen=True, slots=True)
class ConfirmGeography:
    """`geography` is the deployment's."""

    store: Store
    clock: Clock
    geography: Geography

    def __call__(self, admin: MicrosoftIdentity, chosen: Geography, reference: str) -> Tenant:
        """Register the tenant here. Repeatable: a tenant that is registered stays as it is.

        Raises:
            Refused: `ROLE_MISSING`, `GEOGRAPHY_OTHER` (fact `geography` is the right one),
                `GEOGRAPHY_CONTRADICTED`; nothing is stored then.
        """
        require_admin(admin)
        self._check(admin, chosen)
        with self.store.write() as tx:
            registered = tx.configurations.tenant(admin.tenant_id)
            if registered is not None:
                return _belonging(registered, chosen)
            tenant = self._tenant(admin, chosen)
            tx.configurations.register_tenant(tenant)
            tx.audit(self._entry(admin, chosen, reference))
        return tenant

    def _check(self, admin: MicrosoftIdentity, chosen: Geography) -> None:
        said = geography_of(admin.country, admin.region_scope)
        if said not in (None, self.geography):
            raise other_geography(said)
        if said not in (None, chosen):
            raise Refused(
                Reason.GEOGRAPHY_CONTRADICTED,
                facts={"microsoft_says": said.value, "chosen": chosen.value},
            )
        if chosen is not self.geography:
            raise other_geography(chosen)

    def _tenant(self, admin: MicrosoftIdentity, chosen: Geography) -> Tenant:
        return Tenant(
            id=admin.tenant_id,
            geography=chosen,
            country=admin.country,
            registered_at=self.clock.now(),
            geography_confirmed_by=admin.object_id,
        )

    def _entry(self, admin: MicrosoftIdentity, chosen: Geography, reference: str) -> AuditEntry:
        return AuditEntry(
            at=self.clock.now(),
            event=Event.GEOGRAPHY_CONFIRMED,
            outcome=Outcome.SUCCESS,
            reference=reference,
            tenant_id=admin.tenant_id,
            actor=admin.object_id,
            facts={"geography": chosen.value, "country": admin.country or "unknown"},
        )


def _belonging(registered: Tenant, chosen: Geography) -> Tenant:
    if registered.geography is not chosen:
        raise other_geography(registered.geography)
    return registered


def other_geography(right: Geography) -> Refused:
    """This deployment is not the tenant's; the fact tells the page which portal is."""
    return Refused(Reason.GEOGRAPHY_OTHER, facts={"geography": right.value})
