"""When reports are looked for, for how long, and what it ends with (cases 53, 64-66, 73)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.builders.attendance import graph_reports, guest, notify, report, staff, told
from tests.builders.calls import at, call_ended, connected, gone, in_lobby, roster
from tests.builders.launches import PROVIDER_OBJECT_ID, patient_launch, provider_launch
from tests.builders.visits import end, patient, provider
from tests.builders.world import ATTENDANCE_AFTER, VISITS_KEPT, World

from connector.domain.audit import Event
from connector.domain.visit import VisitState
from connector.ports.errors import BadAnswer, Denied, Gone, OutsideError, TryLater
from connector.usecases.reconcile_attendance import LOOKS, UNHEARD
from connector.usecases.tidy_up import (
    FORGOTTEN_AFTER,
    SECRETS_KEPT_AFTER_THE_END,
    SECRETS_KEPT_AT_MOST,
)

A_MOMENT = timedelta(seconds=1)
HOURLY = UNHEARD * ATTENDANCE_AFTER


@pytest.fixture(autouse=True)
def launched(world: World) -> None:
    """Provider and patient have launched; the meeting is watched."""
    world.open_visit.for_patient(patient_launch(), "ref")
    world.open_visit.for_provider(provider_launch(), PROVIDER_OBJECT_ID, "ref")
    world.watch_meetings()
    world.clock.set(at(60))


def row(world: World) -> dict[str, Any]:
    (found,) = world.rows("attendance_check")
    return found


def heard_end(world: World) -> None:
    notify(world, roster(51, gone("staff", PROVIDER_OBJECT_ID)), call_ended(52))


# When -----------------------------------------------------------------------------------------------


def test_a_call_that_ended_is_looked_at_when_graph_has_had_time_for_its_report(
    world: World,
) -> None:
    heard_end(world)
    world.clock.advance(ATTENDANCE_AFTER - A_MOMENT)
    assert world.look_at_attendance() == 0
    world.clock.advance(A_MOMENT)
    assert world.look_at_attendance() == 1


def test_an_open_visit_of_which_nothing_is_heard_is_looked_at_each_hour(world: World) -> None:
    for _ in range(3):
        world.reconcile_attendance.expect()
        world.clock.advance(HOURLY - A_MOMENT)
        assert world.look_at_attendance() == 0
        world.clock.advance(A_MOMENT)
        assert world.look_at_attendance() == 1
    assert not world.visit().final
    assert world.audited(Event.ATTENDANCE_GIVEN_UP) == []


def test_when_all_have_left_the_end_may_have_been_lost(world: World) -> None:
    world.reconcile_attendance.expect()
    notify(world, roster(1, connected("guest")))
    world.clock.advance(ATTENDANCE_AFTER)
    assert world.look_at_attendance() == 0, "somebody is there"
    notify(world, roster(50, gone("guest")))
    world.clock.advance(ATTENDANCE_AFTER)

    assert world.look_at_attendance() == 1


def test_who_left_last_by_what_was_heard_may_have_left_somebody_behind(world: World) -> None:
    """No report yet: the call goes on without anybody we know of; that is no failure."""
    notify(world, roster(1, connected("guest")), roster(50, gone("guest")))
    world.clock.advance(ATTENDANCE_AFTER)
    world.look_at_attendance()
    assert (row(world)["failures"], row(world)["awaited"]) == (0, 0)
    world.clock.advance(HOURLY)
    assert world.look_at_attendance() == 1


def test_a_visit_whose_worker_was_dead_is_looked_at_when_one_lives(world: World) -> None:
    """Case 73: what was claimed comes back, what was planned is stored."""
    heard_end(world)
    world.clock.advance(ATTENDANCE_AFTER)
    assert len(world.reconcile_attendance.due(10)) == 1, "and the worker dies"
    assert world.reconcile_attendance.due(10) == []
    world.clock.advance(timedelta(minutes=4))
    graph_reports(world, report(52, staff((1, 51))))

    assert world.look_at_attendance() == 1

    assert len(told(world)) == 2


def test_a_patient_who_waits_without_a_meeting_is_not_looked_for(world: World) -> None:
    with world.store.write() as tx:
        tx._connection.exec_driver_sql(  # type: ignore[attr-defined]
            "UPDATE visit SET meeting_id = NULL, join_url = NULL, patient_join_url = NULL"
        )
    world.reconcile_attendance.expect()
    assert world.rows("attendance_check") == []
    heard_end(world)
    world.clock.advance(ATTENDANCE_AFTER)
    world.look_at_attendance()
    assert world.attendance.asked == []


def test_a_visit_that_is_taken_up_again_is_looked_at_again(world: World) -> None:
    heard_end(world)
    graph_reports(world, report(52, staff((1, 51))))
    world.clock.advance(ATTENDANCE_AFTER)
    world.look_at_attendance()
    assert row(world)["due_at"] is None
    world.reconcile_attendance.expect()
    assert row(world)["due_at"] is None, "it is over"

    provider(world, number=2)
    world.reconcile_attendance.expect()

    world.clock.advance(HOURLY)
    assert world.look_at_attendance() == 1


# When there is no report ----------------------------------------------------------------------------


def test_a_report_that_is_not_ready_is_looked_for_again_ever_more_seldom(world: World) -> None:
    heard_end(world)
    looks, ended = [], world.clock.now()
    for _ in range(400):
        world.clock.advance(timedelta(minutes=1))
        if world.look_at_attendance():
            looks.append((world.clock.now() - ended) / ATTENDANCE_AFTER)
    assert looks == [1, 2, 4, 8, 16, 32]


def test_a_report_that_comes_late_is_told_all_the_same(world: World) -> None:
    heard_end(world)
    world.clock.advance(ATTENDANCE_AFTER)
    world.look_at_attendance()
    assert told(world) == []
    graph_reports(world, report(52, staff((1, 51))))
    world.clock.advance(ATTENDANCE_AFTER)

    world.look_at_attendance()

    assert len(told(world)) == 2
    assert row(world)["due_at"] is None


def test_a_report_of_an_earlier_call_is_read_and_does_not_stand_for_this_one(world: World) -> None:
    graph_reports(world, report(20, staff((1, 20))))
    heard_end(world)
    world.clock.advance(ATTENDANCE_AFTER)

    world.look_at_attendance()

    assert len(told(world)) == 2
    assert row(world)["awaited"] == 1


def test_a_call_in_whose_lobby_somebody_waited_in_vain_has_no_report(world: World) -> None:
    notify(world, roster(1, in_lobby("guest")), roster(50, gone("guest")), call_ended(52))
    world.clock.advance(ATTENDANCE_AFTER)

    world.look_at_attendance()

    assert row(world)["due_at"] is None
    assert world.audited(Event.ATTENDANCE_GIVEN_UP) == []


ERRORS = [
    TryLater("http_503"),
    TryLater("http_429"),
    Denied("Forbidden"),
    Denied("application_access_policy"),
    Gone("http_404"),
    BadAnswer("value"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_whatever_graph_says_the_report_is_looked_for_again(
    world: World, error: OutsideError
) -> None:
    world.attendance.faults.fail("reports", error, times=2)
    graph_reports(world, report(52, staff((1, 51))))
    heard_end(world)
    for pause in (1, 1, 2):
        world.clock.advance(pause * ATTENDANCE_AFTER)
        assert world.look_at_attendance() == 1

    assert len(told(world)) == 2
    assert row(world)["due_at"] is None


def test_case_64_graph_s_pause_is_kept(world: World) -> None:
    throttled = TryLater("http_429", retry_after_seconds=3 * ATTENDANCE_AFTER.total_seconds())
    world.attendance.faults.fail("reports", throttled)
    heard_end(world)
    world.clock.advance(ATTENDANCE_AFTER)
    world.look_at_attendance()
    world.clock.advance(3 * ATTENDANCE_AFTER - A_MOMENT)
    assert world.look_at_attendance() == 0
    world.clock.advance(A_MOMENT)
    assert world.look_at_attendance() == 1


@pytest.mark.parametrize("error", [*ERRORS, None], ids=lambda e: e.code if e else "not_ready")
def test_what_is_not_to_be_had_is_given_up_and_audited_once(
    world: World, error: OutsideError | None
) -> None:
    if error:
        world.attendance.faults.fail("reports", error, times=None)
    heard_end(world)
    for _ in range(24 * 6):
        world.clock.advance(timedelta(minutes=10))
        world.look_at_attendance()
        world.reconcile_attendance.expect()

    code = error.code if error else "not_ready"
    facts = {"visit": world.visit().id, "code": code, "looks": str(LOOKS)}
    assert world.audited(Event.ATTENDANCE_GIVEN_UP) == [facts]
    assert len(world.attendance.asked) == LOOKS


def test_an_open_visit_of_a_site_that_refuses_is_not_asked_for_ever(world: World) -> None:
    world.attendance.faults.fail("reports", Denied("Forbidden"), times=None)
    for _ in range(20 * 6):
        world.reconcile_attendance.expect()
        world.clock.advance(timedelta(minutes=10))
        world.look_at_attendance()
    assert len(world.attendance.asked) == LOOKS
    assert len(world.audited(Event.ATTENDANCE_GIVEN_UP)) == 1


def test_what_was_given_up_is_looked_for_again_when_another_call_ends(world: World) -> None:
    test_what_is_not_to_be_had_is_given_up_and_audited_once(world, None)
    provider(world, number=2)
    patient(world, "state-patient-2")
    now = (world.clock.now() - at(0)).total_seconds()
    graph_reports(world, report(now, staff((now - 60, now))))
    notify(world, call_ended(now, key="second"))
    world.clock.advance(ATTENDANCE_AFTER)

    assert world.look_at_attendance() == 1

    assert row(world)["code"] == ""
    assert len(told(world)) == 2


# Races ----------------------------------------------------------------------------------------------


def test_a_call_that_ends_during_a_look_is_looked_at_afterwards(world: World) -> None:
    heard_end(world)
    graph_reports(world, report(52, staff((1, 51))))
    world.clock.advance(ATTENDANCE_AFTER)
    world.attendance.while_asked = lambda: notify(world, call_ended(400, key="second"))

    world.look_at_attendance()

    assert row(world)["awaited"] == 1
    world.attendance.while_asked = lambda: None
    world.clock.advance(ATTENDANCE_AFTER)
    assert world.look_at_attendance() == 1


def test_after_an_end_that_was_lost_the_next_call_s_may_be_lost_as_well(world: World) -> None:
    graph_reports(world, report(52, staff((1, 51))))
    world.reconcile_attendance.expect()
    world.clock.advance(HOURLY)
    world.look_at_attendance()
    assert world.visit().final
    graph_reports(world, report(500, staff((400, 500)), guest((410, 500))))
    world.clock.advance(HOURLY)

    assert world.look_at_attendance() == 1

    assert len(told(world)) == 6
    world.clock.advance(HOURLY)
    assert world.look_at_attendance() == 1, "it may go on so"
    world.clock.advance(HOURLY)
    assert world.look_at_attendance() == 0, "it did not"


@pytest.mark.parametrize("while_looking", ["before", "during"])
def test_a_visit_that_is_purged_meanwhile_is_let_go(world: World, while_looking: str) -> None:
    end(world, world.visit())
    heard_end(world)
    graph_reports(world, report(52, staff((1, 51))))
    world.clock.advance(ATTENDANCE_AFTER)
    (check,) = world.reconcile_attendance.due(10)

    def purge() -> None:
        with world.store.write() as tx:
            tx.visits.purge(world.clock.now() + VISITS_KEPT)

    {"before": purge, "during": lambda: None}[while_looking]()
    world.attendance.while_asked = purge

    world.reconcile_attendance(check)

    assert world.rows("attendance_check") == []
    assert world.rows("outbox_message") == []


# The data key ---------------------------------------------------------------------------------------


def test_the_data_key_waits_for_the_report(world: World) -> None:
    heard_end(world)
    world.clock.advance(2 * SECRETS_KEPT_AFTER_THE_END)
    world.tidy_up()
    assert len(world.rows("visit_secret")) == 1
    graph_reports(world, report(52, staff((1, 51))))
    world.look_at_attendance()
    assert len(told(world)) == 2

    world.tidy_up()

    assert world.rows("visit_secret") == []
    assert world.rows("attendance_check") == []


def test_the_data_key_does_not_wait_longer_than_a_day(world: World) -> None:
    world.attendance.faults.fail("reports", TryLater("http_503"), times=None)
    world.reconcile_attendance.expect()
    world.clock.advance(SECRETS_KEPT_AT_MOST + A_MOMENT)

    world.tidy_up()

    assert world.rows("visit_secret") == []
    assert world.look_at_attendance() == 0
    world.reconcile_attendance.expect()
    assert world.rows("attendance_check") == []


def test_a_key_that_is_destroyed_during_a_look_ends_it(world: World) -> None:
    heard_end(world)
    world.clock.advance(ATTENDANCE_AFTER)
    (check,) = world.reconcile_attendance.due(10)
    world.clock.advance(SECRETS_KEPT_AT_MOST)
    world.tidy_up()

    world.reconcile_attendance(check)

    assert world.attendance.asked == []


def test_a_visit_that_is_over_because_it_was_forgotten_is_not_looked_for(world: World) -> None:
    world.clock.advance(FORGOTTEN_AFTER + A_MOMENT)
    world.tidy_up()
    assert world.visit().state is VisitState.ABANDONED
    assert world.rows("attendance_check") == []


def test_a_visit_without_an_organizer_has_no_reports(world: World) -> None:
    heard_end(world)
    with world.store.write() as tx:
        tx._connection.exec_driver_sql("UPDATE visit SET organizer_id = NULL")  # type: ignore[attr-defined]
    world.clock.advance(ATTENDANCE_AFTER)
    world.look_at_attendance()
    assert world.attendance.asked == []
    assert replace(world.visit()).organizer_id is None
