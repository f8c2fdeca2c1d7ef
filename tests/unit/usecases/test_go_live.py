"""A revision goes live: its address is claimed, its records are issued or compared again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.builders.configurations import (
    NOON,
    OTHER_TENANT,
    active,
    environment,
    tenant,
)
from tests.builders.world import World

from connector.domain.configuration import Revision
from connector.domain.errors import Reason, Refused
from connector.domain.launch import LaunchKind
from connector.domain.organization import EnvironmentKind
from connector.domain.visit_settings import Department, VisitSettings
from connector.usecases.go_live import go_live

Refusal = Callable[..., Refused]
EVERY_RECORD = {(kind, group) for kind in LaunchKind for group in (False, True)}
ALONE = {(kind, False) for kind in LaunchKind}


@pytest.fixture
def world(empty_world: World) -> World:
    """The environment as an admin entered it: no record was issued yet."""
    with empty_world.store.write() as tx:
        tx.configurations.register_tenant(tenant())
        tx.configurations.add_environment(environment(), NOON)
    return empty_world


def live(world: World, number: int = 1, **settings: Any) -> None:
    revision = active(id=f"rev-{number}", number=number, settings=VisitSettings(**settings))
    go(world, revision)


def go(world: World, revision: Revision) -> None:
    with world.store.write() as tx:
        tx.configurations.add_revision(revision)
        go_live(tx, revision, world.ids)


def issued(world: World) -> set[tuple[LaunchKind, bool]]:
    with world.store.read() as tx:
        return {(r.kind, r.group) for r in tx.records.of("env-test")}


def verify_all(world: World) -> None:
    with world.store.write() as tx:
        for record in tx.records.of("env-test"):
            tx.records.mark_verified(record.id, "analyst", NOON)


def verified(world: World) -> list[bool]:
    with world.store.read() as tx:
        return [r.verified_at is not None for r in tx.records.of("env-test")]


def test_a_record_for_each_door_is_issued_the_first_time(world: World) -> None:
    live(world)

    assert issued(world) == ALONE


def test_records_stay_what_they_were_when_a_later_revision_goes_live(world: World) -> None:
    live(world)
    before = world.rows("integration_record")

    live(world, number=2)

    assert world.rows("integration_record") == before


def test_group_visits_get_records_of_their_own(world: World) -> None:
    """F32."""
    live(world)

    live(world, number=2, group_visits=True)

    assert issued(world) == EVERY_RECORD


def test_records_of_groups_stay_when_group_visits_are_switched_off(world: World) -> None:
    live(world, group_visits=True)

    live(world, number=2)

    assert issued(world) == EVERY_RECORD


def test_another_department_parameter_asks_for_a_new_comparison(world: World) -> None:
    """E13: the text in the EHR is out of date."""
    live(world)
    verify_all(world)

    live(world, number=2, department=Department.PERFORMING)

    assert verified(world) == [False, False]


def test_what_the_records_do_not_say_asks_for_no_new_comparison(world: World) -> None:
    live(world)
    verify_all(world)

    live(world, number=2, browser_join=False)

    assert verified(world) == [True, True]


def test_an_environment_that_was_out_of_use_asks_for_a_new_comparison(world: World) -> None:
    """E4: what was compared is not what is live now, and the EHR may hold something else."""
    live(world)
    verify_all(world)
    with world.store.write() as tx:
        tx.configurations.retire(active(id="rev-1"))

    live(world, number=2, department=Department.PERFORMING)

    assert verified(world) == [False, False]


def test_case_41_an_address_that_is_taken_issues_nothing(world: World, refusal: Refusal) -> None:
    live(world)
    theirs = environment(id="theirs", tenant_id=OTHER_TENANT, organization_id="other")
    with world.store.write() as tx:
        tx.configurations.register_tenant(tenant(OTHER_TENANT))
        tx.configurations.add_environment(theirs, NOON)
    revision = active(id="rev-theirs", environment_id="theirs", tenant_id=OTHER_TENANT)

    refusal(Reason.URL_TAKEN, go, world, revision)

    assert {row["environment_id"] for row in world.rows("integration_record")} == {"env-test"}
    assert len(world.rows("configuration_revision")) == 1


def test_production_gets_records_of_its_own(world: World) -> None:
    live(world)
    production = replace(environment(), id="env-prd", kind=EnvironmentKind.PRODUCTION)
    with world.store.write() as tx:
        tx.configurations.add_environment(production, NOON)

    go(
        world,
        active(id="prd", environment_id="env-prd", fhir_base_url="https://prd.contoso.example/R4"),
    )

    ids = [row["id"] for row in world.rows("integration_record")]
    assert len(set(ids)) == 4
