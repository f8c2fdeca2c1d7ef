"""Going back to what was approved before, and taking an environment out of use (case 42)."""

from collections.abc import Callable

import pytest
from tests.builders.configurations import (
    OTHER_TENANT,
    PRODUCTION_BASE,
    TEST_BASE,
    active,
    an_admin,
    awaiting,
    environment,
    identity,
)
from tests.builders.promotions import live, production, state_of
from tests.builders.world import World

from connector.domain.audit import Event
from connector.domain.configuration import Revision, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.organization import MicrosoftIdentity
from connector.domain.visit_settings import Department, VisitSettings

Refusal = Callable[..., Refused]


@pytest.fixture
def world(world: World) -> World:
    """Test is live, production is an empty environment."""
    world.add_environment(production())
    return world


def roll_back(world: World, shown: Revision, admin: MicrosoftIdentity | None = None) -> Revision:
    return world.roll_back(admin or an_admin(), shown.environment_id, shown.id, "ref-roll")


def retire(world: World, shown: Revision, admin: MicrosoftIdentity | None = None) -> Revision:
    return world.retire_environment(admin or an_admin(), shown.environment_id, shown.id, "ref")


def launched_with(world: World, fhir_base_url: str = PRODUCTION_BASE) -> str | None:
    with world.store.read() as tx:
        door = tx.configurations.door(fhir_base_url)
    return door and door.revision.id


# Rolling back -----------------------------------------------------------------------------------


def test_launches_use_the_previous_approved_revision_at_once(world: World) -> None:
    first, second = live(world, 1), live(world, 2)

    restored = roll_back(world, second)

    assert (restored.id, restored.state) == (first.id, RevisionState.ACTIVE)
    assert launched_with(world) == first.id
    assert state_of(world, second) is RevisionState.RETIRED


def test_a_rollback_is_audited_with_both_revisions(world: World) -> None:
    first, second = live(world, 1), live(world, 2)
    roll_back(world, second)

    assert world.audited(Event.CONFIGURATION_ROLLED_BACK) == [
        {"from": second.id, "to": first.id, "digest": first.digest()}
    ]


def test_test_is_rolled_back_as_production_is(world: World) -> None:
    second = world.approve(active(id="rev-test-2", number=2))

    assert roll_back(world, second).id == "rev-test-1"
    assert launched_with(world, TEST_BASE) == "rev-test-1"


def test_a_double_click_rolls_back_once(world: World) -> None:
    _first, second, third = live(world, 1), live(world, 2), live(world, 3)

    assert roll_back(world, third).id == second.id
    assert roll_back(world, third).id == second.id
    assert launched_with(world) == second.id
    assert len(world.audited(Event.CONFIGURATION_ROLLED_BACK)) == 1


def test_rolling_back_again_goes_further_back(world: World) -> None:
    first, second, third = live(world, 1), live(world, 2), live(world, 3)

    assert roll_back(world, roll_back(world, third)).id == first.id
    assert state_of(world, second) is RevisionState.RETIRED


def test_a_later_rollback_never_returns_to_what_was_rolled_back_from(world: World) -> None:
    first, bad = live(world, 1), live(world, 2)
    roll_back(world, bad)

    assert roll_back(world, live(world, 3)).id == first.id


def test_a_revision_nobody_approved_is_never_restored(world: World) -> None:
    first = live(world, 1)
    unapproved = awaiting(
        id="rev-2", environment_id="env-production", number=2, state=RevisionState.SUPERSEDED
    )
    with world.store.write() as tx:
        tx.configurations.add_revision(unapproved)

    assert roll_back(world, live(world, 3)).id == first.id


def test_what_waits_for_approval_goes_on_waiting(world: World) -> None:
    live(world, 1)
    second = live(world, 2)
    waiting = awaiting(id="rev-3", environment_id="env-production", number=3)
    with world.store.write() as tx:
        tx.configurations.add_revision(waiting)

    roll_back(world, second)
    assert state_of(world, waiting) is RevisionState.AWAITING_APPROVAL


def test_records_that_say_something_else_now_must_be_compared_again(world: World) -> None:
    live(world, 1)
    second = live(world, 2, settings=VisitSettings(department=Department.NONE))
    with world.store.write() as tx:
        for record in tx.records.of("env-production"):
            tx.records.mark_verified(record.id, "somebody", world.clock.now())

    roll_back(world, second)
    with world.store.read() as tx:
        assert [r.verified_at for r in tx.records.of("env-production")] == [None, None]


def test_the_first_revision_has_nothing_before_it(world: World, refusal: Refusal) -> None:
    only = live(world, 1)

    refusal(Reason.NOTHING_TO_ROLL_BACK, roll_back, world, only)
    assert launched_with(world) == only.id


def test_an_address_that_was_given_away_is_not_taken_back(world: World, refusal: Refusal) -> None:
    elsewhere = PRODUCTION_BASE.replace("prd", "prd2")
    live(world, 1)
    second = live(world, 2, fhir_base_url=elsewhere)
    theirs = environment(id="env-other", tenant_id=OTHER_TENANT, organization_id="org-other")
    world.add_environment(theirs)
    live(world, 1, id="rev-other", environment_id="env-other", tenant_id=OTHER_TENANT)

    refusal(Reason.URL_TAKEN, roll_back, world, second)
    assert launched_with(world, elsewhere) == second.id, "nothing has changed"
    assert launched_with(world) == "rev-other"
    assert world.audited(Event.CONFIGURATION_ROLLED_BACK) == []


def test_who_saw_another_revision_in_use_is_told(world: World, refusal: Refusal) -> None:
    live(world, 1)
    second = live(world, 2)
    live(world, 3)

    refusal(Reason.CHANGED_SINCE_SHOWN, roll_back, world, second)


def test_what_was_never_in_use_is_not_rolled_back_from(world: World, refusal: Refusal) -> None:
    """Only a revision that was rolled back from is a double click."""
    live(world, 1)
    waiting = awaiting(id="rev-2", environment_id="env-production", number=2)
    with world.store.write() as tx:
        tx.configurations.add_revision(waiting)

    refusal(Reason.CHANGED_SINCE_SHOWN, roll_back, world, waiting)


def test_a_member_without_a_role_may_not_roll_back(world: World, refusal: Refusal) -> None:
    live(world, 1)
    second = live(world, 2)

    refusal(Reason.ROLE_MISSING, roll_back, world, second, identity())
    assert launched_with(world) == second.id


def test_case_74_another_tenants_environment_is_not_found(world: World, refusal: Refusal) -> None:
    live(world, 1)
    second, stranger = live(world, 2), an_admin(tenant_id=OTHER_TENANT)

    refusal(Reason.CONFIGURATION_UNKNOWN, roll_back, world, second, stranger)
    refusal(Reason.CONFIGURATION_UNKNOWN, retire, world, second, stranger)
    assert launched_with(world) == second.id


@pytest.mark.parametrize(
    ("environment_id", "revision_id"),
    [("env-production", "rev-test-1"), ("env-test", "rev-nowhere"), ("env-nowhere", "rev-test-1")],
)
def test_a_revision_of_another_environment_is_not_found(
    world: World, refusal: Refusal, environment_id: str, revision_id: str
) -> None:
    arguments = (an_admin(), environment_id, revision_id, "ref")
    refusal(Reason.CONFIGURATION_UNKNOWN, world.roll_back, *arguments)
    refusal(Reason.CONFIGURATION_UNKNOWN, world.retire_environment, *arguments)


# Retiring ---------------------------------------------------------------------------------------


def test_a_retired_environment_takes_no_launches_and_frees_its_address(world: World) -> None:
    only = live(world, 1)

    assert retire(world, only).state is RevisionState.RETIRED
    assert launched_with(world) is None
    with world.store.read() as tx:
        assert tx.configurations.owner_of(PRODUCTION_BASE) is None
    assert world.audited(Event.ENVIRONMENT_RETIRED) == [{"revision": only.id}]


def test_a_double_click_retires_once(world: World) -> None:
    only = live(world, 1)

    assert retire(world, only) == retire(world, only)
    assert len(world.audited(Event.ENVIRONMENT_RETIRED)) == 1


def test_who_saw_an_earlier_revision_in_use_does_not_retire_the_present_one(
    world: World, refusal: Refusal
) -> None:
    first, second = live(world, 1), live(world, 2)

    refusal(Reason.CHANGED_SINCE_SHOWN, retire, world, first)
    roll_back(world, second)
    refusal(Reason.CHANGED_SINCE_SHOWN, retire, world, second)
    assert launched_with(world) == first.id


def test_a_retired_environment_is_not_rolled_back(world: World, refusal: Refusal) -> None:
    live(world, 1)
    second = live(world, 2)
    retire(world, second)

    refusal(Reason.CHANGED_SINCE_SHOWN, roll_back, world, second)


def test_a_member_without_a_role_may_not_retire(world: World, refusal: Refusal) -> None:
    only = live(world, 1)

    refusal(Reason.ROLE_MISSING, retire, world, only, identity())
    assert launched_with(world) == only.id
