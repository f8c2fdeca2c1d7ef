"""One participant's events in any order, any number of times: cases 51 and 52 of reliability.md."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.calls import at, change

from connector.domain.outbox import idempotency_key
from connector.domain.participant import (
    ConnectionStatus,
    Participant,
    Presence,
    Role,
    RosterChange,
    StatusReport,
    arrived,
    moved,
)

LOBBY, CONNECTED, DISCONNECTED = Presence.LOBBY, Presence.CONNECTED, Presence.DISCONNECTED


def play(
    changes: Sequence[RosterChange], role: Role = Role.PATIENT
) -> tuple[Participant, list[StatusReport]]:
    person, reports = arrived(changes[0], role)
    for following in changes[1:]:
        person, owed = moved(person, following)
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
    _, reports = arrived(change(CONNECTED, 1, key="p-7"), Role.PROVIDER)

    assert reports == [StatusReport("p-7", Role.PROVIDER, ConnectionStatus.CONNECTED, at(1))]


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

    assert person == play([change(CONNECTED, 5)])[0]
    assert told(reports) == [(ConnectionStatus.CONNECTED, 5)]


def test_case_52_a_leave_before_its_join_is_held_back() -> None:
    person, reports = arrived(change(DISCONNECTED, 5), Role.PATIENT)

    assert reports == []
    assert person.unheard_leave_at == at(5)


def test_case_52_the_join_of_an_early_leave_is_told_first_and_then_the_leave() -> None:
    person, reports = play([change(DISCONNECTED, 5), change(CONNECTED, 3)])

    assert told(reports) == [(ConnectionStatus.CONNECTED, 3), (ConnectionStatus.DISCONNECTED, 5)]
    assert person.presence is DISCONNECTED
    assert person.unheard_leave_at is None


def test_case_51_a_repeated_join_of_an_early_leave_is_told_once() -> None:
    _, reports = play([change(DISCONNECTED, 5), change(CONNECTED, 3), change(CONNECTED, 3)])

    assert len(reports) == 2


def test_a_lobby_line_older_than_an_early_leave_does_not_count_as_the_join() -> None:
    person, reports = play([change(DISCONNECTED, 5), change(LOBBY, 3)])

    assert reports == []
    assert person.unheard_leave_at == at(5)


def test_an_early_leave_is_forgotten_once_its_person_is_back() -> None:
    person, reports = play([change(DISCONNECTED, 5), change(CONNECTED, 7), change(CONNECTED, 3)])

    assert told(reports) == [(ConnectionStatus.CONNECTED, 7)]
    assert person.unheard_leave_at is None


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


@settings(max_examples=400)
@given(_deliveries())
def test_what_one_change_owes_is_in_the_order_of_events(
    delivery: tuple[list[RosterChange], list[RosterChange]],
) -> None:
    _, heard = delivery
    person, _ = arrived(heard[0], Role.PATIENT)

    for following in heard[1:]:
        person, owed = moved(person, following)
        times = [report.at for report in owed]
        assert times == sorted(times)


@given(_deliveries())
def test_the_last_thing_told_of_somebody_is_where_they_are(
    delivery: tuple[list[RosterChange], list[RosterChange]],
) -> None:
    """Only a first word that is a leave, never joined, may stay untold."""
    _, heard = delivery

    person, reports = play(heard)

    assert (not reports and person.unheard_leave_at is not None) or reports[
        -1
    ].status.value == person.presence.value
