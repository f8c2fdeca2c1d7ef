"""What approved visit settings do to a launch: lobby, browser join, join window (E6, U1-U4)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.builders.configurations import NOON, active
from tests.builders.launches import (
    PROVIDER_OBJECT_ID,
    appointment,
    patient_launch,
    provider_launch,
)
from tests.builders.visits import end, provider
from tests.builders.world import World

from connector.domain.audit import Event
from connector.domain.errors import Reason, Refused, ShownTime
from connector.domain.visit import VisitState
from connector.domain.visit_settings import Lobby, VisitSettings
from connector.usecases.open_visit import Next, OpenedVisit

Refusal = Callable[..., Refused]
START, END = appointment().start, appointment().end
assert START is not None
assert END is not None
OPENS, CLOSES = START - timedelta(minutes=30), END + timedelta(minutes=60)
HALF_HOUR = {"join_opens_minutes": 30, "join_closes_minutes": 60}


def approved(world: World, **settings: Any) -> None:
    world.approve(active(id="rev-2", number=2, settings=VisitSettings(**settings)))


def patient(world: World) -> OpenedVisit:
    return world.open_visit.for_patient(patient_launch(f"s-{world.clock.now()}"), "ref")


# The meeting ------------------------------------------------------------------------------------


def test_the_meeting_is_made_with_the_settings_that_are_live(world: World) -> None:
    approved(world, lobby=Lobby.EVERYBODY)
    provider(world)
    (call,) = world.meetings.calls
    assert call["lobby"] is Lobby.EVERYBODY


@pytest.mark.parametrize("kind", ["provider", "patient"])
def test_an_environment_that_was_retired_since_the_launch_opens_nothing(
    world: World, refusal: Refusal, kind: str
) -> None:
    with world.store.write() as tx:
        tx.configurations.retire(active())
    opens = {"provider": provider, "patient": patient}[kind]

    refused = refusal(Reason.LAUNCH_EXPIRED, opens, world)

    assert refused.facts == {"why": "configuration_changed"}
    assert world.rows("visit") == []


# The join window --------------------------------------------------------------------------------


def test_a_patient_who_is_early_waits_although_the_meeting_is_there(world: World) -> None:
    approved(world, **HALF_HOUR)
    provider(world)

    opened = patient(world)

    assert (opened.next, opened.visit.meeting is None) == (Next.WAIT, False)
    assert (opened.window.opens_at, opened.window.closes_at) == (OPENS, CLOSES)


@pytest.mark.parametrize("now", [OPENS, START, END, CLOSES])
def test_a_patient_goes_straight_in_while_the_window_is_open(world: World, now: Any) -> None:
    approved(world, **HALF_HOUR)
    provider(world)
    world.clock.set(now)
    assert patient(world).next is Next.MEETING


def test_case_59_who_is_too_late_is_told_until_when_and_nothing_is_kept(
    world: World, refusal: Refusal
) -> None:
    approved(world, **HALF_HOUR)
    world.clock.set(CLOSES + timedelta(seconds=1))

    refused = refusal(Reason.JOIN_TOO_LATE, patient, world)

    assert refused.shown == ShownTime(CLOSES, "America/Chicago")
    assert refused.facts == {}
    assert world.rows("visit") == world.rows("redeemed_launch") == []
    assert world.audited(Event.LAUNCH_COMPLETED) == []


def test_who_lost_the_connection_in_a_visit_that_runs_late_comes_back(world: World) -> None:
    approved(world, **HALF_HOUR)
    running = replace(provider(world).visit, state=VisitState.INTERRUPTED, met=True)
    with world.store.write() as tx:
        tx.visits.save(running)
    world.clock.set(CLOSES + timedelta(minutes=5))

    assert patient(world).next is Next.MEETING


def test_late_for_a_visit_that_ended_is_told_as_ended(world: World) -> None:
    approved(world, **HALF_HOUR)
    end(world, provider(world).visit)
    world.clock.set(CLOSES + timedelta(minutes=5))

    opened = patient(world)

    assert (opened.next, opened.visit.state) == (Next.WAIT, VisitState.ENDED)


@pytest.mark.parametrize("now", [NOON, CLOSES + timedelta(hours=20)])
def test_a_clinician_is_never_held_up(world: World, now: Any) -> None:
    approved(world, **HALF_HOUR)
    world.clock.set(now)
    assert provider(world).next is Next.MEETING


def test_an_appointment_without_times_holds_nobody_up(world: World) -> None:
    approved(world, join_opens_minutes=0, join_closes_minutes=0)
    untimed = appointment(start=None, end=None)
    launch = provider_launch("s-provider", appointment=untimed)
    world.open_visit.for_provider(launch, PROVIDER_OBJECT_ID, "ref")

    opened = world.open_visit.for_patient(patient_launch("s", appointment=untimed), "ref")

    assert opened.next is Next.MEETING


def test_no_time_of_an_appointment_is_stored_or_audited(world: World) -> None:
    approved(world, **HALF_HOUR)
    provider(world)
    patient(world)
    for at in (START, END, OPENS, CLOSES):
        assert f"{at:%H:%M}".encode() not in world.stored_bytes()
