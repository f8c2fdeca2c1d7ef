"""Exactly one meeting for one appointment: cases 48-50, 66 of reliability.md, and who goes where."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders.configurations import TENANT, TEST_BASE
from tests.builders.launches import (
    PARENT_USER,
    PATIENT_USER,
    PROVIDER_OBJECT_ID,
    PROVIDER_USER,
    SECOND_PROVIDER_USER,
    appointment,
    patient_launch,
    provider_launch,
)
from tests.builders.visits import end, patient, provider, second_provider
from tests.builders.world import World, values

from connector.domain.audit import Event
from connector.domain.errors import Reason, Refused
from connector.domain.launch import Intent
from connector.domain.participant import Role
from connector.domain.visit import FINAL, Meeting, VisitState
from connector.domain.visit_settings import DEFAULTS
from connector.usecases.open_visit import Next

Refusal = Callable[..., Refused]


# The working world ------------------------------------------------------------------------------


def test_a_provider_gets_a_meeting_of_their_own(world: World) -> None:
    opened = provider(world)

    assert (opened.role, opened.next) == (Role.PROVIDER, Next.MEETING)
    assert opened.visit.state is VisitState.WAITING_FOR_PATIENT
    assert opened.visit.organizer_id == PROVIDER_OBJECT_ID
    assert opened.visit.meeting == Meeting("meeting-1", "https://teams.example/l/meetup-join/1")
    assert opened.visit == world.visit()


def test_the_meeting_is_asked_for_by_organizer_and_a_hash_and_never_by_the_appointment(
    world: World,
) -> None:
    opened = provider(world)

    (call,) = world.meetings.calls
    assert call == {
        "tenant_id": TENANT,
        "organizer_id": PROVIDER_OBJECT_ID,
        "external_id": opened.visit.visit_key,
        "start": appointment().start,
        "end": appointment().end,
        "lobby": DEFAULTS.lobby,
    }
    assert appointment().appointment_id not in opened.visit.visit_key


def test_a_patient_who_comes_after_the_provider_joins_their_meeting(world: World) -> None:
    theirs = provider(world)

    opened = patient(world)

    assert (opened.role, opened.next) == (Role.PATIENT, Next.MEETING)
    assert opened.visit.meeting == theirs.visit.meeting


def test_case_49_a_patient_who_comes_first_waits_and_makes_no_meeting(world: World) -> None:
    opened = patient(world)

    assert (opened.next, opened.visit.state) == (Next.WAIT, VisitState.WAITING_FOR_PROVIDER)
    assert world.meetings.calls == []


def test_case_49_the_provider_finds_the_visit_of_the_patient_who_waits(world: World) -> None:
    waiting = patient(world)

    opened = provider(world)

    assert opened.visit.id == waiting.visit.id
    assert opened.visit.state is VisitState.WAITING_FOR_PROVIDER
    assert patient(world, "state-again").next is Next.MEETING


def test_a_provider_who_wants_the_status_is_shown_it_and_the_meeting_is_there(world: World) -> None:
    launch = provider_launch(intent=Intent.STATUS)

    opened = world.open_visit.for_provider(launch, PROVIDER_OBJECT_ID, "ref")

    assert opened.next is Next.STATUS
    assert opened.visit.meeting is not None


def test_the_meeting_is_watched_from_the_first_provider_on(world: World) -> None:
    provider(world)
    provider(world, 2)

    (watch,) = world.rows("meeting_watch")
    assert watch["join_url"] == "https://teams.example/l/meetup-join/1"


def test_a_patient_s_launch_watches_nothing(world: World) -> None:
    patient(world)

    assert world.rows("meeting_watch") == []


def test_a_launch_is_audited_with_ids_of_our_own(world: World) -> None:
    opened = provider(world)
    patient(world)

    completed = [row for row in world.rows("audit_event") if row["event"] == Event.LAUNCH_COMPLETED]
    assert values(completed, "actor") == [PROVIDER_OBJECT_ID, "patient"]
    assert world.audited(Event.LAUNCH_COMPLETED) == [
        {"kind": "provider", "visit": opened.visit.id},
        {"kind": "patient", "visit": opened.visit.id},
    ]


# The launch is spent once -----------------------------------------------------------------------


def test_case_03_a_spent_launch_opens_nothing_a_second_time(world: World, refusal: Refusal) -> None:
    opened = provider(world)
    before = world.rows("audit_event")

    refused = refusal(Reason.LAUNCH_ALREADY_USED, provider, world)

    assert refused.facts == {"visit": opened.visit.id}
    assert world.rows("audit_event") == before
    assert len(world.meetings.made) == 1


def test_case_03_a_spent_launch_of_a_patient_writes_nothing(world: World, refusal: Refusal) -> None:
    patient(world)
    spent = patient_launch("state-patient", appointment=appointment(appointment_id="eOther"))

    refusal(Reason.LAUNCH_ALREADY_USED, world.open_visit.for_patient, spent, "ref")

    assert len(world.rows("visit")) == 1


# Who is who to the EHR --------------------------------------------------------------------------


def test_the_same_person_launching_again_is_one_person(world: World) -> None:
    provider(world)
    provider(world, 2)
    patient(world, "a")
    patient(world, "b")

    assert sorted(values(world.rows("visit_person"), "role")) == ["patient", "provider"]


def test_a_parent_and_the_child_are_one_patient_to_the_ehr(world: World) -> None:
    patient(world)
    world.open_visit.for_patient(patient_launch("parent", user=PARENT_USER), "ref")

    (person,) = world.rows("visit_person")
    assert world_opens(world, person["ehr_id_sealed"]) == PATIENT_USER.fhir_id


def test_a_provider_is_known_to_the_ehr_by_the_practitioner_s_id(world: World) -> None:
    provider(world)

    (person,) = world.rows("visit_person")
    assert person["object_id"] == PROVIDER_OBJECT_ID
    assert world_opens(world, person["ehr_id_sealed"]) == PROVIDER_USER.fhir_id


def world_opens(world: World, sealed: bytes) -> str:
    (secret,) = world.rows("visit_secret")
    return world.visit_sealer.open(secret["wrapped_key"], sealed).decode()


def test_everybody_of_a_visit_uses_its_one_data_key(world: World) -> None:
    provider(world)
    second_provider(world)
    patient(world)

    ids = {world_opens(world, person["ehr_id_sealed"]) for person in world.rows("visit_person")}
    assert ids == {PROVIDER_USER.fhir_id, SECOND_PROVIDER_USER.fhir_id, PATIENT_USER.fhir_id}


def test_the_conference_id_is_sealed_with_the_visit(world: World) -> None:
    provider(world)

    (secret,) = world.rows("visit_secret")
    assert world_opens(world, secret["conference_id_sealed"]) == appointment().conference_id


def test_an_appointment_without_patient_opens_for_a_patient_nobody_will_be_reported_for(
    world: World,
) -> None:
    launch = patient_launch(appointment=appointment(patient_id=None))

    assert world.open_visit.for_patient(launch, "ref").next is Next.WAIT
    assert world.rows("visit_person") == []
    assert world.rows("visit_secret") == []


def test_c16_the_database_holds_no_id_of_the_ehr_but_the_linked_user_s(world: World) -> None:
    patient(world)
    provider(world)

    stored = world.stored_bytes()
    for secret in (
        PATIENT_USER.fhir_id,
        PROVIDER_USER.fhir_id,
        appointment().appointment_id,
        appointment().conference_id,
        PATIENT_USER.user_id,
    ):
        assert secret.encode() not in stored


# Finished visits --------------------------------------------------------------------------------


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_provider_takes_a_finished_visit_up_again_in_the_same_meeting(
    world: World, state: VisitState
) -> None:
    first = provider(world)
    end(world, first.visit, state)

    again = provider(world, 2)

    assert again.visit.meeting == first.visit.meeting
    assert (again.visit.state, again.visit.ended_at) == (VisitState.WAITING_FOR_PATIENT, None)
    assert again.visit == world.visit()
    assert len(world.meetings.calls) == 1


def test_a_patient_of_a_finished_visit_waits_until_a_provider_takes_it_up(world: World) -> None:
    end(world, provider(world).visit)

    assert patient(world).next is Next.WAIT
    assert world.visit().state is VisitState.ENDED

    provider(world, 2)
    assert patient(world, "state-again").next is Next.MEETING


def test_a_visit_that_is_going_on_is_left_as_it_stands(world: World) -> None:
    opened = provider(world)
    with world.store.write() as tx:
        tx.visits.save(replace(opened.visit, state=VisitState.IN_VISIT, met=True))

    second_provider(world)

    assert (world.visit().state, world.visit().met) == (VisitState.IN_VISIT, True)


def test_case_59_an_appointment_of_another_day_is_another_visit(world: World) -> None:
    today = provider(world)
    world.clock.advance(timedelta(days=1))
    tomorrow = provider_launch("state-2", appointment=appointment(appointment_id="eTomorrow"))
    world.book(appointment(appointment_id="eTomorrow"), TEST_BASE)

    opened = world.open_visit.for_provider(tomorrow, PROVIDER_OBJECT_ID, "ref")

    assert opened.visit.id != today.visit.id
