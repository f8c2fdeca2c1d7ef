"""Looks at attendance reports: planned once, one worker at a time, never forgotten (cases 53, 73)."""

from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from tests.builders.store import NOON, VISIT, visit_number

from connector.adapters.sql.store import SqlStore
from connector.domain.visit import Meeting, Visit, VisitState
from connector.ports.attendance import AttendanceCheck
from connector.ports.storage import VisitSecrets

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
LEASE = timedelta(minutes=4)
MEETING = Meeting("meeting", "https://teams.example/j/1", "https://visit.teams.example/1")


@pytest.fixture
def met(visited: SqlStore) -> SqlStore:
    """Visits 1 and 2 have a meeting and a data key; visit 3 has a key only."""
    with visited.write() as tx:
        for number in (1, 2, 3):
            tx.visits.keep_secrets(f"visit-{number}", VisitSecrets(b"key", b"id"), NOON)
        for number in (1, 2):
            tx.visits.record_meeting(f"visit-{number}", MEETING)
    return visited


def expect(store: SqlStore, due_at: datetime = NOON) -> None:
    with store.write() as tx:
        tx.attendance.expect(due_at)


def await_report(store: SqlStore, due_at: datetime = NOON, visit_id: str = VISIT.id) -> None:
    with store.write() as tx:
        tx.attendance.await_report(visit_id, due_at)


def look_by(store: SqlStore, due_at: datetime) -> None:
    with store.write() as tx:
        tx.attendance.look_by(VISIT.id, due_at)


def claim(store: SqlStore, now: datetime = NOON, limit: int = 10) -> list[AttendanceCheck]:
    with store.write() as tx:
        found = tx.attendance.claim_due(now, limit)
    return sorted(found, key=lambda check: check.visit_id)


def settle(store: SqlStore, check: AttendanceCheck) -> None:
    with store.write() as tx:
        tx.attendance.settle(check)


def ids(checks: list[AttendanceCheck]) -> list[str]:
    return [check.visit_id for check in checks]


def finish(store: SqlStore, visit: Visit = VISIT) -> None:
    with store.write() as tx:
        tx.visits.save(replace(visit, state=VisitState.ENDED, ended_at=NOON))


# Planned ----------------------------------------------------------------------------------------------


def test_every_open_visit_with_a_meeting_is_expected(met: SqlStore) -> None:
    expect(met, NOON + HOUR)
    assert claim(met, NOON + HOUR - SECOND) == []
    assert claim(met, NOON + HOUR) == [
        AttendanceCheck("visit-1", awaited=False, failures=0, claims=1),
        AttendanceCheck("visit-2", awaited=False, failures=0, claims=1),
    ]


def test_expecting_again_postpones_nothing(met: SqlStore) -> None:
    expect(met, NOON)
    expect(met, NOON + HOUR)
    assert len(claim(met, NOON)) == 2


def test_a_visit_that_is_over_is_not_expected(met: SqlStore) -> None:
    finish(met)
    expect(met)
    assert ids(claim(met)) == ["visit-2"]


def test_a_visit_whose_key_is_destroyed_is_neither_expected_nor_awaited(met: SqlStore) -> None:
    with met.write() as tx:
        tx.visits.destroy_secrets(NOON, NOON + SECOND)
        tx.attendance.expect(NOON)
        tx.attendance.await_report(VISIT.id, NOON)
        tx.attendance.look_by(VISIT.id, NOON)
        assert tx.attendance.key_made_at(VISIT.id) is None
    assert claim(met) == []


def test_the_key_s_age_is_known(met: SqlStore) -> None:
    with met.read() as tx:
        assert tx.attendance.key_made_at(VISIT.id) == NOON


def test_an_end_is_awaited_whatever_was_planned(met: SqlStore) -> None:
    expect(met, NOON + 12 * HOUR)
    await_report(met, NOON + HOUR)
    [check] = claim(met, NOON + HOUR)
    assert (check.visit_id, check.awaited, check.failures) == (VISIT.id, True, 0)


def test_an_end_is_awaited_of_a_visit_that_is_over(met: SqlStore) -> None:
    finish(met)
    await_report(met)
    assert ids(claim(met)) == [VISIT.id]


def test_a_look_is_brought_forward_and_never_put_off(met: SqlStore) -> None:
    expect(met, NOON + 12 * HOUR)
    look_by(met, NOON + HOUR)
    look_by(met, NOON + 2 * HOUR)
    assert ids(claim(met, NOON + HOUR)) == [VISIT.id]


def test_bringing_a_look_forward_leaves_what_is_awaited(met: SqlStore) -> None:
    await_report(met, NOON + 2 * HOUR)
    look_by(met, NOON + HOUR)
    [check] = claim(met, NOON + HOUR)
    assert check.awaited is True


def test_awaited_visits_are_counted(met: SqlStore) -> None:
    expect(met)
    await_report(met)
    await_report(met, visit_id="visit-2")
    with met.read() as tx:
        assert tx.attendance.awaited() == 2
    for check in claim(met):
        settle(met, check)
    with met.read() as tx:
        assert tx.attendance.awaited() == 0


def test_of_an_unknown_visit_nothing_is_awaited(met: SqlStore) -> None:
    await_report(met, visit_id="nobody's")
    assert claim(met) == []


# Claimed ----------------------------------------------------------------------------------------------


def test_a_claim_is_as_large_as_asked_for_and_takes_the_longest_due(met: SqlStore) -> None:
    await_report(met, NOON - HOUR, "visit-2")
    await_report(met, NOON)
    assert ids(claim(met, limit=1)) == ["visit-2"]
    assert ids(claim(met, limit=1)) == ["visit-1"]


def test_a_leased_check_is_nobody_elses_and_that_of_a_killed_worker_comes_back(
    met: SqlStore, other_store: SqlStore
) -> None:
    await_report(met)
    claim(met)
    assert claim(other_store, NOON + LEASE - SECOND) == []
    [again] = claim(other_store, NOON + LEASE)
    assert (again.claims, again.failures) == (2, 0)


def test_two_workers_never_hold_the_same_look(met: SqlStore, other_store: SqlStore) -> None:
    expect(met)
    found: list[AttendanceCheck] = []
    together = Barrier(2)

    def work(store: SqlStore) -> None:
        together.wait()
        found.extend(claim(store, limit=1))
        found.extend(claim(store, limit=1))

    threads = [Thread(target=work, args=[store]) for store in (met, other_store)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ids(found)) == ["visit-1", "visit-2"]


# Decided ----------------------------------------------------------------------------------------------


def test_a_look_that_brought_nothing_counts_and_waits(met: SqlStore) -> None:
    await_report(met)
    [check] = claim(met)
    with met.write() as tx:
        tx.attendance.retry(check, NOON + HOUR)
    assert claim(met, NOON + HOUR - SECOND) == []
    [again] = claim(met, NOON + HOUR)
    assert (again.failures, again.awaited) == (1, True)


def test_a_look_that_brought_something_counts_anew(met: SqlStore) -> None:
    await_report(met)
    [check] = claim(met)
    with met.write() as tx:
        tx.attendance.retry(check, NOON)
    [check] = claim(met)
    with met.write() as tx:
        tx.attendance.look_again(check, NOON + HOUR)
    [again] = claim(met, NOON + HOUR)
    assert (again.failures, again.awaited) == (0, False)


def test_what_is_settled_comes_back_when_the_visit_is_open_still(met: SqlStore) -> None:
    finish(met, visit_number(2))
    await_report(met)
    await_report(met, visit_id="visit-2")
    for check in claim(met):
        settle(met, check)
    assert claim(met, NOON + 99 * HOUR) == []
    expect(met, NOON + HOUR)
    assert ids(claim(met, NOON + HOUR)) == [VISIT.id]


def test_what_is_given_up_comes_back_only_when_a_call_ends(met: SqlStore) -> None:
    await_report(met)
    [check] = claim(met)
    with met.write() as tx:
        tx.attendance.give_up(check, "http_403")
        tx.attendance.expect(NOON)
        tx.attendance.look_by(VISIT.id, NOON)
    assert ids(claim(met)) == ["visit-2"]
    await_report(met)
    [again] = claim(met)
    assert (again.visit_id, again.failures) == (VISIT.id, 0)
    settle(met, again)
    expect(met, NOON)
    assert ids(claim(met)) == [VISIT.id], "nor is it remembered then"


def test_a_worker_that_lost_its_lease_decides_nothing_any_more(met: SqlStore) -> None:
    await_report(met)
    [lost] = claim(met)
    [held] = claim(met, NOON + LEASE)
    with met.write() as tx:
        tx.attendance.settle(lost)
        tx.attendance.retry(lost, NOON)
        tx.attendance.look_again(lost, NOON)
        tx.attendance.give_up(lost, "late")
        tx.attendance.retry(held, NOON + HOUR)
    [again] = claim(met, NOON + HOUR)
    assert again == AttendanceCheck(VISIT.id, awaited=True, failures=1, claims=3)


def test_whoever_looks_while_a_call_ends_has_looked_too_early(met: SqlStore) -> None:
    await_report(met)
    [early] = claim(met)
    await_report(met, NOON + HOUR)
    settle(met, early)
    assert ids(claim(met, NOON + HOUR)) == [VISIT.id]


# Gone with the key ------------------------------------------------------------------------------------


def test_a_look_to_come_keeps_the_key_of_a_visit_that_is_over(met: SqlStore) -> None:
    finish(met)
    await_report(met)
    with met.write() as tx:
        assert tx.visits.destroy_secrets(NOON + HOUR, NOON - HOUR) == 0
    [check] = claim(met)
    settle(met, check)
    with met.write() as tx:
        assert tx.visits.destroy_secrets(NOON + HOUR, NOON - HOUR) == 1


def test_an_old_key_is_destroyed_with_the_look_that_waits_for_it(met: SqlStore) -> None:
    await_report(met)
    with met.write() as tx:
        assert tx.visits.destroy_secrets(NOON - HOUR, NOON + HOUR) == 3
        assert tx.attendance.awaited() == 0
    assert claim(met) == []


def test_a_look_goes_with_its_visit(met: SqlStore) -> None:
    finish(met)
    await_report(met)
    with met.write() as tx:
        tx.visits.purge(NOON + HOUR)
    assert claim(met) == []
