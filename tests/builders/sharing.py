"""A second tenant, Fabrikam, that shares the EHR of the first."""

from dataclasses import replace
from typing import Any

from tests.builders.configurations import (
    NOON,
    OTHER_TENANT,
    TEST_BASE,
    an_admin,
    approver,
    clients,
    environment,
    stamped,
    tenant,
    the_approver,
)
from tests.builders.world import World

from connector.domain.configuration import Revision
from connector.domain.organization import Environment, EnvironmentKind, MicrosoftIdentity
from connector.domain.sharing import Grant
from connector.usecases.enter_configuration import EnteredConfiguration

THIRD_TENANT = "33333333-3333-4333-8333-333333333333"
GUEST_ADMIN_ID = "cccccccc-0000-4000-8000-000000000001"
FABRIKAM = environment(
    id="env-fabrikam",
    tenant_id=OTHER_TENANT,
    organization_id="org-fabrikam",
    organization_name="Fabrikam Clinic",
)


def guest_admin(**changes: Any) -> MicrosoftIdentity:
    theirs = {"tenant_id": OTHER_TENANT, "object_id": GUEST_ADMIN_ID}
    return an_admin(**theirs | {"sign_in_name": "gil@fabrikam.example"} | changes)


def guest_approver(**changes: Any) -> MicrosoftIdentity:
    return the_approver(**{"tenant_id": OTHER_TENANT} | changes)


def stranger(**changes: Any) -> MicrosoftIdentity:
    """An admin of a third tenant."""
    return an_admin(**{"tenant_id": THIRD_TENANT, "object_id": "third-admin"} | changes)


def register(world: World, *tenant_ids: str) -> None:
    with world.store.write() as tx:
        for tenant_id in tenant_ids:
            tx.configurations.register_tenant(tenant(tenant_id))


def offered(world: World, guest: str = OTHER_TENANT) -> Grant:
    return world.offer_share(an_admin(), "env-test", guest, "ref-offer")


def accepted(world: World) -> Grant:
    """Contoso shares its test address with Fabrikam."""
    register(world, OTHER_TENANT)
    return world.answer_share(guest_admin(), offered(world).id, True, "ref-accept")


def entered(base: str = TEST_BASE, **changes: Any) -> EnteredConfiguration:
    form = EnteredConfiguration(
        organization_name=FABRIKAM.organization_name,
        kind=EnvironmentKind.TEST,
        fhir_base_url=base,
        approver_sign_in_name=approver().sign_in_name,
        time_zone="America/Denver",
        clients=clients(),
    )
    return replace(form, **changes)


def enter(world: World, base: str = TEST_BASE) -> Revision:
    """Fabrikam's admin enters an address whose EHR answers."""
    world.directory.add(OTHER_TENANT, approver())
    world.smart.add_ehr(base)
    return world.enter_configuration(guest_admin(), entered(base), "ref-enter")


def fabrikam_awaits(world: World, where: Environment = FABRIKAM, **changes: Any) -> Revision:
    """Fabrikam's revision with both stamps, not yet approved."""
    waiting = stamped(
        id=f"rev-{where.id}",
        environment_id=where.id,
        tenant_id=where.tenant_id,
        **changes,
    )
    with world.store.write() as tx:
        tx.configurations.register_tenant(tenant(where.tenant_id))
        tx.configurations.add_environment(where, NOON)
        tx.configurations.add_revision(waiting)
    world.directory.add(where.tenant_id, approver())
    return waiting


def approve(world: World, revision: Revision) -> Revision:
    who = the_approver(tenant_id=revision.tenant_id)
    return world.approve_configuration.approve(who, revision.id, revision.digest(), "ref-approve")


def fabrikam_live(world: World) -> Revision:
    """Everything is agreed and approved: Fabrikam launches from Contoso's address."""
    accepted(world)
    return approve(world, fabrikam_awaits(world))


def records_of(world: World, environment_id: str) -> dict[tuple[str, bool], str]:
    """Record ids by kind and whether it is a group's."""
    with world.store.read() as tx:
        return {(r.kind.value, r.group): r.id for r in tx.records.of(environment_id)}
