"""Where a visit stands, whatever order its events come in (design.md section 5)."""

from dataclasses import replace

import pytest
from tests.builders.calls import at, participant, visit

from connector.domain.participant import Participant, Presence, Role
from connector.domain.visit import FINAL, Visit, VisitState

PROVIDER_IN = participant(Role.PROVIDER, Presence.CONNECTED, key="provider")
PROVIDER_WAITS = participant(Role.PROVIDER, Presence.LOBBY, key="provider")
PROVIDER_OUT = participant(Role.PROVIDER, Presence.DISCONNECTED, key="provider")
PATIENT_IN = participant(Role.PATIENT, Presence.CONNECTED, key="patient")
PATIENT_WAITS = participant(Role.PATIENT, Presence.LOBBY, key="patient")
PATIENT_OUT = participant(Role.PATIENT, Presence.DISCONNECTED, key="patient")


@pytest.mark.parametrize(
    ("people", "state"),
    [
        ([], VisitState.WAITING_FOR_PATIENT),
        ([PROVIDER_IN], VisitState.WAITING_FOR_PATIENT),
        ([PATIENT_IN], VisitState.WAITING_FOR_PROVIDER),
        ([PATIENT_WAITS], VisitState.LOBBY),
        ([PROVIDER_IN, PATIENT_WAITS], VisitState.LOBBY),
        ([PROVIDER_WAITS, PATIENT_IN], VisitState.WAITING_FOR_PROVIDER),
        ([PROVIDER_IN, PATIENT_IN], VisitState.IN_VISIT),
        ([PROVIDER_OUT, PATIENT_OUT], VisitState.WAITING_FOR_PATIENT),
    ],
)
def test_a_visit_in_which_nobody_has_met_stands_where_its_people_are(
    people: list[Participant], state: VisitState
) -> None:
    assert visit().with_roster(people, at(1)).state is state


@pytest.mark.parametrize(
    ("people", "state"),
    [
        ([PROVIDER_IN, PATIENT_OUT], VisitState.INTERRUPTED),
        ([PROVIDER_OUT, PATIENT_IN], VisitState.INTERRUPTED),
        ([PROVIDER_OUT, PATIENT_OUT], VisitState.INTERRUPTED),
        ([PROVIDER_IN, PATIENT_WAITS], VisitState.LOBBY),
        ([PROVIDER_IN, PATIENT_IN], VisitState.IN_VISIT),
    ],
)
def test_once_they_have_met_a_disconnect_interrupts_and_ends_nothing(
    people: list[Participant], state: VisitState
) -> None:
    met = visit().with_roster([PROVIDER_IN, PATIENT_IN], at(1))

    after = met.with_roster(people, at(2))

    assert (after.state, after.met, after.ended_at) == (state, True, None)


def test_being_there_one_after_the_other_is_not_meeting() -> None:
    first = visit().with_roster([PROVIDER_IN], at(1))

    assert not first.met
    assert not first.with_roster([PROVIDER_OUT, PATIENT_IN], at(2)).met


def test_a_person_more_than_needed_does_not_hide_that_both_are_there() -> None:
    guest = replace(PATIENT_WAITS, key="guest")

    assert visit().with_roster([PROVIDER_IN, PATIENT_IN, guest], at(1)).state is VisitState.IN_VISIT


def test_the_end_of_a_call_in_which_both_met_ends_the_visit() -> None:
    met = visit().with_roster([PROVIDER_IN, PATIENT_IN], at(1))

    ended = met.call_ended([PROVIDER_OUT, PATIENT_OUT], at(9))

    assert (ended.state, ended.ended_at) == (VisitState.ENDED, at(9))


@pytest.mark.parametrize(
    ("came", "state"),
    [
        ([PATIENT_OUT], VisitState.PROVIDER_NO_SHOW),
        ([PROVIDER_OUT], VisitState.PATIENT_NO_SHOW),
        ([PROVIDER_OUT, PATIENT_OUT], VisitState.ABANDONED),
        ([], VisitState.ABANDONED),
    ],
)
def test_the_end_of_a_call_in_which_nobody_met_says_who_was_missing(
    came: list[Participant], state: VisitState
) -> None:
    ended = visit().call_ended(came, at(9))

    assert (ended.state, ended.ended_at, ended.met) == (state, at(9), False)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_final_visit_does_not_end_twice(state: VisitState) -> None:
    over = replace(visit(state), ended_at=at(5))

    assert over.call_ended([PATIENT_OUT], at(9)) == replace(over, call_ended_at=at(9))


@pytest.mark.parametrize("state", sorted(FINAL))
def test_what_happened_before_the_end_does_not_open_a_final_visit(state: VisitState) -> None:
    over = replace(visit(state), ended_at=at(5))

    for people in ([PROVIDER_IN, PATIENT_IN], [PATIENT_WAITS], [PROVIDER_OUT, PATIENT_OUT]):
        after = over.with_roster(people, at(5))
        assert (after.final, after.ended_at) == (True, at(5))
    assert over.with_roster([PATIENT_WAITS], at(6)).final


def test_late_news_that_both_had_met_say_what_the_visit_was() -> None:
    over = visit().call_ended([], at(5))
    assert over.state is VisitState.ABANDONED

    assert over.with_roster([PROVIDER_IN], at(1)).state is VisitState.PATIENT_NO_SHOW
    after = over.with_roster([PROVIDER_IN, PATIENT_IN], at(1))

    assert (after.state, after.met, after.ended_at) == (VisitState.ENDED, True, at(5))


def test_a_call_is_not_the_visit_s_end_while_somebody_is_back() -> None:
    going_on = visit().call_ended([PROVIDER_IN], at(5))

    assert (going_on.final, going_on.call_ended_at) == (False, at(5))


def test_the_newest_end_of_a_call_is_remembered() -> None:
    over = visit().call_ended([], at(9)).call_ended([], at(5))

    assert (over.call_ended_at, over.ended_at) == (at(9), at(9))


def test_a_recorder_neither_comes_nor_stays_for_the_visit() -> None:
    recorder = participant(Role.OTHER, Presence.CONNECTED, key="bot")
    over = visit().call_ended([PROVIDER_OUT], at(5))

    assert visit().with_roster([recorder], at(1)).state is VisitState.WAITING_FOR_PATIENT
    assert over.with_roster([PROVIDER_OUT, recorder], at(9)).state is VisitState.PATIENT_NO_SHOW


def test_a_final_visit_without_its_end_time_stays_final() -> None:
    over = visit(VisitState.ENDED)

    assert over.with_roster([PROVIDER_IN], at(6)) == over


def test_somebody_who_connects_after_the_end_takes_the_visit_up_again() -> None:
    over = replace(visit(VisitState.ENDED), met=True, ended_at=at(5))

    again = over.with_roster([PROVIDER_IN, PATIENT_OUT], at(6))

    assert (again.state, again.ended_at) == (VisitState.INTERRUPTED, None)


def test_a_reopened_visit_goes_on_in_the_same_meeting() -> None:
    over: Visit = replace(visit(VisitState.ENDED), met=True, ended_at=at(5))

    again = over.reopened()

    assert again == replace(over, state=VisitState.WAITING_FOR_PATIENT, ended_at=None)
    assert not again.final


def test_only_the_four_last_states_are_final() -> None:
    open_states = set(VisitState) - FINAL

    assert {state for state in VisitState if visit(state).final} == FINAL
    assert VisitState.INTERRUPTED in open_states
    assert len(FINAL) == 4
