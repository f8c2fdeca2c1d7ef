"""What is no longer needed is destroyed, and nothing that still is (design.md section 6)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders.calls import at, connected, roster
from tests.builders.launches import PROVIDER_OBJECT_ID, patient_launch, provider_launch
from tests.builders.world import VISITS_KEPT, World

from connector.domain.visit import VisitState
from connector.ports.errors import TryLater
from connector.usecases.tidy_up import (
    DEAD_LETTERS_KEPT,
    FORGOTTEN_AFTER,
    SECRETS_KEPT_AFTER_THE_END,
    SECRETS_KEPT_AT_MOST,
    STATES_KEPT,
)

A_MOMENT = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def owed(world: World) -> None:
    """A visit with two people and one write-back that has not been sent."""
    world.open_visit.for_patient(patient_launch(), "ref")
    world.open_visit.for_provider(provider_launch(), PROVIDER_OBJECT_ID, "ref")
    world.watch_meetings()
    ((graph_id, live),) = world.subscriptions.live.items()
    event = roster(1, connected("guest"))
    item = (graph_id, live["client_state"], live["tenant_id"], event)
    world.clock.set(at(2))
    world.receive_notification(world.reader.post([item]))
    world.apply_notifications()


def end(world: World) -> None:
    with world.store.write() as tx:
        tx.visits.save(replace(world.visit(), state=VisitState.ENDED, ended_at=world.clock.now()))


def test_a_visit_that_goes_on_keeps_everything(world: World) -> None:
    world.clock.advance(timedelta(hours=3))

    world.tidy_up()

    assert len(world.rows("visit_secret")) == 1
    assert len(world.rows("visit")) == 1


def test_half_an_hour_after_the_end_the_ehr_s_ids_are_gone(world: World) -> None:
    world.deliver()
    end(world)

    world.clock.advance(SECRETS_KEPT_AFTER_THE_END)
    world.tidy_up()
    assert len(world.rows("visit_secret")) == 1, "people come back within minutes"
    world.clock.advance(A_MOMENT)
    world.tidy_up()

    assert world.rows("visit_secret") == []
    assert {row["ehr_id_sealed"] for row in world.rows("visit_person")} == {b""}
    assert {row["ehr_id_sealed"] for row in world.rows("participant")} == {None}
    assert {row["sealed"] for row in world.rows("outbox_message")} == {b""}


def test_case_67_what_the_ehr_is_still_owed_keeps_the_key(world: World) -> None:
    world.write_back.faults.fail("report", TryLater("http_503"), times=None)
    world.deliver()
    end(world)
    world.clock.advance(timedelta(hours=4))

    world.tidy_up()
    world.write_back.faults.clear()
    world.deliver()

    assert len(world.write_back.reports) == 1


def test_after_a_day_the_key_goes_and_what_is_still_owed_is_parked(world: World) -> None:
    world.clock.advance(SECRETS_KEPT_AT_MOST + A_MOMENT)

    world.tidy_up()

    assert world.rows("visit_secret") == []
    (message,) = world.rows("outbox_message")
    assert (message["state"], message["sealed"]) == ("parked", b"")


# Forgotten visits -------------------------------------------------------------------------------


def test_a_visit_nobody_ended_is_over_after_a_quiet_day(world: World) -> None:
    world.deliver()
    world.clock.advance(FORGOTTEN_AFTER - timedelta(hours=1))
    world.watch_meetings()
    assert len(world.subscriptions.live) == 1
    world.clock.advance(timedelta(hours=1))
    world.tidy_up()

    visit = world.visit()
    assert (visit.state, visit.ended_at) == (VisitState.PROVIDER_NO_SHOW, world.clock.now())
    assert {row["presence"] for row in world.rows("participant")} == {"disconnected"}
    world.watch_meetings()
    assert world.subscriptions.live == {}
    world.clock.advance(VISITS_KEPT + A_MOMENT)
    world.tidy_up()
    assert world.rows("visit") == []


def test_a_visit_of_which_something_was_heard_today_goes_on(world: World) -> None:
    world.clock.advance(timedelta(hours=23))
    ((graph_id, live),) = world.subscriptions.live.items()
    event = replace(roster(1, connected("guest-2")), at=world.clock.now())
    item = (graph_id, live["client_state"], live["tenant_id"], event)
    world.receive_notification(world.reader.post([item]))
    world.apply_notifications()

    world.clock.advance(timedelta(hours=2))
    world.tidy_up()

    assert not world.visit().final


def test_an_old_visit_that_is_launched_again_is_not_over_at_once(world: World) -> None:
    world.clock.advance(timedelta(days=3))
    world.tidy_up()
    assert world.visit().final

    world.open_visit.for_provider(provider_launch("again"), PROVIDER_OBJECT_ID, "ref")
    world.tidy_up()

    assert not world.visit().final
    assert len(world.rows("meeting_watch")) == 1


def test_half_an_hour_after_the_end_the_meeting_is_no_longer_watched(world: World) -> None:
    end(world)
    world.clock.advance(SECRETS_KEPT_AFTER_THE_END)
    world.tidy_up()
    world.watch_meetings()
    assert len(world.subscriptions.live) == 1, "people come back within minutes"

    world.clock.advance(A_MOMENT)
    world.tidy_up()
    world.watch_meetings()

    assert world.subscriptions.live == {}
    assert world.rows("meeting_watch") == []


def test_a_dead_letter_is_kept_for_a_day(world: World) -> None:
    with world.store.write() as tx:
        tx.inbox.add(b"not json", world.clock.now())
    world.apply_notifications()
    world.clock.advance(DEAD_LETTERS_KEPT)
    world.tidy_up()
    assert len(world.rows("graph_notification")) == 1

    world.clock.advance(A_MOMENT)
    world.tidy_up()

    assert world.rows("graph_notification") == []


def test_tidying_twice_changes_nothing_more(world: World) -> None:
    world.clock.advance(SECRETS_KEPT_AT_MOST + A_MOMENT)
    world.tidy_up()
    before = [world.rows(table) for table in ("visit", "visit_person", "outbox_message")]

    world.tidy_up()

    assert [world.rows(table) for table in ("visit", "visit_person", "outbox_message")] == before


def test_a_visit_is_purged_with_everything_of_it_when_its_days_are_over(world: World) -> None:
    end(world)
    world.clock.advance(VISITS_KEPT)
    world.tidy_up()
    assert len(world.rows("visit")) == 1

    world.clock.advance(A_MOMENT)
    world.tidy_up()

    tables = ("visit", "visit_person", "visit_event", "participant", "outbox_message")
    assert [world.rows(table) for table in tables] == [[]] * len(tables)
    assert world.rows("audit_event") != []


def test_a_spent_state_is_remembered_far_longer_than_a_launch_lasts(world: World) -> None:
    world.clock.advance(STATES_KEPT - timedelta(seconds=2))
    world.tidy_up()
    assert len(world.rows("redeemed_launch")) == 2

    world.clock.advance(A_MOMENT)
    world.tidy_up()

    assert world.rows("redeemed_launch") == []
