"""Sharing one FHIR base URL between tenants, by consent of both (F30, E12, cases 41 and 74)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders.configurations import (
    ADMIN_ID,
    NOON,
    OTHER_TENANT,
    PRODUCTION_BASE,
    TENANT,
    TEST_BASE,
    active,
    an_admin,
    environment,
    identity,
)
from tests.builders.launches import PATIENT_USER, PROVIDER_USER
from tests.builders.sharing import (
    FABRIKAM,
    GUEST_ADMIN_ID,
    THIRD_TENANT,
    accepted,
    approve,
    enter,
    fabrikam_awaits,
    fabrikam_live,
    guest_admin,
    offered,
    records_of,
    register,
    stranger,
)
from tests.builders.world import World

from connector.domain.audit import Event
from connector.domain.configuration import Revision, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.launch import LaunchKind
from connector.domain.organization import EnvironmentKind, MicrosoftIdentity
from connector.domain.sharing import Grant, GrantState
from connector.usecases import share_address

Refusal = Callable[..., Refused]


def stored(world: World, grant: Grant) -> Grant:
    with world.store.read() as tx:
        found = tx.grants.find(grant.id)
    assert found is not None
    return found


def state_of(world: World, revision: Revision) -> RevisionState:
    with world.store.read() as tx:
        found = tx.configurations.revision(revision.id)
    assert found is not None
    return found.state


def trail(world: World, event: Event) -> list[tuple[str, str]]:
    """(tenant, actor) of each line with this event."""
    rows = world.rows("audit_event")
    return [(r["tenant_id"], r["actor"]) for r in rows if r["event"] == event]


# Offering ---------------------------------------------------------------------------------------


def test_an_offer_keeps_who_offers_which_address_to_whom(world: World) -> None:
    grant = offered(world)

    assert stored(world, grant) == grant
    assert (grant.fhir_base_url, grant.owner_environment_id) == (TEST_BASE, "env-test")
    assert (grant.owner_tenant_id, grant.guest_tenant_id) == (TENANT, OTHER_TENANT)
    assert (grant.state, grant.offered_at, grant.offered_by) == (
        GrantState.OFFERED,
        NOON,
        ADMIN_ID,
    )


def test_an_offer_is_the_same_whether_the_tenant_is_known_here_or_not(world: World) -> None:
    """Nobody learns who else is a customer: neither from the answer nor from the audit trail."""
    register(world, OTHER_TENANT)

    known, unknown = offered(world, OTHER_TENANT), offered(world, THIRD_TENANT)

    assert known.state is unknown.state is GrantState.OFFERED
    assert trail(world, Event.SHARE_OFFERED) == [(TENANT, ADMIN_ID)] * 2


def test_an_offer_that_is_open_is_not_made_twice(world: World) -> None:
    first = offered(world)
    assert offered(world, f"  {OTHER_TENANT.upper()} ") == first
    assert len(world.rows("share_grant")) == 1
    assert trail(world, Event.SHARE_OFFERED) == [(TENANT, ADMIN_ID)]


def test_what_was_declined_can_be_offered_again(world: World) -> None:
    register(world, OTHER_TENANT)
    first = offered(world)
    world.answer_share(guest_admin(), first.id, False, "ref")

    assert offered(world).id != first.id


@pytest.mark.parametrize(
    ("guest", "why"),
    [
        ("", "not_an_id"),
        ("contoso.onmicrosoft.com", "not_an_id"),
        (OTHER_TENANT[:-1], "not_an_id"),
        (OTHER_TENANT + "\n0", "not_an_id"),
        ("{" + OTHER_TENANT + "}", "not_an_id"),
        (TENANT, "own_tenant"),
        (TENANT.upper(), "own_tenant"),
    ],
)
def test_an_offer_names_another_tenant_by_its_id(
    world: World, refusal: Refusal, guest: str, why: str
) -> None:
    refused = refusal(Reason.SHARE_GUEST_INVALID, offered, world, guest)
    assert refused.facts == {"why": why}
    assert world.rows("share_grant") == []


@pytest.mark.parametrize("who", [identity(), an_admin(is_guest=True)])
def test_only_administrators_offer(world: World, refusal: Refusal, who: MicrosoftIdentity) -> None:
    refusal(Reason.ROLE_MISSING, world.offer_share, who, "env-test", OTHER_TENANT, "ref")


@pytest.mark.parametrize("environment_id", ["env-test", "env-none", "\0"])
def test_case_74_another_tenants_environment_cannot_be_offered(
    world: World, refusal: Refusal, environment_id: str
) -> None:
    refusal(
        Reason.CONFIGURATION_UNKNOWN,
        world.offer_share,
        stranger(),
        environment_id,
        OTHER_TENANT,
        "ref",
    )


def test_an_environment_without_an_approved_revision_has_nothing_to_share(
    empty_world: World, refusal: Refusal
) -> None:
    empty_world.add_environment()
    refusal(Reason.NOTHING_TO_SHARE, offered, empty_world)


def test_a_guest_does_not_share_on_what_is_shared_with_it(world: World, refusal: Refusal) -> None:
    fabrikam_live(world)
    refusal(
        Reason.NOTHING_TO_SHARE,
        world.offer_share,
        guest_admin(),
        FABRIKAM.id,
        THIRD_TENANT,
        "ref",
    )


# Answering --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "state", "event"),
    [
        (True, GrantState.ACCEPTED, Event.SHARE_ACCEPTED),
        (False, GrantState.DECLINED, Event.SHARE_DECLINED),
    ],
)
def test_the_guest_answers_and_both_trails_say_so(
    world: World, *, accept: bool, state: GrantState, event: Event
) -> None:
    """The other side's trail names the side, not the person."""
    register(world, OTHER_TENANT)
    grant = offered(world)
    world.clock.advance(60)

    answered = world.answer_share(guest_admin(), grant.id, accept, "ref-answer")

    at = NOON + timedelta(seconds=60)
    assert answered == stored(world, grant)
    assert (answered.state, answered.answered_at, answered.answered_by) == (
        state,
        at,
        GUEST_ADMIN_ID,
    )
    assert sorted(trail(world, event)) == [(TENANT, "guest"), (OTHER_TENANT, GUEST_ADMIN_ID)]


@pytest.mark.parametrize("accept", [True, False])
def test_the_same_answer_again_changes_nothing(world: World, *, accept: bool) -> None:
    register(world, OTHER_TENANT)
    grant = offered(world)
    first = world.answer_share(guest_admin(), grant.id, accept, "ref")
    world.clock.advance(60)

    assert world.answer_share(guest_admin(object_id="other"), grant.id, accept, "ref") == first


def test_an_answer_is_not_taken_back_by_answering(world: World, refusal: Refusal) -> None:
    grant = accepted(world)
    refusal(Reason.STATE_CONFLICT, world.answer_share, guest_admin(), grant.id, False, "ref")
    assert stored(world, grant).state is GrantState.ACCEPTED


@pytest.mark.parametrize("who", [an_admin(), stranger()], ids=["the owner", "a third tenant"])
def test_case_74_only_the_guest_answers(
    world: World, refusal: Refusal, who: MicrosoftIdentity
) -> None:
    register(world, OTHER_TENANT, THIRD_TENANT)
    grant = offered(world)
    refusal(Reason.SHARE_UNKNOWN, world.answer_share, who, grant.id, True, "ref")
    assert stored(world, grant) == grant


def test_a_member_of_the_guest_without_a_role_does_not_answer(
    world: World, refusal: Refusal
) -> None:
    member = guest_admin(directory_roles=frozenset())
    refusal(Reason.ROLE_MISSING, world.answer_share, member, offered(world).id, True, "ref")


def test_a_guest_confirms_its_geography_first(world: World, refusal: Refusal) -> None:
    """Its tenant row is here, so no guest is of another geography."""
    grant = offered(world)
    refusal(Reason.GEOGRAPHY_UNCONFIRMED, world.answer_share, guest_admin(), grant.id, True, "ref")
    assert stored(world, grant) == grant


def test_a_grant_nobody_made_is_unknown(world: World, refusal: Refusal) -> None:
    refusal(Reason.SHARE_UNKNOWN, world.answer_share, guest_admin(), "grant-x", True, "ref")
    refusal(Reason.SHARE_UNKNOWN, world.withdraw_share, an_admin(), "\0", "ref")


def test_who_is_slower_than_the_other_side_is_told(
    world: World, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another transaction moves the grant between reading and writing, as PostgreSQL allows."""
    grant = offered(world)
    register(world, OTHER_TENANT)
    stale = replace(grant, state=GrantState.OFFERED)
    world.withdraw_share(an_admin(), grant.id, "ref")
    monkeypatch.setattr(share_address, "_grant_of", lambda *_args: stale)

    refusal(Reason.STATE_CONFLICT, world.answer_share, guest_admin(), grant.id, True, "ref")

    assert stored(world, grant).state is GrantState.WITHDRAWN


# Withdrawing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "actors"),
    [
        (an_admin(), [(TENANT, ADMIN_ID), (OTHER_TENANT, "owner")]),
        (guest_admin(), [(TENANT, "guest"), (OTHER_TENANT, GUEST_ADMIN_ID)]),
    ],
    ids=["owner", "guest"],
)
def test_either_side_ends_it_and_the_guest_launches_no_more(
    world: World,
    refusal: Refusal,
    who: MicrosoftIdentity,
    actors: list[tuple[str, str]],
) -> None:
    live = fabrikam_live(world)
    (grant_id,) = [row["id"] for row in world.rows("share_grant")]
    record = {"recordId": records_of(world, FABRIKAM.id)["provider", False]}

    withdrawn = world.withdraw_share(who, grant_id, "ref-withdraw")

    assert withdrawn.state is GrantState.WITHDRAWN
    assert state_of(world, live) is RevisionState.RETIRED
    refusal(Reason.RECORD_UNKNOWN, world.launch, LaunchKind.PROVIDER, PROVIDER_USER, record)
    assert sorted(trail(world, Event.SHARE_WITHDRAWN)) == sorted(actors)
    assert {facts["retired"] for facts in world.audited(Event.SHARE_WITHDRAWN)} == {"1"}


def test_the_owner_goes_on_when_a_share_ends(world: World) -> None:
    fabrikam_live(world)
    (grant_id,) = [row["id"] for row in world.rows("share_grant")]
    world.withdraw_share(an_admin(), grant_id, "ref")

    assert world.launch().launch.environment_id == "env-test"
    assert state_of(world, active()) is RevisionState.ACTIVE


def test_an_offer_to_a_stranger_is_withdrawn_without_a_line_for_them(world: World) -> None:
    """A tenant that never came here may belong to another geography: nothing is kept of it."""
    grant = offered(world, THIRD_TENANT)
    world.withdraw_share(an_admin(), grant.id, "ref")
    assert trail(world, Event.SHARE_WITHDRAWN) == [(TENANT, ADMIN_ID)]


def test_withdrawing_again_changes_nothing(world: World) -> None:
    grant = accepted(world)
    first = world.withdraw_share(guest_admin(), grant.id, "ref")
    world.clock.advance(60)
    assert world.withdraw_share(an_admin(), grant.id, "ref") == first


def test_what_was_declined_is_not_withdrawn(world: World, refusal: Refusal) -> None:
    register(world, OTHER_TENANT)
    grant = offered(world)
    world.answer_share(guest_admin(), grant.id, False, "ref")
    refusal(Reason.STATE_CONFLICT, world.withdraw_share, an_admin(), grant.id, "ref")


def test_case_74_a_third_tenant_withdraws_nothing(world: World, refusal: Refusal) -> None:
    grant = accepted(world)
    refusal(Reason.SHARE_UNKNOWN, world.withdraw_share, stranger(), grant.id, "ref")
    assert stored(world, grant).state is GrantState.ACCEPTED


def test_a_revision_that_waits_for_approval_is_too_late_after_a_withdrawal(
    world: World, refusal: Refusal
) -> None:
    grant = accepted(world)
    waiting = fabrikam_awaits(world)
    world.withdraw_share(an_admin(), grant.id, "ref")

    refusal(Reason.URL_TAKEN, approve, world, waiting)

    assert state_of(world, waiting) is RevisionState.AWAITING_APPROVAL


# Case 41: one address, several tenants ----------------------------------------------------------


def test_case_41_a_second_tenant_does_not_enter_the_address_of_the_first(
    world: World, refusal: Refusal
) -> None:
    register(world, OTHER_TENANT)
    offered(world)
    refusal(Reason.URL_TAKEN, enter, world)


def test_case_41_with_an_accepted_grant_the_guest_enters_it(world: World) -> None:
    accepted(world)

    revision = enter(world)

    assert (revision.fhir_base_url, revision.tenant_id) == (TEST_BASE, OTHER_TENANT)


def test_case_41_of_two_tenants_that_race_for_an_address_one_wins(
    empty_world: World, refusal: Refusal
) -> None:
    """Both entered it while it was free; the first approval claims it, and keeps it."""
    world = empty_world
    contoso = fabrikam_awaits(world, environment())
    fabrikam = fabrikam_awaits(world)

    approve(world, fabrikam)

    refusal(Reason.URL_TAKEN, approve, world, contoso)
    assert state_of(world, fabrikam) is RevisionState.ACTIVE
    assert state_of(world, contoso) is RevisionState.AWAITING_APPROVAL


def test_case_41_a_grant_of_one_address_is_none_for_another(world: World, refusal: Refusal) -> None:
    production = environment(id="env-prd", kind=EnvironmentKind.PRODUCTION)
    world.add_environment(production)
    world.approve(active(id="rev-prd", environment_id="env-prd", fhir_base_url=PRODUCTION_BASE))
    accepted(world)

    refusal(Reason.URL_TAKEN, enter, world, PRODUCTION_BASE)


@pytest.mark.parametrize("kind", LaunchKind)
def test_a_launch_belongs_to_the_tenant_whose_record_it_brings(
    world: World, kind: LaunchKind
) -> None:
    fabrikam_live(world)
    theirs = {"recordId": records_of(world, FABRIKAM.id)[kind.value, False]}
    user = {LaunchKind.PROVIDER: PROVIDER_USER, LaunchKind.PATIENT: PATIENT_USER}[kind]

    to_owner = world.launch(kind, user).launch
    to_guest = world.launch(kind, user, theirs).launch

    assert (to_owner.environment_id, to_owner.tenant_id) == ("env-test", TENANT)
    assert (to_guest.environment_id, to_guest.tenant_id) == (FABRIKAM.id, OTHER_TENANT)


def test_case_43_a_guests_test_record_is_refused_at_the_address_of_production(
    world: World, refusal: Refusal
) -> None:
    """Whatever its token says: the analyst wrote it, the record id says whose it is."""
    accepted(world)
    other_kind = replace(FABRIKAM, kind=EnvironmentKind.PRODUCTION)
    approve(world, fabrikam_awaits(world, other_kind))
    theirs = {"recordId": records_of(world, FABRIKAM.id)["provider", False], "environment": "test"}

    refused = refusal(
        Reason.ENVIRONMENT_MISMATCH, world.launch, LaunchKind.PROVIDER, PROVIDER_USER, theirs
    )

    assert refused.facts == {"record": "other", "environment": "test"}


def test_owner_and_guest_have_visits_of_their_own_for_one_appointment(world: World) -> None:
    fabrikam_live(world)
    theirs = {"recordId": records_of(world, FABRIKAM.id)["patient", False]}

    opened = [
        world.open_visit.for_patient(
            world.launch(LaunchKind.PATIENT, PATIENT_USER, context).launch, "ref"
        )
        for context in ({}, theirs)
    ]

    assert [o.visit.tenant_id for o in opened] == [TENANT, OTHER_TENANT]
    assert opened[0].visit.visit_key != opened[1].visit.visit_key
