"""The inbox of Graph's posts: oldest first, leased, buried when nothing helps."""

from datetime import datetime, timedelta

from tests.builders.store import NOON

from connector.adapters.sql.store import SqlStore
from connector.ports.storage import StoredNotification

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def fill(store: SqlStore, *bodies: bytes) -> None:
    with store.write() as tx:
        for body in bodies:
            tx.inbox.add(body, NOON)


def claim(store: SqlStore, now: datetime = NOON, limit: int = 10) -> list[StoredNotification]:
    with store.write() as tx:
        return list(tx.inbox.claim(now, limit))


def test_posts_come_out_oldest_first_and_unchanged(store: SqlStore) -> None:
    bodies = [b"\x00\xff raw", b"", b"x" * 100_000]
    fill(store, *bodies)
    claimed = claim(store)
    assert [n.body for n in claimed] == bodies
    assert [n.attempts for n in claimed] == [0, 0, 0]
    assert [n.id for n in claimed] == sorted(n.id for n in claimed)


def test_the_same_body_twice_is_two_posts(store: SqlStore) -> None:
    fill(store, b"same", b"same")
    assert len(claim(store)) == 2


def test_an_empty_inbox_gives_nothing(store: SqlStore) -> None:
    assert claim(store) == []


def test_a_claim_is_as_large_as_asked_for(store: SqlStore) -> None:
    fill(store, b"1", b"2", b"3")
    assert [n.body for n in claim(store, limit=2)] == [b"1", b"2"]
    assert [n.body for n in claim(store, limit=2)] == [b"3"]


def test_a_leased_post_is_nobody_elses(store: SqlStore, other_store: SqlStore) -> None:
    fill(store, b"1")
    claim(store)
    assert claim(other_store, NOON + MINUTE - SECOND) == []


def test_the_post_of_a_killed_worker_comes_back(store: SqlStore, other_store: SqlStore) -> None:
    """Case 73."""
    fill(store, b"1")
    claim(store)
    [again] = claim(other_store, NOON + MINUTE)
    assert (again.body, again.attempts) == (b"1", 1)


def test_a_post_that_was_applied_is_gone(store: SqlStore) -> None:
    fill(store, b"1")
    [notification] = claim(store)
    with store.write() as tx:
        tx.inbox.done(notification.id)
        tx.inbox.done(notification.id)
        tx.inbox.retry(notification.id, NOON)
    assert claim(store, NOON + timedelta(days=1)) == []


def test_a_retried_post_waits_for_its_time(store: SqlStore) -> None:
    fill(store, b"1")
    [notification] = claim(store)
    with store.write() as tx:
        tx.inbox.retry(notification.id, NOON + 10 * MINUTE)
    assert claim(store, NOON + 9 * MINUTE) == []
    assert [n.attempts for n in claim(store, NOON + 10 * MINUTE)] == [1]


def test_a_buried_post_is_not_tried_again(store: SqlStore) -> None:
    """Case 56: a dead letter."""
    fill(store, b"bad", b"good")
    bad, _good = claim(store)
    with store.write() as tx:
        tx.inbox.bury(bad.id, "decryption_failed")
    assert [n.body for n in claim(store, NOON + timedelta(days=1))] == [b"good"]


def test_unknown_posts_change_nothing(store: SqlStore) -> None:
    fill(store, b"1")
    with store.write() as tx:
        tx.inbox.done(999)
        tx.inbox.bury(999, "x")
        tx.inbox.retry(999, NOON)
    assert len(claim(store)) == 1


def test_a_dead_letter_is_deleted_after_its_time_and_nothing_else_is(store: SqlStore) -> None:
    fill(store, b"bad", b"good")
    bad, _good = claim(store)
    with store.write() as tx:
        tx.inbox.bury(bad.id, "decryption_failed")
        assert tx.inbox.purge(NOON) == 0
        assert tx.inbox.purge(NOON + SECOND) == 1
    assert [n.body for n in claim(store, NOON + MINUTE)] == [b"good"]


def test_what_waits_to_be_applied_is_counted_leased_or_not(store: SqlStore) -> None:
    fill(store, b"1", b"2", b"3", b"4")
    first, second, _leased = claim(store, limit=3)
    with store.write() as tx:
        tx.inbox.done(first.id)
        tx.inbox.bury(second.id, "unreadable")
        assert tx.inbox.waiting() == 2
