"""Who is told to the EHR as whom, and what late news make of a visit."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from tests.builders.calls import at, call_ended, connected, gone, in_lobby, line, roster
from tests.builders.configurations import OTHER_TENANT
from tests.builders.launches import (
    PATIENT_USER,
    PROVIDER_OBJECT_ID,
    PROVIDER_USER,
    SECOND_PROVIDER_OBJECT_ID,
    patient_launch,
    provider_launch,
)
from tests.builders.world import World, values
from tests.fakes.vault import FakeSealer

from connector.domain.audit import Event
from connector.domain.participant import ConnectionStatus, Presence
from connector.domain.visit import VisitState
from connector.ports.errors import Untrusted
from connector.ports.microsoft import CallEvent, IdentityKind, RosterLine

Post = Callable[..., None]
PATIENT, PROVIDER = PATIENT_USER.fhir_id, PROVIDER_USER.fhir_id
CONNECTED, DISCONNECTED = ConnectionStatus.CONNECTED, ConnectionStatus.DISCONNECTED


@pytest.fixture
def post(world: World) -> Post:
    """Provider and patient have launched; the meeting is watched; posts events of it."""
    world.open_visit.for_patient(patient_launch(), "ref")
    world.open_visit.for_provider(provider_launch(), PROVIDER_OBJECT_ID, "ref")
    world.watch_meetings()
    world.clock.set(at(60))
    ((graph_id, live),) = world.subscriptions.live.items()

    def send(*events: CallEvent) -> None:
        for event in events:
            item = (graph_id, live["client_state"], live["tenant_id"], event)
            world.receive_notification(world.reader.post([item]))
            world.apply_notifications()

    return send


def told(world: World) -> list[tuple[str, ConnectionStatus]]:
    world.deliver(rounds=20)
    return [(report.person_id, report.status) for report in world.write_back.reports]


def roles(world: World) -> list[str]:
    return values(world.rows("participant"), "role")


# Who is who -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("somebody", "role", "heard"),
    [
        (line("a", PROVIDER_OBJECT_ID), "provider", [PROVIDER]),
        (line("a", PROVIDER_OBJECT_ID, tenant_id=None), "provider", [PROVIDER]),
        (line("a", SECOND_PROVIDER_OBJECT_ID), "provider", []),
        (line("a", SECOND_PROVIDER_OBJECT_ID, tenant_id=None), "other", []),
        (line("a", "patient-at-work", tenant_id=OTHER_TENANT), "patient", [PATIENT]),
        (line("a"), "patient", [PATIENT]),
        (line("a", kind=IdentityKind.COMMUNICATION_SERVICES_USER), "patient", [PATIENT]),
        (line("a", kind=IdentityKind.PHONE), "other", []),
        (line("a", kind=IdentityKind.APPLICATION), "other", []),
        (line("a", kind=IdentityKind.APPLICATION_INSTANCE), "other", []),
        (line("a", kind=IdentityKind.USER), "other", []),
        (line("a", kind=IdentityKind.UNNAMED), "other", []),
    ],
    ids=lambda value: getattr(value, "kind", str(value)),
)
def test_an_identity_decides_who_somebody_is_and_whom_the_ehr_hears_of(
    world: World, post: Post, somebody: RosterLine, role: str, heard: list[str]
) -> None:
    post(roster(1, somebody))

    assert roles(world) == [role]
    assert [person for person, _ in told(world)] == heard


def test_a_recording_bot_makes_no_visit_of_a_lonely_provider(world: World, post: Post) -> None:
    bot = line("bot", kind=IdentityKind.APPLICATION_INSTANCE)
    post(roster(1, connected("staff", PROVIDER_OBJECT_ID), bot))
    assert world.visit().state is VisitState.WAITING_FOR_PATIENT

    post(call_ended(9))

    assert world.visit().state is VisitState.PATIENT_NO_SHOW
    assert told(world) == [(PROVIDER, CONNECTED), (PROVIDER, DISCONNECTED)]


def test_somebody_whose_leave_came_first_and_without_a_name_is_named_by_the_join(
    world: World, post: Post
) -> None:
    nameless = replace(line("a", kind=IdentityKind.UNNAMED), removed=True)
    post(roster(3, nameless), roster(2, connected("a")))

    assert roles(world) == ["patient"]
    assert told(world) == [(PATIENT, CONNECTED), (PATIENT, DISCONNECTED)]


def test_a_leave_without_a_name_is_the_leave_of_who_joined(world: World, post: Post) -> None:
    nameless = replace(line("a", kind=IdentityKind.UNNAMED), removed=True)
    post(roster(1, connected("a")), roster(3, nameless))

    assert told(world) == [(PATIENT, CONNECTED), (PATIENT, DISCONNECTED)]


# Seals ------------------------------------------------------------------------------------------


def test_a_destroyed_id_identifies_nobody_and_the_roster_goes_on(world: World, post: Post) -> None:
    with world.store.write() as tx:
        tx.visits.destroy_secrets(at(0), at(0) + timedelta(days=1))
    world.open_visit.for_provider(provider_launch("again"), PROVIDER_OBJECT_ID, "ref")

    post(roster(1, connected("staff", PROVIDER_OBJECT_ID), connected("guest")))

    assert world.visit().state is VisitState.IN_VISIT
    assert b"" not in values(world.rows("participant"), "ehr_id_sealed")
    assert told(world) == [(PROVIDER, CONNECTED)]
    assert world.rows("graph_notification") == []


def test_a_destroyed_id_is_replaced_when_its_person_launches_again(
    world: World, post: Post
) -> None:
    with world.store.write() as tx:
        tx.visits.destroy_secrets(at(0), at(0) + timedelta(days=1))
    post(roster(1, connected("guest")))
    world.open_visit.for_patient(patient_launch("again"), "ref")

    post(roster(2, gone("guest")))

    assert told(world) == [(PATIENT, CONNECTED), (PATIENT, DISCONNECTED)]


def test_a_seal_that_does_not_open_never_holds_up_the_roster(world: World, post: Post) -> None:
    def broken(_wrapped_key: bytes, _sealed: bytes) -> bytes:
        raise Untrusted("visit_seal")

    world.visit_sealer.open = broken  # type: ignore[method-assign]
    post(roster(1, connected("guest")))

    assert world.visit().state is VisitState.WAITING_FOR_PROVIDER
    assert world.rows("outbox_message") == []
    assert world.rows("graph_notification") == []
    assert [facts["code"] for facts in world.audited(Event.WRITE_BACK_PARKED)] == ["visit_seal"]


class PurposesSeen(FakeSealer):
    """Remembers what keys were derived for: each of them is held in memory for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.purposes: set[str] = set()

    def keyed_hash(self, purpose: str, value: str) -> str:
        self.purposes.add(purpose)
        return super().keyed_hash(purpose, value)


def test_the_number_of_derived_keys_does_not_grow_with_visits(world: World) -> None:
    world.sealer = seen = PurposesSeen()
    opened = world.open_visit.for_provider(provider_launch(), PROVIDER_OBJECT_ID, "ref")
    world.watch_meetings()
    ((graph_id, live),) = world.subscriptions.live.items()
    item = (graph_id, live["client_state"], live["tenant_id"], roster(1, connected("guest")))
    world.receive_notification(world.reader.post([item]))
    world.apply_notifications()

    assert {"graph-client-state", "participant", "person"} < seen.purposes
    assert not any(opened.visit.id in purpose for purpose in seen.purposes)


# Late news --------------------------------------------------------------------------------------

STORY = [
    roster(1, connected("staff", PROVIDER_OBJECT_ID)),
    roster(2, in_lobby("guest")),
    roster(3, connected("guest")),
    roster(4, gone("guest")),
    call_ended(6),
]


@pytest.mark.parametrize("order", list(permutations(range(len(STORY))))[::3])
def test_case_52_a_visit_ends_the_same_in_every_order(
    world: World, post: Post, order: tuple[int, ...]
) -> None:
    for index in order:
        post(STORY[index])

    visit = world.visit()
    assert (visit.state, visit.met, visit.ended_at) == (VisitState.ENDED, True, at(6))
    with world.store.read() as tx:
        people = tx.visits.roster(visit.id)
    assert {person.presence for person in people} == {Presence.DISCONNECTED}
    heard = told(world)
    for person in (PROVIDER, PATIENT):
        assert heard.count((person, CONNECTED)) == 1
        statuses = [status for who, status in heard if who == person]
        assert statuses[-1] is DISCONNECTED


def test_case_52_a_join_heard_after_the_end_and_never_left_is_closed(
    world: World, post: Post
) -> None:
    post(roster(1, connected("staff", PROVIDER_OBJECT_ID)), call_ended(6))

    post(roster(3, connected("guest")))

    assert told(world)[2:] == [(PATIENT, CONNECTED), (PATIENT, DISCONNECTED)]
    assert (world.visit().state, world.visit().met) == (VisitState.ENDED, True)
