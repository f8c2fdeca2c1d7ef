"""The outbox: lanes in order, one worker a message, nothing lost with a killed worker."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.builders.store import NOON, TENANT, VISIT, visit_number

from connector.adapters.sql.store import SqlStore
from connector.domain.outbox import CLAIM, MessageState, OutboxMessage
from connector.ports.storage import StorageConflict

LATER = NOON + timedelta(minutes=1)
SOON = timedelta(seconds=1)


def fill(store: SqlStore, *keys: str, visit: int = 1) -> None:
    with store.write() as tx:
        for key in keys:
            tx.outbox.add(visit_number(visit), key, key.encode(), NOON)


def claim(store: SqlStore, now: datetime = LATER, limit: int = 10) -> list[OutboxMessage]:
    with store.write() as tx:
        return list(tx.outbox.claim_due(now, limit))


def keys(messages: list[OutboxMessage]) -> list[str]:
    return [message.key for message in messages]


def deliver(store: SqlStore, message: OutboxMessage) -> None:
    with store.write() as tx:
        tx.outbox.delivered(message.id, LATER)


def test_a_message_comes_out_as_it_went_in(visited: SqlStore) -> None:
    fill(visited, "joined")
    [message] = claim(visited)
    assert message == OutboxMessage(
        id=message.id,
        visit_id=VISIT.id,
        environment_id=VISIT.environment_id,
        tenant_id=TENANT,
        key="joined",
        sealed=b"joined",
        state=MessageState.PENDING,
        attempts=0,
    )


def test_a_key_is_added_once(visited: SqlStore) -> None:
    """Case 51: a hundred duplicates are one write-back."""
    fill(visited, *["joined"] * 100)
    fill(visited, "joined")
    assert len(claim(visited)) == 1
    with visited.read() as tx:
        assert tx.outbox.counts()["pending"] == 1


def test_a_message_of_an_unknown_visit_is_refused(visited: SqlStore) -> None:
    with pytest.raises(StorageConflict), visited.write() as tx:
        tx.outbox.add(replace(VISIT, id="nobody's"), "key", b"sealed", NOON)


def test_a_lane_gives_out_its_head_only(visited: SqlStore) -> None:
    fill(visited, "first", "second")
    assert keys(claim(visited)) == ["first"]
    assert claim(visited) == []


def test_a_lane_moves_on_when_its_head_is_delivered(visited: SqlStore) -> None:
    fill(visited, "first", "second", "third")
    order = []
    while due := claim(visited):
        order += keys(due)
        deliver(visited, due[0])
    assert order == ["first", "second", "third"]


def test_lanes_do_not_wait_for_one_another(visited: SqlStore) -> None:
    fill(visited, "a-1", "a-2", visit=1)
    fill(visited, "b-1", "b-2", visit=2)
    assert keys(claim(visited)) == ["a-1", "b-1"]


def test_a_claim_is_as_large_as_asked_for(visited: SqlStore) -> None:
    for visit in (1, 2, 3):
        fill(visited, f"of-{visit}", visit=visit)
    assert keys(claim(visited, limit=2)) == ["of-1", "of-2"]
    assert keys(claim(visited, limit=2)) == ["of-3"]


def test_a_message_waits_until_it_is_due(visited: SqlStore) -> None:
    fill(visited, "first")
    assert claim(visited, NOON - SOON) == []
    assert keys(claim(visited, NOON)) == ["first"]


def test_a_leased_message_is_nobody_elses(visited: SqlStore, other_store: SqlStore) -> None:
    fill(visited, "first")
    claim(visited, LATER)
    assert claim(other_store, LATER + CLAIM - SOON) == []


def test_the_message_of_a_killed_worker_comes_back(
    visited: SqlStore, other_store: SqlStore
) -> None:
    """Case 73: the lease runs out; the lost attempt is counted."""
    fill(visited, "first", "second")
    claim(visited, LATER)
    [again] = claim(other_store, LATER + CLAIM)
    assert (again.key, again.attempts) == ("first", 1)


def test_a_retried_message_keeps_its_place_in_the_lane(visited: SqlStore) -> None:
    fill(visited, "first", "second")
    [first] = claim(visited)
    with visited.write() as tx:
        tx.outbox.retry(first, LATER + timedelta(hours=1), "http_503")
    assert claim(visited, LATER + timedelta(minutes=59)) == []
    [again] = claim(visited, LATER + timedelta(hours=1))
    assert (again.key, again.state, again.attempts) == ("first", MessageState.RETRY_AT, 1)


def test_a_parked_message_parks_its_lane_only(visited: SqlStore) -> None:
    """Case 68: one poison event stops its own visit."""
    fill(visited, "poison", "after", visit=1)
    fill(visited, "fine", visit=2)
    poison, fine = claim(visited)
    with visited.write() as tx:
        tx.outbox.park(poison, "INVALID-USER-ID")
    deliver(visited, fine)
    fill(visited, "also fine", visit=2)
    assert keys(claim(visited, LATER + timedelta(days=1))) == ["also fine"]


def test_a_parked_message_can_be_put_back(visited: SqlStore) -> None:
    fill(visited, "poison", "after")
    [poison] = claim(visited)
    with visited.write() as tx:
        tx.outbox.park(poison, "INVALID-USER-ID")
    with visited.read() as tx:
        [owed, _after] = tx.outbox.owed()
        assert (owed.id, owed.code, owed.replayable) == (poison.id, "INVALID-USER-ID", True)
    with visited.write() as tx:
        tx.outbox.replay(poison.id, LATER)
    assert keys(claim(visited)) == ["poison"]


def test_only_a_parked_message_can_be_put_back(visited: SqlStore) -> None:
    fill(visited, "first", "second")
    [first] = claim(visited)
    with visited.write() as tx:
        tx.outbox.replay(first.id, LATER)
    assert claim(visited) == [], "somebody holds it"
    deliver(visited, first)
    with visited.write() as tx:
        tx.outbox.replay(first.id, LATER)
    assert keys(claim(visited)) == ["second"]


def test_what_is_owed_is_listed_without_what_was_delivered(visited: SqlStore) -> None:
    fill(visited, "first", "second")
    [first] = claim(visited)
    deliver(visited, first)
    with visited.read() as tx:
        [owed] = tx.outbox.owed()
    assert (owed.visit_id, owed.state, owed.replayable) == (VISIT.id, MessageState.PENDING, False)


def test_environments_that_are_busy_are_passed_over(visited: SqlStore) -> None:
    fill(visited, "first")
    with visited.write() as tx:
        assert tx.outbox.claim_due(LATER, 10, [VISIT.environment_id]) == []
        assert len(tx.outbox.claim_due(LATER, 10, ["another"])) == 1


@pytest.mark.parametrize("late", ["retry", "park"])
def test_a_worker_that_lost_its_lease_decides_nothing_any_more(
    visited: SqlStore, late: str
) -> None:
    fill(visited, "first")
    [lost] = claim(visited, LATER)
    [held] = claim(visited, LATER + CLAIM)
    with visited.write() as tx:
        if late == "retry":
            tx.outbox.retry(lost, NOON, "timeout")
        else:
            tx.outbox.park(lost, "timeout")
    assert claim(visited, LATER + CLAIM) == [], "it is leased still"
    [again] = claim(visited, LATER + 2 * CLAIM)
    assert (again.id, again.attempts) == (held.id, 2)


def test_what_was_delivered_stays_delivered(visited: SqlStore) -> None:
    """A worker that lost its lease reports late; the EHR has it already."""
    fill(visited, "first")
    [message] = claim(visited)
    deliver(visited, message)
    with visited.write() as tx:
        tx.outbox.retry(message, NOON, "timeout")
        tx.outbox.park(message, "timeout")
        assert tx.outbox.counts() == {"pending": 0, "retry_at": 0, "delivered": 1, "parked": 0}
    assert claim(visited, LATER + timedelta(days=1)) == []


def test_counts_name_every_state(visited: SqlStore) -> None:
    for visit in (1, 2, 3):
        fill(visited, f"of-{visit}", f"more-{visit}", visit=visit)
    first, second, third = claim(visited)
    with visited.write() as tx:
        tx.outbox.delivered(first.id, LATER)
        tx.outbox.retry(second, LATER, "http_503")
        tx.outbox.park(third, "http_400")
    with visited.read() as tx:
        assert tx.outbox.counts() == {"pending": 3, "retry_at": 1, "delivered": 1, "parked": 1}


def test_the_backlog_is_what_is_tried_again_and_since_when(visited: SqlStore) -> None:
    with visited.write() as tx:
        tx.outbox.add(visit_number(1), "first", b"", NOON)
        tx.outbox.add(visit_number(2), "second", b"", NOON + SOON)
        tx.outbox.add(visit_number(3), "third", b"", NOON + 2 * SOON)
    first, second, _third = claim(visited)
    with visited.write() as tx:
        tx.outbox.park(first, "http_400")
        tx.outbox.retry(second, LATER, "http_503")
        backlog = tx.outbox.backlog()
    assert backlog.messages == {"pending": 1, "retry_at": 1}
    assert backlog.oldest_seconds(NOON + timedelta(seconds=61)) == 60


def test_nothing_waits_when_all_is_delivered(visited: SqlStore) -> None:
    fill(visited, "first")
    [message] = claim(visited)
    deliver(visited, message)
    with visited.read() as tx:
        backlog = tx.outbox.backlog()
    assert backlog.messages == {"pending": 0, "retry_at": 0}
    assert backlog.oldest_seconds(LATER) == 0


def test_reports_about_unknown_messages_change_nothing(visited: SqlStore) -> None:
    fill(visited, "first")
    unknown = OutboxMessage(999, "v", "e", TENANT, "k", b"", MessageState.PENDING, 0)
    with visited.write() as tx:
        tx.outbox.delivered(999, LATER)
        tx.outbox.retry(unknown, LATER, "timeout")
        tx.outbox.park(unknown, "timeout")
        tx.outbox.replay(999, LATER)
        assert tx.outbox.counts() == {"pending": 1, "retry_at": 0, "delivered": 0, "parked": 0}
