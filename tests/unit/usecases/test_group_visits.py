"""One visit for a group, everybody told of under their own number (F32, E9, ADR 10)."""

from collections.abc import Callable

import pytest
from tests.builders.calls import at, connected, gone, in_lobby, roster
from tests.builders.groups import (
    CONFERENCE,
    MEMBERS,
    context,
    group_visits_on,
    member_opens,
    number,
    provider_opens,
)
from tests.builders.launches import PROVIDER_OBJECT_ID, PROVIDER_USER
from tests.builders.world import World

from connector.domain.errors import Reason, Refused
from connector.domain.launch import LaunchKind
from connector.domain.participant import ConnectionStatus
from connector.ports.microsoft import CallEvent
from connector.usecases.open_visit import Next, OpenedVisit

Refusal = Callable[..., Refused]
PROVIDER, PATIENT = LaunchKind.PROVIDER, LaunchKind.PATIENT
CONNECTED, DISCONNECTED = ConnectionStatus.CONNECTED, ConnectionStatus.DISCONNECTED
Post = Callable[..., None]


# One visit --------------------------------------------------------------------------------------


def test_three_patients_and_a_clinician_meet_in_one_visit(world: World) -> None:
    group_visits_on(world)

    opened = [member_opens(world, 1), provider_opens(world, 2), *_others(world)]

    assert {o.visit.id for o in opened} == {world.visit().id}
    assert [o.next for o in opened] == [Next.WAIT, Next.MEETING, Next.MEETING, Next.MEETING]
    assert len(world.meetings.made) == 1


def _others(world: World) -> list[OpenedVisit]:
    return [member_opens(world, 2), member_opens(world, 3)]


def test_another_conference_is_another_visit(world: World) -> None:
    group_visits_on(world)
    first = member_opens(world, 1)
    launched = world.launch(PATIENT, MEMBERS[1], context(PATIENT, 2, sessionId="GRP-78"))
    assert world.open_visit.for_patient(launched.launch, "ref").visit.id != first.visit.id


def test_a_conference_that_is_called_like_an_appointment_is_not_its_visit(world: World) -> None:
    group_visits_on(world)
    single = world.open_visit.for_patient(world.launch(PATIENT).launch, "ref")
    named_alike = context(PATIENT, 1, sessionId="eAppointment1")
    launched = world.launch(PATIENT, MEMBERS[0], named_alike)
    assert world.open_visit.for_patient(launched.launch, "ref").visit.id != single.visit.id


def test_an_appointment_of_a_group_is_found_by_its_own_number_and_not_by_the_conference(
    world: World,
) -> None:
    group_visits_on(world)
    world.launch(PATIENT, MEMBERS[0], context(PATIENT, 1, appointment=""))
    assert world.appointments.reads[-1] == ("find", number(1))


def test_single_visits_go_on_beside_groups(world: World) -> None:
    group_visits_on(world)
    launched = world.launch().launch
    assert (launched.conference, launched.visit_name) == ("", "eAppointment1")


# E9: what keeps groups apart is refused ---------------------------------------------------------


def test_e9_group_records_without_the_setting_name_the_setting(
    world: World, refusal: Refusal
) -> None:
    group_visits_on(world, setting=False)
    refused = refusal(
        Reason.GROUP_VISITS_OFF, world.launch, PATIENT, MEMBERS[0], context(PATIENT, 1)
    )
    assert refused.facts == {"setting": "group_visits"}
    assert world.rows("visit") == []


@pytest.mark.parametrize("kind", LaunchKind)
def test_e9_a_single_record_changed_to_bring_the_conference_is_refused(
    world: World, refusal: Refusal, kind: LaunchKind
) -> None:
    """Everybody of the group would wait in a meeting of their own, and nobody would know why."""
    group_visits_on(world)
    changed = context(kind, 1, recordId=f"record-{kind}")
    user = {PROVIDER: PROVIDER_USER, PATIENT: MEMBERS[0]}[kind]

    refused = refusal(Reason.GROUP_VISITS_OFF, world.launch, kind, user, changed)

    assert refused.facts == {"record": "single"}


@pytest.mark.parametrize("session", ["", number(1)], ids=["nothing", "the appointment's number"])
def test_e9_a_group_record_that_brings_no_conference_is_to_be_pasted_again(
    world: World, refusal: Refusal, session: str
) -> None:
    group_visits_on(world)
    changed = context(PATIENT, 1, sessionId=session)
    refused = refusal(Reason.RECORD_UNKNOWN, world.launch, PATIENT, MEMBERS[0], changed)
    assert refused.facts == {"token": "sessionId"}


def test_a_group_record_of_patients_does_not_open_the_clinicians_door(
    world: World, refusal: Refusal
) -> None:
    group_visits_on(world)
    changed = context(PROVIDER, 1, recordId="group-patient")
    refusal(Reason.RECORD_UNKNOWN, world.launch, PROVIDER, PROVIDER_USER, changed)


def test_a_conference_alone_names_no_appointment(world: World, refusal: Refusal) -> None:
    group_visits_on(world)
    changed = context(PATIENT, 1, appointment="", csn="")
    refusal(Reason.APPOINTMENT_MISSING, world.launch, PATIENT, MEMBERS[0], changed)
    assert world.appointments.reads == []


# What the EHR hears -----------------------------------------------------------------------------


@pytest.fixture
def post(world: World) -> Post:
    """The clinician is in the group's meeting; posts events of it."""
    group_visits_on(world)
    provider_opens(world)
    world.watch_meetings()
    world.clock.set(at(60))
    ((graph_id, live),) = world.subscriptions.live.items()

    def send(event: CallEvent) -> None:
        item = (graph_id, live["client_state"], live["tenant_id"], event)
        world.receive_notification(world.reader.post([item]))
        world.apply_notifications()

    return send


def told(world: World) -> list[tuple[str, str, ConnectionStatus]]:
    world.deliver(rounds=20)
    return [(r.conference_id, r.person_id, r.status) for r in world.write_back.reports]


def test_everybody_is_told_of_with_the_number_of_their_own_appointment(
    world: World, post: Post
) -> None:
    post(roster(1, connected("clinician", PROVIDER_OBJECT_ID)))
    for member in (1, 2, 3):
        member_opens(world, member)
        post(roster(member + 1, connected(f"guest-{member}")))

    assert told(world) == [
        (number(1), PROVIDER_USER.fhir_id, CONNECTED),
        *[(number(m), MEMBERS[m - 1].fhir_id, CONNECTED) for m in (1, 2, 3)],
    ]


def test_each_leave_is_told_of_who_left(world: World, post: Post) -> None:
    for member in (1, 2):
        member_opens(world, member)
        post(roster(member, connected(f"guest-{member}")))

    post(roster(5, gone("guest-1")))

    assert told(world)[-1] == (number(1), MEMBERS[0].fhir_id, DISCONNECTED)


def test_who_leaves_the_meeting_and_comes_back_is_the_same_patient(
    world: World, post: Post
) -> None:
    for member in (1, 2):
        member_opens(world, member)
        post(roster(member, connected(f"guest-{member}")))
    post(roster(5, gone("guest-2")))

    post(roster(6, connected("guest-2-again")))

    assert told(world)[-1] == (number(2), MEMBERS[1].fhir_id, CONNECTED)


def test_of_several_who_may_have_come_none_is_told_of(world: World, post: Post) -> None:
    """A guess would put a wrong person into the EHR's audit trail."""
    member_opens(world, 1)
    member_opens(world, 2)

    post(roster(1, in_lobby("guest-x")))
    post(roster(2, connected("guest-x")))

    assert told(world) == []
    assert [row["role"] for row in world.rows("participant")] == ["patient"]


def test_a_single_patient_s_second_device_is_still_the_patient(world: World, post: Post) -> None:
    member_opens(world, 1)
    post(roster(1, connected("phone")))
    post(roster(2, connected("laptop")))
    assert told(world) == [(number(1), MEMBERS[0].fhir_id, CONNECTED)]


def test_neither_the_conference_nor_a_number_is_stored_in_the_clear(
    world: World, post: Post
) -> None:
    member_opens(world, 1)
    post(roster(1, connected("guest-1")))
    for secret in (CONFERENCE, number(1), MEMBERS[0].fhir_id):
        assert secret.encode() not in world.stored_bytes()
