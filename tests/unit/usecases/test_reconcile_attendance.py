"""What no notification told is told after the call, once, and marked as inferred (case 53)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders.attendance import (
    MEETING,
    graph_reports,
    guest,
    notify,
    report,
    staff,
    told,
)
from tests.builders.calls import at, call_ended, connected, gone, in_lobby, line, roster
from tests.builders.configurations import TENANT
from tests.builders.groups import group_visits_on, member_opens, provider_opens
from tests.builders.launches import (
    PATIENT_USER,
    PROVIDER_OBJECT_ID,
    PROVIDER_USER,
    SECOND_PROVIDER_OBJECT_ID,
    SECOND_PROVIDER_USER,
    patient_launch,
    provider_launch,
)
from tests.builders.visits import provider, second_provider
from tests.builders.world import ATTENDANCE_AFTER, World

from connector.domain.audit import Event
from connector.domain.participant import ConnectionStatus
from connector.domain.visit import VisitState
from connector.ports.errors import TryLater
from connector.ports.microsoft import IdentityKind
from connector.usecases.reconcile_attendance import CLOCKS_APART, UNHEARD
from connector.usecases.tidy_up import SECRETS_KEPT_AFTER_THE_END

CONNECTED, DISCONNECTED, LOBBY = (
    ConnectionStatus.CONNECTED,
    ConnectionStatus.DISCONNECTED,
    ConnectionStatus.LOBBY,
)
PATIENT, PROVIDER = PATIENT_USER.fhir_id, PROVIDER_USER.fhir_id
SECOND_PROVIDER = SECOND_PROVIDER_USER.fhir_id
OTHER_TENANT = "99999999-0000-4000-8000-000000000009"


@pytest.fixture
def launched(world: World) -> World:
    """Provider and patient have launched; the meeting is watched."""
    world.open_visit.for_patient(patient_launch(), "ref")
    world.open_visit.for_provider(provider_launch(), PROVIDER_OBJECT_ID, "ref")
    world.watch_meetings()
    world.clock.set(at(60))
    return world


def look(world: World) -> None:
    """The time has come, and Graph has made its reports."""
    world.clock.advance(ATTENDANCE_AFTER)
    assert world.look_at_attendance() == 1


def look_unheard(world: World) -> None:
    """Nothing was heard for an hour."""
    world.reconcile_attendance.expect()
    world.clock.advance(UNHEARD * ATTENDANCE_AFTER)
    assert world.look_at_attendance() == 1


# What was missed ------------------------------------------------------------------------------------


def test_a_provider_who_was_there_before_the_subscription_is_told_of_after_the_call(
    launched: World,
) -> None:
    notify(
        launched,
        roster(30, connected("guest")),
        roster(50, gone("guest")),
        roster(51, gone("staff", PROVIDER_OBJECT_ID)),
        call_ended(52),
    )
    assert told(launched) == [(PATIENT, CONNECTED), (PATIENT, DISCONNECTED)]
    graph_reports(launched, report(52, staff((1, 51)), guest((30, 50))))

    look(launched)

    assert told(launched)[2:] == [(PROVIDER, CONNECTED), (PROVIDER, DISCONNECTED)]
    assert launched.visit().met


def test_a_visit_nothing_was_heard_of_is_told_whole_and_ends(launched: World) -> None:
    graph_reports(launched, report(52, staff((1, 51)), guest((30, 50))))

    look_unheard(launched)

    assert sorted(told(launched)) == sorted(
        [(who, what) for who in (PATIENT, PROVIDER) for what in (CONNECTED, DISCONNECTED)]
    )
    visit = launched.visit()
    assert (visit.state, visit.ended_at, visit.met) == (VisitState.ENDED, at(52), True)


def test_a_leave_that_was_lost_is_told(launched: World) -> None:
    """The patient's browser crashed; case 53."""
    notify(launched, roster(10, connected("guest")), roster(11, connected("s", PROVIDER_OBJECT_ID)))
    graph_reports(launched, report(52, staff((11, 52)), guest((10, 40))))

    look_unheard(launched)

    assert told(launched).count((PATIENT, DISCONNECTED)) == 1
    assert launched.visit().state is VisitState.ENDED
    (line_of_audit,) = [
        facts
        for facts in launched.audited(Event.ATTENDANCE_RECONCILED)
        if facts["role"] == "patient"
    ]
    assert line_of_audit["at"] == at(40).isoformat()


def test_who_left_and_came_back_unheard_is_told_of_twice(launched: World) -> None:
    notify(launched, roster(1, connected("g1")), roster(50, gone("g2")), call_ended(52))
    graph_reports(launched, report(52, guest((1, 20), (30, 50))))

    look(launched)

    assert told(launched).count((PATIENT, CONNECTED)) == 2
    assert told(launched).count((PATIENT, DISCONNECTED)) == 2
    assert told(launched)[-1] == (PATIENT, DISCONNECTED)


def test_of_a_call_that_was_started_again_every_report_is_read(launched: World) -> None:
    """Case 53, microsoft.md 3.9: a report for each call."""
    graph_reports(launched, report(20, staff((1, 20))), report(50, staff((30, 50))))
    notify(launched, call_ended(50))

    look(launched)

    assert told(launched) == [(PROVIDER, CONNECTED), (PROVIDER, DISCONNECTED)] * 2


def test_what_is_inferred_is_marked_with_the_stay_it_is_inferred_from(launched: World) -> None:
    notify(launched, roster(51, gone("staff", PROVIDER_OBJECT_ID)), call_ended(52))
    graph_reports(launched, report(52, staff((1, 51))))

    look(launched)

    stay = {"joined_at": at(1).isoformat(), "left_at": at(51).isoformat()}
    who = {"visit": launched.visit().id, "role": "provider"} | stay
    assert launched.audited(Event.ATTENDANCE_RECONCILED) == [
        who | {"status": "connected", "at": at(1).isoformat()},
        who | {"status": "disconnected", "at": at(51).isoformat()},
    ]


def test_the_live_page_shows_what_was_missed(launched: World) -> None:
    notify(launched, call_ended(52))
    graph_reports(launched, report(52, staff((1, 51))))
    look(launched)
    lines = [(row["role"], row["label"]) for row in launched.rows("visit_event")]
    assert ("provider", "connected") in lines
    assert lines[-1] == ("", "patient_no_show")


def test_a_clinician_and_a_patient_whose_fhir_ids_are_equal_are_two_people(world: World) -> None:
    """Practitioner/example and Patient/example: ids are unique within a type only."""
    namesake = replace(PROVIDER_USER, fhir_id=PATIENT)
    world.open_visit.for_patient(patient_launch(), "ref")
    world.open_visit.for_provider(provider_launch(user=namesake), PROVIDER_OBJECT_ID, "ref")
    world.watch_meetings()
    notify(world, call_ended(52))
    graph_reports(world, report(52, staff((1, 51)), guest((30, 50))))

    look(world)

    world.deliver(rounds=40)
    reports = [(each.role.value, each.status.value) for each in world.write_back.reports]
    assert sorted(reports) == [
        (role, status)
        for role in ("patient", "provider")
        for status in ("connected", "disconnected")
    ]


# What was told is not told again --------------------------------------------------------------------


WHOLE = [
    roster(1, connected("staff", PROVIDER_OBJECT_ID)),
    roster(2, in_lobby("guest")),
    roster(3, connected("guest")),
    roster(40, gone("guest")),
    roster(42, connected("guest-again")),
    roster(50, gone("guest-again")),
    roster(51, gone("staff", PROVIDER_OBJECT_ID)),
    call_ended(52),
]
REPORT_OF_WHOLE = report(52.3, staff((1.4, 51.2)), guest((3.3, 40.4), (42.2, 50.3)))


def test_a_visit_that_was_heard_whole_is_told_once(launched: World) -> None:
    notify(launched, *WHOLE)
    before = told(launched)
    graph_reports(launched, REPORT_OF_WHOLE)

    look(launched)

    assert told(launched) == before
    assert launched.audited(Event.ATTENDANCE_RECONCILED) == []


@pytest.mark.parametrize("lost", range(len(WHOLE) - 1))
def test_whichever_notification_is_lost_each_connect_and_disconnect_is_told_once(
    launched: World, lost: int
) -> None:
    notify(launched, *WHOLE[:lost], *WHOLE[lost + 1 :])
    graph_reports(launched, REPORT_OF_WHOLE)

    look(launched)

    heard = told(launched)
    assert heard.count((PROVIDER, CONNECTED)) == 1
    assert heard.count((PATIENT, CONNECTED)) == 2
    assert heard.count((PROVIDER, DISCONNECTED)) == 1
    assert [what for who, what in heard if who == PATIENT][-1] is DISCONNECTED


@pytest.mark.parametrize("first", range(1, len(WHOLE)))
def test_however_late_the_subscription_came_each_word_is_told_once(
    launched: World, first: int
) -> None:
    notify(launched, *WHOLE[first:])
    graph_reports(launched, REPORT_OF_WHOLE)

    look(launched)

    heard = told(launched)
    assert [heard.count((who, what)) for who in (PROVIDER, PATIENT) for what in (CONNECTED,)] == [
        1,
        2,
    ]
    # ADR 6: a leave from the lobby that ended a stay may be repeated.
    assert heard.count((PROVIDER, DISCONNECTED)) == 1


@pytest.mark.parametrize("heard", range(len(WHOLE)))
def test_wherever_the_notifications_stopped_each_word_is_told_once(
    launched: World, heard: int
) -> None:
    """Also of who was last heard of in the lobby: it is they who came in."""
    notify(launched, *WHOLE[:heard])
    graph_reports(launched, REPORT_OF_WHOLE)

    look_unheard(launched)
    notify(launched, *WHOLE[heard:])  # Graph delivers for up to four hours

    _each_word_was_told_once(launched)


@pytest.mark.parametrize("lost", [range(first, 7) for first in range(7)], ids=str)
def test_whatever_was_lost_before_an_end_that_was_heard_is_told_once(
    launched: World, lost: range
) -> None:
    notify(launched, *(event for number, event in enumerate(WHOLE) if number not in lost))
    graph_reports(launched, REPORT_OF_WHOLE)

    look(launched)
    notify(launched, *(WHOLE[number] for number in lost))

    _each_word_was_told_once(launched)


def _each_word_was_told_once(launched: World) -> None:
    """Connects and disconnects; the last word is true."""
    words = [word for word in told(launched) if word[1] is not LOBBY]
    assert [what for who, what in words if who == PROVIDER] == [CONNECTED, DISCONNECTED]
    of_patient = [what for who, what in words if who == PATIENT]
    assert sorted(of_patient) == [CONNECTED] * 2 + [DISCONNECTED] * 2
    assert of_patient[-1] is DISCONNECTED


def test_reading_again_tells_nothing_again(launched: World) -> None:
    notify(launched, call_ended(52))
    graph_reports(launched, report(52, staff((1, 51)), guest((30, 50))))
    look(launched)
    before = told(launched)
    notify(launched, call_ended(53, key="again"))

    look(launched)

    assert told(launched) == before
    assert len(launched.attendance.asked) == 2


def test_a_notification_that_comes_after_the_report_is_not_told_again(launched: World) -> None:
    """Graph delivers for up to four hours."""
    graph_reports(launched, REPORT_OF_WHOLE)
    look_unheard(launched)
    before = told(launched)

    notify(launched, *WHOLE)

    told_now = [word for word in told(launched) if word[1] is not LOBBY]
    assert told_now == before


def test_a_worker_that_dies_after_telling_tells_nothing_twice(launched: World) -> None:
    notify(launched, call_ended(52))
    graph_reports(launched, report(52, staff((1, 51))))
    launched.clock.advance(ATTENDANCE_AFTER)
    (check,) = launched.reconcile_attendance.due(10)
    launched.reconcile_attendance(check)

    launched.reconcile_attendance(check)

    assert told(launched) == [(PROVIDER, CONNECTED), (PROVIDER, DISCONNECTED)]


def test_a_report_that_was_overwritten_takes_nothing_back(launched: World) -> None:
    """Issue 3414: only the last stay of who came back is in it."""
    notify(launched, *WHOLE)
    before = told(launched)
    graph_reports(launched, report(52, staff((1, 51)), guest((42, 50))))

    look(launched)

    assert told(launched) == before


def test_what_a_report_no_longer_lists_was_read_before(launched: World) -> None:
    """Issue 506: ten are listed."""
    for number in range(12):
        begin = 100 * number
        graph_reports(launched, report(begin + 50, staff((begin + 1, begin + 50))))
        launched.clock.set(at(begin + 60))
        notify(launched, call_ended(begin + 50, key=f"end {number}"))
        look(launched)
    assert told(launched) == [(PROVIDER, CONNECTED), (PROVIDER, DISCONNECTED)] * 12


def test_a_visit_that_was_taken_up_again_is_not_ended_by_an_old_report(launched: World) -> None:
    notify(launched, call_ended(52))
    provider(launched, number=2)
    graph_reports(launched, report(52.4, staff((1, 51))))

    look(launched)

    assert launched.visit().state is VisitState.WAITING_FOR_PATIENT


def test_who_is_in_the_next_call_stays_in_it(launched: World) -> None:
    notify(launched, roster(70, connected("guest")))
    graph_reports(launched, report(52, guest((1, 51))))

    look_unheard(launched)

    assert told(launched)[-1] == (PATIENT, CONNECTED)
    assert not launched.visit().final


def test_who_waits_in_the_lobby_waits_on(launched: World) -> None:
    """A leave that the report tells is of the device in the call."""
    notify(
        launched,
        roster(10, connected("g1")),
        roster(20, in_lobby("g2")),
        roster(55, connected("g2")),
    )
    graph_reports(launched, report(200, guest((10, 40), (55, 60))))

    look_unheard(launched)

    presences = {row["key"]: row["presence"] for row in launched.rows("participant")}
    assert set(presences.values()) == {"disconnected"}
    assert told(launched).count((PATIENT, CONNECTED)) == 2


# Who is nobody to the EHR -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stranger",
    [
        staff((1, 51), object_id=SECOND_PROVIDER_OBJECT_ID),
        staff((1, 51), object_id=SECOND_PROVIDER_OBJECT_ID, tenant_id=None),
        guest((1, 51), kind=IdentityKind.PHONE),
        guest((1, 51), kind=IdentityKind.UNNAMED),
        guest((1, 51), kind=IdentityKind.APPLICATION),
    ],
    ids=["staff who launched nothing", "nobody's account", "phone", "unnamed", "recorder"],
)
def test_who_cannot_be_vouched_for_is_not_told_of(launched: World, stranger: object) -> None:
    notify(launched, call_ended(52))
    graph_reports(launched, report(52, stranger))  # type: ignore[arg-type]

    look(launched)

    assert told(launched) == []


def test_an_account_of_another_tenant_is_on_the_patient_s_side(launched: World) -> None:
    notify(launched, call_ended(52))
    graph_reports(launched, report(52, staff((1, 51), tenant_id=OTHER_TENANT)))
    look(launched)
    assert told(launched) == [(PATIENT, CONNECTED), (PATIENT, DISCONNECTED)]


def test_every_clinician_is_told_of_by_their_own_launch(launched: World) -> None:
    second_provider(launched)
    notify(launched, call_ended(52))
    graph_reports(
        launched,
        report(52, staff((1, 51)), staff((5, 50), object_id=SECOND_PROVIDER_OBJECT_ID)),
    )
    look(launched)
    assert sorted(told(launched)) == sorted(
        [(who, what) for who in (PROVIDER, SECOND_PROVIDER) for what in (CONNECTED, DISCONNECTED)]
    )


def test_a_stay_that_may_be_a_recorder_s_is_not_told_as_the_patient_s(launched: World) -> None:
    """Events name its kind; in the report it is called by a name, as guests are."""
    robot = line("robot", kind=IdentityKind.APPLICATION)
    notify(launched, roster(1, robot), roster(51, replace(robot, removed=True)), call_ended(52))
    graph_reports(launched, report(52, guest((1.2, 51.1))))
    look(launched)
    assert told(launched) == []


def test_a_clinician_is_told_of_whoever_else_was_there(launched: World) -> None:
    phone = line("phone", kind=IdentityKind.PHONE)
    notify(launched, roster(1, phone), roster(51, replace(phone, removed=True)), call_ended(52))
    graph_reports(launched, report(52, staff((1.2, 51.1))))
    look(launched)
    assert told(launched) == [(PROVIDER, CONNECTED), (PROVIDER, DISCONNECTED)]


def test_a_patient_who_never_launched_is_not_told_of(world: World) -> None:
    provider(world)
    world.watch_meetings()
    notify(world, call_ended(52))
    graph_reports(world, report(52, guest((1, 51))))
    look(world)
    assert told(world) == []


def test_of_several_patients_of_a_group_none_is_told_of(world: World) -> None:
    """ADR 10: who cannot be told apart is not told of."""
    group_visits_on(world)
    member_opens(world, 1)
    member_opens(world, 2)
    provider_opens(world)
    world.watch_meetings()
    notify(world, call_ended(52))
    graph_reports(world, report(52, staff((1, 51)), guest((2, 50)), guest((3, 50))))

    look(world)

    assert {who for who, _ in told(world)} == {PROVIDER}


# Keys and times -----------------------------------------------------------------------------------------


def test_calls_of_an_earlier_life_of_the_visit_are_not_told_again(launched: World) -> None:
    """Its key was destroyed and, days later, made anew: nobody knows any more who was told of."""
    notify(launched, *WHOLE)
    graph_reports(launched, REPORT_OF_WHOLE)
    look(launched)
    before = told(launched)
    launched.clock.advance(SECRETS_KEPT_AFTER_THE_END + timedelta(seconds=1))
    launched.tidy_up()
    assert launched.rows("visit_secret") == []

    provider(launched, number=2)
    made_at = launched.clock.now()
    look_unheard(launched)

    assert told(launched) == before
    assert launched.attendance.asked[-1] == {"meeting": MEETING, "since": made_at - CLOCKS_APART}


def test_what_the_report_tells_reaches_an_ehr_that_was_down(launched: World) -> None:
    launched.write_back.faults.fail("report", TryLater("http_503"), times=None)
    notify(launched, call_ended(52))
    graph_reports(launched, report(52, staff((1, 51))))
    look(launched)
    launched.deliver()
    launched.write_back.faults.clear()
    launched.clock.advance(timedelta(minutes=10))

    assert told(launched) == [(PROVIDER, CONNECTED), (PROVIDER, DISCONNECTED)]


def test_no_person_of_the_report_is_stored_in_the_clear(launched: World) -> None:
    notify(launched, call_ended(52))
    graph_reports(launched, report(52, staff((1, 51)), guest((2, 50))))
    look(launched)
    assert TENANT.encode() in launched.stored_bytes(), "the search finds what is there"
    assert PATIENT.encode() not in launched.stored_bytes()
