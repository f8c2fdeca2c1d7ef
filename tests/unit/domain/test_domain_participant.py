"""One participant's events in any order, any number of times: cases 51 and 52 of reliability.md."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.calls import at, change, participant

from connector.domain.outbox import idempotency_key
from connector.domain.participant import (
    ConnectionStatus,
    Participant,
    Presence,
    Role,
    RosterChange,
    StatusReport,
    call_ended,
    met,
    moved,
)

LOBBY, CONNECTED, DISCONNECTED = Presence.LOBBY, Presence.CONNECTED, Presence.DISCONNECTED


def play(
    changes: Sequence[RosterChange], role: Role = Role.PATIENT
) -> tuple[Participant, list[StatusReport]]:
    person, reports = Participant("person", role), []
    for each in changes:
        person, owed = moved(person, each)
        reports = reports + owed
    return person, reports


def told(reports: list[StatusReport]) -> list[tuple[ConnectionStatus, float]]:
    return [(report.status, (report.at - at(0)).total_seconds()) for report in reports]


def test_somebody_who_waits_is_let_in_and_leaves_is_reported_three_times() -> None:
    person, reports = play([change(LOBBY, 1), change(CONNECTED, 2), change(DISCONNECTED, 3)])

    assert told(reports) == [
        (ConnectionStatus.LOBBY, 1),
        (ConnectionStatus.CONNECTED, 2),
        (ConnectionStatus.DISCONNECTED, 3),
    ]
    assert (person.presence, person.status_at) == (DISCONNECTED, at(3))


def test_a_report_names_the_participant_and_the_role_it_belongs_to() -> None:
    _, reports = moved(Participant("p-7", Role.PROVIDER), change(CONNECTED, 1, key="p-7"))

    assert reports == [
        StatusReport("p-7", Role.PROVIDER, ConnectionStatus.CONNECTED, at(1), cause_at=at(1))
    ]


def test_coming_back_after_leaving_is_reported_again() -> None:
    _, reports = play([change(CONNECTED, 1), change(DISCONNECTED, 2), change(CONNECTED, 3)])

    assert told(reports)[-1] == (ConnectionStatus.CONNECTED, 3)
    assert len(reports) == 3


def test_the_same_presence_again_is_no_news_but_moves_the_time_on() -> None:
    person, reports = play([change(CONNECTED, 1), change(CONNECTED, 5)])

    assert told(reports) == [(ConnectionStatus.CONNECTED, 1)]
    assert person.status_at == at(5)


def test_of_two_things_at_one_instant_the_one_heard_last_counts() -> None:
    person, reports = play([change(LOBBY, 1), change(CONNECTED, 1)])

    assert person.presence is CONNECTED
    assert told(reports) == [(ConnectionStatus.LOBBY, 1), (ConnectionStatus.CONNECTED, 1)]


def test_case_52_older_news_move_nobody_backwards() -> None:
    person, reports = play([change(CONNECTED, 5), change(LOBBY, 2), change(DISCONNECTED, 3)])

    assert (person.presence, person.status_at) == (CONNECTED, at(5))
    assert told(reports) == [(ConnectionStatus.CONNECTED, 5)]


def test_case_52_a_leave_before_its_join_is_held_back() -> None:
    person, reports = play([change(DISCONNECTED, 5)])

    assert reports == []
    assert (person.presence, person.status_at) == (DISCONNECTED, at(5))


def test_case_52_the_join_of_an_early_leave_is_told_first_and_then_the_leave() -> None:
    person, reports = play([change(DISCONNECTED, 5), change(CONNECTED, 3)])

    assert told(reports) == [(ConnectionStatus.CONNECTED, 3), (ConnectionStatus.DISCONNECTED, 5)]
    assert person.presence is DISCONNECTED


def test_case_51_a_repeated_join_of_an_early_leave_is_told_once() -> None:
    _, reports = play([change(DISCONNECTED, 5), change(CONNECTED, 3), change(CONNECTED, 3)])

    assert len(reports) == 2


def test_a_lobby_line_older_than_an_early_leave_does_not_count_as_the_join() -> None:
    person, reports = play([change(DISCONNECTED, 5), change(LOBBY, 3)])

    assert reports == []
    assert person.stays == []


def test_a_stay_that_was_missed_is_told_before_where_the_person_is_now() -> None:
    person, reports = play([change(DISCONNECTED, 5), change(CONNECTED, 7), change(CONNECTED, 3)])

    assert told(reports) == [
        (ConnectionStatus.CONNECTED, 7),
        (ConnectionStatus.DISCONNECTED, 5),
        (ConnectionStatus.CONNECTED, 3),
    ]
    assert person.stays == [(at(3), at(5)), (at(7), None)]


def test_a_join_between_two_early_leaves_is_paired_with_the_later_one() -> None:
    """Order of events: leave 5, join 6, leave 7; the join comes last. 5 cannot end what began at 6."""
    _, reports = play([change(DISCONNECTED, 5), change(DISCONNECTED, 7), change(CONNECTED, 6)])

    assert told(reports) == [(ConnectionStatus.CONNECTED, 6), (ConnectionStatus.DISCONNECTED, 7)]


@st.composite
def _stories(draw: st.DrawFn) -> list[RosterChange]:
    """What happened to one person, in order; no two things at the same instant."""
    presences = draw(st.lists(st.sampled_from(Presence), min_size=1, max_size=6))
    return [change(presence, minute * 60) for minute, presence in enumerate(presences)]


@st.composite
def _deliveries(draw: st.DrawFn) -> tuple[list[RosterChange], list[RosterChange]]:
    """A story, and how the network told it: each event at least once, in any order."""
    story = draw(_stories())
    again = draw(st.lists(st.sampled_from(story), max_size=6))
    return story, draw(st.permutations(story + again))


@given(_deliveries())
def test_cases_51_and_52_any_order_and_any_repetition_ends_where_the_newest_event_says(
    delivery: tuple[list[RosterChange], list[RosterChange]],
) -> None:
    story, heard = delivery

    person, _ = play(heard)

    assert (person.presence, person.status_at) == (story[-1].presence, story[-1].at)


@given(_deliveries())
def test_case_51_no_report_ever_has_the_key_of_another(
    delivery: tuple[list[RosterChange], list[RosterChange]],
) -> None:
    _, heard = delivery

    _, reports = play(heard)

    keys = [idempotency_key("visit-1", report) for report in reports]
    assert len(set(keys)) == len(keys)


@given(_stories())
def test_news_in_order_are_reported_in_order_and_end_with_where_the_person_is(
    story: list[RosterChange],
) -> None:
    person, reports = play(story)

    times = [report.at for report in reports]
    assert times == sorted(times)
    assert not reports or reports[-1].status.value == person.presence.value
    statuses = [report.status for report in reports]
    assert all(a is not b for a, b in pairwise(statuses))


# The reports, whatever order the network chooses ------------------------------------------------

COMES_AND_GOES_TWICE = [
    change(LOBBY, 1),
    change(CONNECTED, 2),
    change(DISCONNECTED, 3),
    change(CONNECTED, 4),
    change(DISCONNECTED, 5),
]
END = at(6)


def play_call(
    events: Sequence[RosterChange | None], person: Participant
) -> tuple[Participant, list[StatusReport]]:
    """As the use case does: None is the end of the call, after which every late word is closed."""
    reports: list[StatusReport] = []
    over = False
    for event in events:
        if event is None:
            over = True
        else:
            person, owed = moved(person, event)
            reports += owed
        if over:
            person, owed = call_ended(person, END)
            reports += owed
    return person, reports


def counted(reports: Sequence[StatusReport]) -> Counter[ConnectionStatus]:
    return Counter(report.status for report in reports)


@pytest.mark.parametrize("lost", [(), (2,), (4,), (2, 4)], ids=str)
def test_case_52_in_every_order_the_ehr_hears_of_every_stay_and_ends_with_the_truth(
    lost: tuple[int, ...],
) -> None:
    """All orders of lobby, join, leave, rejoin, leave and end; leaves may also never come.

    A connect is told for every connect. A disconnect may be told once more (a leave from the lobby
    that turns out to be the end of a stay), and a lobby that was over when it was heard never.
    """
    story = [each for number, each in enumerate(COMES_AND_GOES_TWICE) if number not in lost]
    in_order, expected = play_call([*story, None], Participant("person", Role.PATIENT))

    for delivery in permutations([*story, None]):
        person, reports = play_call(delivery, Participant("person", Role.PATIENT))
        heard, due = counted(reports), counted(expected)

        assert person.stays == in_order.stays, delivery
        assert person.presence is DISCONNECTED
        assert heard[ConnectionStatus.CONNECTED] == due[ConnectionStatus.CONNECTED], delivery
        extra = heard[ConnectionStatus.DISCONNECTED] - due[ConnectionStatus.DISCONNECTED]
        assert 0 <= extra <= 1, delivery
        assert extra == 0 or heard[ConnectionStatus.LOBBY], delivery
        assert reports[-1].status is ConnectionStatus.DISCONNECTED, delivery
        assert len({idempotency_key("visit-1", r) for r in reports}) == len(reports), delivery


def test_case_52_without_a_lobby_every_order_tells_exactly_the_same() -> None:
    story = COMES_AND_GOES_TWICE[1:]
    _, expected = play_call([*story, None], Participant("person", Role.PATIENT))

    for delivery in permutations([*story, None]):
        _, reports = play_call(delivery, Participant("person", Role.PATIENT))
        assert counted(reports) == counted(expected), delivery


def test_case_52_a_join_heard_after_a_leave_from_the_lobby_is_told_and_closed() -> None:
    person, reports = play([change(LOBBY, 2), change(DISCONNECTED, 4), change(CONNECTED, 3)])

    assert told(reports)[2:] == [
        (ConnectionStatus.CONNECTED, 3),
        (ConnectionStatus.DISCONNECTED, 4),
    ]
    assert person.stays == [(at(3), at(4))]


def test_case_52_a_rejoin_that_is_heard_leave_first_is_told_as_a_second_stay() -> None:
    first = [change(CONNECTED, 2), change(DISCONNECTED, 3)]
    person, reports = play([*first, change(DISCONNECTED, 6), change(CONNECTED, 5)])

    assert told(reports)[2:] == [
        (ConnectionStatus.CONNECTED, 5),
        (ConnectionStatus.DISCONNECTED, 6),
    ]
    assert person.stays == [(at(2), at(3)), (at(5), at(6))]


def test_case_52_a_join_heard_after_the_end_of_the_call_is_closed_by_it() -> None:
    person, reports = play_call([None, change(CONNECTED, 3)], Participant("person", Role.PATIENT))

    assert told(reports) == [(ConnectionStatus.CONNECTED, 3), (ConnectionStatus.DISCONNECTED, 6)]
    assert person.presence is DISCONNECTED


def test_case_52_a_break_heard_late_is_told_and_the_person_is_still_there() -> None:
    _, reports = play([change(CONNECTED, 2), change(CONNECTED, 8), change(DISCONNECTED, 5)])

    assert [r.status for r in reports] == [
        ConnectionStatus.CONNECTED,
        ConnectionStatus.DISCONNECTED,
        ConnectionStatus.CONNECTED,
    ]


def test_a_person_back_in_the_lobby_is_told_there_last() -> None:
    _, reports = play([change(LOBBY, 8), change(CONNECTED, 2)])

    assert [r.status for r in reports] == [
        ConnectionStatus.LOBBY,
        ConnectionStatus.CONNECTED,
        ConnectionStatus.LOBBY,
    ]


def test_the_end_of_a_call_does_not_touch_who_came_after_it() -> None:
    back = play([change(CONNECTED, 9)])[0]

    assert call_ended(back, END) == (back, [])


def test_a_story_stays_short_however_often_the_same_is_heard() -> None:
    person, _ = play([change(CONNECTED, second) for second in range(500)])

    assert len(person.story) == 2
    assert person.stays == [(at(0), None)]


@pytest.mark.parametrize(
    ("patient", "have_met"),
    [
        ([change(CONNECTED, 3), change(DISCONNECTED, 4)], True),
        ([change(CONNECTED, 3)], True),
        ([change(CONNECTED, 1), change(DISCONNECTED, 2)], False),
        ([change(CONNECTED, 5), change(DISCONNECTED, 6)], False),
        ([change(LOBBY, 3), change(DISCONNECTED, 4)], False),
        ([], False),
    ],
    ids=str,
)
def test_two_have_met_when_their_stays_overlap(
    patient: list[RosterChange],
    have_met: bool,  # noqa: FBT001 - a parameter of the case
) -> None:
    provider = play([change(CONNECTED, 2), change(DISCONNECTED, 5)], Role.PROVIDER)[0]

    assert met([provider, play(patient)[0]]) is have_met


def test_a_recorder_meets_nobody() -> None:
    people = [participant(role, CONNECTED) for role in (Role.PROVIDER, Role.OTHER)]

    assert not met(people)


@settings(max_examples=400)
@given(_deliveries())
def test_what_one_late_change_owes_ends_with_where_the_person_is(
    delivery: tuple[list[RosterChange], list[RosterChange]],
) -> None:
    _, heard = delivery
    person = Participant("person", Role.PATIENT)

    for following in heard:
        person, owed = moved(person, following)
        assert not owed or owed[-1].status.value == person.presence.value


@given(_deliveries())
def test_the_last_thing_told_of_somebody_is_where_they_are(
    delivery: tuple[list[RosterChange], list[RosterChange]],
) -> None:
    """Only a leave of which no join was ever heard may stay untold."""
    _, heard = delivery

    person, reports = play(heard)

    assert (not reports and not person.stays) or reports[-1].status.value == person.presence.value
