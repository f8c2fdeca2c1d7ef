"""Lost, duplicate, or two meetings: each is found, and named by its visit."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from loadtest.records import (
    Action,
    Deed,
    Iteration,
    Ledger,
    MeetingMade,
    Outcome,
    Persona,
    WriteBack,
)
from loadtest.verdict.truth import STATUS_OF, Harm, Thing, Truth, check
from tests.loadtest.verdict.run_builder import deeds_of, is_visit, iteration, ledger_of

from mock_fhir.connections import ConnectionStatus

DEEDS = [one for number in range(3) for one in deeds_of(number)]
LEDGER = ledger_of(DEEDS)
EVERYBODY = [iteration(who, n) for n in range(3) for who in (Persona.PROVIDER, Persona.PATIENT)]


def truth(
    deeds: Sequence[Deed] = DEEDS,
    iterations: Sequence[Iteration] = EVERYBODY,
    ledger: Ledger = LEDGER,
) -> Truth:
    return check(deeds, iterations, ledger)


def report(number: int, persona: Persona, status: str) -> WriteBack:
    found = (one for one in LEDGER.write_backs if is_visit(number, persona)(one))
    return next(one for one in found if one.status == status)


def ledger_without(lost: WriteBack) -> Ledger:
    return replace(LEDGER, write_backs=tuple(one for one in LEDGER.write_backs if one != lost))


def cut_off(number: int, persona: Persona) -> list[Iteration]:
    return [
        replace(one, outcome=Outcome.FAILED) if is_visit(number, persona)(one) else one
        for one in EVERYBODY
    ]


def harms(found: Truth) -> list[tuple[Harm, Thing, str]]:
    return [(one.harm, one.thing, one.visit) for one in found.discrepancies]


def test_when_the_ledgers_say_the_same_nothing_is_wrong() -> None:
    found = truth()
    assert harms(found) == []
    assert (found.visits_launched, found.meetings_made) == (3, 3)
    assert (found.write_backs_due, found.write_backs_accepted) == (12, 12)


def test_our_words_for_a_status_are_the_simulated_ehr_s() -> None:
    assert set(STATUS_OF.values()) == {
        ConnectionStatus.CONNECTED.words,
        ConnectionStatus.DISCONNECTED.words,
    }


@pytest.mark.parametrize("persona", [Persona.PROVIDER, Persona.PATIENT])
@pytest.mark.parametrize("status", ["connected", "disconnected"])
def test_a_write_back_the_ehr_never_took_is_lost(persona: Persona, status: str) -> None:
    found = truth(ledger=ledger_without(report(1, persona, status)))
    assert harms(found) == [(Harm.LOST, Thing.WRITE_BACK, "csn-1")]
    assert status in found.discrepancies[0].words
    assert found.count(Harm.LOST) == 1


def test_a_write_back_taken_twice_is_a_duplicate() -> None:
    twice = report(2, Persona.PATIENT, "connected")
    books = ledger_without(twice)
    books = replace(books, write_backs=(*books.write_backs, replace(twice, accepted=2)))
    assert harms(truth(ledger=books)) == [(Harm.DUPLICATE, Thing.WRITE_BACK, "csn-2")]


def test_a_duplicate_in_a_line_of_its_own_is_one_too() -> None:
    again = report(2, Persona.PATIENT, "connected")
    books = replace(LEDGER, write_backs=(*LEDGER.write_backs, again))
    assert truth(ledger=books).count(Harm.DUPLICATE) == 1


def test_a_report_of_somebody_who_never_came_is_a_duplicate() -> None:
    invented = WriteBack(visit="csn-77", persona=Persona.PATIENT, status="connected", accepted=1)
    books = replace(LEDGER, write_backs=(*LEDGER.write_backs, invented))
    assert harms(truth(ledger=books)) == [(Harm.DUPLICATE, Thing.WRITE_BACK, "csn-77")]


def test_a_report_of_the_wrong_person_is_one_lost_and_one_too_many() -> None:
    right = report(0, Persona.PATIENT, "connected")
    books = ledger_without(right)
    wrong = replace(right, persona=Persona.PROVIDER)
    found = truth(ledger=replace(books, write_backs=(*books.write_backs, wrong)))
    assert {one.harm for one in found.discrepancies} == {Harm.LOST, Harm.DUPLICATE}


def test_who_comes_back_is_told_twice_and_that_is_right() -> None:
    again = [one for one in deeds_of(1) if one.persona is Persona.PATIENT]
    assert harms(truth([*DEEDS, *again], ledger=ledger_of([*DEEDS, *again]))) == []


def test_who_comes_back_and_is_told_once_has_lost_one() -> None:
    again = [one for one in deeds_of(1) if one.persona is Persona.PATIENT]
    assert truth([*DEEDS, *again]).count(Harm.LOST) == 2


def test_time_in_the_lobby_is_nobody_s_deed() -> None:
    lobby = WriteBack(visit="csn-1", persona=Persona.PATIENT, status="in lobby", accepted=3)
    assert harms(truth(ledger=replace(LEDGER, write_backs=(*LEDGER.write_backs, lobby)))) == []


def test_more_is_excused_for_who_was_cut_off_before_they_could_note_it() -> None:
    noted = [
        one
        for one in DEEDS
        if not (is_visit(1, Persona.PATIENT)(one) and one.action is Action.LEFT)
    ]
    found = truth(noted, cut_off(1, Persona.PATIENT))
    assert harms(found) == []
    assert found.excused == 1


def test_less_is_not_excused_for_who_was_cut_off() -> None:
    books = ledger_without(report(1, Persona.PATIENT, "connected"))
    found = truth(iterations=cut_off(1, Persona.PATIENT), ledger=books)
    assert harms(found) == [(Harm.LOST, Thing.WRITE_BACK, "csn-1")]


def test_people_of_a_visit_in_two_meetings_are_a_duplicate() -> None:
    astray = [
        replace(one, meeting="19:meeting_x@thread.v2") if is_visit(1, Persona.PATIENT)(one) else one
        for one in DEEDS
    ]
    found = truth(astray, ledger=ledger_of(astray))
    assert harms(found) == [(Harm.DUPLICATE, Thing.MEETING, "csn-1")]


def test_two_visits_in_one_meeting_are_found() -> None:
    crowded = [
        replace(one, meeting="19:meeting_0@thread.v2") for one in DEEDS if not is_visit(2)(one)
    ]
    books = replace(ledger_of(crowded), meetings=LEDGER.meetings[:1])
    found = truth(crowded, ledger=books)
    assert harms(found) == [(Harm.LOST, Thing.MEETING, "csn-1")]
    assert "shares the meeting of visit csn-0" in found.discrepancies[0].words


def test_a_meeting_graph_never_made_is_lost() -> None:
    books = replace(LEDGER, meetings=LEDGER.meetings[1:])
    assert harms(truth(ledger=books)) == [(Harm.LOST, Thing.MEETING, "csn-0")]


def test_a_launch_into_no_meeting_is_lost() -> None:
    nowhere = [replace(one, meeting="") if is_visit(0)(one) else one for one in DEEDS]
    found = truth(nowhere, ledger=replace(LEDGER, meetings=LEDGER.meetings[1:]))
    assert harms(found) == [(Harm.LOST, Thing.MEETING, "csn-0")]


def test_a_meeting_nobody_stood_in_is_a_duplicate() -> None:
    more = MeetingMade(meeting="19:meeting_x@thread.v2", external_id="of-visit-1")
    found = truth(ledger=replace(LEDGER, meetings=(*LEDGER.meetings, more)))
    assert harms(found) == [(Harm.DUPLICATE, Thing.MEETING, "")]
    assert "of-visit-1" in found.discrepancies[0].words


def test_a_meeting_made_twice_is_a_duplicate() -> None:
    found = truth(ledger=replace(LEDGER, meetings=(*LEDGER.meetings, LEDGER.meetings[0])))
    assert found.count(Harm.DUPLICATE) == 1


def test_the_meeting_of_a_provider_who_was_cut_off_is_excused_once() -> None:
    noted = [one for one in DEEDS if not is_visit(1)(one)]
    books = replace(LEDGER, write_backs=ledger_of(noted).write_backs)
    found = truth(noted, cut_off(1, Persona.PROVIDER), books)
    assert (harms(found), found.excused) == ([], 1)
    two = replace(books, meetings=(*books.meetings, MeetingMade(meeting="z", external_id="")))
    assert truth(noted, cut_off(1, Persona.PROVIDER), two).count(Harm.DUPLICATE) == 1
