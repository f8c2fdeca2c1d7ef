"""A test environment that is ready to go to production; a test breaks one thing of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.builders.configurations import (
    ADMIN_ID,
    PRODUCTION_BASE,
    TENANT,
    active,
    an_admin,
    approver,
    endpoints,
    environment,
)
from tests.builders.launches import PROVIDER_OBJECT_ID, appointment, provider_launch
from tests.builders.visits import end
from tests.builders.world import World

from connector.domain.configuration import EhrClients, Revision, RevisionState
from connector.domain.organization import Environment, EnvironmentKind
from connector.domain.promotion import Item, Plan, PromotionRequest, Readiness

PRODUCTION_CLIENTS = EhrClients("prd-provider", "prd-patient", "prd-backend")
REQUEST = PromotionRequest(
    test_environment_id="env-test",
    fhir_base_url=PRODUCTION_BASE,
    approver_sign_in_name=approver().sign_in_name,
    clients=PRODUCTION_CLIENTS,
)


def request(**changes: Any) -> PromotionRequest:
    return replace(REQUEST, **changes)


def make_ready(world: World) -> World:
    """A visit was held and reported, the records came back, the licence is there, production answers."""
    world.smart.add_ehr(PRODUCTION_BASE)
    hold_visit(world)
    verify_records(world)
    with world.store.write() as tx:
        tx.configurations.confirm_licence(TENANT, ADMIN_ID, world.clock.now())
    return world


def hold_visit(world: World, appointment_id: str = "eAppointment1") -> None:
    """After the approval: both meet, and the EHR takes what it is told."""
    world.clock.advance(timedelta(hours=1))
    booked = appointment(appointment_id=appointment_id)
    launch = provider_launch(f"provider-{appointment_id}", appointment=booked)
    visit = world.open_visit.for_provider(launch, PROVIDER_OBJECT_ID, "ref").visit
    end(world, visit)
    now = world.clock.now()
    with world.store.write() as tx:
        tx.outbox.add(visit, f"joined-{appointment_id}", b"sealed", now)
        for message in tx.outbox.claim_due(now, 10):
            tx.outbox.delivered(message.id, now)


def verify_records(world: World, environment_id: str = "env-test") -> None:
    with world.store.write() as tx:
        for record in tx.records.of(environment_id):
            tx.records.mark_verified(record.id, ADMIN_ID, world.clock.now())


def plan(world: World, **changes: Any) -> Plan:
    return world.promote_configuration.plan(an_admin(), request(**changes), "ref-plan")


def promote(world: World, **changes: Any) -> Revision:
    """Plan and apply at once."""
    digest = plan(world, **changes).digest
    return world.promote_configuration.apply(an_admin(), request(**changes), digest, "ref-apply")


def item(of: Plan, readiness: Readiness) -> Item:
    (found,) = [each for each in of.items if each.readiness is readiness]
    return found


def stored(world: World, revision: Revision) -> Revision:
    with world.store.read() as tx:
        found = tx.configurations.revision(revision.id)
    assert found is not None
    return found


def production() -> Environment:
    return environment(id="env-production", kind=EnvironmentKind.PRODUCTION)


def live(world: World, number: int, **changes: Any) -> Revision:
    """The next approved revision of production, in use; the ones before are superseded."""
    values = {
        "id": f"rev-production-{number}",
        "environment_id": "env-production",
        "number": number,
        "fhir_base_url": PRODUCTION_BASE,
        "clients": PRODUCTION_CLIENTS,
        "endpoints": endpoints(PRODUCTION_BASE),
        "approved_at": world.clock.now(),
    }
    revision = active(**values | changes)
    with world.store.write() as tx:
        tx.configurations.add_revision(revision)
        assert tx.configurations.activate(revision)
    return revision


def state_of(world: World, revision: Revision) -> RevisionState:
    return stored(world, revision).state
