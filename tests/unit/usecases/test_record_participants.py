"""Graph's posts become presence, state and write-backs, once and in order: cases 51-57."""

import random
from datetime import timedelta
from itertools import permutations

import pytest
from tests.builders.calls import at, call_ended, call_started, connected, gone, in_lobby, roster
from tests.builders.launches import (
    PARENT_USER,
    PATIENT_USER,
    PROVIDER_OBJECT_ID,
    PROVIDER_USER,
    SECOND_PROVIDER_OBJECT_ID,
    SECOND_PROVIDER_USER,
    appointment,
    patient_launch,
    provider_launch,
)
from tests.builders.store import executed_by
from tests.builders.world import World, values

from connector.domain.audit import Event
from connector.domain.participant import ConnectionStatus, Presence, Role
from connector.domain.visit import VisitState
from connector.ports.microsoft import CallEvent
from connector.usecases.prove_notification import client_state_of

CONNECTED, DISCONNECTED, LOBBY = (
    ConnectionStatus.CONNECTED,
    ConnectionStatus.DISCONNECTED,
    ConnectionStatus.LOBBY,
)
STORY = [
    roster(1, connected("staff", PROVIDER_OBJECT_ID)),
    roster(2, in_lobby("guest")),
    roster(3, connected("guest")),
    roster(4, gone("guest")),
    roster(5, gone("staff", PROVIDER_OBJECT_ID)),
    call_ended(6),
]


@pytest.fixture
def visit_id(world: World) -> str:
    """Provider and patient have launched; the meeting is watched."""
    world.open_visit.for_patient(patient_launch(), "ref")
    opened = world.open_visit.for_provider(provider_launch(), PROVIDER_OBJECT_ID, "ref")
    world.watch_meetings()
    world.clock.set(at(60))
    return opened.visit.id


def post(world: World, *events: CallEvent | None, apply: bool = True) -> None:
    """Graph posts these events about the one watched meeting in one body."""
    ((graph_id, live),) = world.subscriptions.live.items()
    items = [(graph_id, live["client_state"], live["tenant_id"], event) for event in events]
    world.receive_notification(world.reader.post(items))
    if apply:
        world.apply_notifications()


def told(world: World) -> list[tuple[str, ConnectionStatus]]:
    """What the EHR is told, in the order it hears it."""
    world.deliver(rounds=40)
    return [(report.person_id, report.status) for report in world.write_back.reports]


def presences(world: World) -> dict[Role, Presence]:
    with world.store.read() as tx:
        return {person.role: person.presence for person in tx.visits.roster(world.visit().id)}


PATIENT, PROVIDER = PATIENT_USER.fhir_id, PROVIDER_USER.fhir_id
WHOLE_STORY = [
    (PROVIDER, CONNECTED),
    (PATIENT, LOBBY),
    (PATIENT, CONNECTED),
    (PATIENT, DISCONNECTED),
    (PROVIDER, DISCONNECTED),
]

pytestmark = pytest.mark.usefixtures("visit_id")


# The working world ------------------------------------------------------------------------------


def test_a_whole_visit_is_told_to_the_ehr_in_its_own_ids(world: World) -> None:
    for event in STORY:
        post(world, event)

    assert told(world) == WHOLE_STORY
    assert {r.conference_id for r in world.write_back.reports} == {appointment().conference_id}
    assert (world.visit().state, world.visit().ended_at) == (VisitState.ENDED, at(6))


def test_the_visit_s_state_follows_the_call(world: World) -> None:
    states = []
    for event in STORY:
        post(world, event)
        states.append(world.visit().state)

    assert states == [
        VisitState.WAITING_FOR_PATIENT,
        VisitState.LOBBY,
        VisitState.IN_VISIT,
        VisitState.INTERRUPTED,
        VisitState.INTERRUPTED,
        VisitState.ENDED,
    ]


def test_the_live_page_gets_a_line_for_everybody_and_for_the_state(world: World) -> None:
    post(world, roster(1, in_lobby("guest")))

    lines = [(row["kind"], row["role"], row["label"]) for row in world.rows("visit_event")]
    assert lines == [("participant", "patient", "lobby"), ("state", "", "lobby")]


def test_an_applied_post_leaves_the_inbox(world: World) -> None:
    post(world, STORY[0])

    assert world.rows("graph_notification") == []


def test_one_body_with_several_events_is_applied_in_its_order(world: World) -> None:
    post(world, *STORY)

    assert told(world) == WHOLE_STORY


def test_an_event_type_we_do_not_use_changes_nothing(world: World) -> None:
    post(world, None)

    assert world.rows("visit_event") == []
    assert world.rows("graph_notification") == []


def test_only_whom_news_changed_is_written(world: World) -> None:
    post(world, STORY[0])
    executed = executed_by(world.store)
    post(world, STORY[1])

    (written,) = [said for said in executed if said.startswith("INSERT INTO participant")]
    assert "'patient'" in written


def test_news_that_change_nobody_write_nothing_but_that_they_were_heard(world: World) -> None:
    post(world, STORY[0])
    executed = executed_by(world.store)
    post(world, call_started(2))

    changes = [said.replace("INSERT INTO", "UPDATE").split() for said in executed]
    written = {words[1] for words in changes if words[0] == "UPDATE"}
    assert written == {"graph_notification", "applied_notification"}


def test_the_start_of_a_call_changes_nobody(world: World) -> None:
    post(world, call_started(1))

    assert world.rows("participant") == []
    assert world.visit().state is VisitState.WAITING_FOR_PATIENT


# Duplicates and order ---------------------------------------------------------------------------


def test_case_51_the_same_post_a_hundred_times_is_one_change_and_one_write_back(
    world: World,
) -> None:
    for _ in range(100):
        post(world, STORY[0], apply=False)
    world.apply_notifications()

    assert told(world) == [(PROVIDER, CONNECTED)]
    assert len(world.rows("outbox_message")) == 1
    assert len(world.rows("visit_event")) == 2


def test_case_51_the_same_news_under_another_notification_id_is_told_once(world: World) -> None:
    for number in range(5):
        post(world, roster(1, connected("guest"), key=f"notification-{number}"))

    assert told(world) == [(PATIENT, CONNECTED)]


@pytest.mark.parametrize("order", list(permutations([0, 1, 2])))
def test_case_52_in_any_order_the_newest_event_says_where_somebody_is(
    world: World, order: tuple[int, ...]
) -> None:
    news = [roster(1, in_lobby("guest")), roster(2, connected("guest")), roster(3, gone("guest"))]

    for index in order:
        post(world, news[index])

    assert presences(world) == {Role.PATIENT: Presence.DISCONNECTED}


def test_case_52_a_leave_before_its_join_is_told_after_it(world: World) -> None:
    post(world, roster(3, gone("guest")))
    assert told(world) == []

    post(world, roster(2, connected("guest")))

    assert told(world) == [(PATIENT, CONNECTED), (PATIENT, DISCONNECTED)]
    assert presences(world) == {Role.PATIENT: Presence.DISCONNECTED}


def test_case_52_an_older_event_moves_nobody_back(world: World) -> None:
    post(world, roster(5, connected("guest")))
    post(world, roster(2, in_lobby("guest")))

    assert told(world) == [(PATIENT, CONNECTED)]
    assert world.visit().state is VisitState.WAITING_FOR_PROVIDER


@pytest.mark.parametrize("seed", range(6))
def test_cases_51_and_52_a_shuffled_and_repeated_story_ends_the_same(
    world: World, seed: int
) -> None:
    """Nothing is told twice and everybody ends where the story ends, however Graph delivers."""
    delivered = STORY * 3
    random.Random(seed).shuffle(delivered)  # noqa: S311 - a repeatable order, no secret

    for event in delivered:
        post(world, event, apply=False)
    world.apply_notifications()

    assert set(presences(world).values()) <= {Presence.DISCONNECTED}
    assert world.visit().state is not VisitState.IN_VISIT
    heard = told(world)
    assert len(heard) == len(set(heard))
    assert set(heard) <= set(WHOLE_STORY)


# The end ----------------------------------------------------------------------------------------


def test_case_53_the_end_of_the_call_disconnects_whoever_is_still_there(world: World) -> None:
    post(world, roster(1, connected("staff", PROVIDER_OBJECT_ID), connected("guest")))
    post(world, call_ended(9))

    assert set(presences(world).values()) == {Presence.DISCONNECTED}
    assert sorted(told(world)[2:]) == sorted([(PROVIDER, DISCONNECTED), (PATIENT, DISCONNECTED)])
    assert (world.visit().state, world.visit().ended_at) == (VisitState.ENDED, at(9))


def test_the_end_tells_nobody_twice_who_had_left(world: World) -> None:
    post(world, roster(1, connected("guest")))
    post(world, roster(2, gone("guest")))
    post(world, call_ended(9))

    assert told(world) == [(PATIENT, CONNECTED), (PATIENT, DISCONNECTED)]


def test_case_58_a_patient_nobody_let_in_was_missed_by_the_provider(world: World) -> None:
    post(world, roster(1, in_lobby("guest")))
    post(world, call_ended(9))

    assert world.visit().state is VisitState.PROVIDER_NO_SHOW


def test_a_patient_who_gave_up_waiting_was_missed_by_the_provider_too(world: World) -> None:
    post(world, roster(1, in_lobby("guest")))
    post(world, roster(5, gone("guest")))
    post(world, call_ended(9))

    assert world.visit().state is VisitState.PROVIDER_NO_SHOW


def test_a_provider_who_waited_alone_missed_the_patient(world: World) -> None:
    post(world, roster(1, connected("staff", PROVIDER_OBJECT_ID)))
    post(world, call_ended(9))

    assert world.visit().state is VisitState.PATIENT_NO_SHOW


def test_two_who_came_one_after_the_other_abandoned_the_visit(world: World) -> None:
    post(world, roster(1, connected("staff", PROVIDER_OBJECT_ID)))
    post(world, roster(2, gone("staff", PROVIDER_OBJECT_ID)))
    post(world, roster(3, in_lobby("guest")))
    post(world, call_ended(9))

    assert world.visit().state is VisitState.ABANDONED


def test_a_late_end_does_not_throw_out_who_came_back_after_it(world: World) -> None:
    """Case 52: the call was started again before the news of its end arrived."""
    post(world, roster(1, connected("staff", PROVIDER_OBJECT_ID), connected("guest")))
    post(world, roster(12, connected("guest")))
    post(world, call_ended(9))

    assert presences(world)[Role.PATIENT] is Presence.CONNECTED
    assert world.visit().state is VisitState.INTERRUPTED
    assert world.visit().ended_at is None


def test_somebody_who_connects_after_the_end_takes_the_visit_up_again(world: World) -> None:
    for event in STORY:
        post(world, event)
    post(world, roster(20, connected("guest-again")))

    assert (world.visit().state, world.visit().ended_at) == (VisitState.INTERRUPTED, None)
    assert told(world)[-1] == (PATIENT, CONNECTED)


def test_news_from_before_the_end_do_not_open_an_ended_visit(world: World) -> None:
    post(world, roster(1, connected("staff", PROVIDER_OBJECT_ID), connected("guest")))
    post(world, call_ended(9))

    post(world, roster(5, connected("late-news")))

    assert (world.visit().state, world.visit().ended_at) == (VisitState.ENDED, at(9))


def test_case_57_coming_and_going_twenty_times_is_told_every_time_in_order(world: World) -> None:
    for number in range(20):
        post(world, roster(2 * number, connected("guest")), roster(2 * number + 1, gone("guest")))

    assert told(world) == [(PATIENT, CONNECTED), (PATIENT, DISCONNECTED)] * 20


# Who is who -------------------------------------------------------------------------------------


def test_two_providers_are_told_by_their_own_ids(world: World) -> None:
    launch = provider_launch("state-second", user=SECOND_PROVIDER_USER)
    world.open_visit.for_provider(launch, SECOND_PROVIDER_OBJECT_ID, "ref")

    post(world, roster(1, connected("a", SECOND_PROVIDER_OBJECT_ID)))
    post(world, roster(2, connected("b", PROVIDER_OBJECT_ID)))

    assert told(world) == [(SECOND_PROVIDER_USER.fhir_id, CONNECTED), (PROVIDER, CONNECTED)]
    assert {r.role for r in world.write_back.reports} == {Role.PROVIDER}


def test_a_patient_and_the_parent_are_one_line_to_the_ehr(world: World) -> None:
    world.open_visit.for_patient(patient_launch("parent", user=PARENT_USER), "ref")

    post(world, roster(1, connected("tablet"), connected("phone")))

    assert told(world) == [(PATIENT, CONNECTED)]


def test_a_second_device_that_leaves_disconnects_nobody(world: World) -> None:
    post(world, roster(1, connected("tablet")), roster(2, connected("phone")))
    post(world, roster(3, gone("phone")))
    assert told(world) == [(PATIENT, CONNECTED)]

    post(world, roster(4, gone("tablet")))

    assert told(world) == [(PATIENT, CONNECTED), (PATIENT, DISCONNECTED)]


def test_case_52_a_leave_heard_after_the_rejoin_is_told_and_the_last_word_is_true(
    world: World,
) -> None:
    """Whoever rejoins is a new participant to Graph; the EHR knows one person."""
    post(world, roster(1, connected("first-stay")), roster(3, connected("second-stay")))

    post(world, roster(2, gone("first-stay")))

    assert told(world) == [(PATIENT, CONNECTED), (PATIENT, DISCONNECTED), (PATIENT, CONNECTED)]
    assert len({report.key for report in world.write_back.reports}) == 3


def test_staff_who_never_launched_are_counted_and_never_told(world: World) -> None:
    """A guess would put a wrong person into the EHR's audit trail."""
    post(world, roster(1, connected("colleague", SECOND_PROVIDER_OBJECT_ID)))

    assert told(world) == []
    assert world.rows("outbox_message") == []
    assert ("participant", "provider", "connected") in [
        (row["kind"], row["role"], row["label"]) for row in world.rows("visit_event")
    ]


def test_two_patients_of_one_visit_cannot_be_told_apart_so_neither_is_told(world: World) -> None:
    other = appointment(patient_id="ePatient2")
    world.open_visit.for_patient(patient_launch("group", appointment=other), "ref")

    post(world, roster(1, connected("guest")))

    assert told(world) == []


def test_somebody_who_launches_after_joining_is_told_whole_once_they_are_known(
    world: World,
) -> None:
    post(world, roster(1, connected("a", SECOND_PROVIDER_OBJECT_ID)))
    launch = provider_launch("state-second", user=SECOND_PROVIDER_USER)
    world.open_visit.for_provider(launch, SECOND_PROVIDER_OBJECT_ID, "ref")

    post(world, roster(5, gone("a", SECOND_PROVIDER_OBJECT_ID)))

    second = SECOND_PROVIDER_USER.fhir_id
    assert told(world) == [(second, CONNECTED), (second, DISCONNECTED)]


def test_an_identity_once_certain_stays_whoever_launches_later(world: World) -> None:
    post(world, roster(1, connected("guest")))
    other = appointment(patient_id="ePatient2")
    world.open_visit.for_patient(patient_launch("group", appointment=other), "ref")

    post(world, roster(2, gone("guest")))

    assert told(world) == [(PATIENT, CONNECTED), (PATIENT, DISCONNECTED)]


def test_after_the_data_key_is_destroyed_nobody_is_told_any_more(world: World) -> None:
    post(world, roster(1, connected("guest")))
    assert told(world) == [(PATIENT, CONNECTED)]
    with world.store.write() as tx:
        tx.visits.destroy_secrets(at(0), at(0) + timedelta(days=1))

    post(world, roster(2, gone("guest")))

    assert len(world.rows("outbox_message")) == 1
    assert presences(world) == {Role.PATIENT: Presence.DISCONNECTED}


def test_what_waits_for_the_ehr_is_sealed(world: World) -> None:
    post(world, *STORY)

    stored = world.stored_bytes()
    for secret in (PATIENT, PROVIDER, appointment().conference_id, '"person_id"'):
        assert secret.encode() not in stored


def test_graph_s_participant_ids_are_stored_as_keyed_hashes_only(world: World) -> None:
    post(world, roster(1, connected("8:acs:graph-participant-id-4711"), key="notification-1"))

    assert b"graph-participant-id-4711" not in world.stored_bytes()
    assert len(values(world.rows("participant"), "key")[0]) == 43


def test_the_client_state_is_different_for_every_visit(world: World, visit_id: str) -> None:
    assert client_state_of(world.sealer, visit_id) != client_state_of(world.sealer, "another")
    assert world.audited(Event.NOTIFICATION_REFUSED) == []


def test_the_client_state_names_its_visit_and_fits_graph_s_limit(
    world: World, visit_id: str
) -> None:
    state = client_state_of(world.sealer, visit_id)

    assert state.startswith(f"{visit_id}.")
    assert len(client_state_of(world.sealer, "v" * 22)) <= 128
