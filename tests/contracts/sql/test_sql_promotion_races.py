"""Promotions, approvals and rollbacks at the same moment (case 42): one of each, on both databases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from tests.builders.configurations import (
    PRODUCTION_BASE,
    TENANT,
    an_admin,
    approver,
    stamped,
    the_approver,
)
from tests.builders.promotions import (
    REQUEST,
    live,
    make_ready,
    plan,
    production,
    promote,
    request,
)
from tests.builders.sharing import FABRIKAM, accepted, fabrikam_live, guest_admin
from tests.builders.world import World

from connector.adapters.sql.store import SqlStore
from connector.domain.configuration import Revision, RevisionState
from connector.domain.errors import Refused
from connector.domain.organization import EnvironmentKind
from connector.domain.sharing import GrantState
from connector.ports.storage import StorageConflict
from connector.usecases.enter_configuration import EnteredConfiguration
from connector.usecases.go_live import go_live

PENDING = {RevisionState.AWAITING_APPROVAL, RevisionState.CHANGES_REQUESTED}


@pytest.fixture
def world(store: SqlStore, tmp_path: Path) -> World:
    """Test is ready to be promoted, on the database under test."""
    world = World(tmp_path)
    world.__dict__["store"] = store
    world.add_environment()
    world.approve()
    return make_ready(world)


def at_once(*acts: Callable[[], Revision]) -> list[Revision]:
    """What they came to, all let go at the same moment; who is refused or in conflict is left out."""
    gate = Barrier(len(acts))
    results: list[Revision] = []

    def play(act: Callable[[], Revision]) -> None:
        gate.wait(10)
        with suppress(Refused, StorageConflict):
            results.append(act())

    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(play, acts))
    return results


def revisions(world: World) -> list[Revision]:
    """Of production, newest first; it is one environment."""
    with world.store.read() as tx:
        found = [e for e in tx.configurations.environments(TENANT) if e.kind == "production"]
        assert len(found) <= 1
        return [r for e in found for r in tx.configurations.revisions(e.id)]


def apply(world: World, digest: str) -> Callable[[], Revision]:
    use_case = world.promote_configuration
    return lambda: use_case.apply(an_admin(), request(), digest, "ref")


def test_ten_applies_of_one_plan_make_one_revision(world: World) -> None:
    digest = plan(world).digest
    made = at_once(*[apply(world, digest)] * 10)

    assert len(made) == 10, "nobody is refused"
    assert len({revision.id for revision in made}) == 1
    assert [revision.promotion_plan for revision in revisions(world)] == [digest]


def test_an_apply_and_an_approval_leave_one_revision_live_or_waiting(world: World) -> None:
    """The admin's edit is approved while the promotion replaces it: either, never both."""
    world.add_environment(production())
    world.directory.add(TENANT, approver())
    edit = stamped(id="rev-edit", environment_id="env-production", fhir_base_url=PRODUCTION_BASE)
    with world.store.write() as tx:
        tx.configurations.add_revision(edit)
    digest = plan(world).digest
    approving = world.approve_configuration
    at_once(
        apply(world, digest),
        lambda: approving.approve(the_approver(), edit.id, edit.digest(), "ref"),
    )

    states = [revision.state for revision in revisions(world)]
    assert states in (
        [RevisionState.AWAITING_APPROVAL, RevisionState.SUPERSEDED],
        [RevisionState.ACTIVE],
    )


def test_an_apply_and_an_edit_leave_one_revision_waiting(world: World) -> None:
    promote(world, clients=replace(REQUEST.clients, backend="earlier"))
    digest = plan(world).digest
    form = EnteredConfiguration(
        organization_name="Contoso Health",
        kind=EnvironmentKind.PRODUCTION,
        fhir_base_url=PRODUCTION_BASE,
        approver_sign_in_name=approver().sign_in_name,
        time_zone="America/Chicago",
        clients=REQUEST.clients,
    )
    at_once(apply(world, digest), lambda: world.enter_configuration(an_admin(), form, "ref"))

    waiting = [revision for revision in revisions(world) if revision.state in PENDING]
    assert len(waiting) == 1


def test_ten_rollbacks_from_one_revision_go_one_step_back(world: World) -> None:
    world.add_environment(production())
    numbers = [live(world, number) for number in (1, 2, 3)]
    rolling = world.roll_back
    restored = at_once(*[lambda: rolling(an_admin(), "env-production", numbers[2].id, "ref")] * 10)

    assert [revision.number for revision in restored] == [2] * 10
    assert [(r.number, r.state) for r in revisions(world)] == [
        (3, RevisionState.RETIRED),
        (2, RevisionState.ACTIVE),
        (1, RevisionState.SUPERSEDED),
    ]


def test_an_approval_during_a_rollback_waits_and_goes_live(world: World) -> None:
    """Nobody is told that the address is another environment's: it is this one's all the time."""
    world.add_environment(production())
    world.directory.add(TENANT, approver())
    first, second = live(world, 1), live(world, 2)
    third = stamped(
        id="rev-3", environment_id="env-production", number=3, fhir_base_url=PRODUCTION_BASE
    )
    with world.store.write() as tx:
        tx.configurations.add_revision(third)
    approving = world.approve_configuration
    with ThreadPoolExecutor(1) as pool:
        with world.store.write() as tx:
            assert tx.configurations.revision(second.id) == second
            go_live(tx, replace(first, state=RevisionState.ACTIVE), world.ids)
            approved = pool.submit(
                approving.approve, the_approver(), third.id, third.digest(), "ref"
            )
            wait([approved], 0.5)
        assert approved.result().state is RevisionState.ACTIVE
    with world.store.read() as tx:
        door = tx.configurations.door_of_environment("env-production")
    assert door is not None
    assert door.revision.id == third.id
    assert [r.state for r in revisions(world)][1:] == [RevisionState.SUPERSEDED] * 2


def test_a_rollback_and_a_retirement_leave_one_of_them(world: World) -> None:
    world.add_environment(production())
    first, second = live(world, 1), live(world, 2)
    arguments = (an_admin(), "env-production", second.id, "ref")
    done = at_once(
        lambda: world.roll_back(*arguments), lambda: world.retire_environment(*arguments)
    )

    assert len(done) == 1
    in_use = [r.id for r in revisions(world) if r.state is RevisionState.ACTIVE]
    with world.store.read() as tx:
        door = tx.configurations.door(PRODUCTION_BASE)
    assert in_use == ([door.revision.id] if door else [])
    assert in_use in ([first.id], [])


def test_a_new_approval_of_test_and_an_apply_agree_on_what_was_promoted(world: World) -> None:
    """The plan was of the old revision: it is applied before the approval, or is stale after it."""
    digest = plan(world).digest
    newer = stamped(id="rev-test-2", number=2)
    with world.store.write() as tx:
        tx.configurations.add_revision(newer)
    approving = world.approve_configuration
    at_once(
        apply(world, digest),
        lambda: approving.approve(the_approver(), newer.id, newer.digest(), "ref"),
    )

    with world.store.read() as tx:
        in_test = tx.configurations.door_of_environment("env-test")
    assert in_test is not None
    assert in_test.revision.id == newer.id
    assert len(revisions(world)) <= 1


def test_a_withdrawal_waits_for_the_approval_of_its_guest_and_takes_it_along(world: World) -> None:
    """Case 41: neither dies of the other, and no claim stands on a grant that is gone."""
    launching = fabrikam_live(world)
    again = stamped(
        id="rev-again", environment_id=FABRIKAM.id, tenant_id=FABRIKAM.tenant_id, number=2
    )
    with world.store.write() as tx:
        tx.configurations.add_revision(again)
        (grant_id,) = (grant.id for grant in tx.grants.of_tenant(FABRIKAM.tenant_id))
    with ThreadPoolExecutor(1) as pool:
        with world.store.write() as tx:
            assert tx.configurations.revision(again.id) == again
            withdrawn = pool.submit(world.withdraw_share, an_admin(), grant_id, "ref")
            wait([withdrawn], 0.5)
            go_live(tx, replace(again, state=RevisionState.ACTIVE), world.ids)
        assert withdrawn.result().state is GrantState.WITHDRAWN
    with world.store.read() as tx:
        assert tx.configurations.door_of_environment(FABRIKAM.id) is None
        states = {r.id: r.state for r in tx.configurations.revisions(FABRIKAM.id)}
    assert states == {launching.id: RevisionState.SUPERSEDED, again.id: RevisionState.RETIRED}


def test_a_withdrawal_during_a_withdrawal_finds_it_done(world: World) -> None:
    """Owner and guest at the same moment, or one of them twice."""
    grant = accepted(world)
    with ThreadPoolExecutor(1) as pool:
        with world.store.write() as tx:
            held = tx.grants.find(grant.id)
            again = pool.submit(world.withdraw_share, guest_admin(), grant.id, "ref")
            wait([again], 0.5)
            withdrawn = replace(grant, state=GrantState.WITHDRAWN)
            assert tx.grants.save(withdrawn, GrantState.ACCEPTED)
        assert (held, again.result()) == (grant, withdrawn)
