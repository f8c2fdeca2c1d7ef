"""What attendance reports add to the events of one person: never a word twice (case 53)."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.calls import at

from connector.domain.attendance import Stay, Untold, call_had_people, heard_of, together, untold
from connector.domain.participant import (
    ConnectionStatus,
    Moment,
    Participant,
    Presence,
    Role,
    RosterChange,
    moved,
    owed,
)

LOBBY, CONNECTED, DISCONNECTED = Presence.LOBBY, Presence.CONNECTED, Presence.DISCONNECTED


def device(*story: tuple[Presence, float], key: str = "p1") -> Participant:
    return Participant(key, Role.PATIENT, tuple(Moment(at(when), what) for what, when in story))


def stay(joined: float, left: float) -> Stay:
    return Stay(at(joined), at(left))


def heard(*stays: tuple[float, float | None]) -> list[Participant]:
    """One participant a stay, as Graph numbers them; None: no leave was heard."""
    return [
        device(
            (CONNECTED, joined), *([(DISCONNECTED, left)] if left is not None else []), key=f"p{n}"
        )
        for n, (joined, left) in enumerate(stays)
    ]


def lacking(
    devices: Sequence[Participant], *attended: tuple[float, float]
) -> tuple[list[tuple[float, float]], list[float]]:
    """(whole stays, ends of stays) to add, in seconds."""
    found = untold(devices, [stay(*each) for each in attended])
    seconds = [
        ((s.joined_at - at(0)).total_seconds(), (s.left_at - at(0)).total_seconds())
        for s in found.stays
    ]
    return seconds, [(when - at(0)).total_seconds() for when in found.leaves]


NOTHING: tuple[list[tuple[float, float]], list[float]] = ([], [])


# What was told is not told again ------------------------------------------------------------------


def test_a_stay_both_tell_lacks_nothing() -> None:
    assert lacking(heard((10, 60)), (10, 60)) == NOTHING


@pytest.mark.parametrize("skew", [-4.9, -1, 0.5, 4.9])
def test_times_that_differ_by_seconds_make_no_second_stay(skew: float) -> None:
    assert lacking(heard((10, 60)), (10 + skew, 60 + skew)) == NOTHING


@pytest.mark.parametrize("skew", [-4.9, 2, 4.9])
def test_a_stay_too_short_to_overlap_is_known_by_its_nearness(skew: float) -> None:
    assert lacking(heard((10, 11)), (10 + skew, 11 + skew)) == NOTHING


@pytest.mark.parametrize("skew", [-0.9, 0.9])
def test_two_told_stays_with_a_short_break_lack_nothing(skew: float) -> None:
    assert (
        lacking(heard((10, 60), (60.5, 90)), (10 + skew, 60 + skew), (60.5 + skew, 90 + skew))
        == NOTHING
    )


def test_a_break_no_report_knows_stays() -> None:
    assert lacking(heard((10, 60), (62, 90)), (10, 90)) == NOTHING


def test_a_stay_the_report_has_lost_stays() -> None:
    """Issue 3414: who came back overwrote what was there."""
    assert lacking(heard((10, 60), (70, 90)), (70, 90)) == NOTHING


def test_two_devices_at_once_are_one_stay() -> None:
    assert lacking(heard((10, 60)), (10, 40), (20, 60)) == NOTHING


def test_a_leave_heard_after_the_rejoin_is_one_stay_although_the_report_has_a_gap() -> None:
    assert lacking(heard((10, 62), (60, 90)), (10, 59.8), (60, 90)) == NOTHING


def test_nobody_was_there_and_nothing_was_heard() -> None:
    assert lacking([]) == NOTHING


def test_a_stay_that_goes_on_and_no_report_lack_nothing() -> None:
    assert lacking(heard((10, None))) == NOTHING


def test_a_later_call_that_goes_on_is_not_ended_by_an_earlier_report() -> None:
    assert lacking(heard((10, 60), (100, None)), (10, 60)) == NOTHING


# What was not told is --------------------------------------------------------------------------


def test_a_stay_nobody_heard_of_is_lacking_whole() -> None:
    assert lacking([], (10, 60)) == ([(10, 60)], [])


def test_a_join_before_the_subscription_is_lacking_with_its_stay() -> None:
    """The leave was heard, and told nobody of, for nobody had joined."""
    assert lacking([device((DISCONNECTED, 60))], (10, 60.2)) == ([(10, 60.2)], [])


def test_a_leave_that_was_lost_is_lacking() -> None:
    assert lacking(heard((10, None)), (10, 60)) == ([], [60])


def test_a_second_stay_that_was_lost_is_lacking() -> None:
    assert lacking(heard((10, 60)), (10, 60), (62, 90)) == ([(62, 90)], [])


@pytest.mark.parametrize("skew", [-1, 1])
def test_a_second_stay_that_was_lost_after_a_short_break_is_lacking(skew: float) -> None:
    """It overlaps the first by a moment, and is another one all the same."""
    stays, _ = lacking(heard((10, 60)), (10 + skew, 60 + skew), (60.5 + skew, 90 + skew))
    assert stays == [(60.5 + skew, 90 + skew)]


def test_a_break_that_was_lost_within_a_stay_is_lacking_on_both_sides() -> None:
    assert lacking(heard((10, 90)), (10, 40), (60, 90)) == ([(60, 90)], [40])


def test_the_leave_and_the_rejoin_may_both_be_lost() -> None:
    assert lacking(heard((10, None)), (10, 40), (60, 90)) == ([(60, 90)], [40, 90])


def test_a_lost_stay_is_not_taken_for_one_the_report_has_lost() -> None:
    assert lacking(heard((10, 60)), (62, 112)) == ([(62, 112)], [])


# Read back: whatever was lost, the EHR hears each word once -----------------------------------------


def reconciled(devices: list[Participant], attended: list[Stay]) -> list[Participant]:
    found = untold(devices, attended)
    after = list(devices)
    for left in found.leaves:
        for n, each in enumerate(after):
            earlier = [m for m in each.story if m.at <= left]
            if earlier and earlier[-1].presence is CONNECTED:
                after[n], _ = moved(each, RosterChange(each.key, DISCONNECTED, left))
    for n, missed in enumerate(found.stays):
        story = (Moment(missed.joined_at, CONNECTED), Moment(missed.left_at, DISCONNECTED))
        after.append(Participant(f"a{n}", Role.PATIENT, story))
    return after


@given(
    pauses=st.lists(st.integers(20, 60), min_size=2, max_size=8).filter(lambda p: not len(p) % 2),
    lost=st.sets(st.integers(0, 7)),
    skew=st.floats(-2, 2),
)
def test_every_connect_and_disconnect_is_told_once_whatever_events_were_lost(
    pauses: list[int], lost: set[int], skew: float
) -> None:
    times = [sum(pauses[: n + 1]) for n in range(len(pauses))]
    true = [stay(times[n], times[n + 1]) for n in range(0, len(times), 2)]
    devices = [
        device(
            *[(CONNECTED, times[n])] * (n not in lost),
            *[(DISCONNECTED, times[n + 1])] * (n + 1 not in lost),
            key=f"p{n}",
        )
        for n in range(0, len(times), 2)
        if {n, n + 1} - lost
    ]
    attended = [
        Stay(at((s.joined_at - at(0)).total_seconds() + skew), s.left_at + (at(skew) - at(0)))
        for s in true
    ]

    after = reconciled(devices, attended)
    told = [r.status for r in owed([], devices, at(999))] + [
        r.status for r in owed(devices, after, at(999))
    ]

    assert told.count(ConnectionStatus.CONNECTED) == len(true)
    assert told[-1] is ConnectionStatus.DISCONNECTED
    assert untold(after, attended) == Untold([], []), "read again, it adds nothing"


def test_stays_are_joined_across_devices_in_order() -> None:
    assert together([stay(30, 50), stay(10, 20), stay(20, 25), stay(40, 45)]) == [
        stay(10, 25),
        stay(30, 50),
    ]


def test_where_somebody_waited_is_no_stay() -> None:
    assert heard_of([device((LOBBY, 10), (DISCONNECTED, 20))]) == []


# Whether a report is to come ------------------------------------------------------------------------


def test_a_call_with_people_leaves_a_report() -> None:
    assert call_had_people(heard((10, 60)), None)


def test_a_call_of_which_only_the_end_was_heard_may_leave_one() -> None:
    assert call_had_people([], None)
    assert call_had_people([Participant("p", Role.OTHER)], None)


def test_a_leave_without_a_join_was_somebody_in_the_call() -> None:
    assert call_had_people([device((DISCONNECTED, 60))], None)


def test_a_call_in_whose_lobby_somebody_waited_in_vain_leaves_none() -> None:
    assert not call_had_people([device((LOBBY, 10), (DISCONNECTED, 20))], None)


def test_who_was_let_in_from_the_lobby_was_in_the_call() -> None:
    assert call_had_people([device((LOBBY, 10), (CONNECTED, 20), (DISCONNECTED, 30))], None)


def test_only_what_came_after_the_newest_report_counts() -> None:
    earlier = replace(heard((10, 60))[0], key="earlier")
    waited = device((LOBBY, 100), (DISCONNECTED, 120))
    assert not call_had_people([earlier, waited], at(60))
    assert call_had_people([earlier, *heard((100, 120))], at(60))


@pytest.mark.parametrize("came", [55, 60, 64])
def test_who_came_to_the_lobby_as_the_reported_call_ended_was_in_no_other(came: int) -> None:
    (clinician,) = heard((10, 60))
    patient = device((CONNECTED, 12), (DISCONNECTED, 50), (LOBBY, came), (DISCONNECTED, 180))
    assert not call_had_people([clinician, patient], at(60))


def test_who_was_let_in_after_the_reported_call_was_in_another() -> None:
    patient = device((LOBBY, 62), (CONNECTED, 90), (DISCONNECTED, 180))
    assert call_had_people([*heard((10, 60)), patient], at(60))


def test_who_left_the_lobby_before_the_reported_call_ended_and_then_left_was_in_another() -> None:
    patient = device((LOBBY, 20), (DISCONNECTED, 30), (DISCONNECTED, 180))
    assert call_had_people([*heard((10, 60)), patient], at(60))
