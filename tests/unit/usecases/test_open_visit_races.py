"""One meeting whoever races and whatever gets lost: cases 48-50 and 66 of reliability.md."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.builders.configurations import PRODUCTION_BASE, active, environment
from tests.builders.launches import (
    PROVIDER_OBJECT_ID,
    SECOND_PROVIDER_OBJECT_ID,
    appointment,
    provider_launch,
)
from tests.builders.visits import patient, provider, second_provider
from tests.builders.world import World

from connector.domain.errors import Reason, Refused
from connector.domain.organization import EnvironmentKind
from connector.domain.participant import Role
from connector.domain.visit import Meeting
from connector.ports.errors import BadAnswer, Denied, Gone, OutsideError, TryLater
from connector.usecases.open_visit import Next, OpenedVisit

Refusal = Callable[..., Refused]


# Many at once -----------------------------------------------------------------------------------


def test_cases_48_and_49_fifty_launches_at_once_end_in_one_visit_with_one_meeting(
    world: World,
) -> None:
    gate = threading.Barrier(10)

    def launch(number: int) -> OpenedVisit:
        gate.wait(timeout=20)
        if number % 2:
            return patient(world, f"state-{number}")
        return provider(world, number)

    with ThreadPoolExecutor(10) as pool:
        opened = list(pool.map(launch, range(50)))

    assert {o.visit.id for o in opened} == {world.visit().id}
    assert len(world.meetings.made) == 1
    assert {o.visit.meeting for o in opened if o.role is Role.PROVIDER} == {
        Meeting("meeting-1", "https://teams.example/l/meetup-join/1")
    }
    assert len(world.rows("redeemed_launch")) == 50


def test_case_48_two_providers_at_once_share_the_organizer_and_the_meeting(world: World) -> None:
    together = threading.Barrier(2)
    world.meetings.while_creating = lambda: together.wait(timeout=20) and None  # type: ignore[assignment, return-value]

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(provider, world), pool.submit(second_provider, world)
        opened = [first.result(timeout=30), second.result(timeout=30)]

    assert len(world.meetings.calls) == 2
    assert len(world.meetings.made) == 1
    assert len({o.visit.organizer_id for o in opened}) == 1
    assert len({o.visit.meeting for o in opened}) == 1


def test_a_second_provider_joins_the_meeting_of_the_first_without_asking_graph(
    world: World,
) -> None:
    provider(world)

    opened = second_provider(world)

    assert opened.visit.organizer_id == PROVIDER_OBJECT_ID
    assert len(world.meetings.calls) == 1


def test_visits_of_two_appointments_and_of_two_environments_do_not_touch(world: World) -> None:
    world.add_environment(
        replace(environment(), id="env-production", kind=EnvironmentKind.PRODUCTION)
    )
    world.approve(
        active(id="rev-prd", environment_id="env-production", fhir_base_url=PRODUCTION_BASE)
    )
    other_appointment = provider_launch("s2", appointment=appointment(appointment_id="eOther"))
    other_environment = provider_launch("s3", environment_id="env-production")

    opened = [provider(world)] + [
        world.open_visit.for_provider(launch, PROVIDER_OBJECT_ID, "ref")
        for launch in (other_appointment, other_environment)
    ]

    assert len({o.visit.visit_key for o in opened}) == 3
    assert len({o.visit.meeting for o in opened}) == 3


# Graph fails ------------------------------------------------------------------------------------


def test_case_50_a_lost_answer_to_create_is_asked_again_for_the_same_meeting(
    world: World, refusal: Refusal
) -> None:
    lost = TryLater("timeout", host="graph.example", retry_after_seconds=4, maybe_done=True)
    world.meetings.faults.fail("create_or_get", lost, after=True)

    refused = refusal(Reason.MICROSOFT_UNREACHABLE, provider, world)
    opened = provider(world)

    assert refused.facts == {"code": "timeout", "host": "graph.example"}
    assert refused.retry_after_seconds == 4
    assert len(world.meetings.made) == 1
    assert opened.visit.meeting in world.meetings.made.values()


def test_case_50_another_provider_after_a_lost_answer_asks_for_the_first_organizer_s_meeting(
    world: World, refusal: Refusal
) -> None:
    """Or Graph would make a second meeting, since a meeting belongs to its organizer."""
    world.meetings.faults.fail("create_or_get", TryLater("timeout", maybe_done=True), after=True)
    refusal(Reason.MICROSOFT_UNREACHABLE, provider, world)

    opened = second_provider(world)

    assert opened.visit.organizer_id == PROVIDER_OBJECT_ID
    assert len(world.meetings.made) == 1


def test_case_66_a_provider_without_the_policy_leaves_the_visit_to_the_next(
    world: World, refusal: Refusal
) -> None:
    world.meetings.faults.fail("create_or_get", Denied("application_access_policy"))

    refusal(Reason.MEETING_POLICY_MISSING, provider, world)
    assert world.visit().organizer_id is None

    assert second_provider(world).visit.organizer_id == SECOND_PROVIDER_OBJECT_ID


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Denied("Forbidden"), Reason.MEETING_REFUSED),
        (Gone("http_404"), Reason.MEETING_REFUSED),
        (BadAnswer("not_json"), Reason.MEETING_REFUSED),
        (TryLater("http_503"), Reason.MICROSOFT_UNREACHABLE),
    ],
    ids=str,
)
def test_a_meeting_that_cannot_be_made_has_its_own_reason_and_spends_no_launch(
    world: World, refusal: Refusal, error: OutsideError, reason: Reason
) -> None:
    world.meetings.faults.fail("create_or_get", error)

    refusal(reason, provider, world)

    assert world.rows("redeemed_launch") == []
    assert world.rows("visit_person") == []
    assert world.rows("audit_event") == []
    assert provider(world).next is Next.MEETING


def test_an_answer_that_is_no_meeting_keeps_the_organizer(world: World, refusal: Refusal) -> None:
    world.meetings.faults.fail("create_or_get", BadAnswer("not_json"))

    refusal(Reason.MEETING_REFUSED, provider, world)

    assert world.visit().organizer_id == PROVIDER_OBJECT_ID
