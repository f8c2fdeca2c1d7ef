"""Applying a promotion plan: whole or not at all, once, and only what was planned (case 42)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders.configurations import (
    PRODUCTION_BASE,
    TENANT,
    active,
    an_admin,
    approver,
    awaiting,
    identity,
    the_approver,
)
from tests.builders.promotions import (
    PRODUCTION_CLIENTS,
    make_ready,
    plan,
    production,
    promote,
    request,
    state_of,
)
from tests.builders.world import World

from connector.adapters.sql.configurations import SqlConfigurations
from connector.domain.audit import Event
from connector.domain.configuration import Revision, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.organization import EnvironmentKind
from connector.domain.visit_settings import Department, VisitSettings
from connector.ports.errors import TryLater
from connector.ports.storage import StorageUnavailable

Refusal = Callable[..., Refused]
WRITTEN = ("organization", "ehr_environment", "configuration_revision", "audit_event")


@pytest.fixture
def ready(world: World) -> World:
    return make_ready(world)


def apply(world: World, digest: str) -> Revision:
    return world.promote_configuration.apply(an_admin(), request(), digest, "ref-apply")


def approve_production(world: World, revision: Revision) -> None:
    """As its approver does: both stamps, then the yes."""
    with world.store.write() as tx:
        shown = revision.signed_in_with_microsoft(the_approver(), world.clock.now())
        stamped = shown.signed_in_to_ehr(the_approver(), world.clock.now())
        tx.configurations.save_revision(stamped, revision.state.value)
    use_case = world.approve_configuration
    use_case.approve(the_approver(), revision.id, revision.digest(), "ref-approve")


def written(world: World) -> list[object]:
    return [world.rows(table) for table in WRITTEN]


# The working world ------------------------------------------------------------------------------


def test_the_production_revision_waits_for_its_approver(ready: World) -> None:
    digest = plan(ready).digest
    revision = apply(ready, digest)

    assert (revision.state, revision.number) == (RevisionState.AWAITING_APPROVAL, 1)
    assert (revision.fhir_base_url, revision.clients) == (PRODUCTION_BASE, PRODUCTION_CLIENTS)
    assert (revision.approver, revision.promotion_plan) == (approver(), digest)
    with ready.store.read() as tx:
        assert tx.configurations.revision(revision.id) == revision
        assert tx.configurations.door(PRODUCTION_BASE) is None, "nothing is launched unapproved"
        environment = tx.configurations.environment(revision.environment_id)
    assert environment is not None
    assert (environment.kind, environment.organization_id) == (
        EnvironmentKind.PRODUCTION,
        "org-contoso",
    )
    assert environment.time_zone == "America/Chicago"


def test_production_gets_the_settings_that_were_tried_in_test(ready: World) -> None:
    tried = VisitSettings(department=Department.PERFORMING, join_opens_minutes=15)
    ready.approve(active(id="rev-test-2", number=2, settings=tried))

    assert promote(ready).settings == tried


def test_an_approved_promotion_takes_launches_and_test_stays_as_it_is(ready: World) -> None:
    revision = promote(ready)
    approve_production(ready, revision)

    with ready.store.read() as tx:
        door = tx.configurations.door(PRODUCTION_BASE)
        assert door is not None
        assert door.revision.id == revision.id
        assert len(tx.records.of(revision.environment_id)) == 2
    assert state_of(ready, active()) is RevisionState.ACTIVE


def test_a_promotion_is_audited_with_its_plan(ready: World) -> None:
    revision = promote(ready)

    assert ready.audited(Event.PROMOTION_APPLIED) == [
        {"digest": revision.promotion_plan, "revision": revision.id, "source": "rev-test-1"}
    ]


# Once, whatever happens -------------------------------------------------------------------------


def test_case_42_the_same_plan_applied_twice_is_one_revision(ready: World) -> None:
    digest = plan(ready).digest
    first, second = apply(ready, digest), apply(ready, digest)

    assert first == second
    assert len(ready.audited(Event.PROMOTION_APPLIED)) == 1


def test_case_42_a_killed_run_that_plans_anew_finds_its_own_revision(ready: World) -> None:
    first = promote(ready)

    assert promote(ready) == first
    assert len(ready.rows("configuration_revision")) == 2


def test_case_42_a_run_repeated_after_the_approval_finds_it_live(ready: World) -> None:
    digest = plan(ready).digest
    revision = apply(ready, digest)
    approve_production(ready, revision)

    again = apply(ready, digest)
    assert (again.id, again.state) == (revision.id, RevisionState.ACTIVE)
    assert promote(ready).id == revision.id, "planned anew there is nothing left to do"
    assert len(ready.rows("configuration_revision")) == 2


def test_case_42_a_transaction_that_dies_half_way_leaves_production_untouched(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = plan(ready).digest
    before = written(ready)

    def die(_self: SqlConfigurations, _revision: Revision) -> None:
        raise StorageUnavailable("disk")

    with monkeypatch.context() as broken:
        broken.setattr(SqlConfigurations, "add_revision", die)
        with pytest.raises(StorageUnavailable):
            apply(ready, digest)

    assert written(ready) == before, "not even an empty production environment"
    assert apply(ready, digest).state is RevisionState.AWAITING_APPROVAL


def test_what_waited_in_production_is_replaced(ready: World) -> None:
    ready.add_environment(production())
    edited = awaiting(id="rev-edit", environment_id="env-production", number=1)
    with ready.store.write() as tx:
        tx.configurations.add_revision(edited)

    revision = promote(ready)

    assert (revision.number, revision.environment_id) == (2, "env-production")
    assert state_of(ready, edited) is RevisionState.SUPERSEDED


def test_what_is_live_in_production_stays_live_until_the_approver_says_yes(ready: World) -> None:
    first = promote(ready)
    approve_production(ready, first)
    second = promote(ready, clients=replace(PRODUCTION_CLIENTS, backend="prd-backend-2"))

    assert (second.number, state_of(ready, first)) == (2, RevisionState.ACTIVE)
    with ready.store.read() as tx:
        door = tx.configurations.door(PRODUCTION_BASE)
    assert door is not None
    assert door.revision.id == first.id


def test_an_approver_who_is_faster_than_the_promotion_makes_its_plan_stale(
    ready: World, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL lets the approval in between reading and replacing."""
    ready.add_environment(production())
    with ready.store.write() as tx:
        tx.configurations.add_revision(awaiting(id="rev-edit", environment_id="env-production"))
    digest = plan(ready).digest

    monkeypatch.setattr(SqlConfigurations, "save_revision", lambda *_arguments: False)
    refused = refusal(Reason.PLAN_STALE, apply, ready, digest)
    assert refused.facts == {"changed": "production"}


# Stale ------------------------------------------------------------------------------------------


def test_case_42_a_plan_is_stale_once_test_is_approved_anew(ready: World, refusal: Refusal) -> None:
    digest = plan(ready).digest
    later = ready.clock.now() - timedelta(hours=1)
    ready.approve(active(id="rev-test-2", number=2, approved_at=later))

    assert refusal(Reason.PLAN_STALE, apply, ready, digest).facts == {"changed": "test"}
    assert len(ready.rows("ehr_environment")) == 1


def test_case_42_a_plan_is_stale_once_production_was_edited(ready: World, refusal: Refusal) -> None:
    ready.add_environment(production())
    digest = plan(ready).digest
    with ready.store.write() as tx:
        tx.configurations.add_revision(awaiting(id="rev-edit", environment_id="env-production"))

    assert refusal(Reason.PLAN_STALE, apply, ready, digest).facts == {"changed": "production"}


def test_case_42_a_plan_is_stale_once_the_ehr_publishes_other_endpoints(
    ready: World, refusal: Refusal
) -> None:
    digest = plan(ready).digest
    moved = replace(ready.smart.add_ehr(PRODUCTION_BASE), token_endpoint="https://new.example/t")
    ready.smart._ehrs[PRODUCTION_BASE] = moved

    assert refusal(Reason.PLAN_STALE, apply, ready, digest).facts == {"changed": "outside"}


def test_case_42_a_plan_is_stale_once_a_record_must_be_compared_again(
    ready: World, refusal: Refusal
) -> None:
    digest = plan(ready).digest
    with ready.store.write() as tx:
        tx.records.forget_verification("env-test")

    assert refusal(Reason.PLAN_STALE, apply, ready, digest).facts == {"changed": "readiness"}


def test_a_plan_of_another_request_is_not_applied(ready: World, refusal: Refusal) -> None:
    other = plan(ready, clients=replace(PRODUCTION_CLIENTS, backend="prd-backend-2")).digest

    refused = refusal(Reason.PLAN_STALE, apply, ready, other)
    assert refused.facts == {"changed": "request"}


@pytest.mark.parametrize("digest", ["", "x", "0" * 84])
def test_something_that_is_no_plan_is_not_applied(
    ready: World, refusal: Refusal, digest: str
) -> None:
    refused = refusal(Reason.PLAN_STALE, apply, ready, digest)
    assert refused.facts == {"changed": "request, test, production, outside, readiness"}


def test_an_old_plan_does_not_bring_back_what_the_approver_returned(
    ready: World, refusal: Refusal
) -> None:
    revision = promote(ready)
    use_case = ready.approve_configuration
    use_case.request_changes(the_approver(), revision.id, "other client, please", "ref")

    refusal(Reason.PLAN_STALE, apply, ready, revision.promotion_plan)
    again = promote(ready)
    assert (again.number, again.state) == (2, RevisionState.AWAITING_APPROVAL)


# Blocked ----------------------------------------------------------------------------------------


def test_case_42_a_plan_with_blockers_is_not_applied(ready: World, refusal: Refusal) -> None:
    with ready.store.write() as tx:
        tx.records.forget_verification("env-test")
    digest = plan(ready).digest

    refused = refusal(Reason.PROMOTION_BLOCKED, apply, ready, digest)
    assert refused.facts == {"blockers": "records_verified"}
    assert len(ready.rows("ehr_environment")) == 1


def test_a_production_ehr_that_went_away_is_not_promoted_to(ready: World, refusal: Refusal) -> None:
    ready.smart.faults.fail("discover", TryLater("timeout"), times=2)
    digest = plan(ready).digest

    refused = refusal(Reason.PROMOTION_BLOCKED, apply, ready, digest)
    assert refused.facts == {"blockers": "production_probed"}


def test_a_member_without_a_role_may_not_apply(ready: World, refusal: Refusal) -> None:
    digest = plan(ready).digest
    use_case = ready.promote_configuration
    refusal(Reason.ROLE_MISSING, use_case.apply, identity(), request(), digest, "ref")
    assert [row["kind"] for row in ready.rows("ehr_environment")] == ["test"]


def test_an_application_of_the_tenant_promotes_in_its_own_name(ready: World) -> None:
    robot = an_admin(sign_in_name="Connector pipeline", object_id="app-1")
    use_case = ready.promote_configuration
    digest = use_case.plan(robot, request(), "ref").digest

    assert use_case.apply(robot, request(), digest, "ref").created_by == "Connector pipeline"
    (line,) = [r for r in ready.rows("audit_event") if r["event"] == Event.PROMOTION_APPLIED]
    assert (line["actor"], line["tenant_id"]) == ("app-1", TENANT)
